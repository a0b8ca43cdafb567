#include "engine/certificate/edit_codec.h"

#include "engine/certificate/certificate_parts.h"
#include "engine/certificate/edit_evaluation_codec.h"
#include "engine/certificate/patch_codec.h"
#include "engine/edit/patch_check.h"

#include <algorithm>
#include <utility>

namespace blockcert::certificate {

namespace {

Json numberOrNull(const std::optional<double>& value)
{
    return value ? certifiedNumber(*value) : Json();
}

Json spreadToJson(const TokenSpread& spread)
{
    return {{"largest", certifiedNumber(spread.largest)},
            {"worst", certificate_parts::location(spread.worst)},
            {"mean", certifiedNumber(spread.mean)},
            {"quantiles", certificate_parts::quantiles(spread.quantiles)}};
}

// What spreadToJson() wrote; finish() is left to the caller, who may have fields beside it.
TokenSpread readSpread(JsonFields& fields)
{
    TokenSpread spread;
    spread.largest = fields.notNegative("largest");
    spread.worst = certificate_parts::readLocation(fields.object("worst"));
    spread.mean = fields.notNegative("mean");
    spread.quantiles = certificate_parts::readQuantiles(fields.object("quantiles"));
    return spread;
}

TokenSpread spreadFromJson(JsonFields fields)
{
    TokenSpread spread = readSpread(fields);
    fields.finish();
    return spread;
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
    return {{"perplexity", certificate_parts::perplexity(effect.perplexity, "edited")},
            {"kl", spreadToJson({kl.largest, kl.worst, kl.mean, kl.quantiles})},
            {"agreement", certificate_parts::fraction(effect.agreement)},
            {"prompts", std::move(prompts)}};
}

void readHeldout(JsonFields fields, EditEffect& effect)
{
    effect.perplexity = certificate_parts::readPerplexity(fields, "edited");
    const TokenSpread kl = spreadFromJson(fields.object("kl"));
    effect.divergence = {kl.mean, kl.largest, kl.worst, kl.quantiles};
    effect.agreement = certificate_parts::readFraction(fields.object("agreement"));
    for (JsonFields& entry : fields.objects("prompts")) {
        HeldoutPromptMetrics row;
        row.id = entry.text("id");
        row.tokens = entry.count("tokens");
        row.meanBase = entry.numberOrNull("mean_nll_baseline");
        row.meanEdited = entry.numberOrNull("mean_nll_edited");
        row.meanDivergence = entry.notNegative("mean_kl");
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

std::vector<StitchedBlock> blocksFromJson(JsonFields& root, const Patch& patch)
{
    std::vector<StitchedBlock> blocks = certificate_parts::readBlocks(root.objects("blocks"));
    std::vector<LayerIndex> named;
    for (const StitchedBlock& block : blocks)
        named.push_back(block.block);
    if (named != edit::editedBlocks(patch))
        root.refuse("blocks", "must name the blocks that the patch edits, each once, in ascending order");
    return blocks;
}

void readStatement(JsonFields& root, EditCertificate& certificate)
{
    certificate_parts::readHead(root, certificate);
    certificate.heldout = certificate_parts::readPrompts(root.object("heldout_prompts"));
    JsonFields baseline = root.object("baseline");
    baseline.requireText("runtime", "native");
    certificate.baselineDtype = dtypeFrom(baseline, "dtype", baselineDtypes());
    certificate.unchangedAtOne = baseline.boolean("unchanged_without_edit");
    baseline.finish();
    JsonFields replay = root.object("replay");
    certificate.request.replayDtype = certificate_parts::readReplay(replay);
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
    Json json = certificate_parts::head("edit", certificate);
    json["heldout_prompts"] = certificate_parts::prompts(certificate.heldout);
    json["baseline"]["unchanged_without_edit"] = certificate.unchangedAtOne;
    json["patch"] = patchToJson(certificate.request.patch);
    json["touched"] = touchedToJson(certificate.touched);
    json["effect"] = effectToJson(certificate.effect);
    json["evaluation"] = evaluationToJson(certificate);
    return json;
}

EditCertificate editFromJson(const Json& json, std::string_view source)
{
    JsonFields root(json, std::string(source));
    requireSchema(root, certificateSchema, 1);
    root.requireText("kind", "edit");
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
