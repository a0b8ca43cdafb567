// Writes a report as one page that opens from disk: no scripts, no links to elsewhere, light, dark and print.
#pragma once

#include "engine/report/document.h"

#include <string>

namespace blockcert::report {

// HTML5 in UTF-8. Equal documents give equal bytes. A policy in its head forbids the page to load or run anything, so
// that no text in it could either. Figures are drawn twice, for light and for dark.
[[nodiscard]] std::string writeHtml(const Document& document);

}
