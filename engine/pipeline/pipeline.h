// The verbs of the engine as plain functions, free of LibTorch's headers: options in, the documented JSON out.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"
#include "engine/values/dtype.h"
#include "engine/values/policy.h"
#include "engine/values/run_manifest.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

// What a program's main knows and the libraries may not ask for.
struct Host {
    artifact::ModelLocations locations;
    std::string toolVersion;
    std::string toolBuild;
    std::filesystem::path childProgram = {}; // the blockcert executable; needed when a finished run gains prompts
};

// MODEL, --dtype, --device, --threads, --memory.
struct ModelOptions {
    std::string model; // folder, file, "demo" or org/name[@revision]
    DType dtype = DType::F32;
    std::string device = "cpu"; // "cpu", "cuda", "cuda:1"
    int threads = 0;            // 0: every processor of this machine
    std::int64_t memory = 0;    // bytes; 0: what the machine has available
};

// PROMPTS: a bundled name or a path, or prompts typed by the user.
struct PromptOptions {
    std::string source;                 // used when there is no content
    std::optional<std::string> content; // the text of a prompt file
    std::string format = "jsonl";       // of the content: "jsonl", "txt" or "csv"
    std::string name = "typed";         // of the content
    std::int64_t maxTokens = 256;
    std::string date; // for chat templates that print one
};

struct CertifyOptions {
    ModelOptions model;
    PromptOptions prompts;
    std::string blocks = "all"; // or "0,5,10-12"
    std::filesystem::path out;
    bool resume = false;
    bool dryRun = false; // says what would be done, and does nothing

    DType replayDtype = DType::F64; // or F32
    LossMode loss = LossMode::Exact;
    WeightOrigin weights = WeightOrigin::Baseline;
    std::string surrogate = "exact"; // the text of --surrogate
    std::string ablation;            // the text of --ablate, or empty
    bool embedWeights = false;
    std::uint64_t seed = 0;
    Policy policy;
    bool tauRelGiven = false; // false: policy.tauRel is replaced by the default of the baseline's dtype

    std::string created;     // ISO 8601 UTC
    std::string commandLine; // the blockcert command that repeats the run

    // For tests: rows whose values are known are computed all the same; how often the carried state is saved at least.
    bool skipKnownRows = true;
    std::chrono::milliseconds saveInterval = std::chrono::seconds(60);
};

// A finished run's own surrogates in place of the baseline's blocks.
struct StitchOptions {
    std::filesystem::path run;
    std::string blocks = "all"; // of the run's blocks, or "0,5,10-12"
    std::string edit;           // "NAME" or "NAME:BLOCKS": an edit of the run in some of them; empty: none
    std::string model;          // empty: where run.json found it; accepted by digest alone
    std::string surrogateModel; // the same for the checkpoint that the run's surrogates were taken from
    std::string name;           // empty: from the digest of what is asked for
    std::string device = "cpu";
    int threads = 0;
    DType replayDtype = DType::F64; // or F32
    bool bisect = false;
    bool tokens = false;      // also the numbers of every token
    bool measureOnly = false; // the run stays as it is

    std::string created;     // ISO 8601 UTC
    std::string commandLine; // the blockcert command that repeats it
};

struct EvaluateOptions {
    ModelOptions model;
    PromptOptions prompts;
};

struct GenerateOptions {
    ModelOptions model;
    PromptOptions prompts;
    std::int64_t maxNew = 64;
    std::filesystem::path surrogates; // a finished run whose surrogates write a second text beside the model's; or none
    std::string surrogateBlocks = "all";
    std::string surrogateEdit;      // "NAME" or "NAME:BLOCKS": an edit of that run in some of them; empty: none
    std::string surrogateModel;     // the checkpoint that they were taken from; empty: where run.json found it
    DType replayDtype = DType::F64; // of the surrogates
};

struct DoctorOptions {
    std::string device = "cpu";
    int threads = 0;
    std::string model;               // empty: no loader self-test on a model
    std::filesystem::path reference; // a .safetensors of reference logits; needs a model
};

struct MinimiseOptions {
    std::filesystem::path run;
    std::string prompt; // id, or 0-based number
    std::string model;  // empty: run.json's hint
    std::string device = "cpu";
    int threads = 0;
    std::optional<std::int32_t> block; // absent: the finished block that errs most on the prompt
    std::optional<double> above;       // absent: the threshold of the run's policy
    std::int64_t tests = 400;          // how many prompts are tried at most
};

// Keeps the model of the last request in memory, keyed by path, dtype, device and the files' times and sizes, so
// that a warm engine answers at once. One job at a time: not thread-safe.
class ModelCache {
public:
    explicit ModelCache(Host host);
    ~ModelCache();
    ModelCache(const ModelCache&) = delete;
    ModelCache& operator=(const ModelCache&) = delete;

    void clear();

    struct State; // engine/pipeline/loaded_model.h

    [[nodiscard]] State& state() { return *m_state; }

private:
    std::unique_ptr<State> m_state;
};

// Allocator thresholds under which large temporary tensors are reused instead of mapped anew. Call first in main.
void prepareProcess();

// `tau_rel` when the user gives none: F32 1e-5, F16 5e-3, BF16 2e-2.
[[nodiscard]] double defaultTauRel(DType baseline);

// Each verb returns the value that docs/protocol.md documents, without `seconds`, which the caller adds (libraries
// read no clock). All throw what engine/base/error.h declares, Cancelled included; c10::Error never leaves.
[[nodiscard]] Json certify(const CertifyOptions& options, ModelCache& cache, const RunContext& context);
[[nodiscard]] Json estimate(const CertifyOptions& options, ModelCache& cache, const RunContext& context);
[[nodiscard]] Json stitch(const StitchOptions& options, ModelCache& cache, const RunContext& context);
[[nodiscard]] Json evaluate(const EvaluateOptions& options, ModelCache& cache, const RunContext& context);
[[nodiscard]] Json generate(const GenerateOptions& options, ModelCache& cache, const RunContext& context);

// Drops tokens from one prompt of a run for as long as the surrogate of one block still errs too much on what is left.
[[nodiscard]] Json minimise(const MinimiseOptions& options, ModelCache& cache, const RunContext& context);

// The self-tests of this machine: {"engine": {…as in describeEngine}, "checks": [{"id", "title", "ok", "detail"}]}.
// A reference file holds, for P = 0, 1, …, promptP.token_ids (I64 [S]) and promptP.logits (F32 [S, V]).
[[nodiscard]] Json doctor(const DoctorOptions& options, ModelCache& cache, const RunContext& context);

// For `initialize`: {"engine": {device, processor, isa, libtorch, blas, threads, tiling, batch_invariant},
// "memory": {resident_bytes, available_bytes}}. Runs the batch-invariance self-test once per process.
[[nodiscard]] Json describeEngine(const std::string& device, int threads);

}
