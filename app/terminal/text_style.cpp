#include "app/terminal/text_style.h"

#include "app/command_line/shell_word.h"

#include <algorithm>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

namespace blockcert::terminal {

namespace {

std::string_view codeOf(Tone tone)
{
    switch (tone) {
    case Tone::Plain: return "";
    case Tone::Strong: return "1";
    case Tone::Quiet: return "2";
    case Tone::Good: return "32";
    case Tone::Bad: return "31";
    case Tone::Warning: return "33";
    case Tone::Accent: return "36";
    }
    return "";
}

// Calls `take(codepoint, bytes)` for each character; bytes that are no UTF-8 come as U+FFFD.
template <class Take>
void forEachCharacter(std::string_view text, const Take& take)
{
    while (!text.empty()) {
        utf8proc_int32_t point = 0;
        utf8proc_ssize_t length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                   static_cast<utf8proc_ssize_t>(text.size()), &point);
        std::string_view bytes = "\uFFFD";
        if (length < 1) {
            length = 1;
            point = 0xFFFD;
        } else {
            bytes = text.substr(0, static_cast<std::size_t>(length));
        }
        take(point, bytes);
        text.remove_prefix(static_cast<std::size_t>(length));
    }
}

}

std::string Style::paint(Tone tone, std::string_view text) const
{
    if (!m_coloured || tone == Tone::Plain || text.empty())
        return std::string(text);
    return "\x1b[" + std::string(codeOf(tone)) + "m" + std::string(text) + "\x1b[0m";
}

bool isTerminal(int descriptor)
{
    return ::isatty(descriptor) == 1;
}

Style styleOf(int descriptor)
{
    const char* terminal = std::getenv("TERM");
    const char* noColour = std::getenv("NO_COLOR");
    const bool refused = noColour != nullptr && *noColour != '\0';
    return Style(isTerminal(descriptor) && !refused && terminal != nullptr && std::string_view(terminal) != "dumb");
}

int widthOf(int descriptor)
{
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return std::max<int>(size.ws_col, 40);
    return 100;
}

int displayWidth(std::string_view text)
{
    int width = 0;
    forEachCharacter(
        text, [&](utf8proc_int32_t point, std::string_view) { width += std::max(0, utf8proc_charwidth(point)); });
    return width;
}

std::string visible(std::string_view text, Blanks blanks)
{
    std::string result;
    forEachCharacter(text, [&](utf8proc_int32_t point, std::string_view bytes) {
        if (point == '\n')
            result += "⏎";
        else if (point == '\t')
            result += "⇥";
        else if (point == ' ' && blanks == Blanks::Marked)
            result += "␣";
        else if (command_line::isControl(point))
            result += "�";
        else
            result += bytes;
    });
    return result;
}

std::string visiblePiece(std::string_view piece, int width)
{
    return shortened(visible(piece, Blanks::Marked), width);
}

std::string shortened(std::string_view text, int width)
{
    const std::string whole = visible(text);
    if (displayWidth(whole) <= width)
        return whole;
    std::string result;
    int used = 1; // the ellipsis
    bool full = false;
    forEachCharacter(whole, [&](utf8proc_int32_t point, std::string_view bytes) {
        used += std::max(0, utf8proc_charwidth(point));
        full = full || used > width;
        if (!full)
            result += bytes;
    });
    return result + "…";
}

namespace {

// Where the next word ends. What a number counts stays on its line: "level 3", "--level 3", "block 15".
std::size_t endOfWord(std::string_view text)
{
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    while (word.starts_with('(') || word.starts_with('-'))
        word.remove_prefix(1);
    const bool counts = word == "level" || word == "block" || word == "prompt" || word == "token";
    if (!counts || end + 1 >= text.size() || text[end + 1] < '0' || text[end + 1] > '9')
        return end;
    return std::min(text.find(' ', end + 1), text.size());
}

}

std::string wrap(std::string_view text, int width, int indent)
{
    std::string result;
    int column = 0;
    while (!text.empty()) {
        const std::size_t end = endOfWord(text);
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const int wordWidth = displayWidth(word);
        if (column > 0 && column + 1 + wordWidth > width) {
            result += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
            column = indent;
        } else if (column > 0) {
            result += ' ';
            ++column;
        }
        result += word;
        column += wordWidth;
    }
    return result;
}

}
