#include "engine/certificate/patch_codec.h"

#include "engine/certificate/statement_codec.h"
#include "engine/edit/patch_check.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace blockcert::certificate {

namespace {

constexpr std::string_view patchSchema = "blockcert.patch";
constexpr std::size_t mostSteps = 1000;

template <class Enum, std::size_t Count>
Enum named(JsonFields& fields, std::string_view key, const std::array<Enum, Count>& values)
{
    const std::string found = fields.text(key);
    std::string known;
    for (const Enum value : values) {
        if (edit::nameOf(value) == found)
            return value;
        known += (known.empty() ? "" : ", ") + std::string(edit::nameOf(value));
    }
    fields.refuse(key, "must be one of " + known + ", found \"" + found + "\"");
}

// A base name: a patch points to files beside it and nowhere else.
std::string baseName(JsonFields& fields, std::string_view key)
{
    std::string name = fields.text(key);
    if (name.empty() || name.front() == '.' || name.find_first_of("/\\") != std::string::npos)
        fields.refuse(key, "must be the name of a file in the patch's folder");
    return name;
}

Json stepToJson(const PatchStep& step)
{
    Json json = {{"block", step.block.value},
                 {"target", edit::nameOf(step.target)},
                 {"operation", edit::nameOf(step.operation)}};
    if (step.operation != PatchOperation::Zero)
        json["strength"] = step.strength;
    if (step.target == PatchTarget::Head)
        json["head"] = step.head;
    if (!step.needsFile())
        return json;
    json["file"] = step.file;
    json["sha256"] = step.fileSha256;
    if (step.operation == PatchOperation::RankK) {
        json["matrix"] = step.matrix;
        json["u"] = step.u;
        json["v"] = step.v;
    } else {
        json["direction"] = step.direction;
    }
    return json;
}

PatchStep stepFromJson(JsonFields& fields)
{
    PatchStep step;
    step.block = {fields.index("block")};
    step.target = named(fields, "target",
                        std::array{PatchTarget::Mlp, PatchTarget::Attention, PatchTarget::Head, PatchTarget::Residual});
    step.operation = named(fields, "operation",
                           std::array{PatchOperation::Scale, PatchOperation::Zero, PatchOperation::AddDirection,
                                      PatchOperation::ScaleDirection, PatchOperation::RankK});
    step.strength = 0;
    if (step.operation != PatchOperation::Zero) {
        const Json& strength = fields.value("strength");
        if (!strength.is_number() || !std::isfinite(strength.get<double>()))
            fields.refuse("strength", "must be a finite number");
        step.strength = strength.get<double>();
    }
    if (step.target == PatchTarget::Head)
        step.head = fields.index("head");
    if (step.needsFile()) {
        step.file = baseName(fields, "file");
        step.fileSha256 = fields.digest("sha256");
        if (step.operation == PatchOperation::RankK) {
            step.matrix = fields.text("matrix");
            step.u = fields.text("u");
            step.v = fields.text("v");
        } else {
            step.direction = fields.text("direction");
        }
    }
    fields.finish();
    return step;
}

}

Json patchToJson(const Patch& patch)
{
    Json steps = Json::array();
    for (const PatchStep& step : patch.steps)
        steps.push_back(stepToJson(step));
    return {{"schema", std::string(patchSchema) + "/1"},
            {"model", {{"name", patch.model}, {"files", patch.modelSha256}}},
            {"steps", std::move(steps)}};
}

Patch patchFromJson(JsonFields fields)
{
    requireSchema(fields, patchSchema, 1);
    Patch patch;
    JsonFields model = fields.object("model");
    patch.model = model.text("name");
    patch.modelSha256 = model.texts("files");
    if (patch.modelSha256.empty() || !std::is_sorted(patch.modelSha256.begin(), patch.modelSha256.end()) ||
        !std::all_of(patch.modelSha256.begin(), patch.modelSha256.end(), isSha256))
        model.refuse("files", "must hold the SHA-256 of every weight file, ascending");
    model.finish();
    for (JsonFields& step : fields.objects("steps"))
        patch.steps.push_back(stepFromJson(step));
    if (patch.steps.empty() || patch.steps.size() > mostSteps)
        fields.refuse("steps", "must hold 1 to " + std::to_string(mostSteps) + " steps");
    skipExtensions(fields);
    fields.finish();
    return patch;
}

Patch parsePatch(std::string_view text, std::string_view source)
{
    const Json json = parseStrictJson(text, source);
    return patchFromJson(JsonFields(json, std::string(source)));
}

}
