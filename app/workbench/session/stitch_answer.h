// What `stitch` and `generate` say of a stitched model, as the Stitch page shows it.
#pragma once

#include "app/workbench/session/run_view.h"
#include "engine/base/strict_json.h"
#include "engine/figure/figure.h"
#include "widgets/fact_list.h"
#include "widgets/value_table.h"
#include "widgets/values.h"

#include <QString>
#include <QStringList>

#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

struct StitchPromptFacts {
    std::optional<int> firstToken; // whose most likely next token differs
    std::optional<int> firstLayer; // after which a residual exceeds the threshold
};

// The block that an event comes from, found by replacing more and more blocks, and each alone.
struct StitchBlame {
    QString sentence;
    widgets::CellKey at;
    std::optional<int> prefix;
    std::optional<int> single;
    widgets::ValueRows rows; // block, value with all up to it, value with it alone
};

struct StitchResult {
    QString name;
    QString kind; // "full-model" | "full-block"
    StitchSwitches switches;
    bool isWritten = false; // it is in the run, with a certificate
    bool isCertified = false;
    QString sentence;    // the whole in one line
    QStringList reasons; // why it is not certified
    std::vector<widgets::Fact> facts;
    // Columns are the layers of the model: error is ‖ĥ − h‖ after the layer, relative that over ‖h‖; the cell of the
    // last layer also has losses, divergence and next tokens of the whole model.
    std::shared_ptr<const widgets::TokenMap> residuals;
    std::vector<StitchPromptFacts> prompts;
    std::vector<StitchBlame> blames;
    bool isBisected = false;
    std::shared_ptr<const figure::Figure> layers; // mean and largest residual by layer

    [[nodiscard]] int lastLayer() const { return static_cast<int>(residuals->blocks.size()) - 1; }

    [[nodiscard]] const widgets::MapCell* ends(int prompt) const // the cell of the last layer; null if there is none
    {
        return residuals->cell(static_cast<std::size_t>(std::max(0, lastLayer())), static_cast<std::size_t>(prompt));
    }
};

// `run` gives prompts, names and thresholds. Throws FormatError for an answer without the numbers of tokens.
[[nodiscard]] StitchResult stitchResultOf(const Json& answer, const RunView& run);

struct StitchText {
    struct Side {
        std::shared_ptr<const std::vector<widgets::Token>> tokens;
        std::vector<double> margins; // by how many logits each token was ahead of the next one
        bool ended = false;          // by itself, not by the limit
    };

    Side original;
    Side stitched;
    std::optional<int> firstDivergence;
    int prompt = 0; // which of the run's
    StitchSwitches switches;
    QString sentence;
};

[[nodiscard]] StitchText stitchTextOf(const Json& answer, int prompt);

// The losses and the divergence of a prompt, token by token.
[[nodiscard]] figure::Figure stitchTokenFigure(const StitchResult& result, int prompt);

}
