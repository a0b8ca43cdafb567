#include "engine/certificate/stitch_codec.h"

#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/statement_codec.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace blockcert::certificate {

namespace {

constexpr std::string_view schemaFamily = "blockcert.certificate";
constexpr std::string_view programSchema = "blockcert.program/1";

Json locationToJson(const TokenLocation& location)
{
    return {{"prompt", location.prompt.value}, {"token", location.token}};
}

TokenLocation locationFromJson(JsonFields fields)
{
    const TokenLocation location{{fields.index("prompt")}, fields.index("token")};
    fields.finish();
    return location;
}

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

double notNegative(JsonFields& fields, std::string_view key)
{
    const double value = fields.number(key);
    if (value < 0)
        fields.refuse(key, "must not be negative");
    return value;
}

Json layerToJson(const LayerDeviation& layer)
{
    return {{"mae", certifiedNumber(layer.mae)},
            {"coordinate_mae", certifiedNumber(layer.coordinateMae)},
            {"largest", certifiedNumber(layer.largest)},
            {"worst", locationToJson(layer.worst)},
            {"largest_coordinate", certifiedNumber(layer.largestCoordinate)}};
}

LayerDeviation layerFromJson(JsonFields& fields)
{
    LayerDeviation layer;
    layer.mae = notNegative(fields, "mae");
    layer.coordinateMae = notNegative(fields, "coordinate_mae");
    layer.largest = notNegative(fields, "largest");
    layer.worst = locationFromJson(fields.object("worst"));
    layer.largestCoordinate = notNegative(fields, "largest_coordinate");
    fields.finish();
    return layer;
}

Json perplexityToJson(const std::optional<Perplexities>& perplexity)
{
    if (!perplexity)
        return nullptr;
    return {{"mean_nll_baseline", certifiedNumber(perplexity->meanBaseline)},
            {"mean_nll_stitched", certifiedNumber(perplexity->meanStitched)},
            {"baseline", certifiedNumber(perplexity->baseline)},
            {"stitched", certifiedNumber(perplexity->stitched)},
            {"difference", certifiedNumber(perplexity->difference())}};
}

std::optional<Perplexities> perplexityFromJson(JsonFields& parent, std::string_view key)
{
    if (parent.value(key).is_null())
        return std::nullopt;
    JsonFields fields = parent.object(key);
    Perplexities perplexity;
    perplexity.meanBaseline = fields.number("mean_nll_baseline");
    perplexity.meanStitched = fields.number("mean_nll_stitched");
    perplexity.baseline = fields.number("baseline");
    perplexity.stitched = fields.number("stitched");
    if (fields.number("difference") != perplexity.difference())
        fields.refuse("difference", "is not stitched minus baseline");
    fields.finish();
    return perplexity;
}

Json divergenceToJson(const Divergence& divergence)
{
    const Quantiles& quantiles = divergence.quantiles;
    return {{"mean", certifiedNumber(divergence.mean)},
            {"largest", certifiedNumber(divergence.largest)},
            {"worst", locationToJson(divergence.worst)},
            {"quantiles",
             {{"q50", certifiedNumber(quantiles.q50)},
              {"q90", certifiedNumber(quantiles.q90)},
              {"q95", certifiedNumber(quantiles.q95)},
              {"q99", certifiedNumber(quantiles.q99)}}}};
}

Divergence divergenceFromJson(JsonFields fields)
{
    Divergence divergence;
    divergence.mean = notNegative(fields, "mean");
    divergence.largest = notNegative(fields, "largest");
    divergence.worst = locationFromJson(fields.object("worst"));
    JsonFields quantiles = fields.object("quantiles");
    divergence.quantiles = {quantiles.number("q50"), quantiles.number("q90"), quantiles.number("q95"),
                            quantiles.number("q99")};
    quantiles.finish();
    fields.finish();
    return divergence;
}

Json proportionToJson(const Proportion& proportion)
{
    Json json = certificate_parts::fraction(proportion.share);
    json["low"] = certifiedNumber(proportion.low);
    json["high"] = certifiedNumber(proportion.high);
    return json;
}

Proportion proportionFromJson(JsonFields fields)
{
    Proportion proportion;
    proportion.share = {fields.count("covered"), fields.count("total")};
    if (proportion.share.covered > proportion.share.total)
        fields.refuse("covered", "must not exceed the total");
    proportion.low = notNegative(fields, "low");
    proportion.high = notNegative(fields, "high");
    fields.finish();
    return proportion;
}

Json semanticToJson(const std::optional<SemanticAgreement>& semantic)
{
    if (!semantic)
        return nullptr;
    return {{"agreement", proportionToJson(semantic->agreement)},
            {"baseline", proportionToJson(semantic->baseline)},
            {"stitched", proportionToJson(semantic->stitched)}};
}

std::optional<SemanticAgreement> semanticFromJson(JsonFields& parent)
{
    if (parent.value("semantic").is_null())
        return std::nullopt;
    JsonFields fields = parent.object("semantic");
    SemanticAgreement semantic;
    semantic.agreement = proportionFromJson(fields.object("agreement"));
    semantic.baseline = proportionFromJson(fields.object("baseline"));
    semantic.stitched = proportionFromJson(fields.object("stitched"));
    fields.finish();
    return semantic;
}

Json promptToJson(const StitchPromptMetrics& row)
{
    return {{"id", row.id},
            {"tokens", row.tokens},
            {"perplexity", perplexityToJson(row.perplexity)},
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
    row.perplexity = perplexityFromJson(fields, "perplexity");
    row.loss = certificate_parts::readLossCoverage(fields.object("loss"));
    row.meanDivergence = notNegative(fields, "mean_kl");
    row.agreement = certificate_parts::readFraction(fields.object("agreement"));
    row.largestResidual = notNegative(fields, "largest_residual");
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
              {"at", locationToJson(metrics.largest.at)},
              {"value", certifiedNumber(metrics.largest.value)}}},
            {"perplexity", perplexityToJson(metrics.perplexity)},
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
    metrics.largest = {{largest.index("layer")}, locationFromJson(largest.object("at")), notNegative(largest, "value")};
    largest.finish();
    metrics.perplexity = perplexityFromJson(fields, "perplexity");
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
                        {"at", locationToJson(bisection.at)},
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
    bisection.at = locationFromJson(fields.object("at"));
    for (JsonFields& row : fields.objects("rows")) {
        bisection.rows.push_back({{row.index("block")}, row.number("prefix"), row.number("single")});
        row.finish();
    }
    bisection.prefix = blockOrNull(fields, "smallest_prefix");
    bisection.single = blockOrNull(fields, "single");
    fields.finish();
    return bisection;
}

