// What the Run page asks for, and the three forms of it: request parameters, a command line, plain words.
#pragma once

#include "engine/base/strict_json.h"
#include "widgets/values.h"

#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace blockcert::workbench {

struct PromptChoice {
    enum class Kind { Bundled, File, Typed };

    Kind kind = Kind::Bundled;
    QString name = QStringLiteral("base"); // a bundled set, or the path of a file
    QString text;                          // typed prompts, one a line, or one JSON object a line

    friend bool operator==(const PromptChoice&, const PromptChoice&) = default;
};

// "txt", or "jsonl" when every line that is not empty begins with a brace.
[[nodiscard]] QString typedFormat(const QString& text);

struct RunSettings {
    QString model;
    PromptChoice prompts;
    QString blocks = QStringLiteral("all"); // or "0,5,10-12"
    QString out;
    QString dtype = QStringLiteral("fp32");
    QString replayDtype = QStringLiteral("fp64");
    QString loss = QStringLiteral("exact");
    QString surrogate = QStringLiteral("exact"); // as `--surrogate` spells it: "low-rank:64:attn", "checkpoint:MODEL"
    QString ablation;                            // as `--ablate` does, or empty
    QString weights = QStringLiteral("baseline");
    bool embedWeights = false;
    quint64 seed = 0;
    int maxTokens = 256;
    widgets::Thresholds policy;
    bool tauRelGiven = false; // else the engine's default for the baseline dtype

    friend bool operator==(const RunSettings&, const RunSettings&) = default;
};

// Parameters of `certify` and `estimate`.
[[nodiscard]] Json certifyParameters(const RunSettings& settings, bool resume);
// The command that does the same; typed prompts have to be in a file first.
[[nodiscard]] QString certifyCommand(const RunSettings& settings, bool resume = false);
// The settings of a run that was opened, for resuming it: run.json's request, with the model and the prompts from the
// command line that is written in it. Nothing if the command line does not name them.
[[nodiscard]] std::optional<RunSettings> settingsOf(const Json& manifest, const QString& runPath);
// The words of a command line as a POSIX shell would split them, without any expansion.
[[nodiscard]] QStringList shellWords(const QString& command);
// Quoted for a POSIX shell, where quoting is needed.
[[nodiscard]] QString shellCommand(const QStringList& words);

struct BlockChoice {
    std::vector<int> blocks; // ascending; empty if there is a problem
    QString problem;         // one sentence: which part of the text, and what blocks there are. Empty: none
};

// "0,5,10-12" or "all" of a model with `layers` blocks; no text is no block.
[[nodiscard]] BlockChoice parseBlocks(const QString& text, int layers);
// The shortest text for a selection; "all" if every block is chosen.
[[nodiscard]] QString blocksText(const std::vector<int>& blocks, int layers);

// The recorded tokens that a claim speaks of; none: they are not known yet.
struct ClaimScope {
    qint64 prompts = 0;
    qint64 tokens = 0;
};

// What a finished run of these settings will claim, in one sentence.
[[nodiscard]] QString claimSentence(const RunSettings& settings, int blocks, const ClaimScope& claimed);
[[nodiscard]] double defaultTauRel(const QString& dtype);

}
