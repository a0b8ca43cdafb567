#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/generate/greedy.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/pipeline.h"

namespace blockcert::pipeline {

Json generate(const GenerateOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.maxNew < 1)
        throw UsageError("--max-new " + std::to_string(options.maxNew) + ": give at least 1.");
    const OpenedModel opened = cache.state().open(options.model.model, context);
    const PromptSet prompts = loadPrompts(options.prompts, opened, Heldout::Keep);
    model::Transformer& transformer = cache.state().load(opened, options.model, context);

    generate::GreedyOptions greedy;
    greedy.maxNew = options.maxNew;
    greedy.stop = opened.checkpoint->config().eos;
    if (opened.tokenizer)
        for (const TokenId id : opened.tokenizer->endOfText())
            greedy.stop.push_back(id);
    const std::vector<generate::Completion> completions =
        generate::generateGreedy(transformer, tokenIdsOf(prompts), greedy, context);

    Json rows = Json::array();
    for (std::size_t p = 0; p < completions.size(); ++p)
        rows.push_back({{"id", prompts.prompts[p].id},
                        {"text", opened.tokenizer ? Json(opened.tokenizer->decode(completions[p].ids, true)) : Json()},
                        {"token_ids", completions[p].ids},
                        {"stopped", completions[p].stopped ? "eos" : "length"}});
    return {{"prompts", std::move(rows)}};
}

}
