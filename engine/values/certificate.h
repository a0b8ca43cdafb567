// A block certificate: the claim, as read from or written to certificate.json.
#pragma once

#include "engine/values/coverage_metrics.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

// Digest of one logical tensor (sha256OfTensor), so that a change of container does not break the claim.
struct TensorDigest {
    std::string name;
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape;
    std::string sha256;

    friend bool operator==(const TensorDigest&, const TensorDigest&) = default;
};

struct ArtifactDigest {
    std::string path; // relative to the run directory
    std::string role; // "ir" | "probes"
    std::uint64_t size = 0;
    std::string sha256;
    std::vector<TensorDigest> tensors;

    friend bool operator==(const ArtifactDigest&, const ArtifactDigest&) = default;
};

// A reason, with both numbers: "activation_coverage_below", observed 0.91, threshold 0.94.
struct CertificateFinding {
    std::string code;
    std::string where;
    std::optional<double> observed; // absent: the quantity was not measured
    double threshold = 0;

    friend bool operator==(const CertificateFinding&, const CertificateFinding&) = default;
};

// The prompts as a certificate states them; the ids themselves are in probes.h5.
struct PromptStatement {
    std::string id;
    std::string rendered;
    std::int64_t tokens = 0;
    std::int64_t truncatedTokens = 0;

    friend bool operator==(const PromptStatement&, const PromptStatement&) = default;
};

struct PromptSetStatement {
    std::string name;
    std::string sha256;
    bool bundled = false;
    std::string tokenIdsSha256;
    std::string templateSha256;
    std::string pinnedDate;
    std::vector<PromptStatement> prompts;

    friend bool operator==(const PromptSetStatement&, const PromptSetStatement&) = default;
};

struct Certificate {
    std::string created;
    std::string toolVersion;
    std::string toolBuild;
    Environment environment;
    Subject subject;
    LayerIndex block;
    PromptSetStatement prompts;
    RunRequest request; // baseline, surrogate, replay dtype, policy; blocks holds this block only
    std::optional<SurrogateModel> surrogateModel;
    SurrogateWeights surrogateWeights;
    double comparisonTolerance = 0;
    CoverageMetrics metrics;
    std::vector<ArtifactDigest> artifacts;
    bool certified = false;
    std::vector<CertificateFinding> findings;

    friend bool operator==(const Certificate&, const Certificate&) = default;
};

}
