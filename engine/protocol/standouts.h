// Plain sentences about what stands out in a run's numbers, for people who look at a table for the first time.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/run_manifest.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace blockcert::protocol {

// The middle value, of an even number of values the mean of the two in the middle. `values` is not empty.
[[nodiscard]] double median(std::vector<double> values);

// How much larger than the block's median a residual norm must be to count as a massive activation.
inline constexpr double massiveFactor = 20;

// `norms` holds the residual norms ‖y‖ of all tokens of a block, prompts one after the other, for the blocks of
// which they are known. The sentences say what the numbers are, and claim nothing.
[[nodiscard]] std::vector<std::string> standouts(const RunManifest& manifest, std::span<const Certificate> certificates,
                                                 const std::map<LayerIndex, std::vector<double>>& norms);

}