Json blocksToJson(const std::vector<StitchedBlock>& blocks)
{
    Json list = Json::array();
    for (const StitchedBlock& block : blocks)
        list.push_back({{"block", block.block.value}, {"certificate", block.path}, {"sha256", block.sha256}});
    return list;
}

std::vector<StitchedBlock> blocksFromJson(JsonFields& root)
{
    std::vector<StitchedBlock> blocks;
    for (JsonFields& fields : root.objects("blocks")) {
        blocks.push_back({{fields.index("block")}, fields.text("certificate"), fields.digest("sha256")});
        fields.finish();
    }
    const auto after = [](const StitchedBlock& a, const StitchedBlock& b) { return a.block >= b.block; };
    if (blocks.empty() || std::adjacent_find(blocks.begin(), blocks.end(), after) != blocks.end())
        root.refuse("blocks", "must name at least one block, each once, in ascending order");
    return blocks;
}

void requireText(JsonFields& fields, std::string_view key, std::string_view expected)
{
    if (const std::string found = fields.text(key); found != expected)
        fields.refuse(key, "must be \"" + std::string(expected) + "\", found \"" + found + "\"");
}

std::string_view kindOf(const StitchCertificate& certificate)
{
    return certificate.isFullBlock() ? "full-block" : "full-model";
}

void readMaterials(JsonFields& root, StitchCertificate& certificate)
{
    JsonFields baseline = root.object("baseline");
    requireText(baseline, "runtime", "native");
    certificate.baselineDtype = dtypeFrom(baseline, "dtype", baselineDtypes());
    baseline.finish();
    JsonFields replay = root.object("replay");
    requireText(replay, "program", programSchema);
    certificate.request.replayDtype = dtypeFrom(replay, "dtype", replayDtypes());
    replay.finish();
    certificate.policy = policyFromJson(root.object("policy"));
    certificate.request.blocks = blocksFromJson(root);
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
    return {{"schema", std::string(schemaFamily) + "/1"},
            {"kind", kindOf(certificate)},
            {"name", certificate.name},
            {"created", certificate.created},
            {"tool", {{"name", "blockcert"}, {"version", certificate.toolVersion}, {"build", certificate.toolBuild}}},
            {"command", certificate.commandLine},
            {"environment", environmentToJson(certificate.environment)},
            {"subject", subjectToJson(certificate.subject)},
            {"prompts", certificate_parts::prompts(certificate.prompts)},
            {"baseline", {{"runtime", "native"}, {"dtype", blockcert::nameOf(certificate.baselineDtype)}}},
            {"replay", {{"program", programSchema}, {"dtype", blockcert::nameOf(certificate.request.replayDtype)}}},
            {"policy", policyToJson(certificate.policy)},
            {"blocks", blocksToJson(certificate.request.blocks)},
            {"metrics", metricsToJson(certificate.metrics)},
            {"bisect", bisectionsToJson(certificate)},
            {"artifacts", certificate_parts::artifacts(certificate.artifacts)},
            {"verdict", {{"certified", certificate.certified}, {"findings", findingsToJson(certificate.findings)}}}};
}

StitchCertificate stitchFromJson(const Json& json, std::string_view source)
{
    JsonFields root(json, std::string(source));
    requireSchema(root, schemaFamily, 1);
    StitchCertificate certificate;
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
    readMaterials(root, certificate);
    requireText(root, "kind", kindOf(certificate));
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
