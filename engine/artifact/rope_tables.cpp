#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"

#include <cmath>
#include <cstring>
#include <numbers>
#include <string>
#include <vector>

namespace blockcert::artifact {

namespace {

// θ^(-2i/hd): the power is computed in double and rounded once, so that no library's powf decides a bit; the
// exponent and the reciprocal are fp32 as in the reference.
std::vector<float> plainFrequencies(const TransformerConfig& config)
{
    const auto theta = static_cast<float>(config.ropeTheta);
    std::vector<float> frequencies;
    for (std::int32_t i = 0; i < config.headDim; i += 2) {
        const float exponent = static_cast<float>(i) / static_cast<float>(config.headDim);
        frequencies.push_back(1.0F /
                              static_cast<float>(std::pow(static_cast<double>(theta), static_cast<double>(exponent))));
    }
    return frequencies;
}

// Llama 3.1: long wavelengths are stretched by `factor`, short ones kept, those between interpolated. Every step
// in fp32 and in the reference's order.
float llama3Frequency(float frequency, const RopeScaling& scaling)
{
    const auto factor = static_cast<float>(scaling.factor);
    const auto low = static_cast<float>(scaling.lowFrequencyFactor);
    const auto original = static_cast<double>(scaling.originalContext);
    const auto lowWavelength = static_cast<float>(original / scaling.lowFrequencyFactor);
    const auto highWavelength = static_cast<float>(original / scaling.highFrequencyFactor);
    const float wavelength = static_cast<float>(2.0 * std::numbers::pi) / frequency;
    if (wavelength > lowWavelength)
        return frequency / factor;
    if (wavelength < highWavelength)
        return frequency;
    const auto span = static_cast<float>(scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
    const float smooth = (static_cast<float>(original) / wavelength - low) / span;
    return (1.0F - smooth) * frequency / factor + smooth * frequency;
}

std::vector<float> inverseFrequencies(const TransformerConfig& config)
{
    std::vector<float> frequencies = plainFrequencies(config);
    const RopeScaling& scaling = config.ropeScaling;
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        switch (scaling.kind) {
        case RopeScaling::Kind::None: break;
        case RopeScaling::Kind::Linear: frequencies[i] /= static_cast<float>(scaling.factor); break;
        case RopeScaling::Kind::Llama3: frequencies[i] = llama3Frequency(frequencies[i], scaling); break;
        case RopeScaling::Kind::Divisors: frequencies[i] /= config.ropeDivisors.at(i); break;
        }
    }
    return frequencies;
}

HostTensor tableOf(const std::vector<float>& values, std::int64_t positions, std::int64_t width, DType dtype)
{
    HostTensor table{.dtype = dtype, .shape = {positions, width}, .bytes = {}};
    table.bytes.resize(values.size() * static_cast<std::size_t>(storageBlock(dtype).bytes));
    convertElements(DType::F32, reinterpret_cast<const std::byte*>(values.data()), dtype, table.bytes.data(),
                    static_cast<std::int64_t>(values.size()));
    return table;
}

}

RopeTables ropeTables(const TransformerConfig& config, std::int64_t positions, DType dtype)
{
    if (config.architecture != Architecture::Llama)
        throw UnsupportedError("RoPE tables belong to the llama architecture; " + config.family + " has none.");
    if (config.headDim <= 0 || config.headDim % 2 != 0)
        throw ShapeError("RoPE needs an even head_dim; this model has " + std::to_string(config.headDim) + ".");
    if (positions < 0 || positions > config.context)
        throw UsageError("RoPE tables for " + std::to_string(positions) + " positions were asked for; the model has " +
                         std::to_string(config.context) + ".");
    const std::vector<float> frequencies = inverseFrequencies(config);
    std::vector<float> cosine;
    std::vector<float> sine;
    cosine.reserve(frequencies.size() * static_cast<std::size_t>(positions));
    sine.reserve(cosine.capacity());
    for (std::int64_t position = 0; position < positions; ++position) {
        for (const float frequency : frequencies) {
            // The angle is an fp32 product; its cosine and sine are computed in double and rounded once.
            const float angle = static_cast<float>(position) * frequency;
            cosine.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
            sine.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
        }
    }
    const auto width = static_cast<std::int64_t>(frequencies.size());
    return {.cosine = tableOf(cosine, positions, width, dtype), .sine = tableOf(sine, positions, width, dtype)};
}

}
