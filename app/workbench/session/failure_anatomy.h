// What `blockcert failures` tells of a run, for the card of one failure: norms, margins, the nearest passing token,
// notes.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/figure/figure.h"
#include "widgets/fact_list.h"
#include "widgets/values.h"

#include <QString>
#include <QStringList>

#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace blockcert::workbench {

struct FailureDetail {
    std::vector<widgets::Fact> facts; // norms, margin, what the parts contribute
    QString nearest;                  // the nearest passing token of the prompt, in one sentence; or empty
    QStringList margins;              // head by head, smallest first
};

struct FailureAnatomy {
    QString run;
    std::map<std::tuple<int, int, int>, FailureDetail> details; // by block, prompt, token
    std::map<int, QStringList> notes;                           // by block: what sets its failing tokens apart
    QStringList summary;                                        // about the block that stands out
};

[[nodiscard]] FailureAnatomy failureAnatomyOf(const Json& answer);

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
