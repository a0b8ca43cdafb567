// Small blocks with random or given weights for the tests of the IR.
#pragma once

#include "engine/base/sha256.h"
#include "engine/ir/block_ir.h"
#include "engine/values/transformer_config.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

namespace blockcert::ir {

template <class T>
HostTensor tensorOf(DType dtype, std::vector<std::int64_t> shape, const std::vector<T>& elements)
{
    HostTensor tensor{dtype, std::move(shape), {}};
    tensor.bytes.resize(elements.size() * sizeof(T));
    if (!elements.empty())
        std::memcpy(tensor.bytes.data(), elements.data(), tensor.bytes.size());
    return tensor;
}

// Uniform in [−1, 1), the same on every machine.
class Numbers {
public:
    explicit Numbers(std::uint64_t seed)
        : m_engine(seed)
    {
    }

    double next() { return static_cast<double>(m_engine() >> 11U) * 0x1p-52 - 1; }

    std::vector<double> doubles(std::size_t count)
    {
        std::vector<double> values(count);
        for (double& value : values)
            value = next();
        return values;
    }

    std::vector<float> floats(std::size_t count)
    {
        std::vector<float> values(count);
        for (float& value : values)
            value = static_cast<float>(next());
        return values;
    }

private:
    std::mt19937_64 m_engine;
};

inline TransformerConfig smallLlama()
{
    TransformerConfig config;
    config.architecture = Architecture::Llama;
    config.layers = 3;
    config.dModel = 20;
    config.heads = 6;
    config.kvHeads = 2;
    config.headDim = 6;
    config.dFf = 45;
    config.context = 64;
    return config;
}

inline TransformerConfig smallGpt2()
{
    TransformerConfig config;
    config.architecture = Architecture::Gpt2;
    config.layers = 3;
    config.dModel = 24;
    config.heads = 4;
    config.kvHeads = 4;
    config.headDim = 6;
    config.dFf = 96;
    config.context = 64;
    return config;
}

inline HostTensor causalMask(std::int64_t tokens)
{
    std::vector<std::uint8_t> mask;
    for (std::int64_t t = 0; t < tokens; ++t)
        for (std::int64_t s = 0; s < tokens; ++s)
            mask.push_back(s <= t ? 1 : 0);
    return tensorOf(DType::U8, {tokens, tokens}, mask);
}

inline void setWeight(BlockIr& block, const std::string& name, HostTensor value)
{
    IrWeight& weight = block.program.weights.at(name);
    weight.dtype = value.dtype;
    weight.sha256 = sha256OfTensor(value);
    block.weights[name] = std::move(value);
}

// The exact block of this configuration with random F32 weights, a causal mask and RoPE tables of base 10000.
inline BlockIr randomBlock(const TransformerConfig& config, std::int64_t tokens, std::uint64_t seed)
{
    Numbers numbers(seed);
    BlockIr block;
    block.program = makeProgram(config, LayerIndex{1});
    block.mask = causalMask(tokens);
    for (const auto& [name, weight] : std::map(block.program.weights)) {
        const std::int64_t count =
            std::accumulate(weight.shape.begin(), weight.shape.end(), std::int64_t{1}, std::multiplies());
        setWeight(block, name, tensorOf(DType::F32, weight.shape, numbers.floats(static_cast<std::size_t>(count))));
    }
    block.ropeCos = block.ropeSin = HostTensor{DType::F32, {0}, {}};
    if (block.program.ropeHalf == 0)
        return block;
    block.program.positions = tokens;
    std::vector<float> cosine;
    std::vector<float> sine;
    for (std::int64_t t = 0; t < tokens; ++t)
        for (int i = 0; i < block.program.ropeHalf; ++i) {
            const double angle =
                static_cast<double>(t) * std::pow(10000.0, -static_cast<double>(i) / block.program.ropeHalf);
            cosine.push_back(static_cast<float>(std::cos(angle)));
            sine.push_back(static_cast<float>(std::sin(angle)));
        }
    block.ropeCos = tensorOf(DType::F32, {tokens, block.program.ropeHalf}, cosine);
    block.ropeSin = tensorOf(DType::F32, {tokens, block.program.ropeHalf}, sine);
    return block;
}

inline std::vector<std::int32_t> firstPositions(std::int64_t tokens)
{
    std::vector<std::int32_t> position(static_cast<std::size_t>(tokens));
    std::iota(position.begin(), position.end(), 0);
    return position;
}

}
