#include "engine/model/invariance.h"

#include "engine/model/parallel_tasks.h"
#include "engine/model/tensor_bridge.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>

namespace blockcert::model {
namespace {

// Sets the thread count for one scope.
class ThreadScope {
public:
    explicit ThreadScope(int threads)
        : m_before(threadCount())
    {
        setThreads(threads);
    }

    ~ThreadScope() { setThreads(m_before); }

    ThreadScope(const ThreadScope&) = delete;
    ThreadScope& operator=(const ThreadScope&) = delete;

private:
    int m_before;
};

constexpr std::int64_t probeRows = 37; // no multiple of any tile or register block
constexpr std::array<std::int64_t, 5> places = {0, 1, 6, 27, 91};

at::Tensor probe(const Linear& layer, std::optional<DType> type)
{
    at::TensorOptions options = layer.weight().options();
    if (type)
        options = options.dtype(scalarTypeOf(*type));
    const at::Tensor angles = at::arange(probeRows * layer.inputs(), options.dtype(at::kDouble)).mul_(0.7390851);
    return at::sin(angles).view({probeRows, layer.inputs()}).to(options.dtype());
}

at::Tensor productAt(const at::Tensor& rows, std::int64_t place, const Linear& layer, const Tiling& tiling,
                     const RunContext& context)
{
    const std::int64_t padded = tiling.padded(place + rows.size(0));
    at::Tensor x = at::zeros({padded, rows.size(1)}, rows.options());
    x.narrow(0, place, rows.size(0)).copy_(rows);
    at::Tensor y = at::zeros({padded, layer.outputs()}, rows.options());
    tiledLinear(x, layer, y, tiling, context);
    return y.narrow(0, place, rows.size(0)).contiguous();
}

bool agrees(const Linear& layer, const Tiling& tiling, const at::Tensor& reference, const at::Tensor& rows,
            const RunContext& context)
{
    for (const std::int64_t place : places) {
        if (!at::equal(productAt(rows, place, layer, tiling, context), reference))
            return false;
    }
    return true;
}

// The first and the last panel of a layer, as layers of their own with the same cuts.
std::vector<Linear> panelsToTry(const Linear& layer, const Tiling& tiling)
{
    const std::vector<std::int64_t> begins = outputPanels(layer.outputs(), layer.inputs(), tiling);
    std::vector<Linear> panels;
    const auto add = [&](std::size_t panel) {
        const std::int64_t begin = begins[panel];
        const std::int64_t width = begins[panel + 1] - begin;
        const at::Tensor bias = layer.bias().defined() ? layer.bias().narrow(0, begin, width) : at::Tensor();
        panels.emplace_back(layer.weight().narrow(0, begin, width), bias);
    };
    add(0);
    if (begins.size() > 2)
        add(begins.size() - 2);
    return panels;
}

// The reference is made by one thread, everything compared with it by all.
at::Tensor referenceOf(const at::Tensor& rows, const Linear& panel, const Tiling& tiling, const RunContext& context)
{
    const ThreadScope alone(1);
    return productAt(rows, 0, panel, tiling, context);
}

bool holds(std::span<const Linear* const> layers, const Tiling& tiling, std::optional<DType> type,
           const RunContext& context)
{
    for (const Linear* layer : layers)
        for (const Linear& panel : panelsToTry(*layer, tiling)) {
            const at::Tensor rows = probe(panel, type);
            Tiling one = tiling;
            one.rows = {tiling.rows.back()};
            const at::Tensor reference = referenceOf(rows, panel, one, context);
            for (const std::int64_t height : tiling.rows) {
                one.rows = {height};
                if (!agrees(panel, one, reference, rows, context))
                    return false;
            }
            if (!agrees(panel, tiling, reference, rows, context))
                return false;
        }
    return true;
}

}

TilingChoice chooseTiling(std::span<const Linear* const> layers, const Tiling& wanted, const RunContext& context,
                          std::optional<DType> rows)
{
    if (holds(layers, wanted, rows, context))
        return {wanted, true};
    for (auto height = wanted.rows.rbegin(); height != wanted.rows.rend(); ++height) {
        Tiling single = wanted;
        single.rows = {*height};
        if (holds(layers, single, rows, context))
            return {single, true};
    }
    Tiling single = wanted;
    single.rows = {wanted.rows.back()};
    return {single, false};
}

}
