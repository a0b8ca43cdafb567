#include "tests/certificate/sample.h"

#include "engine/base/sha256.h"

namespace blockcert::certificate::sample {

namespace {

std::string digest(std::string_view text)
{
    return sha256Of(text);
}

Environment environment()
{
    return {"cpu", "Example CPU", "AVX2", "2.15.0", "MKL", 2, "64 rows x 512 outputs", "eager", true, "Linux 6.1"};
}

Subject subject()
{
    return {
        "Tiny \"quoted\" ünïcode", "llama", digest("config"), 2, 8, 2, {{"model.safetensors", 12345, digest("file")}}};
}

RunRequest request()
{
    RunRequest request;
    request.blocks = {{0}, {1}};
    request.baselineDtype = DType::BF16;
    request.replayDtype = DType::F32;
    request.loss = LossMode::None;
    request.weights = WeightOrigin::File;
    request.surrogate = {.family = SurrogateFamily::LowRank, .rank = 3, .matrices = MatrixGroup::Mlp};
    request.ablation = {Ablation::Kind::NoiseQuery, 1.0 / 7};
    request.embedWeights = true;
    request.maxTokens = 17;
    request.seed = 0xFFFFFFFFFFFFFFFFU;
    request.policy = {1.0 / 3, 2e-3, 2e-2, 0.5, 0.25, ErrorMeasure::RelativeL2};
    return request;
}

ErrorSummary summary(double scale)
{
    return {0.3 * scale, {{1}, 2}, 0.1 * scale, {0.05 * scale, 0.1 * scale, 0.2 * scale, 0.3 * scale}, {4, 5}};
}

}

RunManifest manifest()
{
    RunManifest manifest;
    manifest.created = "2026-01-02T03:04:05Z";
    manifest.toolVersion = "0.1.0";
    manifest.toolBuild = "release";
    manifest.commandLine = "blockcert certify demo --blocks 0,1 --prompts base -o run";
    manifest.modelHint = "models/tiny";
    manifest.request = request();
    manifest.subject = subject();
    manifest.environment = environment();
    PromptSet& prompts = manifest.prompts;
    prompts.name = "mine";
    prompts.sha256 = digest("prompts");
    prompts.bundled = true;
    prompts.templateSha256 = digest("template");
    prompts.pinnedDate = "26 Jul 2024";
    prompts.prompts.push_back({"a", "one two", {1, 2, 3}, {"one", " tw", "o"}, 4, "label", {"x", "y"}, "train"});
    prompts.prompts.push_back({"b", "", {7, 0}, {}, 0, "", {}, ""});
    return manifest;
}

Certificate certificate()
{
    const RunManifest run = manifest();
    Certificate certificate;
    certificate.created = run.created;
    certificate.toolVersion = run.toolVersion;
    certificate.toolBuild = run.toolBuild;
    certificate.environment = run.environment;
    certificate.subject = run.subject;
    certificate.block = {1};
    certificate.prompts = {run.prompts.name,
                           run.prompts.sha256,
                           run.prompts.bundled,
                           digest("ids"),
                           run.prompts.templateSha256,
                           run.prompts.pinnedDate,
                           {{"a", "one two", 3, 4}, {"b", "", 2, 0}}};
    certificate.request = run.request;
    certificate.request.blocks = {{1}};
    certificate.surrogateWeights = {{"down.weight", 3, 1.5, 0.25}, {"up.weight", std::nullopt, 2, 0.1}};
    certificate.comparisonTolerance = 1e-5;
    CoverageMetrics& metrics = certificate.metrics;
    metrics.l2 = summary(1);
    metrics.relative = summary(1e-3);
    metrics.path = {5, 5};
    metrics.loss = {std::nullopt, 0, 0, {0, 0}, 0, "losses were not measured"};
    metrics.prompts.push_back({"a", 3, summary(2), summary(3), {3, 3}, {0.75, 3, 4, {1, 2}, 0.5, ""}, {}});
    metrics.prompts.push_back({"b", 2, summary(4), summary(5), {2, 2}, metrics.loss, {}});
    certificate.artifacts.push_back(
        {"block_01/ir.h5", "ir", 99, digest("ir"), {{"mask", DType::U8, {3, 3}, digest("m")}}});
    certificate.artifacts.push_back({"block_01/probes.h5", "probes", 100, digest("probes"), {}});
    certificate.certified = false;
    certificate.findings.push_back({"relative_coverage_below", "", 0.25, 0.5});
    certificate.findings.push_back({"loss_coverage_missing", "losses were not measured", std::nullopt, 0.25});
    return certificate;
}

Certificate estimate()
{
    Certificate estimate = certificate();
    estimate.request.loss = LossMode::FirstOrder;
    CoverageMetrics& metrics = estimate.metrics;
    metrics.loss.why = "the loss was estimated (first order), not measured";
    metrics.firstOrder = FirstOrderEstimate{-1.0 / 3, 12.5};
    for (PromptMetrics& prompt : metrics.prompts) {
        prompt.loss = metrics.loss;
        prompt.firstOrder = FirstOrderEstimate{-1.0 / 6, 6.25};
    }
    estimate.findings.back().where = metrics.loss.why;
    return estimate;
}

StitchCertificate stitch()
{
    const Certificate block = certificate();
    StitchCertificate stitch;
    stitch.name = "all-of.it";
    stitch.created = block.created;
    stitch.toolVersion = block.toolVersion;
    stitch.toolBuild = block.toolBuild;
    stitch.commandLine = "blockcert stitch run --bisect";
    stitch.environment = block.environment;
    stitch.subject = block.subject;
    stitch.prompts = block.prompts;
    stitch.baselineDtype = DType::BF16;
    stitch.request = {{{{1}, "block_01/certificate.json", digest("c")}}, DType::F32, true};
    stitch.policy = block.request.policy;
    const Perplexities perplexity{1.375, 1.5, 3.5, 4.5};
    const LossCoverage loss{0.75, 3, 4, {1, 2}, 0.5, ""};
    StitchMetrics& metrics = stitch.metrics;
    metrics.layers = {{0, 0, 0, {{0}, 0}, 0}, {0.5, 0.125, 2, {{1}, 1}, 1.5}};
    metrics.largest = {{1}, {{1}, 1}, 2};
    metrics.perplexity = perplexity;
    metrics.loss = loss;
    metrics.divergence = {0.25, 0.75, {{0}, 2}, {0.125, 0.5, 0.625, 0.75}};
    metrics.agreement = {4, 5};
    metrics.semantic = SemanticAgreement{{{1, 2}, 0.1, 0.9}, {{0, 2}, 0, 0.6}, {{2, 2}, 0.4, 1}};
    metrics.prompts.push_back({"a", 3, perplexity, loss, 0.25, {2, 3}, 2, 1, LayerIndex{1}});
    metrics.prompts.push_back({"b", 2, std::nullopt, block.metrics.loss, 0, {2, 2}, 0.5, std::nullopt, std::nullopt});
    stitch.bisections.push_back(
        {BisectEvent::LargestLossChange, {{0}, 1}, {{{1}, -0.5, 0.25}}, LayerIndex{1}, std::nullopt});
    stitch.bisections.push_back(
        {BisectEvent::FirstDivergence, {{0}, 1}, {{{1}, 0.5, 0.5}}, std::nullopt, LayerIndex{1}});
    stitch.artifacts.push_back(
        {"stitch/all-of.it/replay.h5", "replay", 99, digest("replay"), {{"kl", DType::F64, {5}, digest("kl")}}});
    stitch.certified = false;
    stitch.findings.push_back({"blocks_not_certified", "block 1", std::nullopt, 1});
    return stitch;
}

}
