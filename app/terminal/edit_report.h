// What `edit` and `sweep` say to a person: receipt, effect, and the answers before and after.
#pragma once

#include "app/terminal/program.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::terminal {

// One edit, as `blockcert edit --json` gives it.
[[nodiscard]] std::string renderEdit(const Json& result, const Page& page);

// A sweep, as `blockcert sweep --json` gives it.
[[nodiscard]] std::string renderSweep(const Json& result, const Page& page);

// A table of the edits of a run, and of each its effect, answers, labels and markers; empty if there are none.
[[nodiscard]] std::string editTable(const Json& rows, const Page& page);

}
