#include "engine/pipeline/stitched_streams.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/predictions.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/measure_cells.h"
#include "engine/pipeline/stitch_divergence.h"
#include "engine/replay/torch_interpreter.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

namespace blockcert::pipeline {

namespace {

using certificate::StitchColumns;
using model::Batch;
using model::Transformer;

// Rows that are replayed together: enough for the matrix products, few enough for memory.
constexpr std::int64_t groupRows = 512;
constexpr std::int64_t chunkRows = 32;

// Runs of prompts with at most groupRows rows, or a single longer prompt: [first, last).
std::vector<std::pair<std::int64_t, std::int64_t>> groupsOf(const Batch& batch)
{
    std::vector<std::pair<std::int64_t, std::int64_t>> groups;
    for (std::int64_t p = 0; p < batch.prompts(); ++p) {
        if (!groups.empty() && batch.begin(p + 1) - batch.begin(groups.back().first) <= groupRows)
            groups.back().second = p + 1;
        else
            groups.emplace_back(p, p + 1);
    }
    return groups;
}

std::string placeOf(const Batch& batch, std::int64_t row)
{
    const auto next = std::upper_bound(batch.offset.begin(), batch.offset.end(), row);
    const std::int64_t prompt = next - batch.offset.begin() - 1;
    return "prompt " + std::to_string(prompt) + ", token " + std::to_string(row - batch.begin(prompt));
}

void requireFinite(std::span<const double> values, std::int64_t perRow, const std::string& what, const Batch& batch)
{
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i]))
            throw NumericError("The stitched model cannot be measured: " + what + " is not finite at " +
                               placeOf(batch, static_cast<std::int64_t>(i) / perRow) +
                               "; stitch fewer blocks, or a run of another --dtype.");
}

// A norm of the model itself comes next. Where its state is as far from the baseline's as that, it is as large.
void requireNorm(std::span<const double> residual, std::int32_t layer, const Batch& batch)
{
    for (std::size_t i = 0; i < residual.size(); ++i)
        if (residual[i] * residual[i] > largestSquares)
            throw NumericError("The stitched model cannot be measured: the sum of squares of its state after block " +
                               std::to_string(layer) +
                               ", which the model's next norm takes in single precision, is not finite at " +
                               placeOf(batch, static_cast<std::int64_t>(i)) + "; stitch fewer blocks.");
}

// The residual columns of one layer: rows [layer · N, (layer + 1) · N).
void measureLayer(const at::Tensor& baseline, const at::Tensor& stitched, std::int64_t layer, StitchColumns& columns,
                  const RunContext& context)
{
    const std::int64_t rows = baseline.size(0);
    const auto width = static_cast<std::size_t>(baseline.size(1));
    const auto first = static_cast<std::size_t>(layer * rows);
    model::runTasks((rows + chunkRows - 1) / chunkRows, context, [&](std::int64_t task) {
        const std::int64_t begin = task * chunkRows;
        const std::int64_t count = std::min(chunkRows, rows - begin);
        const std::vector<double> h = model::toDoubles(baseline.narrow(0, begin, count));
        const std::vector<double> s = model::toDoubles(stitched.narrow(0, begin, count));
        for (std::size_t row = 0; row < static_cast<std::size_t>(count); ++row) {
            double squares = 0;
            double sum = 0;
            double largest = 0;
            double norm = 0;
            for (std::size_t i = row * width; i < (row + 1) * width; ++i) {
                const double difference = s[i] - h[i];
                squares += difference * difference;
                sum += std::abs(difference);
                largest = std::max(largest, std::abs(difference));
                norm += h[i] * h[i];
            }
            const std::size_t at = first + static_cast<std::size_t>(begin) + row;
            columns.residualL2[at] = std::sqrt(squares);
            columns.residualMae[at] = sum / static_cast<double>(width);
            columns.residualMax[at] = largest;
            columns.residualNorm[at] = std::sqrt(norm);
        }
    });
}

at::Tensor throughBlock(Transformer& transformer, LayerIndex layer, const at::Tensor& state, const Batch& batch,
                        const RunContext& context)
{
    model::ForwardOptions options;
    options.end = layer.value + 1;
    return transformer.forwardFrom(layer, state, batch, options, context);
}

void reportBlock(const char* stage, std::int64_t done, std::int64_t total, std::int32_t block,
                 const RunContext& context)
{
    Progress progress;
    progress.stage = stage;
    progress.done = done;
    progress.total = total;
    progress.unit = "blocks";
    progress.block = block;
    context.step(progress);
}

}

