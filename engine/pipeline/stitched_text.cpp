#include "engine/pipeline/stitched_text.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/batch.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <string>
#include <utility>

namespace blockcert::pipeline {

namespace {

using generate::Completion;
using model::Batch;

// A block to replace, and the model's own blocks that come after it up to the next one.
struct Stretch {
    Replacement replacement; // empty: the stretch before the first replaced block
    std::int32_t first = 0;  // of the model's own blocks
    std::int32_t end = 0;
};

std::vector<Stretch> stretchesOf(std::span<const LayerIndex> blocks, std::int32_t layers,
                                 const Replacements& replacements)
{
    std::vector<Stretch> stretches;
    if (blocks.empty() || blocks.front().value > 0)
        stretches.push_back({{}, 0, blocks.empty() ? layers : blocks.front().value});
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::int32_t next = i + 1 < blocks.size() ? blocks[i + 1].value : layers;
        stretches.push_back({replacements(blocks[i]), blocks[i].value + 1, next});
    }
    return stretches;
}

// Logits [prompt, V] of what follows each sequence.
at::Tensor nextLogits(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& sequences,
                      const std::vector<Stretch>& stretches, const RunContext& context)
{
    const Batch batch = model::batchOf(sequences);
    at::Tensor state = transformer.embed(model::joined(sequences), batch);
    for (const Stretch& stretch : stretches) {
        if (stretch.replacement)
            state = stretch.replacement(state, batch);
        if (stretch.first < stretch.end) {
            model::ForwardOptions options;
            options.end = stretch.end;
            state = transformer.forwardFrom({stretch.first}, state, batch, options, context);
        }
    }
    std::vector<at::Tensor> last;
    for (std::int64_t p = 0; p < batch.prompts(); ++p)
        last.push_back(state.narrow(0, batch.begin(p + 1) - 1, 1));
    return transformer.logits(at::cat(last), true, context);
}

}

std::vector<Completion> generateStitched(model::Transformer& transformer, std::span<const std::vector<TokenId>> prompts,
                                         std::span<const LayerIndex> blocks, const Replacements& replacements,
                                         const generate::GreedyOptions& options, const RunContext& context)
{
    return model::guarded([&] {
        const auto limit = static_cast<std::size_t>(transformer.config().context);
        const std::vector<Stretch> stretches = stretchesOf(blocks, transformer.config().layers, replacements);
        std::vector<Completion> completions(prompts.size());
        std::vector<std::size_t> live;
        for (std::size_t p = 0; p < prompts.size(); ++p) {
            if (prompts[p].empty() || prompts[p].size() >= limit)
                throw UsageError("prompt " + std::to_string(p) + " has " + std::to_string(prompts[p].size()) +
                                 " tokens; to be continued it needs at least one and fewer than the context of " +
                                 std::to_string(limit));
            live.push_back(p);
        }
        Progress progress;
        progress.stage = "stitched";
        progress.unit = "tokens";
        progress.total = static_cast<std::int64_t>(prompts.size()) * options.maxNew;
        while (!live.empty() && options.maxNew > 0) {
            std::vector<std::vector<TokenId>> sequences;
            for (const std::size_t p : live) {
                sequences.push_back(prompts[p]);
                sequences.back().insert(sequences.back().end(), completions[p].ids.begin(), completions[p].ids.end());
            }
            const at::Tensor logits = nextLogits(transformer, sequences, stretches, context);
            std::vector<std::size_t> next;
            for (std::size_t row = 0; row < live.size(); ++row) {
                Completion& completion = completions[live[row]];
                const generate::Choice choice =
                    generate::highestLogit(logits.select(0, static_cast<std::int64_t>(row)));
                completion.ids.push_back(choice.id);
                completion.margin.push_back(choice.margin);
                completion.stopped = std::ranges::find(options.stop, choice.id) != options.stop.end();
                ++progress.done;
                if (!completion.stopped && static_cast<std::int64_t>(completion.ids.size()) < options.maxNew &&
                    sequences[row].size() + 1 < limit)
                    next.push_back(live[row]);
                else
                    progress.done += options.maxNew - static_cast<std::int64_t>(completion.ids.size());
            }
            live = std::move(next);
            context.step(progress);
        }
        return completions;
    });
}

}
