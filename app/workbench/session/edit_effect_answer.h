// What `edit_effect` says of a stack of edits, part by part, as the lab shows it.
#pragma once

#include "engine/base/strict_json.h"
#include "widgets/values.h"

#include <QString>
#include <QStringList>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

struct TokenPlace {
    int prompt = -1;
    int token = -1;
    QString piece;
};

// ‖edited − unedited‖₂ of an edited block's output on the unedited model's own input.
struct LocalEffect {
    struct Block {
        int block = 0;
        double epsilon = widgets::missing;
        double mean = widgets::missing;
    };

    struct Prompt {
        QString id;
        double largest = widgets::missing;
        std::vector<double> errors; // [token], the largest over edited blocks
    };

    int tokens = 0;
    double epsilon = widgets::missing;
    double mean = widgets::missing;
    double q50 = widgets::missing;
    double q90 = widgets::missing;
    double q95 = widgets::missing;
    double q99 = widgets::missing;
    int worstBlock = -1;
    TokenPlace worst;
    std::vector<Block> blocks;
    std::vector<Prompt> prompts;
    double seconds = widgets::missing;
};

struct DownstreamEffect {
    struct Prompt { // held out
        QString id;
        double lossChange = widgets::missing; // nats
        double meanKl = widgets::missing;
        double agreement = widgets::missing; // of the most likely next token
    };

    double finalPre = widgets::missing; // largest ‖h′ − h‖₂ before the final norm
    double finalPost = widgets::missing;
    double amplificationPre = widgets::missing; // missing: several edited blocks
    double amplificationPost = widgets::missing;
    std::vector<double> layerMean; // [layer]
    std::vector<double> layerLargest;
    int heldoutTokens = 0;
    double perplexityBefore = widgets::missing;
    double perplexityAfter = widgets::missing;
    double klMean = widgets::missing;
    double klLargest = widgets::missing;
    TokenPlace klWorst;
    double agreement = widgets::missing;
    std::vector<Prompt> prompts;
    double seconds = widgets::missing;
};

// A count with its Wilson 95 % interval.
struct Share {
    int hits = 0;
    int total = 0;
    double low = 0;
    double high = 1;

    [[nodiscard]] double value() const { return total > 0 ? static_cast<double>(hits) / total : widgets::missing; }
};

[[nodiscard]] QString shareText(const std::optional<Share>& share); // "3 of 12 [0.089, 0.532]", "none"

struct Accuracies {
    std::optional<Share> answer; // of the prompts labelled answer
    std::optional<Share> refuse; // of those labelled refuse
};

struct CompletedText {
    QString text;
    int tokens = 0;
    QString end;     // "stop", "length", "none"
    QString verdict; // the classifier's word
    QStringList markers;
};

struct CompletionRow {
    int prompt = 0;
    QString id;
    QString label;                       // what the prompt should be met with; empty: nothing
    std::optional<CompletedText> before; // nothing yet while it streams in
    std::optional<CompletedText> after;
    std::optional<int> firstDifference; // token
};

// What the classifier looks for.
struct MarkerTable {
    QString name;
    QString version;
    QString sha256;
    QStringList refusal;
    QStringList harmful;

    [[nodiscard]] QString title() const; // "refusal, version 1"
};

// Of one model's completions: what is no answer or refusal as it stands, and how many texts hold each marker.
struct TextCounts {
    int empty = 0;
    int truncated = 0;
    int neverRan = 0;
    std::map<QString, int> refusal; // by marker; those that occur
    std::map<QString, int> harmful;
};

[[nodiscard]] QString apartText(const TextCounts& counts, int texts); // "24 of 24 cut, 0 empty, 0 never ran"

struct CompletionsEffect {
    std::vector<CompletionRow> rows;
    Accuracies before;
    Accuracies after;
    TextCounts countsBefore;
    TextCounts countsAfter;
    MarkerTable markers;
    bool isComplete = false;
    double seconds = widgets::missing;
};

struct EditReceipt {
    struct Touched {
        int block = 0;
        QString tensor;
        QString before; // SHA-256; empty: there was no such tensor
        QString after;
        bool changed = true;
    };

    std::vector<Touched> touched;
    QString whyNothing; // the sentence with which `edit` would refuse; empty: it would not
};

// Parts that were not asked for are null.
struct EditEffect {
    QStringList edits; // a sentence a step
    bool isNeutral = false;
    std::shared_ptr<const LocalEffect> local;
    std::shared_ptr<const DownstreamEffect> downstream;
    std::shared_ptr<const CompletionsEffect> completions;
    std::shared_ptr<const EditReceipt> receipt;
};

// Throws FormatError for an answer that is no object.
[[nodiscard]] EditEffect editEffectOf(const Json& answer);
[[nodiscard]] MarkerTable markerTableOf(const Json& markers); // also the answer of `read_markers`; throws FormatError
[[nodiscard]] TextCounts textCountsOf(const Json& counts);
[[nodiscard]] CompletedText completedTextOf(const Json& text);
[[nodiscard]] CompletionRow completionRowOf(const Json& row);
[[nodiscard]] std::optional<Share> shareOf(const Json& object, const char* key);
[[nodiscard]] Accuracies accuraciesOf(const Json& object);
[[nodiscard]] TokenPlace tokenPlaceOf(const Json& object);
void takeQuantiles(const Json& quantiles, LocalEffect& local);

// Worst first: largest change of the loss, what was not measured at the end. Indices into `prompts`.
[[nodiscard]] std::vector<int> worstFirst(const DownstreamEffect& effect);

}
