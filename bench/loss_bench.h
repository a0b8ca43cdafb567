// What exact losses cost against their arithmetic, on random weights of TinyLlama's shape.
#pragma once

#include "engine/pipeline/pipeline.h"
#include "engine/values/dtype.h"

#include <filesystem>
#include <string>

namespace blockcert::bench {

[[nodiscard]] pipeline::CertifyOptions optionsFor(const std::string& model, const pipeline::PromptOptions& prompts,
                                                  const std::filesystem::path& out);

// Exact losses of every fifth block: the whole job against F + X + R of the arithmetic.
void benchLosses(const std::string& model, DType dtype, const std::filesystem::path& folder);

// Exact losses of all blocks, streamed, no row left out: what they add to the job against X and the heads alone, and
// how often weights are read.
void benchWave(const std::string& model, DType dtype, const std::filesystem::path& folder);

}
