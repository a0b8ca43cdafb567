// Colour and width of text on a terminal: sparing, and none where nobody looks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace blockcert::terminal {

enum class Tone : std::uint8_t { Plain, Strong, Quiet, Good, Bad, Warning, Accent };

// How text is painted for one output.
class Style {
public:
    Style() = default; // no colours

    explicit Style(bool coloured)
        : m_coloured(coloured)
    {
    }

    [[nodiscard]] std::string paint(Tone tone, std::string_view text) const;

private:
    bool m_coloured = false;
};

// Colours only on a terminal that understands them, and never with NO_COLOR.
[[nodiscard]] Style styleOf(int descriptor);
[[nodiscard]] bool isTerminal(int descriptor);
// Columns of the terminal, 100 where there is none.
[[nodiscard]] int widthOf(int descriptor);

// Columns that UTF-8 text without escape sequences takes.
[[nodiscard]] int displayWidth(std::string_view text);

enum class Blanks : std::uint8_t { AsTheyAre, Marked };

// The text with control characters made visible ("⏎" for a new line), so that it is safe to print; blanks are
// marked ("␣the") where they matter.
[[nodiscard]] std::string visible(std::string_view text, Blanks blanks = Blanks::AsTheyAre);
// A token's piece: visible(), with blanks marked, cut to `width` columns with an ellipsis.
[[nodiscard]] std::string visiblePiece(std::string_view piece, int width);
// Visible text cut to `width` columns with an ellipsis.
[[nodiscard]] std::string shortened(std::string_view text, int width);

// Text broken into lines of at most `width` columns, each line after the first indented.
[[nodiscard]] std::string wrap(std::string_view text, int width, int indent);

}
