#include "engine/pipeline/surrogate.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/weights.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace blockcert::pipeline {

HostTensor causalMask(std::int64_t tokens)
{
    HostTensor mask{DType::U8, {tokens, tokens}, std::vector<std::byte>(static_cast<std::size_t>(tokens * tokens))};
    for (std::int64_t query = 0; query < tokens; ++query)
        std::fill_n(mask.bytes.begin() + query * tokens, query + 1, std::byte{1});
    return mask;
}

ir::BlockIr exactSurrogate(const artifact::Checkpoint& checkpoint, LayerIndex layer, const RunRequest& request,
                           std::int64_t positions, const RunContext& context)
{
    ir::BlockIr block;
    block.program = ir::makeProgram(checkpoint.config(), layer);

    for (auto& [name, weight] : block.program.weights) {
        std::optional<WeightReference> reference = checkpoint.blockWeight(layer, name);
        if (!reference)
            throw FormatError(checkpoint.path().string() + ": block " + std::to_string(layer.value) +
                              " has no weight " + name);
        if (request.weights == WeightOrigin::Baseline)
            reference = artifact::castTo(std::move(*reference), request.baselineDtype);
        const HostTensor& value = block.weights[name] = model::loadWeight(checkpoint, *reference, context);
        if (value.shape != weight.shape)
            throw ShapeError(reference->file + ": " + reference->tensor + " does not have the shape that block " +
                             std::to_string(layer.value) + " needs for " + name);
        weight.dtype = value.dtype;
        if (!request.embedWeights)
            weight.reference = std::move(reference);
    }
    std::vector<std::pair<ir::IrWeight*, const HostTensor*>> undigested;
    for (auto& [name, weight] : block.program.weights)
        undigested.emplace_back(&weight, &block.weights.at(name));
    model::runTasks(static_cast<std::int64_t>(undigested.size()), context, [&](std::int64_t task) {
        const auto& [weight, value] = undigested[static_cast<std::size_t>(task)];
        weight->sha256 = sha256OfTensor(*value);
    });

    block.mask = causalMask(positions);
    if (block.program.ropeHalf != 0) {
        block.program.positions = positions;
        artifact::RopeTables tables = artifact::ropeTables(checkpoint.config(), positions, request.baselineDtype);
        block.ropeCos = std::move(tables.cosine);
        block.ropeSin = std::move(tables.sine);
    } else {
        block.ropeCos.shape = {0};
        block.ropeSin.shape = {0};
    }
    return block;
}

}
