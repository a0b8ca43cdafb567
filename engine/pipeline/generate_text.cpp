#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/generate/greedy.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/stitch_source.h"
#include "engine/pipeline/stitched_model.h"
#include "engine/pipeline/stitched_text.h"
#include "engine/protocol/stitch_rows.h"
#include "engine/protocol/stitch_tokens.h"

#include <algorithm>
#include <span>
#include <utility>

namespace blockcert::pipeline {

namespace {

using generate::Completion;

generate::GreedyOptions greedyOptions(const GenerateOptions& options, const OpenedModel& opened)
{
    generate::GreedyOptions greedy;
    greedy.maxNew = options.maxNew;
    greedy.stop = opened.checkpoint->config().eos;
    if (opened.tokenizer)
        for (const TokenId id : opened.tokenizer->endOfText())
            greedy.stop.push_back(id);
    return greedy;
}

Json completionToJson(const Completion& completion, const OpenedModel& opened)
{
    return {{"text", opened.tokenizer ? Json(opened.tokenizer->decode(completion.ids, true)) : Json()},
            {"token_ids", completion.ids},
            {"stopped", completion.stopped ? "eos" : "length"}};
}

// With what it takes to lay two texts beside each other: pieces, and by how much each token was ahead of the next one.
Json comparedToJson(const Completion& completion, const OpenedModel& opened)
{
    const protocol::PieceOf pieceOf = protocol::piecesOf(opened.tokenizer);
    Json row = completionToJson(completion, opened);
    row["pieces"] = Json::array();
    for (const TokenId id : completion.ids)
        row["pieces"].push_back(pieceOf(id));
    row["margin"] = completion.margin;
    return row;
}

// The first position in which the two differ, also where one of them has ended.
Json firstDifference(const Completion& a, const Completion& b)
{
    const auto [left, right] = std::ranges::mismatch(a.ids, b.ids);
    if (left == a.ids.end() && right == b.ids.end())
        return nullptr;
    return left - a.ids.begin();
}

Json generatePlain(const GenerateOptions& options, ModelCache& cache, const RunContext& context)
{
    const OpenedModel opened = cache.state().open(options.model.model, context);
    const PromptSet prompts = loadPrompts(options.prompts, opened, Heldout::Keep);
    model::Transformer& transformer = cache.state().load(opened, options.model, context);
    const std::vector<Completion> completions =
        generate::generateGreedy(transformer, tokenIdsOf(prompts), greedyOptions(options, opened), context);
    Json rows = Json::array();
    for (std::size_t p = 0; p < completions.size(); ++p) {
        Json row = completionToJson(completions[p], opened);
        row["id"] = prompts.prompts[p].id;
        row["truncated"] = prompts.prompts[p].truncatedTokens;
        rows.push_back(std::move(row));
    }
    return {{"prompts", std::move(rows)}};
}

Json generateBoth(const GenerateOptions& options, ModelCache& cache, const RunContext& context)
{
    const StitchSource source(options.surrogates, cache.state().host.childProgram);
    const DType dtype = source.manifest().request.baselineDtype;
    if (options.model.dtype != dtype)
        throw UsageError("The surrogates of " + options.surrogates.string() + " were made for a baseline in " +
                         std::string(nameOf(dtype)) + ", and --dtype asks for " +
                         std::string(nameOf(options.model.dtype)) + "; give the run's own.");
    const std::vector<StitchedBlock> chosen = source.choose(options.surrogateBlocks);
    std::optional<SourceEdit> edit;
    if (!options.surrogateEdit.empty())
        edit = source.edit(options.surrogateEdit, chosen, context);
    const StitchedModel stitched(source,
                                 {options.model.model, options.surrogateModel, options.model.device,
                                  options.model.threads, options.replayDtype, edit},
                                 cache, context);
    const OpenedModel& opened = stitched.opened();
    const PromptSet prompts = loadPrompts(options.prompts, opened, Heldout::Keep);
    std::vector<LayerIndex> blocks;
    Json numbers = Json::array();
    for (const StitchedBlock& block : chosen) {
        blocks.push_back(block.block);
        numbers.push_back(block.block.value);
    }
    const std::vector<std::vector<TokenId>> ids = tokenIdsOf(prompts);
    const generate::GreedyOptions greedy = greedyOptions(options, opened);
    const std::vector<Completion> own = generate::generateGreedy(stitched.transformer(), ids, greedy, context);
    std::size_t longest = 0;
    for (const std::vector<TokenId>& prompt : ids)
        longest = std::max(longest, prompt.size());
    const std::int64_t positions = std::min<std::int64_t>(static_cast<std::int64_t>(longest) + options.maxNew,
                                                          opened.checkpoint->config().context);
    const std::vector<Completion> other =
        generateStitched(stitched.transformer(), ids, blocks, stitched.replacements(positions), greedy, context);
    Json rows = Json::array();
    for (std::size_t p = 0; p < own.size(); ++p) {
        Json row = comparedToJson(own[p], opened);
        row["id"] = prompts.prompts[p].id;
        row["truncated"] = prompts.prompts[p].truncatedTokens;
        row["stitched"] = comparedToJson(other[p], opened);
        row["first_divergence"] = firstDifference(own[p], other[p]);
        rows.push_back(std::move(row));
    }
    return {{"prompts", std::move(rows)},
            {"surrogates", options.surrogates.string()},
            {"blocks", std::move(numbers)},
            {"edit", edit ? protocol::editedRow(edit->statement) : Json()}};
}

}

Json generate(const GenerateOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.maxNew < 1)
        throw UsageError("--max-new " + std::to_string(options.maxNew) + ": give at least 1.");
    return model::guarded([&] {
        return options.surrogates.empty() ? generatePlain(options, cache, context)
                                          : generateBoth(options, cache, context);
    });
}

}
