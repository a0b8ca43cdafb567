#include "engine/certificate/run_codec.h"

#include "engine/certificate/certificate_parts.h"
#include "engine/certificate/statement_codec.h"
#include "engine/certificate/surrogate_codec.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace blockcert::certificate {

namespace {

constexpr std::string_view schemaFamily = "blockcert.run";

Json blocksToJson(const std::vector<LayerIndex>& blocks)
{
    Json list = Json::array();
    for (const LayerIndex block : blocks)
        list.push_back(block.value);
    return list;
}

std::vector<LayerIndex> blocksFromJson(JsonFields& fields, std::string_view key)
{
    std::vector<LayerIndex> blocks;
    for (const std::int64_t block : fields.integers(key, 0, 1023))
        blocks.push_back({static_cast<std::int32_t>(block)});
    if (std::adjacent_find(blocks.begin(), blocks.end(), std::greater_equal<>()) != blocks.end())
        fields.refuse(key, "must name each block once, in ascending order");
    return blocks;
}

Json requestToJson(const RunRequest& request)
{
    Json json = {{"blocks", blocksToJson(request.blocks)},
                 {"baseline_dtype", blockcert::nameOf(request.baselineDtype)},
                 {"replay_dtype", blockcert::nameOf(request.replayDtype)},
                 {"loss", nameOf(request.loss)},
                 {"weights", nameOf(request.weights)},
                 {"surrogate", surrogateToJson(request.surrogate)},
                 {"ablation", ablationToJson(request.ablation)},
                 {"embed_weights", request.embedWeights},
                 {"max_tokens", request.maxTokens},
                 {"seed", request.seed},
                 {"policy", policyToJson(request.policy)}};
    if (request.imported)
        json["imported"] = importedToJson(*request.imported);
    return json;
}

RunRequest requestFromJson(JsonFields fields)
{
    RunRequest request;
    request.blocks = blocksFromJson(fields, "blocks");
    request.baselineDtype = dtypeFrom(fields, "baseline_dtype", baselineDtypes());
    request.replayDtype = dtypeFrom(fields, "replay_dtype", replayDtypes());
    request.loss = lossModeFrom(fields, "loss");
    request.weights = weightOriginFrom(fields, "weights");
    JsonFields surrogate = fields.object("surrogate");
    request.surrogate = surrogateFromJson(surrogate);
    surrogate.finish();
    request.ablation = ablationFrom(fields, "ablation");
    request.embedWeights = fields.boolean("embed_weights");
    request.maxTokens = fields.count("max_tokens");
    request.seed = fields.unsignedInteger("seed");
    request.policy = policyFromJson(fields.object("policy"));
    if (fields.has("imported"))
        request.imported = importedFromJson(fields.object("imported"));
    fields.finish();
    return request;
}

Json promptsToJson(const PromptSet& prompts)
{
    Json items = Json::array();
    for (const EncodedPrompt& prompt : prompts.prompts)
        items.push_back({{"id", prompt.id},
                         {"rendered", prompt.rendered},
                         {"token_ids", prompt.tokenIds},
                         {"pieces", prompt.pieces},
                         {"truncated_tokens", prompt.truncatedTokens},
                         {"label", prompt.label},
                         {"tags", prompt.tags},
                         {"split", prompt.split}});
    return {{"name", prompts.name},
            {"sha256", prompts.sha256},
            {"bundled", prompts.bundled},
            {"template_sha256", prompts.templateSha256},
            {"pinned_date", prompts.pinnedDate},
            {"items", std::move(items)}};
}

EncodedPrompt promptFromJson(JsonFields& fields)
{
    EncodedPrompt prompt;
    prompt.id = fields.text("id");
    prompt.rendered = fields.text("rendered");
    for (const std::int64_t id : fields.integers("token_ids", 0, std::numeric_limits<TokenId>::max()))
        prompt.tokenIds.push_back(static_cast<TokenId>(id));
    if (prompt.tokenIds.empty())
        fields.refuse("token_ids", "must not be empty");
    prompt.pieces = fields.texts("pieces");
    if (!prompt.pieces.empty() && prompt.pieces.size() != prompt.tokenIds.size())
        fields.refuse("pieces", "must be empty or as many as the token ids");
    prompt.truncatedTokens = fields.count("truncated_tokens");
    prompt.label = fields.text("label");
    prompt.tags = fields.texts("tags");
    prompt.split = fields.text("split");
    fields.finish();
    return prompt;
}

PromptSet promptsFromJson(JsonFields fields)
{
    PromptSet prompts;
    prompts.name = fields.text("name");
    prompts.sha256 = fields.digestOrEmpty("sha256");
    prompts.bundled = fields.boolean("bundled");
    prompts.templateSha256 = fields.digestOrEmpty("template_sha256");
    prompts.pinnedDate = fields.text("pinned_date");
    for (JsonFields& item : fields.objects("items"))
        prompts.prompts.push_back(promptFromJson(item));
    fields.finish();
    return prompts;
}

Json stateToJson(const RunState& state)
{
    Json failed = Json::array();
    for (const BlockFailure& failure : state.failed)
        failed.push_back({{"block", failure.block.value},
                          {"code", failure.code},
                          {"where", failure.where},
                          {"sentence", failure.sentence}});
    return {{"complete", state.complete},
            {"finished_blocks", blocksToJson(state.finished)},
            {"failed_blocks", std::move(failed)}};
}

RunState stateFromJson(JsonFields fields)
{
    RunState state;
    state.complete = fields.boolean("complete");
    state.finished = blocksFromJson(fields, "finished_blocks");
    for (JsonFields& element : fields.objects("failed_blocks")) {
        BlockFailure& failure = state.failed.emplace_back();
        failure.block = {element.index("block")};
        failure.code = element.text("code");
        failure.where = element.text("where");
        failure.sentence = element.text("sentence");
        element.finish();
    }
    fields.finish();
    return state;
}

}

