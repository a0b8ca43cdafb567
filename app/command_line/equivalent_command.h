// The `blockcert` command that does what a request of the protocol does.
#pragma once

#include "app/command_line/verb_description.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::command_line {

// `parameters` are those of the protocol's method of the same name: snake_case, thresholds inside `policy`.
// --resume and --dry-run are left out: what repeats a run from nothing has neither.
[[nodiscard]] std::string equivalentCommand(const VerbDescription& verb, const Json& parameters);

}
