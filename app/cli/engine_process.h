// Reaches `blockcert-engine`, the program of the heavy verbs.
#pragma once

#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"

#include <span>
#include <string>

namespace blockcert::cli {

// Becomes the engine with these arguments; returns only by throwing FileError if it is not there.
[[noreturn]] void becomeEngine(std::span<const std::string> arguments);

// Runs the engine to its end and reads the one JSON object it prints. Throws FileError if the engine is not there,
// FormatError if it dies or prints something else, Cancelled if `context` is asked to stop; the engine is ended then.
[[nodiscard]] Json askEngine(std::span<const std::string> arguments, const RunContext& context);

}
