#include "engine/pipeline/surrogate.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/weights.h"
#include "engine/pipeline/low_rank.h"
#include "engine/pipeline/weight_digests.h"
#include "engine/surrogate/ablation.h"
#include "engine/surrogate/family.h"
#include "engine/surrogate/weight_distance.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blockcert::pipeline {

namespace {

// One weight on its way from the baseline's to the surrogate's.
struct WeightInWork {
    const std::string* name = nullptr;
    ir::IrWeight* weight = nullptr;
    HostTensor* value = nullptr;
    HostTensor baseline; // W, where it is kept beside Ŵ
    HostTensor spectrum; // of a decomposed matrix
    std::optional<WeightDistance> distance;
};

}

HostTensor causalMask(std::int64_t tokens)
{
    HostTensor mask{DType::U8, {tokens, tokens}, std::vector<std::byte>(static_cast<std::size_t>(tokens * tokens))};
    for (std::int64_t query = 0; query < tokens; ++query)
        std::fill_n(mask.bytes.begin() + query * tokens, query + 1, std::byte{1});
    return mask;
}

Surrogates::Surrogates(const artifact::Checkpoint& checkpoint, const RunRequest& request,
                       std::shared_ptr<const artifact::Checkpoint> other, std::shared_ptr<WeightDigests> digests)
    : m_checkpoint(checkpoint)
    , m_request(request)
    , m_other(std::move(other))
    , m_digests(std::move(digests))
{
    surrogate::requireSense(request.surrogate, request.ablation, checkpoint.config());
    if (m_other)
        surrogate::requireSameShape(checkpoint.name(), checkpoint.config(), m_other->name(), m_other->config());
}

WeightReference Surrogates::referenceTo(const artifact::Checkpoint& source, LayerIndex layer,
                                        const std::string& name) const
{
    std::optional<WeightReference> reference = source.blockWeight(layer, name);
    if (!reference)
        throw FormatError(source.path().string() + ": block " + std::to_string(layer.value) + " has no weight " + name +
                          ".");
    return m_request.weights == WeightOrigin::Baseline
               ? artifact::castTo(std::move(*reference), m_request.baselineDtype)
               : *reference;
}

HostTensor Surrogates::load(const artifact::Checkpoint& source, const WeightReference& reference, LayerIndex layer,
                            const std::string& name, const ir::IrWeight& weight, const RunContext& context) const
{
    HostTensor value = model::loadWeight(source, reference, context);
    if (value.shape != weight.shape)
        throw ShapeError(reference.file + ": " + reference.tensor + " does not have the shape that block " +
                         std::to_string(layer.value) + " needs for " + name + ".");
    return value;
}

std::string Surrogates::digestOf(const ir::IrWeight& weight, const HostTensor& value) const
{
    if (!weight.reference || !m_digests)
        return sha256OfTensor(value);
    std::optional<std::string> known = m_digests->find(*weight.reference);
    if (!known) {
        known = sha256OfTensor(value);
        m_digests->add(*weight.reference, *known);
    }
    return *known;
}

Surrogate Surrogates::block(LayerIndex layer, std::int64_t positions, const RunContext& context) const
{
    const artifact::Checkpoint& source = m_other ? *m_other : m_checkpoint;
    const SurrogateChoice& choice = m_request.surrogate;
    Surrogate surrogate;
    ir::BlockIr& block = surrogate.block;
    block.program = ir::makeProgram(source.config(), layer);

    std::vector<WeightInWork> work;
    for (auto& [name, weight] : block.program.weights) {
        WeightInWork& item = work.emplace_back();
        item.name = &name;
        item.weight = &weight;
        item.value = &block.weights[name];
        const WeightReference own = referenceTo(m_checkpoint, layer, name);
        *item.value = load(m_checkpoint, own, layer, name, weight, context);
        weight.reference = own;
        if (m_other) {
            item.baseline = std::move(*item.value);
            weight.reference = referenceTo(*m_other, layer, name);
            *item.value = load(*m_other, *weight.reference, layer, name, weight, context);
        }
    }
    model::runTasks(static_cast<std::int64_t>(work.size()), context, [&](std::int64_t task) {
        WeightInWork& item = work[static_cast<std::size_t>(task)];
        const std::string& name = *item.name;
        const std::optional<std::int64_t> rank = surrogate::rankOf(block.program, choice, name);
        const bool ablated = surrogate::ablatesWeight(m_request.ablation, name);
        const WeightReference baseline = *item.weight->reference;
        item.weight->reference = surrogate::familyReference(choice, name, baseline);
        const bool quantised = *item.weight->reference != baseline;
        if (!m_other && (rank || quantised || ablated))
            item.baseline = *item.value;
        if (quantised)
            artifact::roundTrip(choice.dtype, *item.value);
        if (rank) {
            LowRank low = truncated(name, *item.value, *rank);
            *item.value = std::move(low.matrix);
            item.spectrum = std::move(low.singularValues);
        }
        if (ablated)
            surrogate::ablateWeight(m_request.ablation, m_request.seed, layer, *item.value);
        if (ablated || surrogate::isFitted(block.program, choice, name) || m_request.embedWeights)
            item.weight->reference.reset();
        if (!item.baseline.shape.empty())
            item.distance = surrogate::distanceOf(name, item.baseline, *item.value, rank);
        item.baseline = {};
        item.weight->dtype = item.value->dtype;
        item.weight->sha256 = digestOf(*item.weight, *item.value);
    });
    for (WeightInWork& item : work) {
        if (item.distance)
            surrogate.weights.push_back(std::move(*item.distance));
        if (!item.spectrum.shape.empty())
            block.spectra[*item.name] = std::move(item.spectrum);
    }

    block.mask = causalMask(positions);
    if (block.program.ropeHalf != 0) {
        block.program.positions = positions;
        artifact::RopeTables tables = artifact::ropeTables(source.config(), positions, m_request.baselineDtype);
        block.ropeCos = std::move(tables.cosine);
        block.ropeSin = std::move(tables.sine);
    } else {
        block.ropeCos.shape = {0};
        block.ropeSin.shape = {0};
    }
    surrogate::ablateTables(m_request.ablation, block);
    return surrogate;
}

}
