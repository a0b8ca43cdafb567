#include "engine/artifact/checkpoint.h"
#include "engine/artifact/half_bits.h"
#include "engine/base/error.h"

#include <array>
#include <cstring>
#include <string>

// Compiled with -ffp-contract=off: a product and its sum stay two roundings, as in the reference.
namespace blockcert::artifact {

namespace {

// One storage block, byte by byte; positions are those of ggml's layouts.
class Block {
public:
    explicit Block(const std::byte* bytes)
        : m_bytes(bytes)
    {
    }

    [[nodiscard]] std::int32_t byte(std::size_t at) const { return std::to_integer<std::int32_t>(m_bytes[at]); }

    [[nodiscard]] std::int32_t low(std::size_t at) const { return byte(at) & 15; }

    [[nodiscard]] std::int32_t high(std::size_t at) const { return byte(at) >> 4; }

    [[nodiscard]] float half(std::size_t at) const
    {
        std::uint16_t bits = 0;
        std::memcpy(&bits, m_bytes + at, sizeof bits);
        return floatOfHalf(bits);
    }

    [[nodiscard]] std::uint32_t word(std::size_t at) const
    {
        std::uint32_t bits = 0;
        std::memcpy(&bits, m_bytes + at, sizeof bits);
        return bits;
    }

    [[nodiscard]] std::int32_t signedByte(std::size_t at) const
    {
        return static_cast<std::int8_t>(std::to_integer<std::uint8_t>(m_bytes[at]));
    }

private:
    const std::byte* m_bytes;
};

float scaled(float scale, std::int32_t quant)
{
    return scale * static_cast<float>(quant);
}

void dequantiseQ4_0(Block block, float* target)
{
    const float d = block.half(0);
    for (std::size_t j = 0; j < 16; ++j) {
        target[j] = scaled(d, block.low(2 + j) - 8);
        target[j + 16] = scaled(d, block.high(2 + j) - 8);
    }
}

void dequantiseQ4_1(Block block, float* target)
{
    const float d = block.half(0);
    const float m = block.half(2);
    for (std::size_t j = 0; j < 16; ++j) {
        target[j] = scaled(d, block.low(4 + j)) + m;
        target[j + 16] = scaled(d, block.high(4 + j)) + m;
    }
}

// Bit j of the word at `at` is the fifth bit of element j.
std::int32_t fifthBit(std::uint32_t bits, std::size_t element)
{
    return static_cast<std::int32_t>((bits >> element) & 1U) << 4;
}

void dequantiseQ5_0(Block block, float* target)
{
    const float d = block.half(0);
    const std::uint32_t bits = block.word(2);
    for (std::size_t j = 0; j < 16; ++j) {
        target[j] = scaled(d, (block.low(6 + j) | fifthBit(bits, j)) - 16);
        target[j + 16] = scaled(d, (block.high(6 + j) | fifthBit(bits, j + 16)) - 16);
    }
}

void dequantiseQ5_1(Block block, float* target)
{
    const float d = block.half(0);
    const float m = block.half(2);
    const std::uint32_t bits = block.word(4);
    for (std::size_t j = 0; j < 16; ++j) {
        target[j] = scaled(d, block.low(8 + j) | fifthBit(bits, j)) + m;
        target[j + 16] = scaled(d, block.high(8 + j) | fifthBit(bits, j + 16)) + m;
    }
}

void dequantiseQ8_0(Block block, float* target)
{
    const float d = block.half(0);
    for (std::size_t j = 0; j < 32; ++j)
        target[j] = scaled(d, block.signedByte(2 + j));
}

struct ScaleAndMinimum {
    float scale;
    float minimum;
};

// The eight 6-bit pairs of a K block, packed in the 12 bytes from 4 on; d and dmin come before them.
std::array<ScaleAndMinimum, 8> kScales(Block block)
{
    const float d = block.half(0);
    const float dMinimum = block.half(2);
    std::array<ScaleAndMinimum, 8> pairs{};
    for (std::size_t j = 0; j < 4; ++j) {
        const std::int32_t a = block.byte(4 + j);
        const std::int32_t b = block.byte(8 + j);
        const std::int32_t c = block.byte(12 + j);
        pairs[j] = {scaled(d, a & 63), scaled(dMinimum, b & 63)};
        pairs[j + 4] = {scaled(d, (c & 15) | ((a >> 6) << 4)), scaled(dMinimum, (c >> 4) | ((b >> 6) << 4))};
    }
    return pairs;
}

void dequantiseQ4_K(Block block, float* target)
{
    const std::array<ScaleAndMinimum, 8> pairs = kScales(block);
    for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t l = 0; l < 32; ++l) {
            const std::size_t at = 16 + 32 * i + l;
            target[64 * i + l] = scaled(pairs[2 * i].scale, block.low(at)) - pairs[2 * i].minimum;
            target[64 * i + 32 + l] = scaled(pairs[2 * i + 1].scale, block.high(at)) - pairs[2 * i + 1].minimum;
        }
    }
}

