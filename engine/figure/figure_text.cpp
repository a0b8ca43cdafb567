#include "engine/figure/figure_text.h"

#include <cstdint>

namespace blockcert::figure {

namespace {

// The code point that begins at `at` and its length in bytes; length 0 where the bytes are no UTF-8.
struct Decoded {
    std::uint32_t point = 0;
    std::size_t length = 0;
};

Decoded decode(std::string_view text, std::size_t at)
{
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    const std::uint32_t first = byte(at);
    if (first < 0x80)
        return {first, 1};
    const std::size_t length = first >= 0xF0 && first < 0xF8 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
    if (length == 0 || first >= 0xF8 || at + length > text.size())
        return {};
    std::uint32_t point = first & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0U) != 0x80U)
            return {};
        point = point << 6U | (byte(at + i) & 0x3FU);
    }
    const std::uint32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
    if (point < least || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return {};
    return {point, length};
}

bool isUnseen(std::uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0xAD || point == 0x61C ||
           (point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF || (point & 0xFFFEU) == 0xFFFEU;
}

}

std::string drawable(std::string_view text)
{
    std::string safe;
    for (std::size_t i = 0; i < text.size();) {
        const Decoded next = decode(text, i);
        if (next.length == 0)
            safe += "\uFFFD";
        else if (next.point == '\n')
            safe += "⏎";
        else if (next.point == '\t')
            safe += ' ';
        else if (isUnseen(next.point))
            safe += "\uFFFD";
        else
            safe += text.substr(i, next.length);
        i += next.length == 0 ? 1 : next.length;
    }
    return safe;
}

std::string xmlText(std::string_view text)
{
    std::string escaped;
    for (const char c : drawable(text)) {
        switch (c) {
        case '&': escaped += "&amp;"; break;
        case '<': escaped += "&lt;"; break;
        case '>': escaped += "&gt;"; break;
        case '"': escaped += "&quot;"; break;
        case '\'': escaped += "&#39;"; break;
        default: escaped += c;
        }
    }
    return escaped;
}

std::vector<std::string_view> characters(std::string_view text)
{
    std::vector<std::string_view> all;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = std::max<std::size_t>(decode(text, i).length, 1);
        all.push_back(text.substr(i, length));
        i += length;
    }
    return all;
}

}
