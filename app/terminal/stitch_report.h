// A stitched model's table for people, from its row in the value of `stitch` or `show`.
#pragma once

#include "app/terminal/program.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::terminal {

// Everything about one stitched model.
[[nodiscard]] std::string renderStitch(const Json& row, const Page& page);

// One line a stitched model; empty without any.
[[nodiscard]] std::string stitchTable(const Json& rows, const Page& page);

}
