#include "engine/certificate/reference_model.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/metrics.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/ir/share_out.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

namespace blockcert::certificate {

namespace {

using artifact::Checkpoint;

constexpr std::size_t rowsAtOnce = 32;

HostTensor load(const Checkpoint& model, std::optional<WeightReference> reference, std::string_view role, DType dtype)
{
    if (!reference)
        throw FormatError(model.path().string() + " has no weight " + std::string(role) + ".");
    HostTensor tensor;
    model.load(artifact::castTo(std::move(*reference), dtype), tensor);
    return tensor;
}

HostTensor loadModelWeight(const Checkpoint& model, std::string_view role, DType dtype)
{
    return load(model, model.modelWeight(role), role, dtype);
}

HostTensor causalMask(std::int64_t tokens)
{
    HostTensor mask{DType::U8, {tokens, tokens}, {}};
    mask.bytes.reserve(static_cast<std::size_t>(tokens * tokens));
    for (std::int64_t query = 0; query < tokens; ++query)
        for (std::int64_t key = 0; key < tokens; ++key)
            mask.bytes.push_back(key <= query ? std::byte{1} : std::byte{0});
    return mask;
}

}

ir::BlockIr rebuildIr(const Checkpoint& model, LayerIndex layer, WeightOrigin origin, DType dtype,
                      std::int64_t positions)
{
    ir::BlockIr block;
    block.program = ir::makeProgram(model.config(), layer);
    for (auto& [name, weight] : block.program.weights) {
        std::optional<WeightReference> reference = model.blockWeight(layer, name);
        if (!reference)
            throw FormatError(model.path().string() + ": block " + std::to_string(layer.value) + " has no weight " +
                              name + ".");
        if (origin == WeightOrigin::Baseline)
            reference = artifact::castTo(std::move(*reference), dtype);
        HostTensor& value = block.weights[name];
        model.load(*reference, value);
        weight.dtype = value.dtype;
        weight.shape = value.shape;
        weight.sha256 = sha256OfTensor(value);
        weight.reference = std::move(reference);
    }
    block.mask = causalMask(positions);
    if (block.program.ropeHalf > 0) {
        block.program.positions = positions;
        artifact::RopeTables tables = artifact::ropeTables(model.config(), positions, dtype);
        block.ropeCos = std::move(tables.cosine);
        block.ropeSin = std::move(tables.sine);
    } else {
        block.ropeCos.shape = {0};
        block.ropeSin.shape = {0};
    }
    return block;
}

ReferenceEmbedding::ReferenceEmbedding(const Checkpoint& model, DType dtype)
    : m_dtype(dtype)
    , m_tokens(loadModelWeight(model, "token_embedding.weight", dtype))
{
    if (model.modelWeight("position_embedding.weight"))
        m_positions = loadModelWeight(model, "position_embedding.weight", dtype);
}

HostTensor ReferenceEmbedding::rows(std::span<const TokenId> ids) const
{
    const std::int64_t width = m_tokens.shape[1];
    const auto rowBytes = static_cast<std::size_t>(width * storageBlock(m_dtype).bytes);
    const bool adds = !m_positions.shape.empty();
    if (adds && static_cast<std::int64_t>(ids.size()) > m_positions.shape[0])
        throw FormatError("A prompt of " + std::to_string(ids.size()) + " tokens is longer than the model's " +
                          std::to_string(m_positions.shape[0]) + " positions.");
    HostTensor rows{m_dtype, {static_cast<std::int64_t>(ids.size()), width}, {}};
    rows.bytes.resize(ids.size() * rowBytes);
    std::vector<float> token(static_cast<std::size_t>(width));
    std::vector<float> position(token.size());
    for (std::size_t t = 0; t < ids.size(); ++t) {
        if (ids[t] < 0 || ids[t] >= m_tokens.shape[0])
            throw FormatError("Token id " + std::to_string(ids[t]) + " is outside the model's vocabulary of " +
                              std::to_string(m_tokens.shape[0]) + ".");
        const std::byte* source = m_tokens.bytes.data() + static_cast<std::size_t>(ids[t]) * rowBytes;
        std::byte* target = rows.bytes.data() + t * rowBytes;
        if (!adds) {
            std::memcpy(target, source, rowBytes);
            continue;
        }
        artifact::convertElements(m_dtype, source, DType::F32, reinterpret_cast<std::byte*>(token.data()), width);
        artifact::convertElements(m_dtype, m_positions.bytes.data() + t * rowBytes, DType::F32,
                                  reinterpret_cast<std::byte*>(position.data()), width);
        for (std::size_t i = 0; i < token.size(); ++i)
            token[i] += position[i];
        artifact::convertElements(DType::F32, reinterpret_cast<const std::byte*>(token.data()), m_dtype, target, width);
    }
    return rows;
}

ReferenceHead::ReferenceHead(const Checkpoint& model, DType dtype, int threads)
    : m_config(model.config())
    , m_weight(ir::widened(loadModelWeight(model, "final_norm.weight", dtype)))
    , m_matrix(std::make_unique<ir::PackedMatrix>(loadModelWeight(model, "lm_head.weight", dtype), threads))
{
    if (model.modelWeight("final_norm.bias"))
        m_bias = ir::widened(loadModelWeight(model, "final_norm.bias", dtype));
}

void ReferenceHead::forEachLogits(std::span<const double> states,
                                  const std::function<void(std::size_t, std::span<const double>)>& use, int threads,
                                  const RunContext& context) const
{
    const auto width = static_cast<std::size_t>(m_config.dModel);
    const std::size_t rows = states.size() / width;
    for (std::size_t row = 0; row < rows; row += rowsAtOnce) {
        const std::span<const double> part = states.subspan(row * width, std::min(rowsAtOnce, rows - row) * width);
        use(row, ir::linearRows(normed(part), *m_matrix, {}, threads, context));
    }
}

std::vector<double> ReferenceHead::normed(std::span<const double> states) const
{
    return m_config.architecture == Architecture::Gpt2
               ? ir::layerNormRows(states, m_weight, m_bias, m_config.normEpsilon)
               : ir::rmsNormRows(states, m_weight, m_config.normEpsilon);
}

void advanceStates(const ir::BlockIr& block, std::span<std::vector<double>* const> states, int threads,
                   const RunContext& context, std::span<ir::BlockReplay> kept)
{
    const bool across = states.size() >= static_cast<std::size_t>(threads);
    const ir::ReferenceInterpreter interpreter(block, across ? 1 : threads);
    const auto width = static_cast<std::size_t>(block.program.width);
    ir::shareOut(across ? threads : 1, static_cast<std::int64_t>(states.size()), [&](std::int64_t at) {
        std::vector<double>& state = *states[static_cast<std::size_t>(at)];
        std::vector<std::int32_t> positions(state.size() / width);
        std::iota(positions.begin(), positions.end(), 0);
        ir::BlockReplay replay = interpreter.run(state, positions, context);
        state = std::move(replay.output);
        if (static_cast<std::size_t>(at) < kept.size())
            kept[static_cast<std::size_t>(at)] = std::move(replay);
    });
}

void raiseNorms(std::span<const std::vector<double>> states, std::size_t width,
                std::vector<std::vector<double>>& largest)
{
    largest.resize(states.size());
    for (std::size_t p = 0; p < states.size(); ++p) {
        largest[p].resize(states[p].size() / width, 0.0);
        for (std::size_t t = 0; t < largest[p].size(); ++t)
            largest[p][t] = std::max(largest[p][t], l2Norm(std::span(states[p]).subspan(t * width, width)));
    }
}

double negativeLogLikelihood(std::span<const double> logits, TokenId target)
{
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const double logit : logits)
        sum += std::exp(logit - most);
    return most + std::log(sum) - logits[static_cast<std::size_t>(target)];
}

double divergence(std::span<const double> p, std::span<const double> q)
{
    const auto norm = [](std::span<const double> logits) { return logits[0] + negativeLogLikelihood(logits, 0); };
    const double normP = norm(p);
    const double shift = norm(q) - normP;
    double sum = 0; // of p (e^δ − 1 − δ), δ = log q − log p, which cannot cancel
    for (std::size_t i = 0; i < p.size(); ++i) {
        const double delta = q[i] - p[i] - shift;
        const double share = std::exp(p[i] - normP);
        // Below 1e-4 the cubic series is as exact as the difference is rounded.
        sum += std::abs(delta) < 1e-4 ? share * delta * delta * (0.5 + delta / 6)
                                      : std::exp(p[i] + delta - normP) - share - share * delta;
    }
    return std::max(0.0, sum);
}

}
