// A verdict for people: the sentence, the checks side by side, what was not checked, and how to check it oneself.
#pragma once

#include "app/terminal/program.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::cli {

// `everyCheck` lists each check of each block; else checks that hold for several blocks share a line.
[[nodiscard]] std::string renderVerdict(const Json& verdict, bool everyCheck, const terminal::Page& page);

}
