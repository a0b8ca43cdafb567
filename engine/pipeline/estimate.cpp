#include "engine/base/run_context.h"
#include "engine/certificate/stitch_labels.h"
#include "engine/certificate/verdict_text.h"
#include "engine/model/block_forward.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/weights.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/open_surrogates.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/run_request.h"
#include "engine/surrogate/family.h"

#include <algorithm>

namespace blockcert::pipeline {

namespace {

// Counts of one job, in exact integers where they are counts and in double where they only have to be about right.
struct Work {
    double tokens = 0;
    double squares = 0; // Σ Sₚ²
    std::int64_t longest = 0;
};

Work workOf(const PromptSet& prompts)
{
    Work work;
    for (const EncodedPrompt& prompt : prompts.prompts) {
        const auto length = static_cast<std::int64_t>(prompt.tokenIds.size());
        work.tokens += static_cast<double>(length);
        work.squares += static_cast<double>(length * length);
        work.longest = std::max(work.longest, length);
    }
    return work;
}

// What decomposing one block's matrices costs, and what their fitted successors take.
struct Decomposition {
    double flops = 0; // some 21 n³ for a square matrix: reduction to bidiagonal form, both bases, the product
    double bytes = 0;
};

Decomposition decompositionOf(const RunRequest& request, const TransformerConfig& config)
{
    Decomposition cost;
    if (request.surrogate.family != SurrogateFamily::LowRank)
        return cost;
    const ir::BlockProgram program = ir::makeProgram(config, LayerIndex{0});
    for (const std::string& name : surrogate::reducedMatrices(program, request.surrogate)) {
        const std::vector<std::int64_t>& shape = program.weights.at(name).shape;
        const double elements = static_cast<double>(shape[0]) * static_cast<double>(shape[1]);
        const auto full = static_cast<double>(std::min(shape[0], shape[1]));
        cost.flops += 21 * elements * full;
        cost.bytes += 8 * full + (surrogate::isFitted(program, request.surrogate, name) ? 4 * elements : 0);
    }
    return cost;
}

// Multiplications and additions: 2 per weight and token, 4 per score and head dimension, masked ones included.
double flopsOf(const RunRequest& request, const TransformerConfig& config, const Work& work)
{
    const model::ParameterCount count = model::countParameters(config);
    const double block = 2 * work.tokens * static_cast<double>(count.block) + 4 * work.squares * config.queryWidth();
    const double head = 2 * work.tokens * static_cast<double>(config.dModel) * config.vocab;
    const bool losses = request.loss == LossMode::Exact;
    const auto replays = static_cast<double>(request.blocks.size());
    const std::int32_t deepest = request.blocks.empty() ? 0 : request.blocks.back().value + 1;
    double flops = losses ? config.layers * block + head + replays * block : deepest * block;
    flops += replays * (block + decompositionOf(request, config).flops);
    if (losses)
        for (const LayerIndex layer : request.blocks)
            flops += (config.layers - 1 - layer.value) * block + head;
    // One more pass forward, and from the head back to the first chosen block: there each block runs once more and is
    // followed backward at twice its price.
    if (request.loss == LossMode::FirstOrder && !request.blocks.empty())
        flops += config.layers * block + 3 * head + 3 * (config.layers - 1 - request.blocks.front().value) * block;
    return flops;
}

double diskOf(const RunRequest& request, const TransformerConfig& config, const Work& work)
{
    const auto element = static_cast<double>(storageBlock(request.baselineDtype).bytes);
    const double recorded = 4 * work.tokens * config.dModel * element;
    const double perToken = work.tokens * (4 + 4 + 8 * 4 + 8.0 * config.heads);
    const double losses = request.loss == LossMode::Exact        ? work.tokens * (2 * 8 + 2 * 5 * 12)
                          : request.loss == LossMode::FirstOrder ? work.tokens * (4.0 * config.dModel + 2 * 8)
                                                                 : 0;
    const double embedded =
        request.embedWeights ? static_cast<double>(model::countParameters(config).block) * element : 0;
    const double longest = static_cast<double>(work.longest);
    const double fitted = request.embedWeights ? 0 : decompositionOf(request, config).bytes;
    const double ir = longest * longest + longest * config.headDim * element + 8192 + embedded + fitted;
    const double block = recorded + perToken + losses + work.squares + ir;
    if (request.loss != LossMode::Exact) // a few blocks' cells lie beside the finished files until those are flushed
        return block * static_cast<double>(request.blocks.size() + 2);
    // With losses every block is finished in the end, and what is carried is saved.
    const double carried = work.tokens * config.dModel * element * static_cast<double>(request.blocks.size() + 1);
    return 2 * block * static_cast<double>(request.blocks.size()) + 2 * carried;
}

double memoryOf(const RunRequest& request, const TransformerConfig& config, const Work& work,
                model::Residency residency)
{
    const model::ParameterCount count = model::countParameters(config);
    const auto element = static_cast<double>(storageBlock(request.baselineDtype).bytes);
    const auto replayElement = static_cast<double>(storageBlock(request.replayDtype).bytes);
    const double block = static_cast<double>(count.block) * element;
    const double head = static_cast<double>(config.vocab) * config.dModel * element;
    const bool losses = request.loss == LossMode::Exact;
    // All weights and two surrogates, one of which is being prepared; or one block at a time: its weights, the file's
    // bytes of it or of the next one, and its surrogate; the baseline's are dropped before the surrogate is made unless
    // models with an earlier block replaced still need them.
    const double weights = residency == model::Residency::Whole
                               ? static_cast<double>(count.model) * element + config.layers * block
                               : std::max(head, block * 2);
    const double widest = std::max(2 * config.dFf, config.queryWidth() + 2 * config.keyValueWidth());
    const bool narrower = element < replayElement; // widened a panel at a time
    const double panel = std::max(0x1p21, 192.0 * std::max(config.dFf, config.dModel)) * replayElement;
    const double panels = panel * model::threadCount();
    const double surrogate =
        (residency == model::Residency::Whole ? 2 * block : 0) + (narrower ? panels : block / element * replayElement);
    const double state = work.tokens * config.dModel * element;
    // Exact: every model with one block replaced. First order: the states between the blocks, whose place the gradients
    // take in the end.
    const double wide = work.tokens * config.dModel * 4.0;
    const double carried = losses ? state * static_cast<double>(request.blocks.size() + 1)
                           : request.loss == LossMode::FirstOrder
                               ? std::max(state * config.layers, wide * static_cast<double>(request.blocks.size() + 1))
                               : 0;
    const double rows = std::min(work.tokens, static_cast<double>(model::groupRowsOf(config)));
    const double forward = rows * (widest + config.dFf + 4.0 * config.dModel) * element +
                           2 * work.tokens * config.keyValueWidth() * element;
    const double replay = rows * (widest + 2.0 * config.dFf + 8.0 * config.dModel) * replayElement;
    const double logits = 128.0 * config.vocab * element;
    constexpr double libraries = 160e6;
    return weights + surrogate + 8 * state + carried + forward + replay + logits + libraries;
}

// Prompts whose label gives a token to compare the next one with.
std::int64_t labelledIn(const PromptSet& prompts, const OpenedModel& opened)
{
    if (!opened.tokenizer)
        return 0;
    return std::ranges::count_if(certificate::labelIds(prompts, *opened.tokenizer),
                                 [](std::int32_t id) { return id >= 0; });
}

std::int64_t rounded(double value)
{
    return static_cast<std::int64_t>(value);
}

}

Json estimate(const CertifyOptions& options, ModelCache& cache, const RunContext& context)
{
    const OpenedModel opened = cache.state().open(options.model.model, context);
    const TransformerConfig& config = opened.checkpoint->config();
    const RunRequest request = requestOf(options, config);
    const OtherModel other = openOther(options.surrogate, opened, cache.state());
    const PromptSet prompts = loadPrompts(options.prompts, opened, Heldout::Drop);
    const Work work = workOf(prompts);
    const MemoryPlan plan = memoryPlan(config, options.model);
    std::vector<std::string> notes = notesOn(other);
    if (const auto cut = certificate::truncationText(prompts, options.prompts.maxTokens))
        notes.push_back("Of " + prompts.name + ", " + *cut + "; what follows is not measured.");
    return {{"cells", request.blocks.size() * prompts.prompts.size()},
            {"tokens", prompts.tokenCount()},
            {"labelled", labelledIn(prompts, opened)},
            {"memory_bytes", rounded(memoryOf(request, config, work, plan.residency))},
            {"memory_budget_bytes", plan.budget},
            {"residency", nameOf(plan.residency)},
            {"disk_bytes", rounded(diskOf(request, config, work))},
            {"flops", flopsOf(request, config, work)},
            {"notes", std::move(notes)}};
}

}
