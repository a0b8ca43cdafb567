#include "app/engine/edit_request.h"

#include "app/engine/parameters.h"
#include "app/engine/request_options.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

namespace blockcert::engine {

namespace {

constexpr std::int64_t mostTokens = 1 << 20;

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
    patch.matrix = parameters.word("matrix", {"down", "q", "k", "v", "o", "gate", "up"});
    patch.strength = parameters.number("strength");
    patch.direction = parameters.text("direction", "");
    patch.target = parameters.word("target", {"residual", "mlp", "attention"});
    patch.addDirection = parameters.number("add_direction");
    patch.scaleDirection = parameters.number("scale_direction");
    const bool single = patch.block || patch.scaleMlp || patch.scaleAttention || patch.head || !patch.zero.empty() ||
                        !patch.rankK.empty() || patch.addDirection || patch.scaleDirection;
    if (!patch.file.empty() && single)
        parameters.refuse("patch", "already says what is edited; leave out the other options about that");
    return patch;
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
        parameters.refuse("table", "is for csv");
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
