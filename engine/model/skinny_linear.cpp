#include "engine/model/skinny_linear.h"

#include "engine/base/error.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/tiled_linear.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#define BLOCKCERT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define BLOCKCERT_CLONES
#endif

namespace blockcert::model {
namespace {

constexpr std::int64_t lanes = 16;
constexpr std::int64_t rowGroup = 4;
constexpr std::int64_t outputGroup = 4;
constexpr std::int64_t panelOutputs = 64;

using Floats = float __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Halves = std::uint16_t __attribute__((vector_size(32)));

struct Float32 {
    using Element = float;

    static inline __attribute__((always_inline)) void load(const float* source, Floats& values)
    {
        std::memcpy(&values, source, sizeof(values));
    }

    static float one(float value) { return value; }
};

struct BFloat16 {
    using Element = std::uint16_t;

    static inline __attribute__((always_inline)) void load(const std::uint16_t* source, Floats& values)
    {
        Halves raw;
        std::memcpy(&raw, source, sizeof(raw));
        const Words bits = __builtin_convertvector(raw, Words) << 16U;
        std::memcpy(&values, &bits, sizeof(values));
    }

    static float one(std::uint16_t value)
    {
        const std::uint32_t bits = static_cast<std::uint32_t>(value) << 16U;
        float result = 0;
        std::memcpy(&result, &bits, sizeof(result));
        return result;
    }
};

struct Float16 {
    using Element = std::uint16_t;

    // Exponent and mantissa are shifted into place and the bias is corrected by an exact multiplication, which
    // also normalises subnormal numbers. Infinity and NaN keep their meaning through the second term.
    static inline __attribute__((always_inline)) void load(const std::uint16_t* source, Floats& values)
    {
        Halves raw;
        std::memcpy(&raw, source, sizeof(raw));
        const Words word = __builtin_convertvector(raw, Words);
        const Words magnitude = (word & 0x7fffU) << 13U;
        Floats scaled;
        std::memcpy(&scaled, &magnitude, sizeof(scaled));
        scaled *= 0x1p112F;
        Words bits;
        std::memcpy(&bits, &scaled, sizeof(bits));
        const Words infinity = Words{} | 0x7f800000U;
        const auto isSpecial = (word & 0x7c00U) == 0x7c00U;
        const Words special = isSpecial ? infinity : Words{};
        bits |= special | ((word & 0x8000U) << 16U);
        std::memcpy(&values, &bits, sizeof(values));
    }

