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

// What a product costs besides its multiplications, in rows: packing the weights, or widening them.
constexpr std::int64_t weightRows = 32;

// How long `tasks` of `rows` each take, shared out among the threads.
std::int64_t timeOf(std::int64_t tasks, std::int64_t rows)
{
    const std::int64_t threads = threadCount();
    return (tasks + threads - 1) / threads * (rows + weightRows);
}

// Rows begin … end − 1 in tiles no higher than `tallest`.
std::vector<RowTile> rowTilesOf(std::int64_t begin, std::int64_t end, std::int64_t tallest, const Tiling& tiling)
{
    std::vector<RowTile> tiles;
    while (begin < end) {
        const std::int64_t left = std::min(end - begin, tallest);
        const auto height = std::find_if(tiling.rows.begin(), tiling.rows.end(),
                                         [left](std::int64_t candidate) { return candidate <= left; });
        tiles.push_back({begin, *height});
        begin += *height;
    }
    return tiles;
}

// The height at which the threads are done first: high tiles cost less, low ones leave no thread without work.
std::int64_t bestHeight(std::int64_t rows, std::int64_t panels, const Tiling& tiling)
{
    return *std::min_element(tiling.rows.begin(), tiling.rows.end(), [&](std::int64_t a, std::int64_t b) {
        return timeOf((rows + a - 1) / a * panels, a) < timeOf((rows + b - 1) / b * panels, b);
    });
}

// The same for weights that are widened first: how many rows share one widening of a panel.
std::int64_t bestShare(std::int64_t rows, std::int64_t panels, const Tiling& tiling)
{
    const std::int64_t step = tiling.rows.front();
    std::int64_t best = (rows + step - 1) / step * step;
    std::int64_t bestTime = timeOf(panels, best);
    for (std::int64_t parts = 2; parts * step <= rows; ++parts) {
        const std::int64_t share = ((rows + parts - 1) / parts + step - 1) / step * step;
        const std::int64_t time = timeOf((rows + share - 1) / share * panels, share);
        if (time < bestTime) {
            best = share;
            bestTime = time;
        }
    }
    return best;
}

// The outputs of one panel for these rows: the weights are widened once.
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

std::vector<std::int64_t> outputPanels(std::int64_t outputs, std::int64_t inputs, const Tiling& tiling)
{
    // A panel in double is an allocation that is used again and not mapped anew, and every thread has one.
    constexpr std::int64_t panelElements = std::int64_t{1} << 21;
    constexpr std::int64_t narrowest = 192;
    const std::int64_t most =
        std::min(tiling.outputs, std::max(narrowest, panelElements / std::max<std::int64_t>(1, inputs)));
    const std::int64_t panels = std::max<std::int64_t>(1, (outputs + most - 1) / most);
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

    const std::int64_t rows = x.size(0);
    const std::vector<std::int64_t> panels = outputPanels(layer.outputs(), layer.inputs(), tiling);
    const auto panelCount = static_cast<std::int64_t>(panels.size()) - 1;
    const auto biasOf = [&](std::int64_t begin, std::int64_t width) {
        return layer.bias().defined() ? layer.bias().narrow(0, begin, width) : at::Tensor();
    };
    // Neighbouring tasks share a weight panel.
    const auto forPanels = [&](std::int64_t parts, auto work) {
        runTasks(parts * panelCount, context, [&](std::int64_t task) {
            const auto panel = static_cast<std::size_t>(task / parts);
            work(task % parts, panels[panel], panels[panel + 1] - panels[panel]);
        });
    };
    const at::ScalarType computed = x.scalar_type() == at::kHalf ? at::kFloat : x.scalar_type();
    if (layer.weight().scalar_type() != computed) {
        const at::Tensor wide = input.to(computed);
        const std::int64_t share = bestShare(rows, panelCount, tiling);
        forPanels((rows + share - 1) / share, [&](std::int64_t part, std::int64_t begin, std::int64_t width) {
            const std::int64_t first = part * share;
            multiplyPanel(y.narrow(1, begin, width), wide, layer.weight().narrow(0, begin, width), biasOf(begin, width),
                          rowTilesOf(first, std::min(rows, first + share), share, tiling), context);
        });
        return;
    }
    const std::vector<RowTile> rowTiles = rowTilesOf(0, rows, bestHeight(rows, panelCount, tiling), tiling);
    forPanels(static_cast<std::int64_t>(rowTiles.size()),
              [&](std::int64_t tile, std::int64_t begin, std::int64_t width) {
                  const RowTile at = rowTiles[static_cast<std::size_t>(tile)];
                  at::Tensor out = y.narrow(0, at.begin, at.height).narrow(1, begin, width);
                  multiply(out, input.narrow(0, at.begin, at.height), layer.weight().narrow(0, begin, width),
                           biasOf(begin, width));
              });
}

}
