// What certificates of every kind are made of, each part to JSON and strictly back. The reading ones throw FormatError.
#pragma once

#include "engine/certificate/json_fields.h"
#include "engine/certificate/statement_codec.h"
#include "engine/values/certificate.h"
#include "engine/values/stitch_certificate.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

inline constexpr std::string_view certificateSchema = "blockcert.certificate";

}

namespace blockcert::certificate::certificate_parts {

[[nodiscard]] Json fraction(const Fraction& value);
[[nodiscard]] Fraction readFraction(JsonFields fields);
[[nodiscard]] Json proportion(const Proportion& value);
[[nodiscard]] Proportion readProportion(JsonFields fields);
[[nodiscard]] Json location(const TokenLocation& value);
[[nodiscard]] TokenLocation readLocation(JsonFields fields);
[[nodiscard]] Json quantiles(const Quantiles& value);
[[nodiscard]] Quantiles readQuantiles(JsonFields fields);
[[nodiscard]] Json lossCoverage(const LossCoverage& value);
[[nodiscard]] LossCoverage readLossCoverage(JsonFields fields);
// null without one; `other` is what the model beside the baseline is called: "stitched".
[[nodiscard]] Json perplexity(const std::optional<Perplexities>& value, const std::string& other);
[[nodiscard]] std::optional<Perplexities> readPerplexity(JsonFields& parent, const std::string& other);

[[nodiscard]] Json prompts(const PromptSetStatement& value);
[[nodiscard]] PromptSetStatement readPrompts(JsonFields fields);
[[nodiscard]] Json artifacts(const std::vector<ArtifactDigest>& value);
[[nodiscard]] std::vector<ArtifactDigest> readArtifacts(std::vector<JsonFields> elements,
                                                        const std::vector<std::string_view>& roles);
[[nodiscard]] Json findings(const std::vector<CertificateFinding>& value);
[[nodiscard]] std::vector<CertificateFinding> readFindings(std::vector<JsonFields> elements);
// Block certificates that another certificate stands on; which and in what order is the caller's to check.
[[nodiscard]] Json blocks(const std::vector<StitchedBlock>& value);
[[nodiscard]] std::vector<StitchedBlock> readBlocks(std::vector<JsonFields> elements);

[[nodiscard]] Json tool(const std::string& version, const std::string& build);
void readTool(JsonFields fields, std::string& version, std::string& build);
// The meaning of the operations (docs/run-directory.md) and what they were computed in.
[[nodiscard]] Json replay(DType dtype);
[[nodiscard]] DType readReplay(JsonFields& fields); // finish() is left to the caller, who may have fields beside it

// What certificates of stitched models and of edits begin with.
template <class Added>
[[nodiscard]] Json head(std::string_view kind, const Added& certificate)
{
    return {{"schema", std::string(certificateSchema) + "/1"},
            {"kind", kind},
            {"name", certificate.name},
            {"created", certificate.created},
            {"tool", tool(certificate.toolVersion, certificate.toolBuild)},
            {"command", certificate.commandLine},
            {"environment", environmentToJson(certificate.environment)},
            {"subject", subjectToJson(certificate.subject)},
            {"prompts", prompts(certificate.prompts)},
            {"baseline", {{"runtime", "native"}, {"dtype", blockcert::nameOf(certificate.baselineDtype)}}},
            {"replay", replay(certificate.request.replayDtype)},
            {"blocks", blocks(certificate.request.blocks)},
            {"artifacts", artifacts(certificate.artifacts)}};
}

// The first of that, up to the prompts.
template <class Added>
void readHead(JsonFields& root, Added& certificate)
{
    certificate.name = root.text("name");
    certificate.created = root.text("created");
    readTool(root.object("tool"), certificate.toolVersion, certificate.toolBuild);
    certificate.commandLine = root.text("command");
    certificate.environment = environmentFromJson(root.object("environment"));
    JsonFields subject = root.object("subject");
    certificate.subject = subjectFromJson(subject);
    subject.finish();
    certificate.prompts = readPrompts(root.object("prompts"));
}

}
