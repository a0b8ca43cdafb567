#include "engine/base/run_context.h"
#include "engine/model/predictions.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/stitched_streams.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace blockcert::pipeline {

namespace {

using certificate::StitchColumns;
using model::Batch;
using model::Transformer;

constexpr auto tops = static_cast<std::size_t>(model::topCount);

// A token of one prompt and what is looked at there.
struct Event {
    BisectEvent kind = BisectEvent::FirstDivergence;
    std::size_t prompt = 0;
    std::size_t token = 0; // of the row whose logits decide
    TokenId mine = 0;      // divergence: the stitched model's token; loss: the token that is predicted
    TokenId baselines = 0; // divergence alone
    double baseline = 0;   // loss alone: its baseline loss
    double full = 0;       // the value with all chosen blocks replaced
};

std::optional<Event> firstDivergence(const StitchColumns& columns)
{
    for (std::size_t p = 0; p < columns.prompts(); ++p)
        for (std::size_t t = columns.begin(p); t < columns.end(p); ++t) {
            const TokenId base = columns.topIdBase[t * tops];
            const TokenId own = columns.topIdStitched[t * tops];
            if (base != own)
                return Event{BisectEvent::FirstDivergence, p, t - columns.begin(p), own, base, 0, 0};
        }
    return std::nullopt;
}

std::optional<Event> largestLossChange(const StitchColumns& columns)
{
    std::optional<Event> largest;
    for (std::size_t p = 0; p < columns.prompts(); ++p)
        for (std::size_t t = columns.begin(p); t + 1 < columns.end(p); ++t) {
            const double base = columns.lossBase[t - p];
            const double change = columns.lossStitched[t - p] - base;
            if (change != 0 && (!largest || std::abs(change) > std::abs(largest->full)))
                largest = Event{
                    BisectEvent::LargestLossChange, p, t - columns.begin(p), columns.tokenId[t + 1], 0, base, change};
        }
    return largest;
}

// The value of an event in a state after the last block. Losses come from predict(), logits from the same head.
double valueOf(const Event& event, Transformer& transformer, const at::Tensor& last, const Batch& batch,
               std::span<const TokenId> ids, std::int64_t place, const RunContext& context)
{
    const std::int64_t begin = batch.begin(place);
    if (event.kind == BisectEvent::LargestLossChange) {
        Batch own;
        own.add(batch.count(place));
        const model::Predictions predictions =
            model::predict(transformer, last.narrow(0, begin, own.rows()), own,
                           ids.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(own.rows())), context);
        return predictions.nll[event.token] - event.baseline;
    }
    const at::Tensor logits =
        transformer.logits(last.narrow(0, begin + static_cast<std::int64_t>(event.token), 1), false, context)
            .to(at::Device(at::kCPU), at::kFloat)
            .contiguous();
    const float* row = logits.const_data_ptr<float>();
    return static_cast<double>(row[event.mine]) - static_cast<double>(row[event.baselines]);
}

}

// Linear in the number of chosen blocks, on the prompts of the events alone: whether an event happens need not be
// monotone in the prefix, so halving could miss the smallest one.
std::vector<Bisection> bisect(Transformer& transformer, std::span<const std::vector<TokenId>> prompts,
                              std::span<const LayerIndex> blocks, const Replacements& replacements,
                              const StitchColumns& columns, const RunContext& context)
{
    return model::guarded([&] {
        std::vector<Event> events;
        for (const auto& event : {firstDivergence(columns), largestLossChange(columns)})
            if (event)
                events.push_back(*event);
        std::vector<std::vector<TokenId>> own;
        std::vector<std::int64_t> places; // of each event's prompt in `own`
        for (const Event& event : events) {
            const bool again = !events.empty() && !own.empty() && event.prompt == events.front().prompt;
            if (!again)
                own.push_back(prompts[event.prompt]);
            places.push_back(static_cast<std::int64_t>(own.size()) - 1);
        }
        std::vector<Bisection> bisections;
        for (const Event& event : events) {
            const bool isLoss = event.kind == BisectEvent::LargestLossChange; // shown at the predicted token
            bisections.push_back(
                {event.kind,
                 {{static_cast<std::int32_t>(event.prompt)}, static_cast<std::int32_t>(event.token + (isLoss ? 1 : 0))},
                 {},
                 {},
                 {}});
        }
        if (events.empty())
            return bisections;

        const Batch batch = model::batchOf(own);
        const std::vector<TokenId> ids = model::joined(own);
        at::Tensor baseline = transformer.embed(ids, batch);
        at::Tensor prefix = baseline;
        std::int64_t done = 0;
        for (std::int32_t layer = 0; layer < transformer.config().layers && done < std::ssize(blocks); ++layer) {
            const LayerIndex block{layer};
            model::ForwardOptions one;
            one.end = layer + 1;
            const at::Tensor next = transformer.forwardFrom(block, baseline, batch, one, context);
            if (!std::binary_search(blocks.begin(), blocks.end(), block)) {
                prefix = transformer.forwardFrom(block, prefix, batch, one, context);
                baseline = next;
                continue;
            }
            const Replacement replace = replacements(block);
            const at::Tensor single = replace(baseline, batch);
            prefix = replace(prefix, batch);
            baseline = next;
            const LayerIndex after{layer + 1};
            const at::Tensor lastOfPrefix = transformer.forwardFrom(after, prefix, batch, {}, context);
            const at::Tensor lastOfSingle = transformer.forwardFrom(after, single, batch, {}, context);
            for (std::size_t e = 0; e < events.size(); ++e)
                bisections[e].rows.push_back(
                    {block, valueOf(events[e], transformer, lastOfPrefix, batch, ids, places[e], context),
                     valueOf(events[e], transformer, lastOfSingle, batch, ids, places[e], context)});
            Progress progress;
            progress.stage = "bisect";
            progress.done = ++done;
            progress.total = std::ssize(blocks);
            progress.unit = "blocks";
            progress.block = layer;
            context.step(progress);
        }
        // With every chosen block replaced this is the stitched model itself, whatever the batch.
        for (std::size_t e = 0; e < events.size(); ++e)
            if (events[e].kind == BisectEvent::LargestLossChange)
                bisections[e].rows.back().prefix = events[e].full;
        for (std::size_t e = 0; e < events.size(); ++e)
            certificate::concludeBisection(bisections[e], events[e].mine < events[e].baselines, events[e].full);
        return bisections;
    });
}

}
