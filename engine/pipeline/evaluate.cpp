#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/predictions.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/pipeline.h"

#include <ATen/core/Tensor.h>

#include <cmath>
#include <span>

namespace blockcert::pipeline {

namespace {

constexpr std::int64_t groupRows = 512;

Json promptRow(const EncodedPrompt& prompt, const model::Predictions& predictions)
{
    Json nll = Json::array({nullptr});
    for (const double value : predictions.nll)
        nll.push_back(value);
    Json top = Json::array();
    for (std::size_t row = 0; row < predictions.topId.size(); row += model::topCount)
        top.push_back(predictions.topId[row]);
    return {{"id", prompt.id},
            {"token_ids", prompt.tokenIds},
            {"truncated", prompt.truncatedTokens},
            {"nll", std::move(nll)},
            {"top1", std::move(top)}};
}

void requireFinite(const model::Predictions& predictions, const EncodedPrompt& prompt)
{
    for (std::size_t t = 0; t < predictions.nll.size(); ++t)
        if (!std::isfinite(predictions.nll[t]))
            throw NumericError("The loss of prompt \"" + prompt.id + "\" at token " + std::to_string(t + 1) +
                               " is not finite; another --dtype may help.");
}

}

Json evaluate(const EvaluateOptions& options, ModelCache& cache, const RunContext& context)
{
    return model::guarded([&]() -> Json {
        const OpenedModel opened = cache.state().open(options.model.model, context);
        const PromptSet prompts = loadPrompts(options.prompts, opened, Heldout::Keep);
        model::Transformer& transformer = cache.state().load(opened, options.model, context);
        const std::vector<std::vector<TokenId>> ids = tokenIdsOf(prompts);

        Progress progress;
        progress.stage = "evaluate";
        progress.total = static_cast<std::int64_t>(ids.size());
        progress.unit = "prompts";
        Json rows = Json::array();
        double sum = 0;
        std::int64_t predicted = 0;
        for (std::size_t begin = 0; begin < ids.size();) {
            std::size_t end = begin + 1;
            auto count = static_cast<std::int64_t>(ids[begin].size());
            while (end < ids.size() && count + static_cast<std::int64_t>(ids[end].size()) <= groupRows)
                count += static_cast<std::int64_t>(ids[end++].size());
            const std::span<const std::vector<TokenId>> group(ids.data() + begin, end - begin);
            const model::Batch batch = model::batchOf(group);
            const std::vector<TokenId> tokens = model::joined(group);
            const at::Tensor state =
                transformer.forwardFrom(LayerIndex{0}, transformer.embed(tokens, batch), batch, {}, context);
            const model::Predictions all = model::predict(transformer, state, batch, tokens, context);
            for (std::size_t p = begin; p < end; ++p) {
                const model::Predictions own = model::predictionsOf(all, batch, static_cast<std::int64_t>(p - begin));
                requireFinite(own, prompts.prompts[p]);
                for (const double value : own.nll)
                    sum += value;
                predicted += static_cast<std::int64_t>(own.nll.size());
                rows.push_back(promptRow(prompts.prompts[p], own));
            }
            begin = end;
            progress.done = static_cast<std::int64_t>(end);
            context.step(progress);
        }
        const double mean = predicted > 0 ? sum / static_cast<double>(predicted) : 0;
        return {{"prompts", std::move(rows)},
                {"mean_nll", predicted > 0 ? Json(mean) : Json()},
                {"perplexity", predicted > 0 ? Json(std::exp(mean)) : Json()}};
    });
}

}
