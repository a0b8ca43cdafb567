// Writes a figure as SVG 1.1: light for print, dark for screens, alone in a file or inside a page.
#pragma once

#include "engine/figure/figure.h"

#include <cstdint>
#include <string>

namespace blockcert::figure {

enum class SvgAppearance : std::uint8_t { Light, Dark };
enum class SvgForm : std::uint8_t {
    File,
    Inline, // inside HTML: no XML declaration, and one image for whoever has it read aloud
};

struct SvgStyle {
    SvgAppearance appearance = SvgAppearance::Light;
    SvgForm form = SvgForm::File;
    bool bare = false; // title, scope and caption are not drawn: a paper sets its own. <title> and <desc> keep them
};

// Equal figures give equal bytes. Title, scope and caption also stand in <title> and <desc>, and the metadata as
// <metadata><entry name="…">…</entry></metadata>. No scripts, no links, no style sheets, no patterns: nothing that an
// editor or a typesetting program could lack.
[[nodiscard]] std::string writeSvg(const Figure& figure, SvgStyle style = {});

}
