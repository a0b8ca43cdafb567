// Writes a figure as SVG 1.1 in a light theme for print.
#pragma once

#include "engine/figure/figure.h"

#include <string>

namespace blockcert::figure {

// Equal figures give equal bytes. Title, scope and caption also stand in <title> and <desc>, and the metadata as
// <metadata><entry name="…">…</entry></metadata>. No scripts, no links, no style sheets, no patterns: nothing that an
// editor or a typesetting program could lack.
[[nodiscard]] std::string writeSvg(const Figure& figure);

}
