// An edit certificate: what a patch touches, how far the model then departs, and what it answers before and after.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/patch.h"
#include "engine/values/refusal.h"
#include "engine/values/stitch_certificate.h"
#include "engine/values/stitch_metrics.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

// A weight before and after, both in the type the model has it in: the receipt.
struct TouchedTensor {
    LayerIndex block;
    std::string role;   // "down.weight"; "residual.…" for operations that no weight of the model can express
    std::string tensor; // its name in the model's file; empty where the model has no such tensor
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape;
    std::string before; // sha256OfTensor; empty where there was none
    std::string after;

    friend bool operator==(const TouchedTensor&, const TouchedTensor&) = default;
};

// One non-negative quantity over tokens.
struct TokenSpread {
    double largest = 0;
    TokenLocation worst; // first token where it is reached
    double mean = 0;
    Quantiles quantiles;

    friend bool operator==(const TokenSpread&, const TokenSpread&) = default;
};

// ε_edit of one block: ‖edited IR − unedited IR‖₂ on the recorded inputs, double.
struct EditedBlockError {
    LayerIndex block;
    TokenSpread error;

    friend bool operator==(const EditedBlockError&, const EditedBlockError&) = default;
};

struct HeldoutPromptMetrics {
    std::string id;
    std::int64_t tokens = 0;
    std::optional<double> meanBase; // mean loss, nats; absent: no token is predicted
    std::optional<double> meanEdited;
    double meanDivergence = 0;
    Fraction agreement; // tokens whose next-token argmax is the same

    friend bool operator==(const HeldoutPromptMetrics&, const HeldoutPromptMetrics&) = default;
};

struct EditEffect {
    std::vector<EditedBlockError> blocks;   // ascending
    std::vector<TokenSpread> layers;        // ‖h′ − h‖₂ after block 0 … L − 1, native
    TokenSpread finalPre;                   // before the final norm: the last of `layers`
    TokenSpread finalPost;                  // after it
    std::optional<double> amplificationPre; // largest deviation over largest ε_edit; absent with several blocks
    std::optional<double> amplificationPost;
    std::optional<Perplexities> perplexity; // of the held-out prompts; "stitched" is the edited model
    Divergence divergence;                  // KL(baseline ‖ edited), nats, on the held-out prompts
    Fraction agreement;                     // held-out tokens whose next-token argmax is the same
    std::vector<HeldoutPromptMetrics> heldout;

    friend bool operator==(const EditEffect&, const EditEffect&) = default;
};

// Everything that decides an edit's numbers besides the run itself.
struct EditRequest {
    Patch patch;
    std::vector<StitchedBlock> blocks; // the certificates of the edited blocks, ascending
    DType replayDtype = DType::F64;    // F64 or F32
    std::int64_t maxNew = 64;
    EditCondition condition;
    std::string markersSha256;
    std::string heldoutSha256; // of the held-out prompts' token ids
    std::string labelsSha256;  // of the CSV of human labels; empty without

    friend bool operator==(const EditRequest&, const EditRequest&) = default;
};

struct EditCertificate {
    std::string name; // of its folder
    std::string created;
    std::string toolVersion;
    std::string toolBuild;
    std::string commandLine;
    Environment environment;
    Subject subject;
    PromptSetStatement prompts;
    PromptSetStatement heldout;
    DType baselineDtype = DType::F32;
    EditRequest request;
    std::vector<TouchedTensor> touched; // not empty
    bool unchangedAtOne = false;        // the native path without an edit was bit-identical to the baseline
    EditEffect effect;
    MarkerLists markers;
    std::vector<RefusalRow> rows; // one a prompt
    RefusalMetrics before;
    RefusalMetrics after;
    std::optional<HumanEvaluation> human;
    bool labelsBound = false; // each label came with the digest of the text that was labelled, and it is the row's
    std::vector<ArtifactDigest> artifacts; // effect.h5 alone

    friend bool operator==(const EditCertificate&, const EditCertificate&) = default;
};

}