Json runToJson(const RunDocument& run)
{
    const RunManifest& manifest = run.manifest;
    return {{"schema", std::string(schemaFamily) + "/1"},
            {"created", manifest.created},
            {"tool", certificate_parts::tool(manifest.toolVersion, manifest.toolBuild)},
            {"command", manifest.commandLine},
            {"model_hint", manifest.modelHint},
            {"surrogate_hint", manifest.surrogateHint},
            {"surrogate_model", surrogateModelToJson(manifest.surrogateModel)},
            {"request", requestToJson(manifest.request)},
            {"subject", subjectToJson(manifest.subject)},
            {"prompts", promptsToJson(manifest.prompts)},
            {"environment", environmentToJson(manifest.environment)},
            {"state", stateToJson(run.state)}};
}

RunDocument runFromJson(const Json& json, std::string_view source)
{
    JsonFields root(json, std::string(source));
    requireSchema(root, schemaFamily, 1);
    RunDocument run;
    RunManifest& manifest = run.manifest;
    manifest.created = root.utcTime("created");
    certificate_parts::readTool(root.object("tool"), manifest.toolVersion, manifest.toolBuild);
    manifest.commandLine = root.text("command");
    manifest.modelHint = root.text("model_hint");
    manifest.request = requestFromJson(root.object("request"));
    manifest.surrogateHint = root.text("surrogate_hint");
    manifest.surrogateModel = surrogateModelFrom(root, "surrogate_model");
    if (manifest.surrogateModel.has_value() != (manifest.request.surrogate.family == SurrogateFamily::Checkpoint))
        root.refuse("surrogate_model", "must be given exactly where the family is checkpoint");
    JsonFields subject = root.object("subject");
    manifest.subject = subjectFromJson(subject);
    subject.finish();
    manifest.prompts = promptsFromJson(root.object("prompts"));
    manifest.environment = environmentFromJson(root.object("environment"));
    run.state = stateFromJson(root.object("state"));
    skipExtensions(root);
    root.finish();
    return run;
}

}
