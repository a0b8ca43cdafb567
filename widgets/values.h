// What the views show: plain values, filled by the window from the engine's answers. Immutable once shared.
#pragma once

#include "engine/values/verdict.h"

#include <QString>
#include <QStringList>

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace blockcert::widgets {

// A number that was not measured. Never drawn as zero: hatched on a map, an en dash in a table.
inline constexpr double missing = std::numeric_limits<double>::quiet_NaN();

[[nodiscard]] inline bool isMissing(double value)
{
    return std::isnan(value);
}

// --- tokens and prompts

enum class TokenKind : std::uint8_t { Ordinary, Bos, Eos, Special };

struct Token {
    std::int32_t id = 0;
    QString piece; // as the tokenizer decodes it alone; leading space kept, "␣", "⏎" are drawn by the views
    TokenKind kind = TokenKind::Ordinary;

    friend bool operator==(const Token&, const Token&) = default;
};

struct PromptRow {
    QString id;
    QString rendered; // the text that was encoded
    std::vector<Token> tokens;
    qint64 truncatedTokens = 0;
    QString label;
    QStringList tags;
    QString split;   // "heldout" is never used to certify
    QString problem; // a sentence, or empty

    friend bool operator==(const PromptRow&, const PromptRow&) = default;
};

struct PromptList {
    QString name;
    QString sha256;
    bool bundled = false;
    std::vector<PromptRow> prompts;

    [[nodiscard]] qint64 tokenCount() const
    {
        qint64 count = 0;
        for (const PromptRow& prompt : prompts)
            count += static_cast<qint64>(prompt.tokens.size());
        return count;
    }
};

// --- a model, from its headers

struct ModelFile {
    QString name;
    quint64 size = 0;
    QString sha256; // empty until it has been hashed
};

struct TensorRow {
    QString name;
    QString role; // empty: not mapped
    QString dtype;
    std::vector<qint64> shape;
    quint64 bytes = 0;
    QString file;
};

struct DTypeShare {
    QString dtype;
    qint64 tensors = 0;
    quint64 bytes = 0;
};

struct TokenizerCard {
    QString kind;
    qint64 vocabulary = 0;
    std::optional<std::int32_t> bos;
    std::vector<std::int32_t> eos;
    bool chatTemplate = false;
};

struct ModelCard {
    QString name;
    QString path;
    QString container;    // "safetensors" | "gguf"
    QString architecture; // "llama" | "gpt2"
    int layers = 0;
    int dModel = 0;
    int heads = 0;
    int kvHeads = 0;
    int headDim = 0;
    int dFf = 0;
    qint64 vocab = 0;
    qint64 context = 0;
    bool tiedEmbeddings = false;
    qint64 parameters = 0;
    double normEpsilon = missing;
    double ropeTheta = missing; // missing: learned positions
    QString ropeScaling;        // empty: none
    QString configSha256;
    std::vector<ModelFile> files;
    std::vector<TensorRow> tensors;
    std::vector<DTypeShare> dtypes;
    std::optional<TokenizerCard> tokenizer;
    QString tokenizerProblem;
    quint64 fp32Bytes = 0; // memory estimate
    quint64 bf16Bytes = 0;
    QStringList warnings;
};

// --- what a run measured

// One cell of every map: block and prompt are 0-based numbers of the run, not positions in a list.
struct CellKey {
    int block = -1;
    int prompt = -1;
    int token = -1;

    [[nodiscard]] bool isValid() const { return block >= 0 && prompt >= 0 && token >= 0; }

    friend bool operator==(const CellKey&, const CellKey&) = default;
};

struct Candidate {
    std::int32_t id = 0;
    QString piece;
    double logit = missing;
};

using TopFive = std::vector<Candidate>; // highest logit first, at most five

// One block on one prompt. Every vector is [token] of the prompt, or empty if it was not measured;
// single missing entries (the loss of the first token) are `missing`.
struct MapCell {
    std::vector<double> error;
    std::vector<double> relative;
    std::vector<double> errorAttention;
    std::vector<double> errorMlp;
    std::vector<double> outputNorm;
    std::vector<double> margin; // smallest over heads
    std::vector<int> marginHead;
    std::vector<double> lossBase; // nats, of this token given the ones before it
    std::vector<double> lossStitched;
    std::vector<double> kl; // KL(original ‖ surrogate) of the next token's distribution, nats
    std::vector<TopFive> topBase;
    std::vector<TopFive> topStitched;
};

struct MapPrompt {
    QString id;
    QString rendered;
    std::vector<Token> tokens;
    QStringList tags = {};
};

struct Thresholds {
    double tauAct = 1e-2;
    double tauRel = 1e-5;
    double tauLoss = 1e-3;
    double alphaAct = 0.94;
    double alphaLoss = 0.9;
    bool relativeDecides = false; // ErrorMeasure::RelativeL2

    friend bool operator==(const Thresholds&, const Thresholds&) = default;
};

// Everything the heatmap, the spark line and the inspector of a run show. Copying is cheap: cells are shared.
struct TokenMap {
    QString model;
    QString run;
    std::vector<int> blocks; // ascending block numbers, the columns
    std::vector<MapPrompt> prompts;
    std::vector<std::shared_ptr<const MapCell>> cells; // [position in blocks, prompt], null: not measured (yet)
    Thresholds thresholds;

    [[nodiscard]] const MapCell* cell(std::size_t column, std::size_t prompt) const
    {
        const std::size_t at = column * prompts.size() + prompt;
        return column < blocks.size() && prompt < prompts.size() && at < cells.size() ? cells[at].get() : nullptr;
    }

    // -1 if the block is not a column.
    [[nodiscard]] int columnOf(int block) const
    {
        for (std::size_t column = 0; column < blocks.size(); ++column)
            if (blocks[column] == block)
                return static_cast<int>(column);
        return -1;
    }

    // Of all prompts.
    [[nodiscard]] std::int64_t tokenCount() const
    {
        std::int64_t count = 0;
        for (const MapPrompt& prompt : prompts)
            count += static_cast<std::int64_t>(prompt.tokens.size());
        return count;
    }
};

enum class Metric : std::uint8_t { Error, AttentionPart, MlpPart, Relative, Coverage, LossDifference, Kl, Margin };

inline constexpr std::array<Metric, 8> allMetrics{Metric::Error,    Metric::AttentionPart, Metric::MlpPart,
                                                  Metric::Relative, Metric::Coverage,      Metric::LossDifference,
                                                  Metric::Kl,       Metric::Margin};

// Error or Relative: what coverage counts.
[[nodiscard]] constexpr Metric decidingMetric(const Thresholds& thresholds)
{
    return thresholds.relativeDecides ? Metric::Relative : Metric::Error;
}

// The number a metric shows for one token of a cell; `missing` if it was not measured.
// LossDifference is the signed ℓ_stitched − ℓ_base; maps colour its magnitude. Coverage is 1 where the deciding
// error is within its threshold, else 0.
[[nodiscard]] double valueOf(const MapCell& cell, Metric metric, std::size_t token, const Thresholds& thresholds);
// Whether any token has the number: the choice of a metric that was never measured is off.
[[nodiscard]] bool isMeasured(const TokenMap& map, Metric metric);

// Cells chosen together: every listed token at every listed block.
struct MapSlice {
    struct Place {
        int prompt = 0;
        int token = 0;

        friend bool operator==(const Place&, const Place&) = default;
        friend auto operator<=>(const Place&, const Place&) = default;
    };

    std::vector<int> blocks;   // ascending block numbers
    std::vector<Place> tokens; // ascending

    [[nodiscard]] bool isEmpty() const { return blocks.empty() || tokens.empty(); }

    friend bool operator==(const MapSlice&, const MapSlice&) = default;
};

// --- the block table

enum class BlockState : std::uint8_t { Waiting, Running, Certified, NotCertified, Refused };

struct BlockFinding {
    QString code;
    QString where;
    double observed = missing;
    double threshold = missing;
};

struct BlockRow {
    int block = 0;
    BlockState state = BlockState::Waiting;
    double epsilon = missing;
    double mae = missing;
    double activationCoverage = missing;
    double pathCoverage = missing;
    double lossCoverage = missing; // missing: no losses were recorded, and no verdict rests on them
    double relativeEpsilon = missing;
    double relativeMean = missing;
    double relativeCoverage = missing;
    double q50 = missing;
    double q90 = missing;
    double q95 = missing;
    double q99 = missing;
    CellKey worst;
    QString worstPiece;
    std::vector<BlockFinding> findings;
};

// --- work in progress, verification

enum class StepState : std::uint8_t { Waiting, Running, Done, Failed, Cancelled };

struct CheckRow {
    QString id;
    QString group; // "integrity" | "consistency" | "re-evaluation" | "policy" | "provenance"
    QString where;
    QString title;
    CheckState state = CheckState::NotChecked;
    QString issuer; // full precision, as text
    QString recomputed;
    QString how;
    QString detail;
    bool required = true;
};

struct VerdictView {
    CheckState state = CheckState::NotChecked;
    int level = 0;
    QString sentence;
    QString scope;    // one line under the sentence: model, blocks, prompts and tokens
    QStringList says; // what stands in for the blocks, and under which thresholds
    QStringList notChecked;
    QStringList doesNotSay;
    std::vector<CheckRow> checks;
    quint64 seed = 0;
    double seconds = missing;
    int exitCode = 5;
    QString run;
    QString digest; // of its SHA256SUMS, or empty
};

// What the shape beside a verdict says: one of the four states of a check, or one of two weaker forms of Verified.
enum class Mark : std::uint8_t {
    Verified,
    Failed,
    NotChecked,
    WeakerThanPolicy,
    ButLosses, // verified, except that it rests on losses of which nobody but the issuer has said so
    Unchanged, // every file is the one that was listed; no number was recomputed
};

[[nodiscard]] constexpr Mark markOf(CheckState state)
{
    switch (state) {
    case CheckState::Verified: return Mark::Verified;
    case CheckState::Failed: return Mark::Failed;
    case CheckState::WeakerThanPolicy: return Mark::WeakerThanPolicy;
    case CheckState::NotChecked: break;
    }
    return Mark::NotChecked;
}

// The first level that recomputes numbers.
inline constexpr int firstReplayLevel = 2;

// Of a whole verdict, made at that level.
[[nodiscard]] constexpr Mark markOf(CheckState state, int level)
{
    return state == CheckState::Verified && level < firstReplayLevel ? Mark::Unchanged : markOf(state);
}

// What verifying a run here has found, block by block. Without one its statements are the issuer's.
struct RunVerdict {
    CheckState state = CheckState::NotChecked; // of the whole run: certificates verified alone do not make it Verified
    int level = 0;
    QString sentence;
    QString digest;                // of the run that was verified
    QString since;                 // the day of it, if that was before the window was opened; else empty
    std::vector<int> failedBlocks; // named by a check that does not hold
    std::map<int, int> aloneAt;    // block → the level at which its certificate, verified alone, holds
    std::vector<int> lossBlocks;   // whose losses were recomputed here, from the model

    // The level at which the block's numbers were found to hold; −1: at none.
    [[nodiscard]] int levelOf(int block) const
    {
        const bool holds = state == CheckState::Verified || state == CheckState::WeakerThanPolicy;
        const auto alone = aloneAt.find(block);
        return std::max(holds ? level : -1, alone == aloneAt.end() ? -1 : alone->second);
    }

    // Verified: every number of the block was recomputed here (level 3 and above) and agrees.
    [[nodiscard]] CheckState of(int block) const
    {
        if (std::find(failedBlocks.begin(), failedBlocks.end(), block) != failedBlocks.end())
            return CheckState::Failed;
        return levelOf(block) >= 3 ? CheckState::Verified : CheckState::NotChecked;
    }

    [[nodiscard]] bool hasLossesOf(int block) const
    {
        return std::find(lossBlocks.begin(), lossBlocks.end(), block) != lossBlocks.end();
    }

    // Of a block that is certified. Whether it is needs its losses, where they were recorded: coverage is derived from
    // them at level 3, but only level 4 recomputes them.
    [[nodiscard]] Mark markOf(int block, bool restsOnLosses) const
    {
        const CheckState found = of(block);
        return found == CheckState::Verified && restsOnLosses && !hasLossesOf(block) ? Mark::ButLosses
                                                                                     : widgets::markOf(found);
    }

    // Nothing is known of the whole run, only of some of its certificates.
    [[nodiscard]] bool isOfParts() const { return state == CheckState::NotChecked && !aloneAt.empty(); }
};

// One run of the list of runs. What has not been learnt yet is empty or `missing`.
struct RunRow {
    enum class State : std::uint8_t {
        Unknown,
        Running,
        Unfinished,
        Unverified,
        Unchanged, // by its digests; no number was recomputed
        Verified,
        Failed,
        Weaker,
        Unreadable
    };

    QString path;
    QString name;
    State state = State::Unknown;
    QString model;
    QString prompts;
    QString baselineDtype;
    QString surrogate; // "exact", "low-rank:64:attn"
    int blocks = 0;
    int certified = 0;
    qint64 tokens = 0;
    double epsilon = missing;
    qint64 changed = 0; // ms since 1970
    QString changedText;
    QStringList tags;
    QString note;
    QString problem;
};

// One run of several that are verified one after the other.
struct VerdictRow {
    QString name;
    QString path;
    StepState progress = StepState::Waiting;
    double fraction = 0;                       // while it is being verified
    CheckState state = CheckState::NotChecked; // once it is done
    int level = 0;
    int checks = 0;
    int failed = 0;
    int notChecked = 0; // of those required
    QString sentence;   // the verdict's, or why there is none
    double seconds = missing;
};

// certificate -> run -> weights -> tokenizer -> prompts, with a state on each edge.
struct ArtifactNode {
    QString name;
    QString note; // secondary text: "weights by reference", a size
    CheckState state = CheckState::NotChecked;
    std::vector<ArtifactNode> children;
};

// One row of the list of jobs. Numbers that are not known are `missing`.
struct JobRow {
    qint64 id = 0;
    QString title;
    StepState state = StepState::Waiting;
    QString stateWord; // "queued", "paused", "does not answer"; empty: the state's own
    QString stage;
    double done = 0;
    double total = 0; // 0: unknown
    QString unit;
    double rate = missing; // units a second
    double etaSeconds = missing;
    double elapsedSeconds = missing;
    double memoryBytes = missing; // of the process that is at it, now
    QString sentence;             // why it failed

    friend bool operator==(const JobRow& a, const JobRow& b)
    {
        const auto same = [](double x, double y) { return x == y || (isMissing(x) && isMissing(y)); };
        return a.id == b.id && a.title == b.title && a.state == b.state && a.stateWord == b.stateWord &&
               a.stage == b.stage && same(a.done, b.done) && same(a.total, b.total) && a.unit == b.unit &&
               same(a.rate, b.rate) && same(a.etaSeconds, b.etaSeconds) && same(a.elapsedSeconds, b.elapsedSeconds) &&
               same(a.memoryBytes, b.memoryBytes) && a.sentence == b.sentence;
    }
};

// One row of the lane: a stage ("load", bytes) or a block (cells).
struct ProgressRow {
    QString title; // "Block 11", "Load weights"
    StepState state = StepState::Waiting;
    double done = 0;
    double total = 0;           // 0: unknown
    QString unit;               // "cells", "bytes"
    std::vector<double> errors; // ε of the finished prompts, in order; drawn as a spark line
    double epsilon = missing;   // running maximum
    double threshold = missing;
    double coverage = missing;
    QString note; // "certified", "ε above τ", the engine's sentence
    int block = -1;
    std::optional<CheckState> outcome; // of a finished block: what its certificate says; absent: only done
};

struct RunProgress {
    QString title;
    StepState state = StepState::Waiting;
    double done = 0;
    double total = 0;
    QString unit;
    double elapsedSeconds = missing;
    double etaSecondsLow = missing; // a range, so that it does not jump
    double etaSecondsHigh = missing;
    double rate = missing; // unit per second
    std::vector<ProgressRow> rows;
};

}