Replacement replayOf(ir::BlockIr block, DType dtype, const Transformer& transformer, const model::Tiling& tiling,
                     const RunContext& context)
{
    // The interpreter reads the matrices where the block has them, so the two stay together.
    const auto kept = std::make_shared<const ir::BlockIr>(std::move(block));
    const auto interpreter =
        std::make_shared<replay::TorchInterpreter>(*kept, dtype, transformer.device(), tiling, context);
    const std::int64_t width = kept->program.width;
    return [kept, interpreter, width, &transformer, &context](const at::Tensor& input, const Batch& batch) {
        return model::guarded([&] {
            std::vector<at::Tensor> outputs;
            for (const auto& [firstPrompt, lastPrompt] : groupsOf(batch)) {
                Batch group;
                for (std::int64_t p = firstPrompt; p < lastPrompt; ++p)
                    group.add(batch.count(p));
                const at::Tensor rows = input.narrow(0, batch.begin(firstPrompt), group.rows());
                for (const ir::BlockReplay& replay : interpreter->run(rows, group, context))
                    outputs.push_back(
                        model::toTensor(roundedOutput(replay, width, transformer.dtype()), transformer.device()));
            }
            return at::cat(outputs);
        });
    };
}

StitchColumns runStitched(Transformer& transformer, std::span<const std::vector<TokenId>> prompts,
                          std::span<const LayerIndex> blocks, const Replacements& replacements,
                          const RunContext& context)
{
    return model::guarded([&] {
        const Batch batch = model::batchOf(prompts);
        const std::vector<TokenId> ids = model::joined(prompts);
        const std::int32_t layers = transformer.config().layers;
        StitchColumns columns;
        columns.offset = batch.offset;
        columns.tokenId.assign(ids.begin(), ids.end());
        columns.layers = layers;
        for (std::vector<double>* column :
             {&columns.residualL2, &columns.residualMae, &columns.residualMax, &columns.residualNorm})
            column->resize(static_cast<std::size_t>(layers) * ids.size());

        at::Tensor baseline = transformer.embed(ids, batch);
        at::Tensor stitched = baseline;
        for (std::int32_t layer = 0; layer < layers; ++layer) {
            const LayerIndex block{layer};
            const bool replaced = std::binary_search(blocks.begin(), blocks.end(), block);
            const bool same = stitched.is_same(baseline) || stitched.equal(baseline);
            const at::Tensor next = throughBlock(transformer, block, baseline, batch, context);
            if (replaced)
                stitched = replacements(block)(stitched, batch);
            else
                stitched = same ? next : throughBlock(transformer, block, stitched, batch, context);
            baseline = next;
            measureLayer(baseline, stitched, layer, columns, context);
            const auto own = [&](const std::vector<double>& column) {
                return std::span(column).subspan(static_cast<std::size_t>(layer) * ids.size(), ids.size());
            };
            const std::string where = " after block " + std::to_string(layer);
            requireFinite(own(columns.residualNorm), 1, "the baseline's state" + where, batch);
            requireFinite(own(columns.residualL2), 1, "its state" + where, batch);
            if (layer + 1 == layers || !std::binary_search(blocks.begin(), blocks.end(), LayerIndex{layer + 1}))
                requireNorm(own(columns.residualL2), layer, batch);
            reportBlock("stitch", layer + 1, layers, layer, context);
        }

        model::Predictions base = model::predict(transformer, baseline, batch, ids, context);
        const bool same = stitched.equal(baseline);
        model::Predictions own = same ? base : model::predict(transformer, stitched, batch, ids, context);
        columns.divergence =
            same ? std::vector<double>(ids.size(), 0.0) : divergenceRows(transformer, baseline, stitched, context);
        columns.lossBase = std::move(base.nll);
        columns.lossStitched = std::move(own.nll);
        columns.topIdBase = std::move(base.topId);
        columns.topIdStitched = std::move(own.topId);
        columns.topLogitBase = std::move(base.topLogit);
        columns.topLogitStitched = std::move(own.topLogit);
        requireFinite(columns.topLogitBase, model::topCount, "a logit of the baseline", batch);
        requireFinite(columns.topLogitStitched, model::topCount, "a logit", batch);
        requireFinite(columns.divergence, 1, "the divergence", batch);
        return columns;
    });
}

}
