#include "engine/certificate/certificate_codec.h"

#include "engine/certificate/statement_codec.h"
#include "engine/certificate/surrogate_codec.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace blockcert::certificate {

namespace {

constexpr std::string_view schemaFamily = "blockcert.certificate";
constexpr std::string_view programSchema = "blockcert.program/1"; // the operations' meaning, docs/run-directory.md

Json fractionToJson(const Fraction& fraction)
{
    return {{"covered", fraction.covered}, {"total", fraction.total}};
}

Fraction fractionFromJson(JsonFields fields)
{
    Fraction fraction;
    fraction.covered = fields.count("covered");
    fraction.total = fields.count("total");
    if (fraction.covered > fraction.total)
        fields.refuse("covered", "must not exceed the total");
    fields.finish();
    return fraction;
}

Json errorSummaryToJson(const ErrorSummary& summary)
{
    const Quantiles& quantiles = summary.quantiles;
    return {{"epsilon", certifiedNumber(summary.epsilon)},
            {"worst", {{"prompt", summary.worst.prompt.value}, {"token", summary.worst.token}}},
            {"mean", certifiedNumber(summary.mean)},
            {"quantiles",
             {{"q50", certifiedNumber(quantiles.q50)},
              {"q90", certifiedNumber(quantiles.q90)},
              {"q95", certifiedNumber(quantiles.q95)},
              {"q99", certifiedNumber(quantiles.q99)}}},
            {"coverage", fractionToJson(summary.coverage)}};
}

ErrorSummary errorSummaryFromJson(JsonFields fields)
{
    ErrorSummary summary;
    summary.epsilon = fields.number("epsilon");
    JsonFields worst = fields.object("worst");
    summary.worst = {{worst.index("prompt")}, worst.index("token")};
    worst.finish();
    summary.mean = fields.number("mean");
    JsonFields quantiles = fields.object("quantiles");
    summary.quantiles = {quantiles.number("q50"), quantiles.number("q90"), quantiles.number("q95"),
                         quantiles.number("q99")};
    quantiles.finish();
    summary.coverage = fractionFromJson(fields.object("coverage"));
    fields.finish();
    return summary;
}

Json lossToJson(const LossCoverage& loss)
{
    return {{"coverage", loss.value ? certifiedNumber(*loss.value) : Json()},
            {"covered_loss", certifiedNumber(loss.coveredLoss)},
            {"total_loss", certifiedNumber(loss.totalLoss)},
            {"tokens", fractionToJson(loss.tokens)},
            {"max_difference", certifiedNumber(loss.maxDifference)},
            {"why", loss.why}};
}

LossCoverage lossFromJson(JsonFields fields)
{
    LossCoverage loss;
    loss.value = fields.numberOrNull("coverage");
    loss.coveredLoss = fields.number("covered_loss");
    loss.totalLoss = fields.number("total_loss");
    loss.tokens = fractionFromJson(fields.object("tokens"));
    loss.maxDifference = fields.number("max_difference");
    loss.why = fields.text("why");
    if (loss.value.has_value() != loss.why.empty())
        fields.refuse("why", "must give the reason exactly where the coverage is null");
    fields.finish();
    return loss;
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
    json["path"] = fractionToJson(metrics.path);
    json["loss"] = lossToJson(metrics.loss);
    if (metrics.firstOrder)
        json["loss_estimate"] = estimateToJson(*metrics.firstOrder);
}

template <class Metrics>
void measuresFromJson(JsonFields& fields, Metrics& metrics)
{
    metrics.l2 = errorSummaryFromJson(fields.object("l2"));
    metrics.relative = errorSummaryFromJson(fields.object("relative_l2"));
    metrics.path = fractionFromJson(fields.object("path"));
    metrics.loss = lossFromJson(fields.object("loss"));
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

Json promptsToJson(const PromptSetStatement& prompts)
{
    Json items = Json::array();
    std::int64_t tokens = 0;
    for (const PromptStatement& prompt : prompts.prompts) {
        items.push_back({{"id", prompt.id},
                         {"rendered", prompt.rendered},
                         {"tokens", prompt.tokens},
                         {"truncated_tokens", prompt.truncatedTokens}});
        tokens += prompt.tokens;
    }
    return {{"name", prompts.name},
            {"sha256", prompts.sha256},
            {"bundled", prompts.bundled},
            {"count", prompts.prompts.size()},
            {"tokens", tokens},
            {"token_ids_sha256", prompts.tokenIdsSha256},
            {"template_sha256", prompts.templateSha256},
            {"pinned_date", prompts.pinnedDate},
            {"items", std::move(items)}};
}

PromptSetStatement promptsFromJson(JsonFields fields)
{
    PromptSetStatement prompts;
    prompts.name = fields.text("name");
    prompts.sha256 = fields.digestOrEmpty("sha256");
    prompts.bundled = fields.boolean("bundled");
    prompts.tokenIdsSha256 = fields.digest("token_ids_sha256");
    prompts.templateSha256 = fields.digestOrEmpty("template_sha256");
    prompts.pinnedDate = fields.text("pinned_date");
    std::int64_t tokens = 0;
    for (JsonFields& item : fields.objects("items")) {
        PromptStatement& prompt = prompts.prompts.emplace_back();
        prompt.id = item.text("id");
        prompt.rendered = item.text("rendered");
        prompt.tokens = item.integer("tokens", 1, std::int64_t{1} << 20);
        prompt.truncatedTokens = item.count("truncated_tokens");
        item.finish();
        tokens += prompt.tokens;
    }
    if (fields.count("count") != static_cast<std::int64_t>(prompts.prompts.size()))
        fields.refuse("count", "is not the number of items");
    if (fields.count("tokens") != tokens)
        fields.refuse("tokens", "is not the sum of the items' tokens");
    fields.finish();
    return prompts;
}

Json artifactsToJson(const std::vector<ArtifactDigest>& artifacts)
{
    Json list = Json::array();
    for (const ArtifactDigest& artifact : artifacts) {
        Json tensors = Json::array();
        for (const TensorDigest& tensor : artifact.tensors)
            tensors.push_back({{"name", tensor.name},
                               {"dtype", blockcert::nameOf(tensor.dtype)},
                               {"shape", tensor.shape},
                               {"sha256", tensor.sha256}});
        list.push_back({{"path", artifact.path},
                        {"role", artifact.role},
                        {"size", artifact.size},
                        {"sha256", artifact.sha256},
                        {"tensors", std::move(tensors)}});
    }
    return list;
}

std::vector<ArtifactDigest> artifactsFromJson(std::vector<JsonFields> elements,
                                              const std::vector<std::string_view>& roles)
{
    std::vector<ArtifactDigest> artifacts;
    for (JsonFields& fields : elements) {
        ArtifactDigest& artifact = artifacts.emplace_back();
        artifact.path = fields.text("path");
        artifact.role = fields.text("role");
        if (std::find(roles.begin(), roles.end(), artifact.role) == roles.end()) {
            std::string known;
            for (const std::string_view role : roles)
                known += (known.empty() ? "" : " or ") + std::string(role);
            fields.refuse("role", "must be " + known + ", found \"" + artifact.role + "\"");
        }
        artifact.size = fields.unsignedInteger("size");
        artifact.sha256 = fields.digest("sha256");
        for (JsonFields& entry : fields.objects("tensors")) {
            TensorDigest& tensor = artifact.tensors.emplace_back();
            tensor.name = entry.text("name");
            tensor.dtype = dtypeFrom(entry, "dtype", storedDtypes());
            tensor.shape = entry.integers("shape", 0, std::int64_t{1} << 40);
            tensor.sha256 = entry.digest("sha256");
            entry.finish();
        }
        fields.finish();
    }
    return artifacts;
}

std::vector<CertificateFinding> findingsFromJson(std::vector<JsonFields> elements)
{
    std::vector<CertificateFinding> findings;
    for (JsonFields& fields : elements) {
        CertificateFinding& finding = findings.emplace_back();
        finding.code = fields.text("code");
        finding.where = fields.text("where");
        finding.observed = fields.numberOrNull("observed");
        finding.threshold = fields.number("threshold");
        fields.finish();
    }
    return findings;
}

void requireText(JsonFields& fields, std::string_view key, std::string_view expected)
{
    if (const std::string found = fields.text(key); found != expected)
        fields.refuse(key, "must be \"" + std::string(expected) + "\", found \"" + found + "\"");
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
    requireText(replay, "program", programSchema);
    request.replayDtype = dtypeFrom(replay, "dtype", replayDtypes());
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

Json findingsToJson(const std::vector<CertificateFinding>& findings)
{
    Json list = Json::array();
    for (const CertificateFinding& finding : findings)
        list.push_back({{"code", finding.code},
                        {"where", finding.where},
                        {"observed", finding.observed ? certifiedNumber(*finding.observed) : Json()},
                        {"threshold", certifiedNumber(finding.threshold)}});
    return list;
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
    return {{"schema", std::string(schemaFamily) + "/1"},
            {"kind", "block"},
            {"created", certificate.created},
            {"tool", {{"name", "blockcert"}, {"version", certificate.toolVersion}, {"build", certificate.toolBuild}}},
            {"environment", environmentToJson(certificate.environment)},
            {"subject", std::move(subject)},
            {"prompts", promptsToJson(certificate.prompts)},
            {"baseline", std::move(baseline)},
            {"surrogate", std::move(surrogate)},
            {"replay",
             {{"program", programSchema},
              {"dtype", blockcert::nameOf(request.replayDtype)},
              {"comparison_tolerance", certifiedNumber(certificate.comparisonTolerance)}}},
            {"policy", policyToJson(request.policy)},
            {"metrics", metricsToJson(certificate.metrics)},
            {"artifacts", artifactsToJson(certificate.artifacts)},
            {"verdict", {{"certified", certificate.certified}, {"findings", findingsToJson(certificate.findings)}}}};
}

Certificate certificateFromJson(const Json& json, std::string_view source)
{
    JsonFields root(json, std::string(source));
    requireSchema(root, schemaFamily, 1);
    requireText(root, "kind", "block");
    Certificate certificate;
    certificate.created = root.utcTime("created");
    JsonFields tool = root.object("tool");
    requireText(tool, "name", "blockcert");
    certificate.toolVersion = tool.text("version");
    certificate.toolBuild = tool.text("build");
    tool.finish();
    certificate.environment = environmentFromJson(root.object("environment"));
    JsonFields subject = root.object("subject");
    certificate.subject = subjectFromJson(subject);
    certificate.block = {subject.index("block")};
    subject.finish();
    certificate.prompts = promptsFromJson(root.object("prompts"));
    readRequest(root, certificate);
    certificate.metrics = metricsFromJson(root.object("metrics"));
    const bool estimated = certificate.request.loss == LossMode::FirstOrder;
    const auto fits = [&](const auto& measured) { return measured.firstOrder.has_value() == estimated; };
    if (!fits(certificate.metrics) || !std::ranges::all_of(certificate.metrics.prompts, fits))
        root.refuse("metrics", "must hold loss_estimate exactly where the baseline's loss is first-order");
    certificate.artifacts = artifactsFromJson(root.objects("artifacts"), {"ir", "probes"});
    JsonFields verdict = root.object("verdict");
    certificate.certified = verdict.boolean("certified");
    certificate.findings = findingsFromJson(verdict.objects("findings"));
    verdict.finish();
    skipExtensions(root);
    root.finish();
    return certificate;
}

namespace certificate_parts {

Json fraction(const Fraction& value)
{
    return fractionToJson(value);
}

Fraction readFraction(JsonFields fields)
{
    return fractionFromJson(std::move(fields));
}

Json lossCoverage(const LossCoverage& value)
{
    return lossToJson(value);
}

LossCoverage readLossCoverage(JsonFields fields)
{
    return lossFromJson(std::move(fields));
}

Json prompts(const PromptSetStatement& value)
{
    return promptsToJson(value);
}

PromptSetStatement readPrompts(JsonFields fields)
{
    return promptsFromJson(std::move(fields));
}

Json artifacts(const std::vector<ArtifactDigest>& value)
{
    return artifactsToJson(value);
}

std::vector<ArtifactDigest> readArtifacts(std::vector<JsonFields> elements, const std::vector<std::string_view>& roles)
{
    return artifactsFromJson(std::move(elements), roles);
}

std::vector<CertificateFinding> readFindings(std::vector<JsonFields> elements)
{
    return findingsFromJson(std::move(elements));
}

}

}
