#include "engine/pipeline/self_tests.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/model/batch.h"
#include "engine/model/invariance.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/surrogate.h"
#include "engine/replay/torch_interpreter.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

namespace blockcert::pipeline {

namespace {

std::string scientific(double value)
{
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), "%.2e", value);
    return text.data();
}

// Numbers without a pattern, between −size and size; the same everywhere.
std::vector<double> numbers(std::size_t count, double size, std::uint64_t seed)
{
    std::vector<double> values(count);
    std::uint64_t state = seed;
    for (double& value : values) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        value = size * (static_cast<double>(state >> 11U) * 0x1p-52 - 1.0);
    }
    return values;
}

HostTensor tensorOf(const std::vector<double>& values, std::vector<std::int64_t> shape, DType dtype)
{
    HostTensor tensor{dtype, std::move(shape), {}};
    tensor.bytes.resize(values.size() * static_cast<std::size_t>(storageBlock(dtype).bytes));
    artifact::convertElements(DType::F64, reinterpret_cast<const std::byte*>(values.data()), dtype, tensor.bytes.data(),
                              static_cast<std::int64_t>(values.size()));
    return tensor;
}

ir::BlockIr madeUpBlock(Architecture architecture, std::int64_t tokens)
{
    TransformerConfig config;
    config.architecture = architecture;
    config.layers = 1;
    config.dModel = 96;
    config.heads = 6;
    config.kvHeads = architecture == Architecture::Llama ? 2 : 6;
    config.headDim = 16;
    config.dFf = 256;
    config.vocab = 16;
    config.context = static_cast<std::int32_t>(tokens);
    ir::BlockIr block;
    block.program = ir::makeProgram(config, LayerIndex{0});
    std::uint64_t seed = 1;
    for (auto& [name, weight] : block.program.weights) {
        const auto count =
            static_cast<std::size_t>(std::accumulate(weight.shape.begin(), weight.shape.end(), std::int64_t{1},
                                                     [](std::int64_t a, std::int64_t b) { return a * b; }));
        const double inputs = weight.shape.size() == 2 ? static_cast<double>(weight.shape[1]) : 1.0;
        weight.dtype = DType::F32;
        block.weights[name] = tensorOf(numbers(count, std::sqrt(3 / inputs), seed++), weight.shape, DType::F32);
    }
    block.mask = causalMask(tokens);
    if (block.program.ropeHalf != 0) {
        block.program.positions = tokens;
        artifact::RopeTables tables = artifact::ropeTables(config, tokens, DType::F32);
        block.ropeCos = std::move(tables.cosine);
        block.ropeSin = std::move(tables.sine);
    }
    return block;
}

// max over tokens of ‖ŷ − ŷ′‖ / max(‖x‖, ‖ŷ‖)
double disagreement(Architecture architecture, const RunContext& context)
{
    constexpr std::int64_t tokens = 33;
    const ir::BlockIr block = madeUpBlock(architecture, tokens);
    const auto width = static_cast<std::size_t>(block.program.width);
    std::vector<double> input = numbers(tokens * width, 1.0, 99);
    std::vector<std::int32_t> position(tokens);
    std::iota(position.begin(), position.end(), 0);
    const ir::BlockReplay judge = ir::ReferenceInterpreter(block, 1).run(input, position, context);

    model::Batch batch;
    batch.add(tokens);
    replay::TorchInterpreter fast(block, DType::F64, at::Device(at::kCPU), std::nullopt, context);
    const at::Tensor rows =
        at::from_blob(input.data(), {tokens, block.program.width}, at::TensorOptions().dtype(at::kDouble));
    const ir::BlockReplay replay = fast.run(rows, batch, context).front();
    double worst = 0;
    for (std::size_t row = 0; row < input.size(); row += width) {
        double difference = 0;
        double size = 0;
        double inputSize = 0;
        for (std::size_t i = row; i < row + width; ++i) {
            difference += (replay.output[i] - judge.output[i]) * (replay.output[i] - judge.output[i]);
            size += judge.output[i] * judge.output[i];
            inputSize += input[i] * input[i];
        }
        worst = std::max(worst, std::sqrt(difference / std::max(size, inputSize)));
    }
    return worst;
}

}

Json checkRow(const std::string& id, const std::string& title, bool ok, const std::string& detail)
{
    return {{"id", id}, {"title", title}, {"ok", ok}, {"detail", detail}};
}