void dequantiseQ5_K(Block block, float* target)
{
    const std::array<ScaleAndMinimum, 8> pairs = kScales(block);
    for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t l = 0; l < 32; ++l) {
            const std::size_t at = 48 + 32 * i + l;
            const std::int32_t fifth = block.byte(16 + l) >> (2 * i);
            const std::int32_t first = block.low(at) | ((fifth & 1) << 4);
            const std::int32_t second = block.high(at) | (((fifth >> 1) & 1) << 4);
            target[64 * i + l] = scaled(pairs[2 * i].scale, first) - pairs[2 * i].minimum;
            target[64 * i + 32 + l] = scaled(pairs[2 * i + 1].scale, second) - pairs[2 * i + 1].minimum;
        }
    }
}

void dequantiseQ6_K(Block block, float* target)
{
    const float d = block.half(208);
    for (std::size_t n = 0; n < 2; ++n) { // halves of 128
        for (std::size_t l = 0; l < 32; ++l) {
            const std::size_t at = 64 * n + l;
            const std::int32_t top = block.byte(128 + 32 * n + l);
            const std::array<std::int32_t, 4> quants = {
                block.low(at) | ((top & 3) << 4),
                block.low(at + 32) | (((top >> 2) & 3) << 4),
                block.high(at) | (((top >> 4) & 3) << 4),
                block.high(at + 32) | ((top >> 6) << 4),
            };
            for (std::size_t k = 0; k < 4; ++k) {
                const float scale = scaled(d, block.signedByte(192 + 8 * n + l / 16 + 2 * k));
                target[128 * n + 32 * k + l] = scaled(scale, quants[k] - 32);
            }
        }
    }
}

template <class Function>
void dequantiseBlocks(DType dtype, const std::byte* source, std::int64_t elements, float* target, Function function)
{
    const StorageBlock layout = storageBlock(dtype);
    for (std::int64_t i = 0; i < elements / layout.elements; ++i)
        function(Block(source + i * layout.bytes), target + i * layout.elements);
}

}

void dequantise(DType dtype, const std::byte* source, std::int64_t elements, float* target)
{
    if (isFloating(dtype))
        return convertElements(dtype, source, DType::F32, reinterpret_cast<std::byte*>(target), elements);
    if (!isQuantised(dtype))
        throw UnsupportedError("Elements of type " + std::string(nameOf(dtype)) + " are not weights.");
    if (elements % storageBlock(dtype).elements != 0)
        throw ShapeError(std::to_string(elements) + " elements are not whole blocks of type " +
                         std::string(nameOf(dtype)) + ".");
    switch (dtype) {
    case DType::Q4_0: return dequantiseBlocks(dtype, source, elements, target, dequantiseQ4_0);
    case DType::Q4_1: return dequantiseBlocks(dtype, source, elements, target, dequantiseQ4_1);
    case DType::Q5_0: return dequantiseBlocks(dtype, source, elements, target, dequantiseQ5_0);
    case DType::Q5_1: return dequantiseBlocks(dtype, source, elements, target, dequantiseQ5_1);
    case DType::Q8_0: return dequantiseBlocks(dtype, source, elements, target, dequantiseQ8_0);
    case DType::Q4_K: return dequantiseBlocks(dtype, source, elements, target, dequantiseQ4_K);
    case DType::Q5_K: return dequantiseBlocks(dtype, source, elements, target, dequantiseQ5_K);
    default: return dequantiseBlocks(dtype, source, elements, target, dequantiseQ6_K);
    }
}

}
