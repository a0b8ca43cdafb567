#include "engine/model/predictions.h"

#include "engine/base/error.h"
#include "engine/model/batch.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/logsumexp.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <utility>

namespace blockcert::model {
namespace {

constexpr std::int64_t chunkRows = 128;

struct Top {
    std::array<std::int32_t, topCount> id{};
    std::array<float, topCount> logit{};
};

Top topOf(const float* logits, std::int64_t count)
{
    Top top;
    top.id.fill(-1);
    top.logit.fill(-std::numeric_limits<float>::infinity());
    for (std::int64_t i = 0; i < count; ++i) {
        const bool fits = logits[i] > top.logit.back() || (top.id.back() < 0 && logits[i] == top.logit.back());
        if (!fits)
            continue;
        std::size_t place = topCount - 1;
        for (; place > 0 && (top.id[place - 1] < 0 || logits[i] > top.logit[place - 1]); --place) {
            top.id[place] = top.id[place - 1];
            top.logit[place] = top.logit[place - 1];
        }
        top.id[place] = static_cast<std::int32_t>(i);
        top.logit[place] = logits[i];
    }
    return top;
}

}

RowPredictions predictRows(Transformer& transformer, const at::Tensor& state, std::span<const RowTarget> targets,
                           const RunContext& context, const LogitsSeen& seen)
{
    if (transformer.config().vocab < topCount)
        throw UnsupportedError("The model's vocabulary has " + std::to_string(transformer.config().vocab) +
                               " tokens; at least " + std::to_string(topCount) + " are needed.");
    assert(std::is_sorted(targets.begin(), targets.end(),
                          [](const RowTarget& a, const RowTarget& b) { return a.row < b.row; }));
    return guarded([&] {
        const std::int64_t rows = state.size(0);
        RowPredictions predictions;
        predictions.nll.resize(targets.size());
        predictions.topId.resize(static_cast<std::size_t>(rows * topCount));
        predictions.topLogit.resize(static_cast<std::size_t>(rows * topCount));
        for (std::int64_t begin = 0; begin < rows; begin += chunkRows) {
            const std::int64_t count = std::min(chunkRows, rows - begin);
            const at::Tensor logits = transformer.logits(state.narrow(0, begin, count), false, context);
            runTasks(count, context, [&](std::int64_t task) {
                const at::Tensor row = logits.select(0, task).to(at::Device(at::kCPU), at::kFloat).contiguous();
                const auto index = static_cast<std::size_t>(begin + task);
                const Top top = topOf(row.const_data_ptr<float>(), row.size(0));
                for (std::size_t k = 0; k < topCount; ++k) {
                    predictions.topId[index * topCount + k] = top.id[k];
                    predictions.topLogit[index * topCount + k] = static_cast<double>(top.logit[k]);
                }
                if (seen)
                    seen(begin + task, {row.const_data_ptr<float>(), static_cast<std::size_t>(row.size(0))});
                const auto [first, last] =
                    std::equal_range(targets.begin(), targets.end(), RowTarget{begin + task, 0},
                                     [](const RowTarget& a, const RowTarget& b) { return a.row < b.row; });
                if (first == last)
                    return;
                // In double: the sum of a whole vocabulary in float would be off by more than the logits are.
                const double total = at::logsumexp(row.to(at::kDouble), {0}).item<double>();
                for (auto target = first; target != last; ++target)
                    predictions.nll[static_cast<std::size_t>(target - targets.begin())] =
                        total - static_cast<double>(row.const_data_ptr<float>()[target->id]);
            });
        }
        return predictions;
    });
}

Predictions predict(Transformer& transformer, const at::Tensor& state, const Batch& batch, std::span<const TokenId> ids,
                    const RunContext& context, const LogitsSeen& seen)
{
    std::vector<RowTarget> targets;
    for (std::int64_t p = 0; p < batch.prompts(); ++p)
        for (std::int64_t row = batch.begin(p); row + 1 < batch.begin(p + 1); ++row)
            targets.push_back({row, ids[static_cast<std::size_t>(row) + 1]});
    RowPredictions rows = predictRows(transformer, state, targets, context, seen);
    return {std::move(rows.nll), std::move(rows.topId), std::move(rows.topLogit)};
}

Predictions predictionsOf(const Predictions& all, const Batch& batch, std::int64_t prompt)
{
    Predictions part;
    const auto slice = [](const auto& values, std::int64_t begin, std::int64_t end) {
        return std::decay_t<decltype(values)>(values.begin() + begin, values.begin() + end);
    };
    // Every prompt before this one predicts one token fewer than it has rows.
    part.nll = slice(all.nll, batch.begin(prompt) - prompt, batch.begin(prompt + 1) - prompt - 1);
    part.topId = slice(all.topId, batch.begin(prompt) * topCount, batch.begin(prompt + 1) * topCount);
    part.topLogit = slice(all.topLogit, batch.begin(prompt) * topCount, batch.begin(prompt + 1) * topCount);
    return part;
}

}
