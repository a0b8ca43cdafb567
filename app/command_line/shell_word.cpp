#include "app/command_line/shell_word.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <utf8proc.h>

namespace blockcert::command_line {

namespace {

// The first character of `text`, which is not empty; a length of 0 means that it is no UTF-8.
struct Character {
    std::int32_t codePoint = 0;
    std::size_t length = 0;
};

Character firstCharacter(std::string_view text)
{
    Character character;
    const utf8proc_ssize_t length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                     static_cast<utf8proc_ssize_t>(text.size()), &character.codePoint);
    character.length = length < 1 ? 0 : static_cast<std::size_t>(length);
    return character;
}

std::string escapedBytes(std::string_view bytes)
{
    std::string text;
    for (const char byte : bytes) {
        std::array<char, 8> escape{};
        std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
        text += escape.data();
    }
    return text;
}

// The inside of $'…'.
std::string escaped(std::string_view text)
{
    std::string result;
    while (!text.empty()) {
        const Character first = firstCharacter(text);
        const std::string_view bytes = text.substr(0, std::max<std::size_t>(first.length, 1));
        if (bytes == "\n")
            result += "\\n";
        else if (bytes == "\t")
            result += "\\t";
        else if (first.length == 0 || isControl(first.codePoint))
            result += escapedBytes(bytes);
        else if (bytes == "'" || bytes == "\\")
            result += "\\" + std::string(bytes);
        else
            result += bytes;
        text.remove_prefix(bytes.size());
    }
    return result;
}

bool isShowable(std::string_view text)
{
    while (!text.empty()) {
        const Character first = firstCharacter(text);
        if (first.length == 0 || isControl(first.codePoint))
            return false;
        text.remove_prefix(first.length);
    }
    return true;
}

}

std::string shellWord(std::string_view text)
{
    const bool plain = !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("_-./,:@+=%").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (plain)
        return std::string(text);
    if (!isShowable(text))
        return "$'" + escaped(text) + "'";
    std::string quoted = "'";
    for (const char c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

bool isUtf8(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t length = firstCharacter(text).length;
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

bool isControl(std::int32_t codePoint)
{
    const utf8proc_category_t category = utf8proc_category(codePoint);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

}
