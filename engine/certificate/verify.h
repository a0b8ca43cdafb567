// Re-checks a run directory without trusting anything in it, and without LibTorch (levels 0–4).
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"
#include "engine/values/policy.h"
#include "engine/values/verdict.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::certificate {

struct VerifyOptions {
    int level = 3;
    std::filesystem::path model;          // checkpoint for weights by reference and level 4; empty: run.json's hint
    std::filesystem::path surrogateModel; // the checkpoint that surrogates were taken from; empty: run.json's hint
    artifact::ModelLocations locations;   // where such a hint may lead
    std::optional<Policy> policy;         // the verifier's own; else the certificate's
    // Allow-lists; empty: any. Every weight file, the prompt set's file, and the tool's version must be listed.
    std::vector<std::string> expectModelSha256;
    std::vector<std::string> expectPromptsSha256;
    std::vector<std::string> expectTools;
    bool requireLosses = false; // losses that a level cannot check leave the verdict incomplete
    std::uint64_t seed = 0;     // spot replay; main draws one if the user gave none
    std::int64_t cells = 44;
    int threads = 1;
    std::filesystem::path childProgram; // the blockcert executable, for the archive reader child
};

// `runOrCertificate` is a run directory, or the certificate.json of a block or a stitched model inside one. Input that
// is not a run (missing, malformed JSON, unknown major version) is reported as FormatError / UnsupportedError;
// everything that could be read but is wrong is a Failed check in the verdict.
[[nodiscard]] Verdict verify(const std::filesystem::path& runOrCertificate, const VerifyOptions& options,
                             const RunContext& context);

// The run directory that such a path belongs to. Throws FileError, FormatError.
[[nodiscard]] std::filesystem::path runOf(const std::filesystem::path& runOrCertificate);

// The value that `blockcert verify --json` prints (docs/protocol.md, "verify").
[[nodiscard]] Json verdictToJson(const Verdict& verdict);

}
