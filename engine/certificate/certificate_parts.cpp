#include "engine/certificate/certificate_parts.h"

#include <algorithm>
#include <utility>

namespace blockcert::certificate::certificate_parts {

namespace {

constexpr std::string_view programSchema = "blockcert.program/1";

}

Json fraction(const Fraction& value)
{
    return {{"covered", value.covered}, {"total", value.total}};
}

Fraction readFraction(JsonFields fields)
{
    Fraction fraction;
    fraction.covered = fields.count("covered");
    fraction.total = fields.count("total");
    if (fraction.covered > fraction.total)
        fields.refuse("covered", "must not exceed the total");
    fields.finish();
    return fraction;
}

Json proportion(const Proportion& value)
{
    Json json = fraction(value.share);
    json["low"] = certifiedNumber(value.low);
    json["high"] = certifiedNumber(value.high);
    return json;
}

Proportion readProportion(JsonFields fields)
{
    Proportion read;
    read.share = {fields.count("covered"), fields.count("total")};
    if (read.share.covered > read.share.total)
        fields.refuse("covered", "must not exceed the total");
    read.low = fields.notNegative("low");
    read.high = fields.notNegative("high");
    fields.finish();
    return read;
}

Json location(const TokenLocation& value)
{
    return {{"prompt", value.prompt.value}, {"token", value.token}};
}

TokenLocation readLocation(JsonFields fields)
{
    const TokenLocation read{{fields.index("prompt")}, fields.index("token")};
    fields.finish();
    return read;
}

Json quantiles(const Quantiles& value)
{
    return {{"q50", certifiedNumber(value.q50)},
            {"q90", certifiedNumber(value.q90)},
            {"q95", certifiedNumber(value.q95)},
            {"q99", certifiedNumber(value.q99)}};
}

Quantiles readQuantiles(JsonFields fields)
{
    const Quantiles read{fields.notNegative("q50"), fields.notNegative("q90"), fields.notNegative("q95"),
                         fields.notNegative("q99")};
    fields.finish();
    return read;
}

Json lossCoverage(const LossCoverage& loss)
{
    return {{"coverage", loss.value ? certifiedNumber(*loss.value) : Json()},
            {"covered_loss", certifiedNumber(loss.coveredLoss)},
            {"total_loss", certifiedNumber(loss.totalLoss)},
            {"tokens", fraction(loss.tokens)},
            {"max_difference", certifiedNumber(loss.maxDifference)},
            {"why", loss.why}};
}

LossCoverage readLossCoverage(JsonFields fields)
{
    LossCoverage loss;
    loss.value = fields.numberOrNull("coverage");
    loss.coveredLoss = fields.number("covered_loss");
    loss.totalLoss = fields.number("total_loss");
    loss.tokens = readFraction(fields.object("tokens"));
    loss.maxDifference = fields.number("max_difference");
    loss.why = fields.text("why");
    if (loss.value.has_value() != loss.why.empty())
        fields.refuse("why", "must give the reason exactly where the coverage is null");
    fields.finish();
    return loss;
}

Json perplexity(const std::optional<Perplexities>& value, const std::string& other)
{
    if (!value)
        return nullptr;
    return {{"mean_nll_baseline", certifiedNumber(value->meanBaseline)},
            {"mean_nll_" + other, certifiedNumber(value->meanStitched)},
            {"baseline", certifiedNumber(value->baseline)},
            {other, certifiedNumber(value->stitched)},
            {"difference", certifiedNumber(value->difference())}};
}

std::optional<Perplexities> readPerplexity(JsonFields& parent, const std::string& other)
{
    if (parent.value("perplexity").is_null())
        return std::nullopt;
    JsonFields fields = parent.object("perplexity");
    const Perplexities read{fields.notNegative("mean_nll_baseline"), fields.notNegative("mean_nll_" + other),
                            fields.notNegative("baseline"), fields.notNegative(other)};
    if (fields.number("difference") != read.difference())
        fields.refuse("difference", "is not " + other + " minus baseline");
    fields.finish();
    return read;
}

Json prompts(const PromptSetStatement& value)
{
    Json items = Json::array();
    std::int64_t tokens = 0;
    for (const PromptStatement& prompt : value.prompts) {
        items.push_back({{"id", prompt.id},
                         {"rendered", prompt.rendered},
                         {"tokens", prompt.tokens},
                         {"truncated_tokens", prompt.truncatedTokens}});
        tokens += prompt.tokens;
    }
    return {{"name", value.name},
            {"sha256", value.sha256},
            {"bundled", value.bundled},
            {"count", value.prompts.size()},
            {"tokens", tokens},
            {"token_ids_sha256", value.tokenIdsSha256},
            {"template_sha256", value.templateSha256},
            {"pinned_date", value.pinnedDate},
            {"items", std::move(items)}};
}

PromptSetStatement readPrompts(JsonFields fields)
{
    PromptSetStatement read;
    read.name = fields.text("name");
    read.sha256 = fields.digestOrEmpty("sha256");
    read.bundled = fields.boolean("bundled");
    read.tokenIdsSha256 = fields.digest("token_ids_sha256");
    read.templateSha256 = fields.digestOrEmpty("template_sha256");
    read.pinnedDate = fields.text("pinned_date");
    std::int64_t tokens = 0;
    for (JsonFields& item : fields.objects("items")) {
        PromptStatement& prompt = read.prompts.emplace_back();
        prompt.id = item.text("id");
        prompt.rendered = item.text("rendered");
        prompt.tokens = item.integer("tokens", 1, std::int64_t{1} << 20);
        prompt.truncatedTokens = item.count("truncated_tokens");
        item.finish();
        tokens += prompt.tokens;
    }
    if (fields.count("count") != static_cast<std::int64_t>(read.prompts.size()))
        fields.refuse("count", "is not the number of items");
    if (fields.count("tokens") != tokens)
        fields.refuse("tokens", "is not the sum of the items' tokens");
    fields.finish();
    return read;
}

Json artifacts(const std::vector<ArtifactDigest>& value)
{
    Json list = Json::array();
    for (const ArtifactDigest& artifact : value) {
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

std::vector<ArtifactDigest> readArtifacts(std::vector<JsonFields> elements, const std::vector<std::string_view>& roles)
{
    std::vector<ArtifactDigest> read;
    for (JsonFields& fields : elements) {
        ArtifactDigest& artifact = read.emplace_back();
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
    return read;
}

Json findings(const std::vector<CertificateFinding>& value)
{
    Json list = Json::array();
    for (const CertificateFinding& finding : value)
        list.push_back({{"code", finding.code},
                        {"where", finding.where},
                        {"observed", finding.observed ? certifiedNumber(*finding.observed) : Json()},
                        {"threshold", certifiedNumber(finding.threshold)}});
    return list;
}

std::vector<CertificateFinding> readFindings(std::vector<JsonFields> elements)
{
    std::vector<CertificateFinding> read;
    for (JsonFields& fields : elements) {
        CertificateFinding& finding = read.emplace_back();
        finding.code = fields.text("code");
        finding.where = fields.text("where");
        finding.observed = fields.numberOrNull("observed");
        finding.threshold = fields.number("threshold");
        fields.finish();
    }
    return read;
}

Json blocks(const std::vector<StitchedBlock>& value)
{
    Json list = Json::array();
    for (const StitchedBlock& block : value)
        list.push_back({{"block", block.block.value}, {"certificate", block.path}, {"sha256", block.sha256}});
    return list;
}

std::vector<StitchedBlock> readBlocks(std::vector<JsonFields> elements)
{
    std::vector<StitchedBlock> read;
    for (JsonFields& fields : elements) {
        read.push_back({{fields.index("block")}, fields.text("certificate"), fields.digest("sha256")});
        fields.finish();
    }
    return read;
}

Json tool(const std::string& version, const std::string& build)
{
    return {{"name", "blockcert"}, {"version", version}, {"build", build}};
}

void readTool(JsonFields fields, std::string& version, std::string& build)
{
    fields.requireText("name", "blockcert");
    version = fields.text("version");
    build = fields.text("build");
    fields.finish();
}

Json replay(DType dtype)
{
    return {{"program", programSchema}, {"dtype", blockcert::nameOf(dtype)}};
}

DType readReplay(JsonFields& fields)
{
    fields.requireText("program", programSchema);
    return dtypeFrom(fields, "dtype", replayDtypes());
}

}
