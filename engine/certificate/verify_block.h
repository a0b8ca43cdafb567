// Levels 1 to 3 for one block: its artifacts hashed, read and replayed, every number of its certificate recomputed.
#pragma once

#include "engine/certificate/block_scan.h"
#include "engine/certificate/check_list.h"
#include "engine/certificate/consistency.h"
#include "engine/certificate/run_contents.h"
#include "engine/certificate/verify.h"
#include "engine/certificate/weight_source.h"
#include "engine/ir/block_ir.h"

#include <functional>
#include <optional>

namespace blockcert::certificate {

// What all blocks of one verification share.
struct BlockContext {
    const RunFolder& folder;
    const RunContents& contents;
    const VerifyOptions& options;
    WeightSource& weights;
    WeightSource& surrogateWeights;                          // the other checkpoint of the family checkpoint
    std::function<bool(LayerIndex, PromptIndex)> isReplayed; // drawn cells at level 2, all from level 3 on
    std::int64_t cellsDone = 0;
    std::int64_t cells = 0; // how many isReplayed() accepts
};

// What is kept of a block for checks across blocks and for level 4.
struct BlockOutcome {
    std::optional<RecordedTrace> trace;
    std::optional<ir::BlockProgram> program; // as stored; digests of its weights were checked if weightsHold
    bool weightsHold = false;
    bool weightsByReference = false; // every one of them, and into the files of the model that the run is about
};

[[nodiscard]] BlockOutcome verifyBlock(const Certificate& certificate, BlockContext& block, CheckList& checks,
                                       const RunContext& context);

}
