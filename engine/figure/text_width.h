// How wide text will be, known without a font: the widest of the fonts that figures name, so that nothing overlaps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::figure {

// In the unit of `size`, of text that drawable() has passed.
[[nodiscard]] double textWidth(std::string_view text, double size, bool strong = false);

// The text cut to `width` with an ellipsis.
[[nodiscard]] std::string fitted(std::string_view text, double size, double width, bool strong = false);

// The same with the ellipsis in the middle, for names that differ at their end.
[[nodiscard]] std::string fittedInTheMiddle(std::string_view text, double size, double width);

// Broken at blanks into lines of at most `width`; a single word that is longer is cut.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, double size, double width);

}
