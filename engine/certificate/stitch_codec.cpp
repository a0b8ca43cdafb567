#include "engine/certificate/stitch_codec.h"

#include "engine/certificate/certificate_parts.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace blockcert::certificate {

namespace {

using certificate_parts::location;
using certificate_parts::readLocation;

std::optional<std::int32_t> indexOrNull(JsonFields& fields, std::string_view key)
{
    if (fields.value(key).is_null())
        return std::nullopt;
    return fields.index(key);
}

std::optional<LayerIndex> blockOrNull(JsonFields& fields, std::string_view key)
{
    const std::optional<std::int32_t> index = indexOrNull(fields, key);
    return index ? std::optional(LayerIndex{*index}) : std::nullopt;
}

Json orNull(const std::optional<LayerIndex>& block)
{
    return block ? Json(block->value) : Json();
}

Json layerToJson(const LayerDeviation& layer)
{
    return {{"mae", certifiedNumber(layer.mae)},
            {"coordinate_mae", certifiedNumber(layer.coordinateMae)},
            {"largest", certifiedNumber(layer.largest)},
            {"worst", location(layer.worst)},
            {"largest_coordinate", certifiedNumber(layer.largestCoordinate)}};
}

LayerDeviation layerFromJson(JsonFields& fields)
{
    LayerDeviation layer;
    layer.mae = fields.notNegative("mae");
    layer.coordinateMae = fields.notNegative("coordinate_mae");
    layer.largest = fields.notNegative("largest");
    layer.worst = readLocation(fields.object("worst"));
    layer.largestCoordinate = fields.notNegative("largest_coordinate");
    fields.finish();
    return layer;
}

Json divergenceToJson(const Divergence& divergence)
{
    return {{"mean", certifiedNumber(divergence.mean)},
            {"largest", certifiedNumber(divergence.largest)},
            {"worst", location(divergence.worst)},
            {"quantiles", certificate_parts::quantiles(divergence.quantiles)}};
}

Divergence divergenceFromJson(JsonFields fields)
{
    Divergence divergence;
    divergence.mean = fields.notNegative("mean");
    divergence.largest = fields.notNegative("largest");
    divergence.worst = readLocation(fields.object("worst"));
    divergence.quantiles = certificate_parts::readQuantiles(fields.object("quantiles"));
    fields.finish();
    return divergence;
}

Json semanticToJson(const std::optional<SemanticAgreement>& semantic)
{
    if (!semantic)
        return nullptr;
    return {{"agreement", certificate_parts::proportion(semantic->agreement)},
            {"baseline", certificate_parts::proportion(semantic->baseline)},
            {"stitched", certificate_parts::proportion(semantic->stitched)}};
}

std::optional<SemanticAgreement> semanticFromJson(JsonFields& parent)
{
    if (parent.value("semantic").is_null())
        return std::nullopt;
    JsonFields fields = parent.object("semantic");
    SemanticAgreement semantic;
    semantic.agreement = certificate_parts::readProportion(fields.object("agreement"));
    semantic.baseline = certificate_parts::readProportion(fields.object("baseline"));
    semantic.stitched = certificate_parts::readProportion(fields.object("stitched"));
    fields.finish();
    return semantic;
}

Json promptToJson(const StitchPromptMetrics& row)
{
    return {{"id", row.id},
            {"tokens", row.tokens},
            {"perplexity", certificate_parts::perplexity(row.perplexity, "stitched")},
            {"loss", certificate_parts::lossCoverage(row.loss)},
            {"mean_kl", certifiedNumber(row.meanDivergence)},
            {"agreement", certificate_parts::fraction(row.agreement)},
            {"largest_residual", certifiedNumber(row.largestResidual)},
            {"first_divergence",
             {{"token", row.firstToken ? Json(*row.firstToken) : Json()}, {"layer", orNull(row.firstLayer)}}}};
}

StitchPromptMetrics promptFromJson(JsonFields& fields)
{
    StitchPromptMetrics row;
    row.id = fields.text("id");
    row.tokens = fields.count("tokens");
    row.perplexity = certificate_parts::readPerplexity(fields, "stitched");
    row.loss = certificate_parts::readLossCoverage(fields.object("loss"));
    row.meanDivergence = fields.notNegative("mean_kl");
    row.agreement = certificate_parts::readFraction(fields.object("agreement"));
    row.largestResidual = fields.notNegative("largest_residual");
    JsonFields first = fields.object("first_divergence");
    row.firstToken = indexOrNull(first, "token");
    row.firstLayer = blockOrNull(first, "layer");
    first.finish();
    fields.finish();
    return row;
}

Json metricsToJson(const StitchMetrics& metrics)
{
    Json layers = Json::array();
    for (const LayerDeviation& layer : metrics.layers)
        layers.push_back(layerToJson(layer));
    Json prompts = Json::array();
    for (const StitchPromptMetrics& row : metrics.prompts)
        prompts.push_back(promptToJson(row));
    return {{"layers", std::move(layers)},
            {"largest_residual",
             {{"layer", metrics.largest.layer.value},
              {"at", location(metrics.largest.at)},
              {"value", certifiedNumber(metrics.largest.value)}}},
            {"perplexity", certificate_parts::perplexity(metrics.perplexity, "stitched")},
            {"loss", certificate_parts::lossCoverage(metrics.loss)},
            {"kl", divergenceToJson(metrics.divergence)},
            {"agreement", certificate_parts::fraction(metrics.agreement)},
            {"semantic", semanticToJson(metrics.semantic)},
            {"prompts", std::move(prompts)}};
}

StitchMetrics metricsFromJson(JsonFields fields)
{
    StitchMetrics metrics;
    for (JsonFields& layer : fields.objects("layers"))
        metrics.layers.push_back(layerFromJson(layer));
    JsonFields largest = fields.object("largest_residual");
    metrics.largest = {{largest.index("layer")}, readLocation(largest.object("at")), largest.notNegative("value")};
    largest.finish();
    metrics.perplexity = certificate_parts::readPerplexity(fields, "stitched");
    metrics.loss = certificate_parts::readLossCoverage(fields.object("loss"));
    metrics.divergence = divergenceFromJson(fields.object("kl"));
    metrics.agreement = certificate_parts::readFraction(fields.object("agreement"));
    metrics.semantic = semanticFromJson(fields);
    for (JsonFields& row : fields.objects("prompts"))
        metrics.prompts.push_back(promptFromJson(row));
    fields.finish();
    return metrics;
}

Json bisectionsToJson(const StitchCertificate& certificate)
{
    if (!certificate.request.bisect)
        return nullptr;
    Json list = Json::array();
    for (const Bisection& bisection : certificate.bisections) {
        Json rows = Json::array();
        for (const BisectRow& row : bisection.rows)
            rows.push_back({{"block", row.block.value},
                            {"prefix", certifiedNumber(row.prefix)},
                            {"single", certifiedNumber(row.single)}});
        list.push_back({{"event", nameOf(bisection.event)},
                        {"at", location(bisection.at)},
                        {"rows", std::move(rows)},
                        {"smallest_prefix", orNull(bisection.prefix)},
                        {"single", orNull(bisection.single)}});
    }
    return list;
}

Bisection bisectionFromJson(JsonFields& fields)
{
    Bisection bisection;
    const std::string event = fields.text("event");
    if (event == nameOf(BisectEvent::LargestLossChange))
        bisection.event = BisectEvent::LargestLossChange;
    else if (event != nameOf(BisectEvent::FirstDivergence))
        fields.refuse("event", "must be first_divergence or largest_loss_change, found \"" + event + "\"");
    bisection.at = readLocation(fields.object("at"));
    for (JsonFields& row : fields.objects("rows")) {
        bisection.rows.push_back({{row.index("block")}, row.number("prefix"), row.number("single")});
        row.finish();
    }
    bisection.prefix = blockOrNull(fields, "smallest_prefix");
    bisection.single = blockOrNull(fields, "single");
    fields.finish();
    return bisection;
}

std::vector<StitchedBlock> blocksFromJson(JsonFields& root)
{
    std::vector<StitchedBlock> blocks = certificate_parts::readBlocks(root.objects("blocks"));
    const auto after = [](const StitchedBlock& a, const StitchedBlock& b) { return a.block >= b.block; };
    if (blocks.empty() || std::adjacent_find(blocks.begin(), blocks.end(), after) != blocks.end())
        root.refuse("blocks", "must name at least one block, each once, in ascending order");
    return blocks;
}

Json editToJson(const StitchedEdit& edit)
{
    Json blocks = Json::array();
    for (const LayerIndex block : edit.blocks)
        blocks.push_back(block.value);
    return {{"name", edit.name}, {"certificate", edit.path}, {"sha256", edit.sha256}, {"blocks", std::move(blocks)}};
}

StitchedEdit stitchedEditFromJson(JsonFields fields)
{
    StitchedEdit edit;
    edit.name = fields.text("name");
    edit.path = fields.text("certificate");
    edit.sha256 = fields.digest("sha256");
    for (const std::int64_t block : fields.integers("blocks", 0, std::numeric_limits<std::int32_t>::max()))
        edit.blocks.push_back({static_cast<std::int32_t>(block)});
    if (edit.blocks.empty() ||
        std::adjacent_find(edit.blocks.begin(), edit.blocks.end(), std::greater_equal<>()) != edit.blocks.end())
        fields.refuse("blocks", "must name at least one block, each once, in ascending order");
    fields.finish();
    return edit;
}

std::string_view kindOf(const StitchCertificate& certificate)
{
    return certificate.isFullBlock() ? "full-block" : "full-model";
}

void readMaterials(JsonFields& root, StitchCertificate& certificate)
{
    JsonFields baseline = root.object("baseline");
    baseline.requireText("runtime", "native");
    certificate.baselineDtype = dtypeFrom(baseline, "dtype", baselineDtypes());
    baseline.finish();
    JsonFields replay = root.object("replay");
    certificate.request.replayDtype = certificate_parts::readReplay(replay);
    replay.finish();
    certificate.policy = policyFromJson(root.object("policy"));
    certificate.request.blocks = blocksFromJson(root);
    if (root.has("edit")) // absent: every replaced block is its surrogate
        certificate.request.edit = stitchedEditFromJson(root.object("edit"));
    certificate.request.bisect = !root.value("bisect").is_null();
    if (certificate.request.bisect)
        for (JsonFields& fields : root.objects("bisect"))
            certificate.bisections.push_back(bisectionFromJson(fields));
}

}

