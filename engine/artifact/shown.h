// Shows text from a hostile file inside an error sentence: printable, short, in quotation marks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace blockcert::artifact {

// Control characters and bytes outside ASCII become \xNN; what is longer than `limit` bytes ends in "…".
[[nodiscard]] inline std::string shown(std::string_view text, std::size_t limit = 96)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result = "\"";
    for (const char character : text.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte >= 0x20 && byte < 0x7F) {
            result += character;
            continue;
        }
        result += "\\x";
        result += digits[byte >> 4U];
        result += digits[byte & 15U];
    }
    return result + (text.size() > limit ? "…\"" : "\"");
}

}
