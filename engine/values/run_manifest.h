// What was asked for and on what: everything about a run that is known before the first block is measured.
#pragma once

#include "engine/values/dtype.h"
#include "engine/values/ids.h"
#include "engine/values/policy.h"
#include "engine/values/prompt_set.h"
#include "engine/values/surrogate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

enum class LossMode : std::uint8_t {
    Exact,
    FirstOrder, // an estimate of the summed loss's change from one backward pass: no coverage follows from it
    None,
};
enum class WeightOrigin : std::uint8_t {
    Baseline, // the IR holds what the baseline used: dequantised, then cast to the baseline dtype
    File,     // the IR stops before the cast; ε then includes the cast
};

struct SubjectFile {
    std::string name; // base name
    std::uint64_t size = 0;
    std::string sha256;

    friend bool operator==(const SubjectFile&, const SubjectFile&) = default;
};

struct Subject {
    std::string model;        // for people
    std::string architecture; // "llama" | "gpt2"
    std::string configSha256;
    std::int32_t layers = 0;
    std::int32_t dModel = 0;
    std::int32_t heads = 0;
    std::vector<SubjectFile> files;

    friend bool operator==(const Subject&, const Subject&) = default;
};

// The other checkpoint whose blocks stand in for the subject's.
struct SurrogateModel {
    Subject subject;
    std::vector<std::string> differences; // of configuration and tokenizer, one sentence part each

    friend bool operator==(const SurrogateModel&, const SurrogateModel&) = default;
};

// What one needs to reproduce the numbers; nobody can recompute it, so it is "issuer says".
struct Environment {
    std::string device; // "cpu", "cuda:0"
    std::string processor;
    std::string isa; // "AVX512", …
    std::string libtorch;
    std::string blas;
    std::int32_t threads = 0;
    std::string tiling;          // "64 rows x 512 outputs"
    std::string attention;       // the baseline's attention kernel: "eager", …
    bool batchInvariant = false; // the start-up self-test passed
    std::string operatingSystem;

    friend bool operator==(const Environment&, const Environment&) = default;
};

// A baseline that another program ran and this one only read: `blockcert import trace`.
struct ImportedBaseline {
    enum class Mask : std::uint8_t {
        Recorded, // the trace holds what every token attended to
        Causal,   // the trace says that its runtime attended causally, and holds no mask
    };

    std::string runtime; // its name and version, as the trace states them
    std::string version;
    std::string traceSha256; // of the trace's file
    bool sublayers = false;  // attention and MLP outputs were recorded
    Mask mask = Mask::Recorded;

    friend bool operator==(const ImportedBaseline&, const ImportedBaseline&) = default;
};

// Everything that decides the numbers. Two requests that differ in any field make different runs.
struct RunRequest {
    std::vector<LayerIndex> blocks; // ascending
    DType baselineDtype = DType::F32;
    DType replayDtype = DType::F64; // F64 or F32
    LossMode loss = LossMode::Exact;
    WeightOrigin weights = WeightOrigin::Baseline;
    SurrogateChoice surrogate;
    Ablation ablation;
    bool embedWeights = false;
    std::int64_t maxTokens = 256;
    std::uint64_t seed = 0; // of noise; the other surrogates draw nothing
    Policy policy;
    std::optional<ImportedBaseline> imported; // absent: the baseline is this program's own

    // Nothing is changed: the surrogate's weights are the model's.
    [[nodiscard]] bool isExactCopy() const
    {
        return surrogate.family == SurrogateFamily::Exact && ablation.kind == Ablation::Kind::None;
    }

    [[nodiscard]] bool hasSublayers() const { return !imported || imported->sublayers; }

    // ρ of the comparison rule: 1e-10 for double replay, 1e-5 for fp32.
    [[nodiscard]] double comparisonTolerance() const { return replayDtype == DType::F64 ? 1e-10 : 1e-5; }

    friend bool operator==(const RunRequest&, const RunRequest&) = default;
};

struct RunManifest {
    std::string created; // ISO 8601 UTC, given by the program's main (SOURCE_DATE_EPOCH honoured there)
    std::string toolVersion;
    std::string toolBuild;
    std::string commandLine; // the blockcert command that repeats it
    std::string modelHint;   // where the model was found; never trusted
    RunRequest request;
    Subject subject;
    std::string surrogateHint;                    // where the other checkpoint was found; never trusted
    std::optional<SurrogateModel> surrogateModel; // family Checkpoint alone
    PromptSet prompts;
    Environment environment;

    friend bool operator==(const RunManifest&, const RunManifest&) = default;
};

// A block that ended without artifacts, such as one whose baseline produced a NaN.
struct BlockFailure {
    LayerIndex block;
    std::string code;     // "non_finite_baseline"
    std::string where;    // "prompt 3, token 17"
    std::string sentence; // for people

    friend bool operator==(const BlockFailure&, const BlockFailure&) = default;
};

// How far a run has come; stands in run.json beside the manifest.
struct RunState {
    bool complete = false;
    std::vector<LayerIndex> finished; // blocks with a certificate, ascending
    std::vector<BlockFailure> failed; // ascending

    friend bool operator==(const RunState&, const RunState&) = default;
};

}
