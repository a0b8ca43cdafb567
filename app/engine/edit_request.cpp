#include "app/engine/edit_request.h"

#include "app/engine/parameters.h"
#include "app/engine/request_options.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace blockcert::engine {

namespace {

constexpr std::int64_t mostTokens = 1 << 20;
constexpr std::size_t mostEdits = 1000; // as in a patch file

std::optional<std::int32_t> indexOf(Parameters& parameters, std::string_view key)
{
    if (!parameters.has(key))
        return std::nullopt;
    return static_cast<std::int32_t>(parameters.integer(key, 0, 0, 1 << 20));
}

pipeline::PatchOptions patchOptions(Parameters& parameters)
{
    pipeline::PatchOptions patch;
    patch.file = parameters.text("patch", "");
    patch.block = indexOf(parameters, "block");
    patch.scaleMlp = parameters.number("scale_mlp");
    patch.scaleAttention = parameters.number("scale_attn");
    patch.head = indexOf(parameters, "head");
    if (parameters.has("zero"))
        patch.zero = parameters.word("zero", {"mlp", "attention", "head"});
    patch.rankK = parameters.text("rank_k", "");
    if (parameters.has("matrix"))
        patch.matrix = parameters.word("matrix", {"down", "q", "k", "v", "o", "gate", "up"});
    patch.strength = parameters.number("strength");
    patch.direction = parameters.text("direction", "");
    if (parameters.has("target"))
        patch.target = parameters.word("target", {"residual", "mlp", "attention"});
    patch.addDirection = parameters.number("add_direction");
    patch.scaleDirection = parameters.number("scale_direction");
    const bool single = patch.block || patch.scaleMlp || patch.scaleAttention || patch.head || !patch.zero.empty() ||
                        !patch.rankK.empty() || !patch.matrix.empty() || patch.strength || !patch.direction.empty() ||
                        !patch.target.empty() || patch.addDirection || patch.scaleDirection;
    if (!patch.file.empty() && single)
        parameters.refuse("patch", "already says what is edited; leave out the other options about that");
    return patch;
}

// The parameter `edits`: each element in the words of `edit`, without a patch file, and with names of tensors.
std::vector<pipeline::PatchOptions> stackOf(Parameters& parameters, const std::string& method)
{
    std::vector<pipeline::PatchOptions> stack;
    for (const Json& element : parameters.array("edits", mostEdits)) {
        Parameters edit(method + ": edit " + std::to_string(stack.size() + 1), element);
        if (!element.is_object())
            parameters.refuse("edits", "must hold objects alone");
        if (edit.has("patch"))
            edit.refuse("patch", "stands instead of edits, not among them");
        pipeline::PatchOptions options = patchOptions(edit);
        options.u = edit.text("u", "");
        options.v = edit.text("v", "");
        options.tensor = edit.text("tensor", "");
        stack.push_back(std::move(options));
        edit.finish();
    }
    return stack;
}

}

pipeline::EditOptions editOptions(const Json& json)
{
    Parameters parameters("edit", json);
    pipeline::EditOptions options;
    options.model = modelOptions(parameters);
    options.prompts = promptOptions(parameters, "refusal");
    options.heldout.source = parameters.text("heldout", "stress");
    options.heldout.maxTokens = options.prompts.maxTokens;
    options.patch = patchOptions(parameters);
    options.refusal.maxNew = parameters.integer("max_new", options.refusal.maxNew, 1, mostTokens);
    options.refusal.condition = parameters.text("condition", options.refusal.condition);
    options.refusal.markers = parameters.text("markers", "");
    options.labels = parameters.text("labels", "");
    options.out = parameters.text("out");
    options.name = parameters.text("name", "");
    options.replayDtype = parameters.word("replay_dtype", {"fp64", "fp32"}) == "fp64" ? DType::F64 : DType::F32;
    options.loss = parameters.word("loss", {"exact", "none"}) == "exact" ? LossMode::Exact : LossMode::None;
    parameters.finish();
    return options;
}

