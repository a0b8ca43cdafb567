// The weights in which surrogates are not the baseline, for people, from `weights` of the value of `show`.
#pragma once

#include "app/terminal/program.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::terminal {

// One line for each weight, over all blocks; empty where every surrogate is an exact copy.
[[nodiscard]] std::string renderWeightSummary(const Json& weights, const Page& page);

// Of the whole listing: one line for each block and weight, with the singular values where they were read. Where there
// is no such weight, a sentence that says what was compared.
[[nodiscard]] std::string renderWeights(const Json& listing, const Page& page);

}
