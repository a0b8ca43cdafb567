#include "engine/certificate/edit_codec.h"

#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/edit_evaluation_codec.h"
#include "engine/certificate/patch_codec.h"
#include "engine/certificate/statement_codec.h"
#include "engine/edit/patch_check.h"

#include <algorithm>
#include <utility>

namespace blockcert::certificate {

namespace {

constexpr std::string_view schemaFamily = "blockcert.certificate";
constexpr std::string_view programSchema = "blockcert.program/1";

void requireText(JsonFields& fields, std::string_view key, std::string_view expected)
{
    if (const std::string found = fields.text(key); found != expected)
        fields.refuse(key, "must be \"" + std::string(expected) + "\", found \"" + found + "\"");
}

double notNegative(JsonFields& fields, std::string_view key)
{
    const double value = fields.number(key);
    if (value < 0)
        fields.refuse(key, "must not be negative");
    return value;
}

Json numberOrNull(const std::optional<double>& value)
{
    return value ? certifiedNumber(*value) : Json();
}

Json quantilesToJson(const Quantiles& quantiles)
{
    return {{"q50", certifiedNumber(quantiles.q50)},
            {"q90", certifiedNumber(quantiles.q90)},
            {"q95", certifiedNumber(quantiles.q95)},
            {"q99", certifiedNumber(quantiles.q99)}};
}

Quantiles quantilesFromJson(JsonFields fields)
{
    const Quantiles quantiles{notNegative(fields, "q50"), notNegative(fields, "q90"), notNegative(fields, "q95"),
                              notNegative(fields, "q99")};
    fields.finish();
    return quantiles;
}

Json spreadToJson(const TokenSpread& spread)
{
    return {{"largest", certifiedNumber(spread.largest)},
            {"worst", {{"prompt", spread.worst.prompt.value}, {"token", spread.worst.token}}},
            {"mean", certifiedNumber(spread.mean)},
            {"quantiles", quantilesToJson(spread.quantiles)}};
}

// What spreadToJson() wrote; finish() is left to the caller, who may have fields beside it.
TokenSpread readSpread(JsonFields& fields)
{
    TokenSpread spread;
    spread.largest = notNegative(fields, "largest");
    JsonFields worst = fields.object("worst");
    spread.worst = {{worst.index("prompt")}, worst.index("token")};
    worst.finish();
    spread.mean = notNegative(fields, "mean");
    spread.quantiles = quantilesFromJson(fields.object("quantiles"));
    return spread;
}

TokenSpread spreadFromJson(JsonFields fields)
{
    TokenSpread spread = readSpread(fields);
    fields.finish();
    return spread;
}

Json perplexityToJson(const std::optional<Perplexities>& perplexity)
{
    if (!perplexity)
        return nullptr;
    return {{"mean_nll_baseline", certifiedNumber(perplexity->meanBaseline)},
            {"mean_nll_edited", certifiedNumber(perplexity->meanStitched)},
            {"baseline", certifiedNumber(perplexity->baseline)},
            {"edited", certifiedNumber(perplexity->stitched)},
            {"difference", certifiedNumber(perplexity->difference())}};
}

std::optional<Perplexities> perplexityFromJson(JsonFields& parent)
{
    if (parent.value("perplexity").is_null())
        return std::nullopt;
    JsonFields fields = parent.object("perplexity");
    const Perplexities perplexity{notNegative(fields, "mean_nll_baseline"), notNegative(fields, "mean_nll_edited"),
                                  notNegative(fields, "baseline"), notNegative(fields, "edited")};
    if (fields.number("difference") != perplexity.difference())
        fields.refuse("difference", "is not edited minus baseline");
    fields.finish();
    return perplexity;
}

Json heldoutToJson(const EditEffect& effect)
{
    Json prompts = Json::array();
    for (const HeldoutPromptMetrics& row : effect.heldout)
        prompts.push_back({{"id", row.id},
                           {"tokens", row.tokens},
                           {"mean_nll_baseline", numberOrNull(row.meanBase)},
                           {"mean_nll_edited", numberOrNull(row.meanEdited)},
                           {"mean_kl", certifiedNumber(row.meanDivergence)},
                           {"agreement", certificate_parts::fraction(row.agreement)}});
    const Divergence& kl = effect.divergence;
    return {{"perplexity", perplexityToJson(effect.perplexity)},
            {"kl", spreadToJson({kl.largest, kl.worst, kl.mean, kl.quantiles})},
            {"agreement", certificate_parts::fraction(effect.agreement)},
            {"prompts", std::move(prompts)}};
}

void readHeldout(JsonFields fields, EditEffect& effect)
{
    effect.perplexity = perplexityFromJson(fields);
    const TokenSpread kl = spreadFromJson(fields.object("kl"));
    effect.divergence = {kl.mean, kl.largest, kl.worst, kl.quantiles};
    effect.agreement = certificate_parts::readFraction(fields.object("agreement"));
    for (JsonFields& entry : fields.objects("prompts")) {
        HeldoutPromptMetrics row;
        row.id = entry.text("id");
        row.tokens = entry.count("tokens");
        row.meanBase = entry.numberOrNull("mean_nll_baseline");
        row.meanEdited = entry.numberOrNull("mean_nll_edited");
        row.meanDivergence = notNegative(entry, "mean_kl");
        row.agreement = certificate_parts::readFraction(entry.object("agreement"));
        entry.finish();
        effect.heldout.push_back(std::move(row));
    }
    fields.finish();
}

EditEffect effectFromJson(JsonFields fields)
{
    EditEffect effect;
    for (JsonFields& entry : fields.objects("local_error")) {
        EditedBlockError block;
        block.block = {entry.index("block")};
        block.error = readSpread(entry);
        entry.finish();
        effect.blocks.push_back(std::move(block));
    }
    for (JsonFields& layer : fields.objects("layers")) {
        effect.layers.push_back(readSpread(layer));
        layer.finish();
    }
    effect.finalPre = spreadFromJson(fields.object("final_deviation_pre_norm"));
    effect.finalPost = spreadFromJson(fields.object("final_deviation_post_norm"));
    effect.amplificationPre = fields.numberOrNull("amplification_pre_norm");
    effect.amplificationPost = fields.numberOrNull("amplification_post_norm");
    readHeldout(fields.object("heldout"), effect);
    fields.finish();
    return effect;
}

std::vector<TouchedTensor> touchedFromJson(std::vector<JsonFields> elements)
{
    std::vector<TouchedTensor> touched;
    for (JsonFields& fields : elements) {
        TouchedTensor tensor;
        tensor.block = {fields.index("block")};
        tensor.role = fields.text("role");
        tensor.tensor = fields.text("tensor");
        tensor.dtype = dtypeFrom(fields, "dtype", storedDtypes());
        tensor.shape = fields.integers("shape", 0, std::int64_t{1} << 40);
        tensor.before = fields.digestOrEmpty("sha256_before");
        tensor.after = fields.digest("sha256_after");
        fields.finish();
        touched.push_back(std::move(tensor));
    }
    return touched;
}

Json blocksToJson(const std::vector<StitchedBlock>& blocks)
{
    Json list = Json::array();
    for (const StitchedBlock& block : blocks)
        list.push_back({{"block", block.block.value}, {"certificate", block.path}, {"sha256", block.sha256}});
    return list;
}

std::vector<StitchedBlock> blocksFromJson(JsonFields& root, const Patch& patch)
{
    std::vector<StitchedBlock> blocks;
    std::vector<LayerIndex> named;
    for (JsonFields& fields : root.objects("blocks")) {
        blocks.push_back({{fields.index("block")}, fields.text("certificate"), fields.digest("sha256")});
        named.push_back(blocks.back().block);
        fields.finish();
    }
    if (named != edit::editedBlocks(patch))
        root.refuse("blocks", "must name the blocks that the patch edits, each once, in ascending order");
    return blocks;
}

void readStatement(JsonFields& root, EditCertificate& certificate)
{
    certificate.name = root.text("name");
    certificate.created = root.text("created");
    JsonFields tool = root.object("tool");
    requireText(tool, "name", "blockcert");
    certificate.toolVersion = tool.text("version");
    certificate.toolBuild = tool.text("build");
    tool.finish();
    certificate.commandLine = root.text("command");
    certificate.environment = environmentFromJson(root.object("environment"));
    JsonFields subject = root.object("subject");
    certificate.subject = subjectFromJson(subject);
    subject.finish();
    certificate.prompts = certificate_parts::readPrompts(root.object("prompts"));
    certificate.heldout = certificate_parts::readPrompts(root.object("heldout_prompts"));
    JsonFields baseline = root.object("baseline");
    requireText(baseline, "runtime", "native");
    certificate.baselineDtype = dtypeFrom(baseline, "dtype", baselineDtypes());
    certificate.unchangedAtOne = baseline.boolean("unchanged_without_edit");
    baseline.finish();
    JsonFields replay = root.object("replay");
    requireText(replay, "program", programSchema);
    certificate.request.replayDtype = dtypeFrom(replay, "dtype", replayDtypes());
    replay.finish();
}

}

Json effectToJson(const EditEffect& effect)
{
    Json blocks = Json::array();
    for (const EditedBlockError& block : effect.blocks) {
        Json row = spreadToJson(block.error);
        row["block"] = block.block.value;
        blocks.push_back(std::move(row));
    }
    Json layers = Json::array();
    for (const TokenSpread& layer : effect.layers)
        layers.push_back(spreadToJson(layer));
    return {{"local_error", std::move(blocks)},
            {"layers", std::move(layers)},
            {"final_deviation_pre_norm", spreadToJson(effect.finalPre)},
            {"final_deviation_post_norm", spreadToJson(effect.finalPost)},
            {"amplification_pre_norm", numberOrNull(effect.amplificationPre)},
            {"amplification_post_norm", numberOrNull(effect.amplificationPost)},
            {"heldout", heldoutToJson(effect)}};
}

Json touchedToJson(const std::vector<TouchedTensor>& touched)
{
    Json list = Json::array();
    for (const TouchedTensor& tensor : touched)
        list.push_back({{"block", tensor.block.value},
                        {"role", tensor.role},
                        {"tensor", tensor.tensor},
                        {"dtype", blockcert::nameOf(tensor.dtype)},
                        {"shape", tensor.shape},
                        {"sha256_before", tensor.before},
                        {"sha256_after", tensor.after}});
    return list;
}

Json editToJson(const EditCertificate& certificate)
{
    return {{"schema", std::string(schemaFamily) + "/1"},
            {"kind", "edit"},
            {"name", certificate.name},
            {"created", certificate.created},
            {"tool", {{"name", "blockcert"}, {"version", certificate.toolVersion}, {"build", certificate.toolBuild}}},
            {"command", certificate.commandLine},
            {"environment", environmentToJson(certificate.environment)},
            {"subject", subjectToJson(certificate.subject)},
            {"prompts", certificate_parts::prompts(certificate.prompts)},
            {"heldout_prompts", certificate_parts::prompts(certificate.heldout)},
            {"baseline",
             {{"runtime", "native"},
              {"dtype", blockcert::nameOf(certificate.baselineDtype)},
              {"unchanged_without_edit", certificate.unchangedAtOne}}},
            {"replay", {{"program", programSchema}, {"dtype", blockcert::nameOf(certificate.request.replayDtype)}}},
            {"patch", patchToJson(certificate.request.patch)},
            {"blocks", blocksToJson(certificate.request.blocks)},
            {"touched", touchedToJson(certificate.touched)},
            {"effect", effectToJson(certificate.effect)},
            {"evaluation", evaluationToJson(certificate)},
            {"artifacts", certificate_parts::artifacts(certificate.artifacts)}};
}

EditCertificate editFromJson(const Json& json, std::string_view source)
{
    JsonFields root(json, std::string(source));
    requireSchema(root, schemaFamily, 1);
    requireText(root, "kind", "edit");
    EditCertificate certificate;
    readStatement(root, certificate);
    certificate.request.patch = patchFromJson(root.object("patch"));
    certificate.request.blocks = blocksFromJson(root, certificate.request.patch);
    certificate.request.heldoutSha256 = certificate.heldout.tokenIdsSha256;
    certificate.touched = touchedFromJson(root.objects("touched"));
    if (certificate.touched.empty())
        root.refuse("touched", "must name at least one tensor: an edit that changes nothing is none");
    certificate.effect = effectFromJson(root.object("effect"));
    readEvaluation(root.object("evaluation"), certificate);
    certificate.artifacts = certificate_parts::readArtifacts(root.objects("artifacts"), {"effect"});
    skipExtensions(root);
    root.finish();
    return certificate;
}

}
