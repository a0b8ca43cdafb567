// A stitched certificate: the claim about a whole model with chosen blocks replaced by a run's own surrogates.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/stitch_metrics.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

// A block that is replaced, by the certificate of its surrogate.
struct StitchedBlock {
    LayerIndex block;
    std::string path;   // of its certificate, relative to the run directory
    std::string sha256; // of that file

    friend bool operator==(const StitchedBlock&, const StitchedBlock&) = default;
};

[[nodiscard]] inline bool contains(const std::vector<StitchedBlock>& blocks, LayerIndex block)
{
    return std::any_of(blocks.begin(), blocks.end(), [&](const StitchedBlock& own) { return own.block == block; });
}

// An edit of the run: some of the replaced blocks are not the surrogates themselves, but what its patch makes of them.
struct StitchedEdit {
    std::string name;               // of its folder
    std::string path;               // of its certificate, relative to the run directory
    std::string sha256;             // of that file
    std::vector<LayerIndex> blocks; // ascending, not empty; replaced blocks that the patch edits

    friend bool operator==(const StitchedEdit&, const StitchedEdit&) = default;
};

// Everything that decides a stitched model's numbers besides the run itself.
struct StitchRequest {
    std::vector<StitchedBlock> blocks; // ascending
    DType replayDtype = DType::F64;    // F64 or F32
    bool bisect = false;
    std::optional<StitchedEdit> edit = std::nullopt;

    [[nodiscard]] bool edits(LayerIndex block) const
    {
        return edit && std::binary_search(edit->blocks.begin(), edit->blocks.end(), block);
    }

    friend bool operator==(const StitchRequest&, const StitchRequest&) = default;
};

// One event taken apart: what it looks like when fewer blocks are replaced.
struct BisectRow {
    LayerIndex block;
    double prefix = 0; // with this block and all chosen ones before it replaced
    double single = 0; // with this block alone replaced

    friend bool operator==(const BisectRow&, const BisectRow&) = default;
};

enum class BisectEvent : std::uint8_t {
    // Value: logit of the stitched model's token minus that of the baseline's own. It happens where that is above 0,
    // or 0 and the stitched model's token has the lower id.
    FirstDivergence,
    // Value: loss of the token minus its baseline loss, nats. It happens from half of the full change on.
    LargestLossChange,
};

struct Bisection {
    BisectEvent event = BisectEvent::FirstDivergence;
    TokenLocation at;                 // the token that is fed, or whose loss changes
    std::vector<BisectRow> rows;      // one a chosen block, ascending
    std::optional<LayerIndex> prefix; // the last block of the smallest prefix with which it happens
    std::optional<LayerIndex> single; // of the blocks with which alone it happens, the one with the largest value

    friend bool operator==(const Bisection&, const Bisection&) = default;
};

struct StitchCertificate {
    std::string name; // of its folder
    std::string created;
    std::string toolVersion;
    std::string toolBuild;
    std::string commandLine;
    Environment environment;
    Subject subject;
    PromptSetStatement prompts;
    DType baselineDtype = DType::F32;
    StitchRequest request;
    Policy policy; // the run's own
    StitchMetrics metrics;
    std::vector<Bisection> bisections;     // empty unless asked for, or where nothing changes
    std::vector<ArtifactDigest> artifacts; // replay.h5 alone
    bool certified = false;
    std::vector<CertificateFinding> findings;

    // Every block of the model is replaced.
    [[nodiscard]] bool isFullBlock() const
    {
        return static_cast<std::int32_t>(request.blocks.size()) == subject.layers;
    }

    friend bool operator==(const StitchCertificate&, const StitchCertificate&) = default;
};

}
