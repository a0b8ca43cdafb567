#include "engine/base/atomic_file.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/patch_codec.h"
#include "engine/edit/patch_check.h"
#include "engine/pipeline/edit/edit.h"
#include "engine/pipeline/edit/effect_rows.h"
#include "engine/pipeline/edit/patch_request.h"

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;

// A step in the words of `edit`, which make the same step again.
Json wordsOf(const PatchStep& step, const fs::path& folder)
{
    const bool isHead = step.target == PatchTarget::Head;
    const std::string target(edit::nameOf(step.target));
    const std::string file = step.file.empty() ? std::string() : (folder / step.file).string();
    Json words = {{"block", step.block.value}};
    if (isHead)
        words["head"] = step.head;
    switch (step.operation) {
    case PatchOperation::Scale:
        words[step.target == PatchTarget::Mlp ? "scale_mlp" : "scale_attn"] = step.strength;
        break;
    case PatchOperation::Zero: words["zero"] = target; break;
    case PatchOperation::AddDirection:
    case PatchOperation::ScaleDirection:
        words["direction"] = file;
        words["tensor"] = step.direction;
        words["target"] = target;
        words[step.operation == PatchOperation::AddDirection ? "add_direction" : "scale_direction"] = step.strength;
        break;
    case PatchOperation::RankK:
        words["rank_k"] = file;
        words["matrix"] = step.matrix;
        words["strength"] = step.strength;
        words["u"] = step.u;
        words["v"] = step.v;
        break;
    }
    return words;
}

}

Json readMarkers(const fs::path& file)
{
    RefusalOptions options;
    options.markers = file;
    return markerRows(requestedMarkers(options));
}

Json readPatch(const ReadPatchOptions& options, ModelCache& cache, const RunContext& context)
{
    OpenedModel opened = cache.state().open(options.model.model, context);
    opened.checkpoint->hashFiles(context);
    PatchOptions file;
    file.file = fs::absolute(options.patch);
    const Patch patch = requestedPatch(file, *opened.checkpoint).patch;
    Json steps = Json::array();
    for (const PatchStep& step : patch.steps)
        steps.push_back(wordsOf(step, file.file.parent_path()));
    return {{"path", file.file.string()},
            {"sha256", sha256OfFile(file.file, context)},
            {"edits", stepTexts(patch)},
            {"steps", std::move(steps)}};
}

}
