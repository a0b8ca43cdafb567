// The answers of a small invented model and run, in the form of docs/protocol.md, for the fake programs.
#pragma once

#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::testing {

// A model of three blocks.
[[nodiscard]] Json openAnswer();
// Two prompts: "a" of three tokens, the first of them BOS, and "b" of two.
[[nodiscard]] Json tokenizeAnswer();
[[nodiscard]] Json estimateAnswer();
// The progress of one finished cell; errors grow with the block, and token 0 of prompt "a" is above 0.01 at block 2.
[[nodiscard]] Json cellProgress(int block, int prompt, int done);
[[nodiscard]] Json blockProgress(int block);
[[nodiscard]] Json certifyAnswer(const std::string& run);
// What `show` tells about that run; of an unfinished one only block 0 is there.
[[nodiscard]] Json showAnswer(const std::string& run, bool complete);
// "verified", or "failed" with one check that does not hold.
[[nodiscard]] Json verdictAnswer(const std::string& run, const std::string& verdict);

}
