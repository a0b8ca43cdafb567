#include "engine/pipeline/measure_cells.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/widen.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/surrogate.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace blockcert::pipeline {

namespace {

std::vector<double> rowNorms(std::span<const double> rows, std::size_t width)
{
    std::vector<double> norms;
    for (std::size_t row = 0; row < rows.size(); row += width) {
        double squares = 0;
        for (std::size_t i = 0; i < width; ++i)
            squares += rows[row + i] * rows[row + i];
        norms.push_back(std::sqrt(squares));
    }
    return norms;
}

std::vector<double> rowDistances(std::span<const double> a, std::span<const double> b, std::size_t width)
{
    std::vector<double> distances;
    for (std::size_t row = 0; row < b.size(); row += width) {
        double squares = 0;
        for (std::size_t i = row; i < row + width; ++i)
            squares += (a[i] - b[i]) * (a[i] - b[i]);
        distances.push_back(std::sqrt(squares));
    }
    return distances;
}

}

CellRecord measureCell(const BlockTrace& trace, LayerIndex block, PromptIndex prompt, const ir::BlockReplay& replay)
{
    return model::guarded([&] {
        const auto width = static_cast<std::size_t>(trace.output.size(1));
        const std::vector<double> output = model::toDoubles(trace.output);
        CellRecord cell;
        cell.block = block;
        cell.prompt = prompt;
        cell.input = model::toHost(trace.input);
        cell.output = model::toHost(trace.output);
        cell.attentionOutput = model::toHost(trace.attention);
        cell.mlpOutput = model::toHost(trace.mlp);
        cell.mask = causalMask(trace.output.size(0));
        cell.error = rowDistances(replay.output, output, width);
        cell.errorAttention = rowDistances(replay.attention, model::toDoubles(trace.attention), width);
        cell.errorMlp = rowDistances(replay.mlp, model::toDoubles(trace.mlp), width);
        cell.outputNorm = rowNorms(output, width);
        cell.attentionMargin = replay.margin;
        return cell;
    });
}

void addEstimate(CellRecord& cell, const at::Tensor& gradient, const HostTensor& surrogate,
                 std::vector<double> lossBase)
{
    cell.lossGradient = model::toHost(gradient);
    cell.lossBase = std::move(lossBase);
    const std::vector<double> slopes = certificate::widened(cell.lossGradient);
    const std::vector<double> replaced = certificate::widened(surrogate);
    const std::vector<double> output = certificate::widened(cell.output);
    const auto width = static_cast<std::size_t>(cell.output.shape[1]);
    for (std::size_t begin = 0; begin < output.size(); begin += width) {
        const auto row = [&](const std::vector<double>& rows) { return std::span(rows).subspan(begin, width); };
        cell.firstOrder.push_back(certificate::firstOrderChange(row(slopes), row(replaced), row(output)));
    }
}

CellRecord lossesOfCell(LayerIndex block, PromptIndex prompt, const model::Predictions& base,
                        const model::Predictions& stitched)
{
    CellRecord cell;
    cell.block = block;
    cell.prompt = prompt;
    cell.lossBase = base.nll;
    cell.topIdBase = base.topId;
    cell.topLogitBase = base.topLogit;
    cell.lossStitched = stitched.nll;
    cell.topIdStitched = stitched.topId;
    cell.topLogitStitched = stitched.topLogit;
    return cell;
}

HostTensor roundedOutput(const ir::BlockReplay& replay, std::int64_t width, DType dtype)
{
    const auto count = static_cast<std::int64_t>(replay.output.size());
    HostTensor rounded{dtype, {count / width, width}, {}};
    rounded.bytes.resize(static_cast<std::size_t>(count * storageBlock(dtype).bytes));
    artifact::convertElements(DType::F64, reinterpret_cast<const std::byte*>(replay.output.data()), dtype,
                              rounded.bytes.data(), count);
    return rounded;
}

std::optional<std::int64_t> firstTooLarge(std::span<const double> output, std::int64_t width)
{
    const auto columns = static_cast<std::size_t>(width);
    for (std::size_t row = 0; row < output.size() / columns; ++row) {
        double squares = 0;
        for (const double value : output.subspan(row * columns, columns))
            squares += value * value;
        if (!(squares <= largestSquares))
            return static_cast<std::int64_t>(row);
    }
    return std::nullopt;
}

std::optional<std::int64_t> firstBadToken(const CellRecord& cell)
{
    const std::size_t tokens = std::max(cell.error.size(), cell.topIdStitched.size() / model::topCount);
    const bool errors = !cell.error.empty(); // else they are the losses of a cell alone
    for (std::size_t t = 0; t < tokens; ++t) {
        bool good = !errors || (std::isfinite(cell.error[t]) && std::isfinite(cell.errorAttention[t]) &&
                                std::isfinite(cell.errorMlp[t]) && std::isfinite(cell.outputNorm[t]));
        for (std::size_t at = t; at < cell.attentionMargin.size(); at += tokens)
            good = good && std::isfinite(cell.attentionMargin[at]);
        for (std::size_t k = 0; k < model::topCount && !cell.topLogitStitched.empty(); ++k)
            good = good && std::isfinite(cell.topLogitStitched[t * model::topCount + k]);
        if (!cell.firstOrder.empty())
            good = good && std::isfinite(cell.firstOrder[t]);
        if (t > 0 && !cell.lossStitched.empty())
            good = good && std::isfinite(cell.lossStitched[t - 1]);
        if (!good)
            return static_cast<std::int64_t>(t);
    }
    return std::nullopt;
}

std::string cellDetail(const CellRecord& cell)
{
    Json relative = Json::array();
    for (std::size_t t = 0; t < cell.error.size(); ++t) {
        if (cell.outputNorm[t] > 0)
            relative.push_back(cell.error[t] / cell.outputNorm[t]);
        else
            relative.push_back(cell.error[t] == 0 ? Json(0.0) : Json()); // y = 0: no ratio
    }
    const Json detail = {{"cell",
                          {{"block", cell.block.value},
                           {"prompt", cell.prompt.value},
                           {"error", cell.error},
                           {"relative", std::move(relative)}}}};
    return detail.dump();
}

std::string lossDetail(const CellRecord& losses)
{
    Json difference = Json::array({nullptr}); // the first token is not predicted
    for (std::size_t t = 0; t < losses.lossBase.size(); ++t)
        difference.push_back(std::abs(losses.lossStitched[t] - losses.lossBase[t]));
    const Json detail = {
        {"cell",
         {{"block", losses.block.value}, {"prompt", losses.prompt.value}, {"loss_difference", std::move(difference)}}}};
    return detail.dump();
}

}
