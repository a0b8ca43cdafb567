#include "engine/certificate/certificate_codec.h"

#include "engine/certificate/certificate_parts.h"
#include "engine/certificate/statement_codec.h"
#include "engine/certificate/surrogate_codec.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace blockcert::certificate {

namespace {

using certificate_parts::fraction;
using certificate_parts::readFraction;

Json errorSummaryToJson(const ErrorSummary& summary)
{
    return {{"epsilon", certifiedNumber(summary.epsilon)},
            {"worst", certificate_parts::location(summary.worst)},
            {"mean", certifiedNumber(summary.mean)},
            {"quantiles", certificate_parts::quantiles(summary.quantiles)},
            {"coverage", fraction(summary.coverage)}};
}

ErrorSummary errorSummaryFromJson(JsonFields fields)
{
    ErrorSummary summary;
    summary.epsilon = fields.number("epsilon");
    summary.worst = certificate_parts::readLocation(fields.object("worst"));
    summary.mean = fields.number("mean");
    summary.quantiles = certificate_parts::readQuantiles(fields.object("quantiles"));
    summary.coverage = readFraction(fields.object("coverage"));
    fields.finish();
    return summary;
}

constexpr std::string_view firstOrderMethod = "first-order";

Json estimateToJson(const FirstOrderEstimate& estimate)
{
    return {{"method", firstOrderMethod},
            {"change", certifiedNumber(estimate.change)},
            {"baseline_loss", certifiedNumber(estimate.baseLoss)}};
}

FirstOrderEstimate estimateFromJson(JsonFields fields)
{
    if (const std::string method = fields.text("method"); method != firstOrderMethod)
        fields.refuse("method", "must be \"first-order\", found \"" + method + "\"");
    FirstOrderEstimate estimate;
    estimate.change = fields.number("change");
    estimate.baseLoss = fields.number("baseline_loss");
    fields.finish();
    return estimate;
}

// The measures, the same for a prompt's row and for the whole set; an estimate is named where there is one.
template <class Metrics>
void measuresToJson(const Metrics& metrics, Json& json)
{
    json["l2"] = errorSummaryToJson(metrics.l2);
    json["relative_l2"] = errorSummaryToJson(metrics.relative);
    json["path"] = fraction(metrics.path);
    json["loss"] = certificate_parts::lossCoverage(metrics.loss);
    if (metrics.firstOrder)
        json["loss_estimate"] = estimateToJson(*metrics.firstOrder);
}

template <class Metrics>
void measuresFromJson(JsonFields& fields, Metrics& metrics)
{
    metrics.l2 = errorSummaryFromJson(fields.object("l2"));
    metrics.relative = errorSummaryFromJson(fields.object("relative_l2"));
    metrics.path = readFraction(fields.object("path"));
    metrics.loss = certificate_parts::readLossCoverage(fields.object("loss"));
    if (fields.has("loss_estimate"))
        metrics.firstOrder = estimateFromJson(fields.object("loss_estimate"));
    if (metrics.firstOrder && metrics.loss.value)
        fields.refuse("loss_estimate", "must not stand beside a loss coverage that was measured");
}

CoverageMetrics metricsFromJson(JsonFields fields)
{
    CoverageMetrics metrics;
    measuresFromJson(fields, metrics);
    for (JsonFields& prompt : fields.objects("prompts")) {
        PromptMetrics& row = metrics.prompts.emplace_back();
        row.id = prompt.text("id");
        row.tokens = prompt.count("tokens");
        measuresFromJson(prompt, row);
        prompt.finish();
    }
    fields.finish();
    return metrics;
}

// Fills what the paper's request says and the certificate spreads over four groups.
void readRequest(JsonFields& root, Certificate& certificate)
{
    RunRequest& request = certificate.request;
    JsonFields baseline = root.object("baseline");
    if (const std::string runtime = baseline.text("runtime"); runtime == "imported")
        request.imported = importedFromJson(baseline.object("imported"));
    else if (runtime != "native")
        baseline.refuse("runtime", "must be native or imported, found \"" + runtime + "\"");
    request.baselineDtype = dtypeFrom(baseline, "dtype", baselineDtypes());
    request.maxTokens = baseline.count("max_tokens");
    request.loss = lossModeFrom(baseline, "loss");
    baseline.finish();

    JsonFields surrogate = root.object("surrogate");
    request.surrogate = surrogateFromJson(surrogate);
    request.ablation = ablationFrom(surrogate, "ablation");
    certificate.surrogateModel = surrogateModelFrom(surrogate, "model");
    if (certificate.surrogateModel.has_value() != (request.surrogate.family == SurrogateFamily::Checkpoint))
        surrogate.refuse("model", "must be given exactly where the family is checkpoint");
    certificate.surrogateWeights = distancesFromJson(surrogate.objects("distances"));
    request.weights = weightOriginFrom(surrogate, "weights");
    request.embedWeights = surrogate.boolean("embedded");
    request.seed = surrogate.unsignedInteger("seed");
    surrogate.finish();

    JsonFields replay = root.object("replay");
    request.replayDtype = certificate_parts::readReplay(replay);
    certificate.comparisonTolerance = replay.number("comparison_tolerance");
    replay.finish();

    request.policy = policyFromJson(root.object("policy"));
    request.blocks = {certificate.block};
}

}

