// What `blockcert failures` tells of a run: of its blocks, what sets the failing or largest errors apart; of one token,
// norms, margins, the nearest passing token.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/figure/figure.h"
#include "widgets/fact_list.h"
#include "widgets/value_table.h"
#include "widgets/values.h"

#include <QString>
#include <QStringList>

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace blockcert::workbench {

struct FailureDetail {
    std::vector<widgets::Fact> facts; // norms, margin, what the parts contribute
    QString nearest;                  // the nearest passing token of the prompt, in one sentence; or empty
    QStringList margins;              // head by head, smallest first
};

// What is compared between a block's failing tokens and its others, over medians.
struct BlockContrast {
    QString quantity; // "value_norm": docs/protocol.md, `failures`
    double failing = widgets::missing;
    double passing = widgets::missing;
    double ratio = widgets::missing;
    double correlation = widgets::missing; // Spearman, of the error with the quantity over all tokens
};

struct BlockAnatomy {
    int block = 0;
    qint64 uncovered = 0;
    double epsilon = widgets::missing;      // of the measure that decides
    double epsilonRatio = widgets::missing; // to the median ε of the run's blocks
    qint64 massive = 0;
    qint64 halfOfError = 0; // how few tokens carry half of the summed error
    // False where every token is covered, or none: the largest errors stand for the failing ones.
    bool failingAreUncovered = false;
    qint64 failing = 0;
    widgets::CellKey worst;
    QStringList notes;                    // sentences; the first says so where the block stands out
    std::vector<BlockContrast> contrasts; // empty where one of the groups is
};

struct FailureAnatomy {
    QString run;
    std::map<std::tuple<int, int, int>, FailureDetail> details; // by block, prompt, token
    std::vector<BlockAnatomy> blocks;                           // by falling ε
    std::optional<int> outstanding;                             // the block that stands out
    QStringList problems;

    [[nodiscard]] const BlockAnatomy* ofBlock(int block) const; // null: it is not told of
    // One sentence about the block that stands out, or that none does.
    [[nodiscard]] QString headline() const;
};

[[nodiscard]] FailureAnatomy failureAnatomyOf(const Json& answer);

// A row a block, in the anatomy's order; `map` gives the words of the tokens.
[[nodiscard]] widgets::ValueRows blockRowsOf(const FailureAnatomy& anatomy, const widgets::TokenMap& map);

// A row a quantity: medians of both groups, their ratio, the rank correlation with the error.
[[nodiscard]] widgets::ValueRows contrastRowsOf(const BlockAnatomy& block);

// A prompt that was made as short as it can be and still fails.
struct MinimisedPrompt {
    QString sentence;
    QString line; // of a prompt file
    std::shared_ptr<const std::vector<widgets::Token>> tokens;
    std::vector<int> kept; // positions in the prompt it was made from
    int prompt = -1;
    int block = -1;
};

[[nodiscard]] MinimisedPrompt minimisedPromptOf(const Json& answer);

// Norm of the output and smallest attention margin at the tokens around one, from what the run recorded.
[[nodiscard]] figure::Figure aroundFigure(const widgets::TokenMap& map, const widgets::CellKey& key);

}