pipeline::EditEffectOptions editEffectOptions(const Json& json)
{
    Parameters parameters("edit_effect", json);
    pipeline::EditEffectOptions options;
    options.model = modelOptions(parameters);
    options.prompts = promptOptions(parameters, "refusal");
    if (parameters.has("heldout_content")) {
        options.heldout.content = parameters.text("heldout_content");
        options.heldout.format = parameters.word("heldout_format", {"jsonl", "txt", "csv"});
        options.heldout.name = parameters.text("heldout_name", options.heldout.name);
    } else {
        options.heldout.source = parameters.text("heldout", "stress");
    }
    options.heldout.maxTokens = options.prompts.maxTokens;
    options.edits = stackOf(parameters, "edit_effect");
    if (const std::string patch = parameters.text("patch", ""); !patch.empty()) {
        if (!options.edits.empty())
            parameters.refuse("patch", "already says what is edited; leave out edits");
        options.edits.emplace_back().file = patch;
    }
    options.refusal.maxNew = parameters.integer("max_new", options.refusal.maxNew, 1, mostTokens);
    options.refusal.condition = parameters.text("condition", options.refusal.condition);
    options.refusal.markers = parameters.text("markers", "");
    for (const Json& part : parameters.array("parts", 4)) {
        if (part == "local")
            options.local = true;
        else if (part == "downstream")
            options.downstream = true;
        else if (part == "completions")
            options.completions = true;
        else if (part == "receipt")
            options.receipt = true;
        else
            parameters.refuse("parts",
                              "holds " + part.dump() + ", which is none of local, downstream, completions, receipt");
    }
    parameters.finish();
    return options;
}

pipeline::WritePatchOptions writePatchOptions(const Json& json)
{
    Parameters parameters("write_patch", json);
    pipeline::WritePatchOptions options;
    options.model = modelOptions(parameters);
    options.edits = stackOf(parameters, "write_patch");
    options.out = parameters.text("out");
    parameters.finish();
    return options;
}

pipeline::ReadPatchOptions readPatchOptions(const Json& json)
{
    Parameters parameters("read_patch", json);
    pipeline::ReadPatchOptions options;
    options.model = modelOptions(parameters);
    options.patch = parameters.text("patch");
    parameters.finish();
    return options;
}

std::filesystem::path markersFile(const Json& json)
{
    Parameters parameters("read_markers", json);
    std::filesystem::path file = parameters.text("markers", "");
    parameters.finish();
    return file;
}

pipeline::SweepOptions sweepOptions(const Json& json)
{
    Parameters parameters("sweep", json);
    pipeline::SweepOptions options;
    options.model = modelOptions(parameters);
    options.prompts = promptOptions(parameters, "refusal");
    options.blocks = parameters.text("blocks");
    options.alphas = parameters.text("alphas");
    options.target = parameters.word("target", {"mlp", "attention"});
    options.conditions = parameters.text("conditions", options.conditions);
    options.maxNew = parameters.integer("max_new", options.maxNew, 1, mostTokens);
    options.markers = parameters.text("markers", "");
    options.out = parameters.text("out");
    options.resume = parameters.flag("resume");
    parameters.finish();
    return options;
}

pipeline::ExportEditOptions exportEditOptions(const Json& json)
{
    Parameters parameters("export", json);
    pipeline::ExportEditOptions options;
    (void)parameters.word("kind", {"model"});
    options.run = parameters.text("run");
    options.edit = parameters.text("edit", "");
    options.model = parameters.text("model", "");
    options.out = parameters.text("out");
    const std::string dtype = parameters.word("dtype", {"fp32", "bf16", "fp16"});
    options.dtype = dtype == "fp32" ? DType::F32 : dtype == "bf16" ? DType::BF16 : DType::F16;
    if (parameters.has("table"))
        parameters.refuse("table", "goes with export csv; leave it out");
    parameters.finish();
    return options;
}

bool isSweepResumable(const Json& json)
{
    const std::filesystem::path out = json.value("out", "");
    std::error_code error;
    return !out.empty() && std::filesystem::exists(out / "request.json", error) &&
           !std::filesystem::exists(out / "sweep.json", error);
}

}
