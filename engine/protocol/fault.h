// What a program tells about a fault: one sentence, its kind and the exit code, the same in JSON-RPC and with --json.
#pragma once

#include "engine/base/error.h"
#include "engine/base/strict_json.h"

#include <exception>
#include <string>

namespace blockcert::protocol {

struct Fault {
    std::string sentence;
    std::string kind; // "file", "format", "shape", "unsupported", "usage", "resource", "numeric" or "internal"
    ExitCode exitCode = ExitCode::Incomplete;
};

// Cancelled is no fault: it is thrown on. Memory that ran out is a resource fault; anything that is no
// blockcert::Error is "internal", with exit code 5, because what was asked for was not done.
[[nodiscard]] Fault describeFault(const std::exception_ptr& thrown);

// {"message", "kind", "exit_code"}
[[nodiscard]] Json faultToJson(const Fault& fault);

}
