#include "engine/artifact/checkpoint.h"
#include "engine/artifact/half_bits.h"
#include "engine/base/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

// Compiled with -ffp-contract=off: a product and its sum stay two roundings, as in the reference.
namespace blockcert::artifact {

namespace {

constexpr std::size_t blockElements = 32; // of all four types

using Quants = std::array<std::uint8_t, blockElements>;

// 1/d, or 0 where that is not a number to multiply with: every quant is then 0.
float inverse(float scale)
{
    const float result = 1.0F / scale;
    return scale == 0.0F || !std::isfinite(result) ? 0.0F : result;
}

void putHalf(float value, std::byte* target)
{
    const std::uint16_t bits = halfOfFloat(value);
    std::memcpy(target, &bits, sizeof bits);
}

// What is not a number becomes 0.
std::uint8_t quantOf(float shifted, std::uint8_t most)
{
    return shifted >= 0.0F ? static_cast<std::uint8_t>(std::min(std::trunc(shifted), static_cast<float>(most))) : 0;
}

std::int8_t signedQuantOf(float value)
{
    return std::isnan(value) ? std::int8_t{0}
                             : static_cast<std::int8_t>(std::clamp(std::round(value), -127.0F, 127.0F));
}

// Element j in the low and element j + 16 in the high half of byte j.
void putNibbles(const Quants& quants, std::byte* target)
{
    for (std::size_t j = 0; j < blockElements / 2; ++j)
        target[j] = static_cast<std::byte>((quants[j] & 15U) | (quants[j + 16] & 15U) << 4U);
}

void quantiseQ8_0(const float* source, std::byte* target)
{
    float most = 0;
    for (std::size_t j = 0; j < blockElements; ++j)
        most = std::max(most, std::abs(source[j]));
    const float scale = most / 127.0F;
    const float inverted = inverse(scale);
    putHalf(scale, target);
    for (std::size_t j = 0; j < blockElements; ++j)
        target[2 + j] = static_cast<std::byte>(signedQuantOf(source[j] * inverted));
}

// Symmetric: the element that is largest in magnitude becomes −8, the first of equals.
void quantiseQ4_0(const float* source, std::byte* target)
{
    const float* most =
        std::max_element(source, source + blockElements, [](float a, float b) { return std::abs(a) < std::abs(b); });
    const float scale = *most / -8.0F;
    const float inverted = inverse(scale);
    putHalf(scale, target);
    Quants quants{};
    for (std::size_t j = 0; j < blockElements; ++j)
        quants[j] = quantOf(source[j] * inverted + 8.5F, 15);
    putNibbles(quants, target + 2);
}

// Q4_1 and Q5_1: from the smallest element in equal steps to the largest.
Quants quantiseRange(const float* source, std::uint8_t steps, std::byte* target)
{
    const auto [least, most] = std::minmax_element(source, source + blockElements);
    const float scale = (*most - *least) / static_cast<float>(steps);
    const float inverted = inverse(scale);
    putHalf(scale, target);
    putHalf(*least, target + 2);
    Quants quants{};
    for (std::size_t j = 0; j < blockElements; ++j)
        quants[j] = quantOf((source[j] - *least) * inverted + 0.5F, steps);
    return quants;
}

void quantiseQ4_1(const float* source, std::byte* target)
{
    putNibbles(quantiseRange(source, 15, target), target + 4);
}

void quantiseQ5_1(const float* source, std::byte* target)
{
    const Quants quants = quantiseRange(source, 31, target);
    std::uint32_t fifth = 0;
    for (std::size_t j = 0; j < blockElements; ++j)
        fifth |= static_cast<std::uint32_t>(quants[j] >> 4U) << j;
    std::memcpy(target + 4, &fifth, sizeof fifth);
    putNibbles(quants, target + 8);
}

}

void quantise(DType dtype, const float* source, std::int64_t elements, std::byte* target)
{
    using Function = void (*)(const float*, std::byte*);
    Function function = nullptr;
    switch (dtype) {
    case DType::Q8_0: function = quantiseQ8_0; break;
    case DType::Q4_0: function = quantiseQ4_0; break;
    case DType::Q4_1: function = quantiseQ4_1; break;
    case DType::Q5_1: function = quantiseQ5_1; break;
    default: throw UnsupportedError("Weights cannot be rounded to " + std::string(nameOf(dtype)) + ".");
    }
    const StorageBlock layout = storageBlock(dtype);
    if (elements % layout.elements != 0)
        throw ShapeError(std::to_string(elements) + " elements are not whole blocks of type " +
                         std::string(nameOf(dtype)) + ".");
    for (std::int64_t i = 0; i < elements / layout.elements; ++i)
        function(source + i * layout.elements, target + i * layout.bytes);
}

void roundTrip(DType dtype, HostTensor& matrix)
{
    const StorageBlock layout = storageBlock(dtype);
    if (matrix.shape.size() != 2 || matrix.shape[1] % layout.elements != 0)
        throw ShapeError("Only matrices whose rows are whole blocks of " + std::to_string(layout.elements) +
                         " elements can be rounded to " + std::string(nameOf(dtype)) + ".");
    const std::int64_t count = matrix.elementCount();
    if (matrix.dtype != DType::F32) {
        std::vector<std::byte> floats(static_cast<std::size_t>(count) * sizeof(float));
        convertElements(matrix.dtype, matrix.bytes.data(), DType::F32, floats.data(), count);
        matrix.bytes = std::move(floats);
        matrix.dtype = DType::F32;
    }
    std::vector<float> row(static_cast<std::size_t>(matrix.shape[1]));
    std::vector<std::byte> blocks(row.size() / static_cast<std::size_t>(layout.elements) *
                                  static_cast<std::size_t>(layout.bytes));
    for (std::int64_t i = 0; i < matrix.shape[0]; ++i) {
        std::byte* place = matrix.bytes.data() + static_cast<std::size_t>(i) * row.size() * sizeof(float);
        std::memcpy(row.data(), place, row.size() * sizeof(float));
        quantise(dtype, row.data(), matrix.shape[1], blocks.data());
        dequantise(dtype, blocks.data(), matrix.shape[1], row.data());
        std::memcpy(place, row.data(), row.size() * sizeof(float));
    }
}

}
