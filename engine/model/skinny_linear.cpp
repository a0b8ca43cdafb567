#include "engine/model/skinny_linear.h"

#include "engine/base/error.h"
#include "engine/model/dot_rows.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/tiled_linear.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

namespace blockcert::model {
namespace {

using namespace dots;

constexpr std::int64_t mostOutputs = 64;                   // of a panel
constexpr std::int64_t rowBytes = std::int64_t{192} << 10; // of x that meet one panel together: they stay in the cache

struct Panel {
    const float* x;    // [rows, inner]
    float* y;          // [rows, outputs of the whole layer]
    const float* bias; // [outputs] or null
    std::int64_t rows;
    std::int64_t inner; // padded; the padding of x and weight is zero
    std::int64_t begin; // outputs begin … end − 1
    std::int64_t end;
    std::int64_t outputs;
};

// Rows begin … end − 1 of the panel for outputs o … o + Outputs − 1.
template <class Format, std::int64_t Outputs>
inline __attribute__((always_inline)) void computeOutputs(const typename Format::Element* weight, const Panel& panel,
                                                          std::int64_t begin, std::int64_t end, std::int64_t o)
{
    const typename Format::Element* rows = weight + o * panel.inner;
    float results[rowGroup][outputGroup];
    const auto store = [&](std::int64_t r, std::int64_t count) {
        for (std::int64_t k = 0; k < count; ++k)
            for (std::int64_t n = 0; n < Outputs; ++n)
                panel.y[(r + k) * panel.outputs + o + n] =
                    results[k][n] + (panel.bias == nullptr ? 0.0F : panel.bias[o + n]);
    };
    std::int64_t r = begin;
    for (; r + rowGroup <= end; r += rowGroup) {
        dotRows<Format, rowGroup, Outputs>(rows, panel.inner, panel.x + r * panel.inner, panel.inner, results);
        store(r, rowGroup);
    }
    for (; r < end; ++r) {
        dotRows<Format, 1, Outputs>(rows, panel.inner, panel.x + r * panel.inner, panel.inner, results);
        store(r, 1);
    }
}

// The panel's one row: bound by the reading of weights. They are read in the order of memory, which is what a processor
// fetches ahead by itself; one row of weights is a sum of its own in the order of dotRows(), and sixteen such sums end
// at once.
template <class Format>
inline __attribute__((always_inline)) void computeRow(const typename Format::Element* weight, const Panel& panel)
{
    const std::int64_t inner = panel.inner;
    std::int64_t o = panel.begin;
    for (; o + lanes <= panel.end; o += lanes) {
        Floats sums[lanes];
        Floats total;
        for (std::int64_t k = 0; k < lanes; ++k) {
            const typename Format::Element* row = weight + (o + k) * inner;
            Floats sum = {};
            std::int64_t i = 0;
            for (; i + lanes <= inner; i += lanes) {
                Floats v;
                Floats w;
                std::memcpy(&v, panel.x + i, sizeof(v));
                Format::load(row + i, w);
                sum += w * v;
            }
            float tail = 0;
            for (; i < inner; ++i)
                tail += Format::one(row[i]) * panel.x[i];
            sums[k] = sum;
            total[k] = tail;
        }
        addSumsOfLanes(sums, total);
        for (std::int64_t k = 0; k < lanes; ++k)
            panel.y[o + k] = total[k] + (panel.bias == nullptr ? 0.0F : panel.bias[o + k]);
    }
    for (; o < panel.end; ++o)
        computeOutputs<Format, 1>(weight, panel, 0, 1, o);
}

template <class Format>
inline __attribute__((always_inline)) void computePanel(const typename Format::Element* weight, const Panel& panel)
{
    if (panel.rows == 1)
        return computeRow<Format>(weight, panel);
    const std::int64_t most =
        std::max(rowGroup, rowBytes / (panel.inner * static_cast<std::int64_t>(sizeof(float))) / rowGroup * rowGroup);
    for (std::int64_t begin = 0; begin < panel.rows; begin += most) {
        const std::int64_t end = std::min(panel.rows, begin + most);
        std::int64_t o = panel.begin;
        // Rows that are done in one go read the weights once, and best in the order of memory.
        for (; panel.rows >= rowGroup && o + outputGroup <= panel.end; o += outputGroup)
            computeOutputs<Format, outputGroup>(weight, panel, begin, end, o);
        for (; o < panel.end; ++o)
            computeOutputs<Format, 1>(weight, panel, begin, end, o);
    }
}

BLOCKCERT_CLONES void panelFloat32(const float* weight, const Panel& panel)
{
    computePanel<Float32>(weight, panel);
}

BLOCKCERT_CLONES void panelBFloat16(const std::uint16_t* weight, const Panel& panel)
{
    computePanel<BFloat16>(weight, panel);
}

#if defined(__x86_64__)
__attribute__((target("arch=x86-64-v4"))) void panelFloat16In512(const std::uint16_t* weight, const Panel& panel)
{
    computePanel<Float16In512>(weight, panel);
}

__attribute__((target("arch=x86-64-v3"))) void panelFloat16In256(const std::uint16_t* weight, const Panel& panel)
{
    computePanel<Float16In256>(weight, panel);
}
#endif

void panelFloat16Anywhere(const std::uint16_t* weight, const Panel& panel)
{
    computePanel<Float16>(weight, panel);
}

// Outputs that one task computes: few enough that the threads end together, and whole vectors of them.
std::int64_t panelOutputsFor(std::int64_t outputs)
{
    constexpr std::int64_t tasksPerThread = 8;
    const std::int64_t share = outputs / (threadCount() * tasksPerThread) / lanes * lanes;
    return std::clamp(share, lanes, mostOutputs);
}
}

void skinnyLinear(const float* x, std::int64_t rows, const Linear& layer, float* y, const RunContext& context)
{
    const at::Tensor& weight = layer.weight();
    const at::Tensor bias = layer.bias().defined() ? layer.bias().to(at::kFloat) : at::Tensor();
    const float* const biases = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
    const void* const elements = weight.const_data_ptr();
    const at::ScalarType type = weight.scalar_type();
    const std::int64_t inner = weight.size(1);
    const std::int64_t outputs = layer.outputs();
    const std::int64_t share = panelOutputsFor(outputs);
    static void (*const half)(const std::uint16_t*, const Panel&) = BLOCKCERT_FOR_FLOAT16(panelFloat16);
    runTasks((outputs + share - 1) / share, context, [&](std::int64_t task) {
        const std::int64_t begin = task * share;
        const Panel panel{x, y, biases, rows, inner, begin, std::min(outputs, begin + share), outputs};
        switch (type) {
        case at::kFloat: panelFloat32(static_cast<const float*>(elements), panel); break;
        case at::kBFloat16: panelBFloat16(static_cast<const std::uint16_t*>(elements), panel); break;
        case at::kHalf: half(static_cast<const std::uint16_t*>(elements), panel); break;
        default: throw UnsupportedError("Decoding works in fp32, bf16 and fp16.");
        }
    });
}

void skinnyLinear(const at::Tensor& x, const Linear& layer, at::Tensor& y, const RunContext& context)
{
    const std::int64_t missing = layer.weight().size(1) - layer.inputs();
    at::Tensor input = x.to(at::kFloat).contiguous();
    if (missing != 0)
        input = at::constant_pad_nd(input, {0, missing});
    const bool direct = y.scalar_type() == at::kFloat && y.is_contiguous();
    const at::Tensor wide = direct ? y : at::empty(y.sizes(), y.options().dtype(at::kFloat));
    skinnyLinear(input.const_data_ptr<float>(), input.size(0), layer, wide.mutable_data_ptr<float>(), context);
    if (!direct)
        y.copy_(wide);
}

}