std::string_view nameOf(BisectEvent event)
{
    return event == BisectEvent::FirstDivergence ? "first_divergence" : "largest_loss_change";
}

Json stitchToJson(const StitchCertificate& certificate)
{
    Json json = certificate_parts::head(kindOf(certificate), certificate);
    if (certificate.request.edit)
        json["edit"] = editToJson(*certificate.request.edit);
    json["policy"] = policyToJson(certificate.policy);
    json["metrics"] = metricsToJson(certificate.metrics);
    json["bisect"] = bisectionsToJson(certificate);
    json["verdict"] = {{"certified", certificate.certified},
                       {"findings", certificate_parts::findings(certificate.findings)}};
    return json;
}

StitchCertificate stitchFromJson(const Json& json, std::string_view source)
{
    JsonFields root(json, std::string(source));
    requireSchema(root, certificateSchema, 1);
    StitchCertificate certificate;
    certificate_parts::readHead(root, certificate);
    readMaterials(root, certificate);
    root.requireText("kind", kindOf(certificate));
    certificate.metrics = metricsFromJson(root.object("metrics"));
    certificate.artifacts = certificate_parts::readArtifacts(root.objects("artifacts"), {"replay"});
    JsonFields verdict = root.object("verdict");
    certificate.certified = verdict.boolean("certified");
    certificate.findings = certificate_parts::readFindings(verdict.objects("findings"));
    verdict.finish();
    skipExtensions(root);
    root.finish();
    return certificate;
}

}
