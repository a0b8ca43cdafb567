// Blocks for replay: made up in memory for both families, or taken from a checkpoint.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/sha256.h"
#include "engine/ir/block_ir.h"
#include "tests/engine/model_fixture.h"

#include <cmath>
#include <cstring>
#include <random>

namespace blockcert::test {

inline HostTensor hostTensor(DType dtype, std::vector<std::int64_t> shape, const std::vector<float>& values)
{
    HostTensor tensor{dtype, std::move(shape), {}};
    tensor.bytes.resize(values.size() * static_cast<std::size_t>(storageBlock(dtype).bytes));
    artifact::convertElements(DType::F32, reinterpret_cast<const std::byte*>(values.data()), dtype, tensor.bytes.data(),
                              static_cast<std::int64_t>(values.size()));
    return tensor;
}

inline HostTensor causalMask(std::int64_t tokens)
{
    HostTensor mask{DType::U8, {tokens, tokens}, std::vector<std::byte>(static_cast<std::size_t>(tokens * tokens))};
    for (std::int64_t t = 0; t < tokens; ++t)
        for (std::int64_t s = 0; s <= t; ++s)
            mask.bytes[static_cast<std::size_t>(t * tokens + s)] = std::byte{1};
    return mask;
}

// Uniform numbers of a size at which a block of this width keeps its values near one.
inline std::vector<float> uniform(std::int64_t count, double size, std::mt19937_64& random)
{
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values)
        value = static_cast<float>(size * (static_cast<double>(random() >> 11U) * 0x1p-52 - 1.0));
    return values;
}

inline ir::BlockIr randomBlock(const TransformerConfig& config, std::int64_t positions, DType dtype, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    ir::BlockIr block;
    block.program = ir::makeProgram(config, LayerIndex{2});
    for (auto& [name, weight] : block.program.weights) {
        std::int64_t count = 1;
        for (const std::int64_t size : weight.shape)
            count *= size;
        const double inputs = weight.shape.size() == 2 ? static_cast<double>(weight.shape[1]) : 1;
        weight.dtype = dtype;
        block.weights[name] = hostTensor(dtype, weight.shape, uniform(count, std::sqrt(3 / inputs), random));
        weight.sha256 = sha256OfTensor(block.weights[name]);
    }
    block.mask = causalMask(positions);
    if (block.program.ropeHalf != 0) {
        block.program.positions = positions;
        const artifact::RopeTables tables = artifact::ropeTables(config, positions, dtype);
        block.ropeCos = tables.cosine;
        block.ropeSin = tables.sine;
    }
    return block;
}

// The exact copy of a checkpoint's block, as the pipeline makes it, without references.
inline ir::BlockIr blockOf(const artifact::Checkpoint& checkpoint, LayerIndex layer, std::int64_t positions,
                           DType dtype)
{
    ir::BlockIr block;
    block.program = ir::makeProgram(checkpoint.config(), layer);
    for (auto& [name, weight] : block.program.weights) {
        checkpoint.load(artifact::castTo(checkpoint.blockWeight(layer, name).value(), dtype), block.weights[name]);
        weight.dtype = dtype;
        weight.sha256 = sha256OfTensor(block.weights[name]);
    }
    block.mask = causalMask(positions);
    if (block.program.ropeHalf != 0) {
        block.program.positions = positions;
        const artifact::RopeTables tables = artifact::ropeTables(checkpoint.config(), positions, dtype);
        block.ropeCos = tables.cosine;
        block.ropeSin = tables.sine;
    }
    return block;
}

inline TransformerConfig smallConfig(Architecture architecture, std::int32_t width, std::int32_t heads,
                                     std::int32_t kvHeads, std::int32_t headDim, std::int32_t ff)
{
    TransformerConfig config;
    config.architecture = architecture;
    config.layers = 4;
    config.dModel = width;
    config.heads = heads;
    config.kvHeads = kvHeads;
    config.headDim = headDim;
    config.dFf = ff;
    config.vocab = 64;
    config.context = 128;
    return config;
}

}