bool rowsAreInvariant(DType dtype, const RunContext& context)
{
    return model::guarded([&] {
        for (const auto& [outputs, inputs] : std::vector<std::pair<std::int64_t, std::int64_t>>{
                 {960, 576}, {192, 576}, {576, 1536}, {256, 2048}, {53, 37}}) {
            const HostTensor weight =
                tensorOf(numbers(static_cast<std::size_t>(outputs * inputs), 1.0, 5), {outputs, inputs}, dtype);
            const model::Linear layer(model::toTensor(weight, at::Device(at::kCPU)), at::Tensor());
            const model::Linear* const layers[] = {&layer};
            if (!model::chooseTiling(layers, model::defaultTiling(dtype), context).batchInvariant)
                return false;
        }
        return true;
    });
}

Json checkInvariance(DType dtype, const RunContext& context)
{
    const std::string name(nameOf(dtype));
    const bool holds = rowsAreInvariant(dtype, context);
    return checkRow("invariance." + name, "rows keep their bits in any batch, " + name, holds,
                    holds ? "the same bits at five places, in tiles of every height, on one thread and on all"
                          : "this processor's matrix kernels depend on the batch; unchanged rows are computed again");
}

Json checkInterpreters(const RunContext& context)
{
    const double llama = disagreement(Architecture::Llama, context);
    const double gpt2 = disagreement(Architecture::Gpt2, context);
    // 1e-10 is ρ of double replay (docs/run-directory.md).
    return checkRow("interpreters", "LibTorch and the reference interpreter agree", std::max(llama, gpt2) <= 1e-10,
                    "largest relative difference on a made-up block: Llama " + scientific(llama) + ", GPT-2 " +
                        scientific(gpt2));
}

Json checkConversions()
{
    // One Q8_0 block: scale 0.5 in fp16, then −16 … 15.
    std::array<std::byte, 34> block{std::byte{0x00}, std::byte{0x38}};
    for (int i = 0; i < 32; ++i)
        block[static_cast<std::size_t>(i) + 2] = static_cast<std::byte>(i - 16);
    std::array<float, 32> values{};
    artifact::dequantise(DType::Q8_0, block.data(), 32, values.data());
    bool ok = true;
    for (int i = 0; i < 32; ++i)
        ok = ok && values[static_cast<std::size_t>(i)] == 0.5F * static_cast<float>(i - 16);
    // Half-way cases go to the even neighbour: 1 + 2^-8 down, 1 + 3·2^-8 up.
    const std::array<float, 2> ties{1.0F + 0x1p-8F, 1.0F + 3 * 0x1p-8F};
    std::array<std::uint16_t, 2> rounded{};
    artifact::convertElements(DType::F32, reinterpret_cast<const std::byte*>(ties.data()), DType::BF16,
                              reinterpret_cast<std::byte*>(rounded.data()), 2);
    ok = ok && rounded[0] == 0x3f80 && rounded[1] == 0x3f82;
    return checkRow("conversions", "quantised and 16-bit weights are read exactly", ok,
                    ok ? "a Q8_0 block and two half-way cases of bf16 as defined"
                       : "a known block was not read as its format defines");
}

Json checkForward(model::Transformer& transformer, const RunContext& context)
{
    return model::guarded([&]() -> Json {
        const std::string title = "the model runs, and from its middle gives the same bits";
        const TransformerConfig& config = transformer.config();
        std::vector<TokenId> ids;
        for (std::int32_t i = 0; i < std::min(8, config.context); ++i)
            ids.push_back((17 * i + 3) % config.vocab);
        model::Batch batch;
        batch.add(static_cast<std::int64_t>(ids.size()));
        const LayerIndex middle{config.layers / 2};
        model::ForwardOptions half;
        half.end = middle.value;
        const at::Tensor start = transformer.embed(ids, batch);
        const at::Tensor whole = transformer.forwardFrom(LayerIndex{0}, start, batch, {}, context);
        const at::Tensor first = transformer.forwardFrom(LayerIndex{0}, start, batch, half, context);
        const at::Tensor rest = transformer.forwardFrom(middle, first, batch, {}, context);
        if (!at::isfinite(whole).all().item<bool>())
            return checkRow("model.forward", title, false, "a value is not finite");
        const bool same = at::equal(whole, rest);
        return checkRow("model.forward", title, same && transformer.batchInvariant(),
                        same ? (transformer.batchInvariant() ? "yes, in tiles of " + transformer.tiling().text()
                                                             : "its layers' kernels depend on the batch")
                             : "the two ways differ");
    });
}

}
