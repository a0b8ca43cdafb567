#include "engine/tokenizer/byte_alphabet.h"

#include "engine/tokenizer/unicode.h"

#include <array>

namespace blockcert::tokenizer {

namespace {

constexpr bool printsItself(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// The other 68 bytes follow in increasing order from U+0100.
constexpr std::array<char32_t, 256> letters = [] {
    std::array<char32_t, 256> result{};
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte)
        result[byte] = printsItself(byte) ? byte : next++;
    return result;
}();

constexpr std::array<std::int16_t, 0x144> bytes = [] {
    std::array<std::int16_t, 0x144> result{};
    for (std::int16_t& entry : result)
        entry = -1;
    for (unsigned byte = 0; byte < 256; ++byte)
        result[letters[byte]] = static_cast<std::int16_t>(byte);
    return result;
}();

}

char32_t letterOfByte(std::uint8_t byte)
{
    return letters[byte];
}

std::optional<std::uint8_t> byteOfLetter(char32_t letter)
{
    if (letter >= bytes.size() || bytes[letter] < 0)
        return std::nullopt;
    return static_cast<std::uint8_t>(bytes[letter]);
}

std::string toByteLetters(std::string_view text)
{
    std::string result;
    result.reserve(text.size() * 2);
    for (const char c : text)
        appendUtf8(result, letterOfByte(static_cast<std::uint8_t>(c)));
    return result;
}

std::string fromByteLetters(std::string_view token)
{
    std::string result;
    for (std::size_t i = 0; i < token.size();) {
        const auto byte = byteOfLetter(nextCodePoint(token, i));
        if (!byte)
            return std::string(token);
        result += static_cast<char>(*byte);
    }
    return result;
}

}
