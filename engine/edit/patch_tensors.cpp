#include "engine/edit/patch_tensors.h"

#include "engine/base/error.h"
#include "engine/ir/reference_ops.h"

#include <algorithm>
#include <cmath>

namespace blockcert::edit {

namespace {

std::pair<std::int64_t, std::int64_t> matrixShape(const std::string& matrix, const TransformerConfig& config)
{
    const std::int64_t d = config.dModel;
    if (matrix == "q")
        return {config.queryWidth(), d};
    if (matrix == "k" || matrix == "v")
        return {config.keyValueWidth(), d};
    if (matrix == "o")
        return {d, config.queryWidth()};
    return matrix == "down" ? std::pair<std::int64_t, std::int64_t>{d, config.dFf}
                            : std::pair<std::int64_t, std::int64_t>{config.dFf, d};
}

std::string placeOf(std::size_t index, const PatchTensorShape& need, const PatchStep& step)
{
    return "Step " + std::to_string(index + 1) + " of the patch: the tensor " + need.source + " of " + step.file;
}

// A direction is divided by its length where it is scaled along: √Σv² must be a number of double's, and not 0.
void requireLength(const std::vector<double>& direction, const std::string& place)
{
    if (std::all_of(direction.begin(), direction.end(), [](double value) { return value == 0; }))
        throw NumericError(place + " is zero everywhere: it has no direction.");
    double squares = 0;
    for (const double value : direction)
        squares += value * value;
    if (!std::isnormal(squares))
        throw NumericError(place + " is too " + (squares > 1 ? "long" : "short") +
                           " for its length to be computed in double; scale it, and the strength the other way.");
}

std::string shapeText(const std::vector<std::int64_t>& shape)
{
    std::string text = "[";
    for (const std::int64_t extent : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
    return text + "]";
}

}

std::vector<PatchTensorShape> tensorsOf(const PatchStep& step, std::size_t index, const TransformerConfig& config)
{
    const std::string prefix = std::to_string(index) + ".";
    if (step.operation == PatchOperation::RankK) {
        const auto [out, in] = matrixShape(step.matrix, config);
        return {{prefix + "u", step.u, out, true}, {prefix + "v", step.v, in, true}};
    }
    if (step.needsFile())
        return {{prefix + "direction", step.direction, config.dModel, false}};
    return {};
}

void requireFit(const Patch& patch, const PatchTensors& tensors, const TransformerConfig& config)
{
    std::size_t wanted = 0;
    for (std::size_t i = 0; i < patch.steps.size(); ++i) {
        std::int64_t rank = 0;
        for (const PatchTensorShape& need : tensorsOf(patch.steps[i], i, config)) {
            ++wanted;
            const std::string place = placeOf(i, need, patch.steps[i]);
            const auto found = tensors.find(need.name);
            if (found == tensors.end() || found->second.dtype != DType::F64)
                throw FormatError(place + " is missing.");
            const std::vector<std::int64_t>& shape = found->second.shape;
            if (shape.size() != (need.isMatrix ? 2U : 1U) || shape[0] != need.rows ||
                (need.isMatrix && (shape[1] < 1 || (rank != 0 && shape[1] != rank))))
                throw ShapeError(place + " has the shape " + shapeText(shape) + "; [" + std::to_string(need.rows) +
                                 (need.isMatrix ? ", k] with the same k for U and V" : "]") + " is needed.");
            rank = need.isMatrix ? shape[1] : 0;
            const std::vector<double> values = ir::widened(found->second);
            const auto bad =
                std::find_if(values.begin(), values.end(), [](double value) { return !std::isfinite(value); });
            if (bad != values.end())
                throw FormatError(place + " holds a NaN or an infinity at element " +
                                  std::to_string(bad - values.begin()) + ".");
            if (!need.isMatrix)
                requireLength(values, place);
        }
    }
    if (tensors.size() != wanted)
        throw FormatError("The patch comes with " + std::to_string(tensors.size()) + " tensors where its steps need " +
                          std::to_string(wanted) + ".");
}

std::vector<double> valuesOf(const PatchTensors& tensors, const std::string& name)
{
    return ir::widened(tensors.at(name));
}

}
