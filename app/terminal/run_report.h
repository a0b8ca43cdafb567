// A run's tables for people, from the value of `show`: the same after `certify` and by `blockcert show`.
#pragma once

#include "app/terminal/program.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::terminal {

[[nodiscard]] std::string renderRun(const Json& listing, const Page& page);

// "Measured on base (4 prompts, 90 tokens): fp32 baseline, fp64 replay, exact surrogates", from run.json.
[[nodiscard]] std::string scopeLine(const Json& manifest);

// "activation coverage 91.8 % is below 94 %", from one entry of findings[].
[[nodiscard]] std::string findingPhrase(const Json& finding);

}
