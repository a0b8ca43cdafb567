// A checkpoint with a patch worked into its weights, as safetensors with config and tokenizer. The source is never
// written.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/edit/patch_tensors.h"
#include "engine/values/patch.h"

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::exchange {

struct ExportModelOptions {
    std::filesystem::path out; // a folder that is not there yet, or is empty
    DType dtype = DType::F32;  // of every tensor: F32, F16 or BF16
};

struct ExportedModel {
    std::vector<std::string> edited;  // names of the written tensors that differ by the patch
    std::vector<std::string> written; // files in the folder
    double largestRounding = 0;       // of an edited weight to `dtype`, relative to the tensor's largest element
};

// Throws UsageError for an edit that no weight can express (with the reason), for a folder that is not empty, and for
// a dtype that is none of the three; UnsupportedError for a tokenizer that cannot be written;
// ResourceError for a full disk. Nothing is left of an export that fails or is stopped. Stage "export" (tensors).
[[nodiscard]] ExportedModel exportModel(const artifact::Checkpoint& model, const Patch& patch,
                                        const edit::PatchTensors& tensors, const ExportModelOptions& options,
                                        const RunContext& context);

}
