// The thresholds of a command line in the protocol's form.
#pragma once

#include "app/command_line/parsed_command.h"
#include "engine/base/strict_json.h"

namespace blockcert::engine {

// The command's parameters, with its policy file and its single thresholds as one `policy`; single ones win. Throws
// what readPolicyFile() throws.
[[nodiscard]] Json withPolicy(const command_line::ParsedCommand& command);

}
