#include "engine/surrogate/ablation.h"

#include "engine/artifact/checkpoint.h"
#include "engine/surrogate/normal_noise.h"

#include <algorithm>
#include <cmath>
#include <vector>

// Compiled with -ffp-contract=off.
namespace blockcert::surrogate {

namespace {

// Of the elements, each counted once: √(mean of squares of the distances from the mean), sums in C order.
double standardDeviation(const std::vector<double>& values)
{
    double sum = 0;
    for (const double value : values)
        sum += value;
    const auto count = static_cast<double>(values.size());
    const double mean = sum / count;
    double squares = 0;
    for (const double value : values)
        squares += (value - mean) * (value - mean);
    return std::sqrt(squares / count);
}

void addNoise(double scale, std::uint64_t seed, LayerIndex layer, HostTensor& weight)
{
    std::vector<double> values(static_cast<std::size_t>(weight.elementCount()));
    const auto count = static_cast<std::int64_t>(values.size());
    auto* bytes = reinterpret_cast<std::byte*>(values.data());
    artifact::convertElements(weight.dtype, weight.bytes.data(), DType::F64, bytes, count);
    const double deviation = scale * standardDeviation(values);
    NormalNoise noise(seed, static_cast<std::uint64_t>(layer.value));
    for (double& value : values)
        value += deviation * noise.next();
    weight.dtype = weight.dtype == DType::F64 ? DType::F64 : DType::F32;
    weight.bytes.resize(values.size() * static_cast<std::size_t>(storageBlock(weight.dtype).bytes));
    artifact::convertElements(DType::F64, bytes, weight.dtype, weight.bytes.data(), count);
}

void fillTable(HostTensor& table, double value)
{
    const auto bytes = static_cast<std::size_t>(storageBlock(table.dtype).bytes);
    std::vector<std::byte> element(bytes);
    artifact::convertElements(DType::F64, reinterpret_cast<const std::byte*>(&value), table.dtype, element.data(), 1);
    for (std::size_t at = 0; at < table.bytes.size(); at += bytes)
        std::copy(element.begin(), element.end(), table.bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

}

bool ablatesWeight(const Ablation& ablation, std::string_view name)
{
    return (ablation.kind == Ablation::Kind::ZeroValues && name == "v.weight") ||
           (ablation.kind == Ablation::Kind::NoiseQuery && name == "q.weight");
}

void ablateWeight(const Ablation& ablation, std::uint64_t seed, LayerIndex layer, HostTensor& weight)
{
    if (ablation.kind == Ablation::Kind::NoiseQuery)
        addNoise(ablation.scale, seed, layer, weight);
    else
        std::fill(weight.bytes.begin(), weight.bytes.end(), std::byte{0});
}

void ablateTables(const Ablation& ablation, ir::BlockIr& block)
{
    if (ablation.kind == Ablation::Kind::InvertMask)
        for (std::byte& allowed : block.mask.bytes)
            allowed = allowed == std::byte{0} ? std::byte{1} : std::byte{0};
    if (ablation.kind == Ablation::Kind::DropRope && block.program.ropeHalf > 0) {
        fillTable(block.ropeCos, 1);
        fillTable(block.ropeSin, 0);
    }
}

}
