// A map of differences between two runs, B − A: signed numbers that no threshold judges.
#pragma once

#include "widgets/values.h"

#include <memory>

namespace blockcert::widgets {

// What such a map has in place of thresholds: none, so nothing of it is covered, excluded or certified.
[[nodiscard]] inline Thresholds noThresholds()
{
    Thresholds none;
    none.tauAct = none.tauRel = none.tauLoss = none.alphaAct = none.alphaLoss = missing;
    return none;
}

// What a difference is of: B laid over A's blocks and prompts and judged by A's thresholds. Null: there is none.
struct ComparedMaps {
    std::shared_ptr<const TokenMap> a;
    std::shared_ptr<const TokenMap> b;
};

// A cell of such a map holds B − A of every number, and of the losses and next tokens A's surrogate as the original's
// and B's as the surrogate's. A map whose errors alone are held against nothing, as a stitched model's residuals, is
// none.
[[nodiscard]] inline bool isChange(const TokenMap& map)
{
    return isMissing(map.thresholds.tauAct) && isMissing(map.thresholds.tauRel) && isMissing(map.thresholds.tauLoss);
}

}
