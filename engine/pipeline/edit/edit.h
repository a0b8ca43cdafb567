// The verbs about edits as plain functions, free of LibTorch's headers: options in, the documented JSON out.
#pragma once

#include "engine/pipeline/pipeline.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::pipeline {

// What is edited: a patch file, or one step given by options.
struct PatchOptions {
    std::filesystem::path file; // of a patch; then nothing else is given

    std::optional<std::int32_t> block;
    std::optional<double> scaleMlp;
    std::optional<double> scaleAttention; // of the whole sublayer, or of `head`
    std::optional<std::int32_t> head;
    std::string zero;                // "mlp", "attention", or "head" with `head`
    std::filesystem::path rankK;     // a .safetensors or .npz with u and v
    std::string matrix;              // of rankK; empty: "down"
    std::filesystem::path direction; // a .safetensors or .npz with the tensor `direction`
    std::string target;              // of the direction: "mlp", "attention" or "residual", as if it were empty
    std::optional<double> addDirection;
    std::optional<double> scaleDirection;
    std::optional<double> strength; // of rankK; 1 if absent

    // Names of tensors in `rankK` and `direction`; empty: u, v and direction, or a direction that lies alone.
    std::string u;
    std::string v;
    std::string tensor;
};

struct RefusalOptions {
    std::int64_t maxNew = 64;
    std::string condition = "none"; // none, system, few-shot, or a preamble file
    std::filesystem::path markers;  // empty: the bundled lists
};

struct EditOptions {
    ModelOptions model;
    PromptOptions prompts;
    PromptOptions heldout; // "stress" unless given
    PatchOptions patch;
    RefusalOptions refusal;
    std::filesystem::path labels; // CSV of human labels; may be empty
    std::filesystem::path out;    // a finished run of the same model and prompts, or a new one
    std::string name;             // empty: from the digest of what is asked for
    DType replayDtype = DType::F64;
    LossMode loss = LossMode::Exact; // of a new run's block certificates

    std::string created;     // ISO 8601 UTC
    std::string commandLine; // the blockcert command that repeats it
};

// Edits × strengths × conditions with shared work.
struct SweepOptions {
    ModelOptions model;
    PromptOptions prompts;
    std::string blocks = "all";      // or "0,5,10-12"
    std::string alphas;              // "1,0.5,0" or "0:1:0.1" (from, to, step)
    std::string target = "mlp";      // or "attention": what is scaled
    std::string conditions = "none"; // names or preamble files, separated by commas
    std::int64_t maxNew = 64;
    std::filesystem::path markers; // empty: the bundled lists
    std::filesystem::path out;
    bool resume = false;

    std::string created;     // ISO 8601 UTC
    std::string commandLine; // the blockcert command that repeats it
};

// A certified edit as a checkpoint of its own.
struct ExportEditOptions {
    std::filesystem::path run;
    std::string edit;  // its name; empty: the only one
    std::string model; // empty: where run.json found it; accepted by digest alone
    std::filesystem::path out;
    DType dtype = DType::F32; // of the written tensors
    std::string device = "cpu";
    int threads = 0;
};

// What a stack of edits does, on baseline states that stay in memory between calls.
struct EditEffectOptions {
    ModelOptions model;
    std::vector<PatchOptions> edits; // in order; may be empty, and one patch file may stand for all
    PromptOptions prompts;
    PromptOptions heldout;
    RefusalOptions refusal;
    bool local = false;
    bool downstream = false;
    bool completions = false;
    bool receipt = false;

    std::function<double()> seconds; // of a steady clock; libraries read none
};

// A stack of edits as a patch file.
struct WritePatchOptions {
    ModelOptions model;
    std::vector<PatchOptions> edits;
    std::filesystem::path out; // the tensors of its steps lie beside it, in NAME.tensors.npz
};

// The steps of a patch file, to go on from.
struct ReadPatchOptions {
    ModelOptions model;
    std::filesystem::path patch;
};

// The value that docs/protocol.md documents. Writes nothing. Numbers are those that edit() certifies for the same
// patch, but for the local error, which is the native model's. Keeps the baseline's states and completions with the
// loaded model: at most a quarter of the available memory, 1 GiB for states and 2 GiB for keys and values. Stages
// "open", "hash", "load", "prepare" (blocks), "effect" (blocks), "predict" and "generate" (tokens).
[[nodiscard]] Json editEffect(const EditEffectOptions& options, ModelCache& cache, const RunContext& context);

// {path, sha256, edits[]}. Throws UsageError for a file that holds something else.
[[nodiscard]] Json writePatch(const WritePatchOptions& options, ModelCache& cache, const RunContext& context);

// {path, sha256, edits[], steps[]}: a sentence a step, and the step in the words of `edits`, each with its file's path.
// Throws what edit() throws for a patch: of another model, with a NaN, of a wrong shape.
[[nodiscard]] Json readPatch(const ReadPatchOptions& options, ModelCache& cache, const RunContext& context);

// {name, version, sha256, refusal[], harmful[]} of a file of marker lists; of the bundled ones for an empty path.
// Throws FileError, FormatError.
[[nodiscard]] Json readMarkers(const std::filesystem::path& file);

// Writes model.safetensors, config.json and the tokenizer's files into a new folder, and says how far the written model
// is from the overlay on the run's prompts. Throws UsageError with the reason for an edit that no weight can express.
[[nodiscard]] Json exportEdit(const ExportEditOptions& options, ModelCache& cache, const RunContext& context);

// Writes the folder that docs/run-directory.md, "Sweeps", describes, row by row, and returns the content of its
// sweep.json with the key `out`. Every finished row is reported as the detail of stage "sweep" (edits). Throws
// UsageError for a folder that is not empty, or that holds another sweep than the one to be resumed.
[[nodiscard]] Json sweep(const SweepOptions& options, ModelCache& cache, const RunContext& context);

// Measures the edit, certifies the edited blocks if `out` is new, and adds the edit's certificate to the run. Throws
// Error with CheckFailed for an edit that changes nothing: no weight's byte, or no state, loss or completion. An edit
// that is refused, whatever the reason, leaves no new run behind.
[[nodiscard]] Json edit(const EditOptions& options, ModelCache& cache, const RunContext& context);

}