Json metricsToJson(const CoverageMetrics& metrics)
{
    Json json;
    measuresToJson(metrics, json);
    json["prompts"] = Json::array();
    for (const PromptMetrics& row : metrics.prompts) {
        Json prompt = {{"id", row.id}, {"tokens", row.tokens}};
        measuresToJson(row, prompt);
        json["prompts"].push_back(std::move(prompt));
    }
    return json;
}

Json certificateToJson(const Certificate& certificate)
{
    const RunRequest& request = certificate.request;
    Json subject = subjectToJson(certificate.subject);
    subject["block"] = certificate.block.value;
    Json baseline = {{"runtime", request.imported ? "imported" : "native"},
                     {"dtype", blockcert::nameOf(request.baselineDtype)},
                     {"max_tokens", request.maxTokens},
                     {"loss", nameOf(request.loss)}};
    if (request.imported)
        baseline["imported"] = importedToJson(*request.imported);
    Json surrogate = surrogateToJson(request.surrogate);
    surrogate["ablation"] = ablationToJson(request.ablation);
    surrogate["model"] = surrogateModelToJson(certificate.surrogateModel);
    surrogate["distances"] = distancesToJson(certificate.surrogateWeights);
    surrogate["weights"] = nameOf(request.weights);
    surrogate["embedded"] = request.embedWeights;
    surrogate["seed"] = request.seed;
    Json replay = certificate_parts::replay(request.replayDtype);
    replay["comparison_tolerance"] = certifiedNumber(certificate.comparisonTolerance);
    return {{"schema", std::string(certificateSchema) + "/1"},
            {"kind", "block"},
            {"created", certificate.created},
            {"tool", certificate_parts::tool(certificate.toolVersion, certificate.toolBuild)},
            {"environment", environmentToJson(certificate.environment)},
            {"subject", std::move(subject)},
            {"prompts", certificate_parts::prompts(certificate.prompts)},
            {"baseline", std::move(baseline)},
            {"surrogate", std::move(surrogate)},
            {"replay", std::move(replay)},
            {"policy", policyToJson(request.policy)},
            {"metrics", metricsToJson(certificate.metrics)},
            {"artifacts", certificate_parts::artifacts(certificate.artifacts)},
            {"verdict",
             {{"certified", certificate.certified}, {"findings", certificate_parts::findings(certificate.findings)}}}};
}

Certificate certificateFromJson(const Json& json, std::string_view source)
{
    JsonFields root(json, std::string(source));
    requireSchema(root, certificateSchema, 1);
    root.requireText("kind", "block");
    Certificate certificate;
    certificate.created = root.utcTime("created");
    certificate_parts::readTool(root.object("tool"), certificate.toolVersion, certificate.toolBuild);
    certificate.environment = environmentFromJson(root.object("environment"));
    JsonFields subject = root.object("subject");
    certificate.subject = subjectFromJson(subject);
    certificate.block = {subject.index("block")};
    subject.finish();
    certificate.prompts = certificate_parts::readPrompts(root.object("prompts"));
    readRequest(root, certificate);
    certificate.metrics = metricsFromJson(root.object("metrics"));
    const bool estimated = certificate.request.loss == LossMode::FirstOrder;
    const auto fits = [&](const auto& measured) { return measured.firstOrder.has_value() == estimated; };
    if (!fits(certificate.metrics) || !std::ranges::all_of(certificate.metrics.prompts, fits))
        root.refuse("metrics", "must hold loss_estimate exactly where the baseline's loss is first-order");
    certificate.artifacts = certificate_parts::readArtifacts(root.objects("artifacts"), {"ir", "probes"});
    JsonFields verdict = root.object("verdict");
    certificate.certified = verdict.boolean("certified");
    certificate.findings = certificate_parts::readFindings(verdict.objects("findings"));
    verdict.finish();
    skipExtensions(root);
    root.finish();
    return certificate;
}

}
