// Reads what a certified run says back into the numbers that tables and figures are made of.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/run_codec.h"
#include "engine/values/certificate.h"

#include <filesystem>
#include <span>
#include <vector>

namespace blockcert::pipeline {

// Per-token numbers of one block on one prompt.
struct PromptNumbers {
    std::vector<double> error; // [S] eq. 3, divided by ‖y‖₂ where the policy's measure is the relative one
};

// A finished run, certificates in the order of blocks; blocks without certificate (a NaN, say) are left out.
struct RunNumbers {
    certificate::RunDocument run;
    std::vector<Certificate> certificates;

    [[nodiscard]] const Certificate* find(LayerIndex block) const;
};

// Throws what engine/base/error.h declares for a run that cannot be read.
[[nodiscard]] RunNumbers readRunNumbers(const std::filesystem::path& run);

// The per-token numbers of a block, prompt by prompt. `childProgram` is the blockcert executable.
[[nodiscard]] std::vector<PromptNumbers> readTokenNumbers(const std::filesystem::path& run,
                                                          const Certificate& certificate,
                                                          const std::filesystem::path& childProgram);

// Eq. 6 over one list of errors.
[[nodiscard]] double coverageAt(std::span<const double> error, double tau);

[[nodiscard]] double meanOf(std::span<const double> values); // of at least one value

// The prompt a paper's "best prompt" means: highest activation coverage, then smallest mean error, then first; by the
// policy's measure.
[[nodiscard]] std::size_t bestPrompt(const Certificate& certificate);

}
