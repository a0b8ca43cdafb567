#include "engine/model/tiled_linear.h"

#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cassert>

namespace blockcert::model {
namespace {

constexpr std::int64_t innerStep = 8;
constexpr std::int64_t outputStep = 16;

std::int64_t roundUp(std::int64_t value, std::int64_t step)
{
    return (value + step - 1) / step * step;
}

void multiply(at::Tensor& y, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias)
{
    if (bias.defined())
        at::addmm_out(y, bias, x, weight.t());
    else
        at::mm_out(y, x, weight.t());
}

struct RowTile {
    std::int64_t begin = 0;
    std::int64_t height = 0;
};

std::vector<RowTile> rowTilesOf(std::int64_t rows, const Tiling& tiling)
{
    std::vector<RowTile> tiles;
    for (std::int64_t begin = 0; begin < rows;) {
        const std::int64_t left = rows - begin;
        const auto height = std::find_if(tiling.rows.begin(), tiling.rows.end(),
                                         [left](std::int64_t candidate) { return candidate <= left; });
        tiles.push_back({begin, *height});
        begin += *height;
    }
    return tiles;
}

// The outputs of one panel for all rows: the weights are widened once.
void multiplyPanel(const at::Tensor& y, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                   const std::vector<RowTile>& rowTiles, const RunContext& context)
{
    const at::Tensor wideWeight = weight.to(x.scalar_type());
    const at::Tensor wideBias = bias.defined() ? bias.to(x.scalar_type()) : bias;
    const bool direct = y.scalar_type() == x.scalar_type();
    at::Tensor wide;
    for (const RowTile& rows : rowTiles) {
        context.step();
        at::Tensor out = y.narrow(0, rows.begin, rows.height);
        const at::Tensor in = x.narrow(0, rows.begin, rows.height);
        if (direct) {
            multiply(out, in, wideWeight, wideBias);
            continue;
        }
        if (!wide.defined() || wide.size(0) != rows.height)
            wide = at::empty(out.sizes(), x.options());
        multiply(wide, in, wideWeight, wideBias);
        out.copy_(wide);
    }
}

}

std::string Tiling::text() const
{
    std::string heights;
    for (const std::int64_t height : rows)
        heights += (heights.empty() ? "" : "/") + std::to_string(height);
    return heights + " rows x " + std::to_string(outputs) + " outputs";
}

Tiling defaultTiling(DType dtype)
{
    Tiling tiling;
    if (dtype == DType::BF16)
        tiling.outputs = 512;
    return tiling;
}

struct Linear::State {
    at::Tensor weight;
    at::Tensor bias;
    std::int64_t inputs = 0;
};

Linear::Linear(const at::Tensor& weight, const at::Tensor& bias)
    : m_state(std::make_unique<State>())
{
    m_state->inputs = weight.size(1);
    const std::int64_t missing = roundUp(weight.size(1), innerStep) - weight.size(1);
    m_state->weight = missing == 0 ? weight.contiguous() : at::constant_pad_nd(weight, {0, missing});
    m_state->bias = bias;
}

Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;

const at::Tensor& Linear::weight() const
{
    return m_state->weight;
}

const at::Tensor& Linear::bias() const
{
    return m_state->bias;
}

std::int64_t Linear::inputs() const
{
    return m_state->inputs;
}

std::int64_t Linear::outputs() const
{
    return m_state->weight.size(0);
}

std::vector<std::int64_t> outputPanels(std::int64_t outputs, const Tiling& tiling)
{
    const std::int64_t panels = std::max<std::int64_t>(1, (outputs + tiling.outputs - 1) / tiling.outputs);
    const std::int64_t width = roundUp((outputs + panels - 1) / panels, outputStep);
    std::vector<std::int64_t> begins;
    for (std::int64_t begin = 0; begin < outputs; begin += width)
        begins.push_back(begin);
    begins.push_back(outputs);
    return begins;
}

void tiledLinear(const at::Tensor& x, const Linear& layer, at::Tensor& y, const Tiling& tiling,
                 const RunContext& context)
{
    const std::int64_t missing = layer.weight().size(1) - layer.inputs();
    const at::Tensor input = missing == 0 ? x : at::constant_pad_nd(x, {0, missing});
    if (!x.is_cpu()) {
        multiply(y, input, layer.weight(), layer.bias());
        return;
    }
    assert(x.size(0) % tiling.rows.back() == 0 && y.size(0) == x.size(0));

    const std::vector<RowTile> rowTiles = rowTilesOf(x.size(0), tiling);
    const std::vector<std::int64_t> panels = outputPanels(layer.outputs(), tiling);
    const auto rowCount = static_cast<std::int64_t>(rowTiles.size());
    const auto panelCount = static_cast<std::int64_t>(panels.size()) - 1;
    const auto biasOf = [&](std::int64_t begin, std::int64_t width) {
        return layer.bias().defined() ? layer.bias().narrow(0, begin, width) : at::Tensor();
    };
    const at::ScalarType computed = x.scalar_type() == at::kHalf ? at::kFloat : x.scalar_type();
    if (layer.weight().scalar_type() != computed) {
        const at::Tensor wide = input.to(computed);
        runTasks(panelCount, context, [&](std::int64_t task) {
            const auto panel = static_cast<std::size_t>(task);
            const std::int64_t begin = panels[panel];
            const std::int64_t width = panels[panel + 1] - begin;
            multiplyPanel(y.narrow(1, begin, width), wide, layer.weight().narrow(0, begin, width), biasOf(begin, width),
                          rowTiles, context);
        });
        return;
    }
    runTasks(rowCount * panelCount, context, [&](std::int64_t task) {
        // Neighbouring tasks share a weight panel; the highest tiles come first.
        const RowTile rows = rowTiles[static_cast<std::size_t>(task % rowCount)];
        const auto panel = static_cast<std::size_t>(task / rowCount);
        const std::int64_t begin = panels[panel];
        const std::int64_t width = panels[panel + 1] - begin;
        at::Tensor out = y.narrow(0, rows.begin, rows.height).narrow(1, begin, width);
        multiply(out, input.narrow(0, rows.begin, rows.height), layer.weight().narrow(0, begin, width),
                 biasOf(begin, width));
    });
}

}