    static float one(std::uint16_t value) { return static_cast<float>(c10::Half(value, c10::Half::from_bits())); }
};

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

// Some rows times some outputs at once, so that what is loaded is used several times. Each sum has its own lanes and
// order, whatever it is computed together with. results[row][output].
template <class Format, std::int64_t Rows, std::int64_t Outputs>
inline __attribute__((always_inline)) void dotRows(const typename Format::Element* weight, const float* x,
                                                   std::int64_t inner, float (&results)[rowGroup][outputGroup])
{
    Floats sums[Rows][Outputs] = {};
    std::int64_t i = 0;
    for (; i + lanes <= inner; i += lanes) {
        Floats w[Outputs];
        for (std::int64_t o = 0; o < Outputs; ++o)
            Format::load(weight + o * inner + i, w[o]);
        for (std::int64_t r = 0; r < Rows; ++r) {
            Floats v;
            std::memcpy(&v, x + r * inner + i, sizeof(v));
            for (std::int64_t o = 0; o < Outputs; ++o)
                sums[r][o] += w[o] * v;
        }
    }
    for (std::int64_t r = 0; r < Rows; ++r)
        for (std::int64_t o = 0; o < Outputs; ++o) {
            float tail = 0;
            for (std::int64_t k = i; k < inner; ++k)
                tail += Format::one(weight[o * inner + k]) * x[r * inner + k];
            for (std::int64_t lane = 0; lane < lanes; ++lane)
                tail += sums[r][o][lane];
            results[r][o] = tail;
        }
}

// All rows of the panel for outputs o … o + Outputs − 1.
template <class Format, std::int64_t Outputs>
inline __attribute__((always_inline)) void computeOutputs(const typename Format::Element* weight, const Panel& panel,
                                                          std::int64_t o)
{
    const typename Format::Element* rows = weight + o * panel.inner;
    float results[rowGroup][outputGroup];
    const auto store = [&](std::int64_t r, std::int64_t count) {
        for (std::int64_t k = 0; k < count; ++k)
            for (std::int64_t n = 0; n < Outputs; ++n)
                panel.y[(r + k) * panel.outputs + o + n] =
                    results[k][n] + (panel.bias == nullptr ? 0.0F : panel.bias[o + n]);
    };
    std::int64_t r = 0;
    for (; r + rowGroup <= panel.rows; r += rowGroup) {
        dotRows<Format, rowGroup, Outputs>(rows, panel.x + r * panel.inner, panel.inner, results);
        store(r, rowGroup);
    }
    for (; r < panel.rows; ++r) {
        dotRows<Format, 1, Outputs>(rows, panel.x + r * panel.inner, panel.inner, results);
        store(r, 1);
    }
}

template <class Format>
inline __attribute__((always_inline)) void computePanel(const typename Format::Element* weight, const Panel& panel)
{
    std::int64_t o = panel.begin;
    for (; o + outputGroup <= panel.end; o += outputGroup)
        computeOutputs<Format, outputGroup>(weight, panel, o);
    for (; o < panel.end; ++o)
        computeOutputs<Format, 1>(weight, panel, o);
}

BLOCKCERT_CLONES void panelFloat32(const float* weight, const Panel& panel)
{
    computePanel<Float32>(weight, panel);
}

BLOCKCERT_CLONES void panelBFloat16(const std::uint16_t* weight, const Panel& panel)
{
    computePanel<BFloat16>(weight, panel);
}

BLOCKCERT_CLONES void panelFloat16(const std::uint16_t* weight, const Panel& panel)
{
    computePanel<Float16>(weight, panel);
}

}

void skinnyLinear(const at::Tensor& x, const Linear& layer, at::Tensor& y, const RunContext& context)
{
    const at::Tensor& weight = layer.weight();
    const std::int64_t inner = weight.size(1);
    at::Tensor input = x.to(at::kFloat).contiguous();
    if (inner != layer.inputs())
        input = at::constant_pad_nd(input, {0, inner - layer.inputs()});
    const at::Tensor bias = layer.bias().defined() ? layer.bias().to(at::kFloat) : at::Tensor();
    const bool direct = y.scalar_type() == at::kFloat && y.is_contiguous();
    at::Tensor wide = direct ? y : at::empty(y.sizes(), y.options().dtype(at::kFloat));

    const std::int64_t outputs = layer.outputs();
    const std::int64_t panels = (outputs + panelOutputs - 1) / panelOutputs;
    runTasks(panels, context, [&](std::int64_t task) {
        const Panel panel{input.const_data_ptr<float>(),
                          wide.mutable_data_ptr<float>(),
                          bias.defined() ? bias.const_data_ptr<float>() : nullptr,
                          input.size(0),
                          inner,
                          task * panelOutputs,
                          std::min(outputs, (task + 1) * panelOutputs),
                          outputs};
        const void* elements = weight.const_data_ptr();
        switch (weight.scalar_type()) {
        case at::kFloat: panelFloat32(static_cast<const float*>(elements), panel); break;
        case at::kBFloat16: panelBFloat16(static_cast<const std::uint16_t*>(elements), panel); break;
        case at::kHalf: panelFloat16(static_cast<const std::uint16_t*>(elements), panel); break;
        default: throw UnsupportedError("Decoding works in fp32, bf16 and fp16.");
        }
    });
    if (!direct)
        y.copy_(wide);
}

}
