// The weights in which surrogates are not the baseline, for people, from `weights` of the value of `show`.
#pragma once

#include "app/terminal/program.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::terminal {

// One line for each weight, over all blocks; empty where every surrogate is an exact copy.
[[nodiscard]] std::string renderWeightSummary(const Json& weights, const Page& page);

// One line for each block and weight, with the singular values where they were read.
[[nodiscard]] std::string renderWeights(const Json& weights, const Page& page);

}
