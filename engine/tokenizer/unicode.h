// What the tokenizers need of Unicode: UTF-8, a few character classes and the normal forms, pinned to a version.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace blockcert::tokenizer {

// Offset of the first byte that is not valid UTF-8 (surrogates and overlong forms count as invalid).
[[nodiscard]] std::optional<std::size_t> firstInvalidUtf8(std::string_view text);

// Throws FormatError naming `what` and the byte offset.
void requireUtf8(std::string_view text, std::string_view what);

// Every maximal invalid part becomes one U+FFFD.
[[nodiscard]] std::string replaceInvalidUtf8(std::string_view text);

// The code point at `position` of valid UTF-8, which then moves behind it.
[[nodiscard]] char32_t nextCodePoint(std::string_view text, std::size_t& position);
// The code point that ends at `position`, which then moves to its first byte.
[[nodiscard]] char32_t previousCodePoint(std::string_view text, std::size_t& position);
void appendUtf8(std::string& text, char32_t codePoint);

[[nodiscard]] bool isWhiteSpace(char32_t codePoint);    // the property White_Space
[[nodiscard]] bool isNumeric(char32_t codePoint);       // Nd, Nl, No
[[nodiscard]] bool isPunctuation(char32_t codePoint);   // ASCII's, and P in the reference's old tables
[[nodiscard]] bool isWordCharacter(char32_t codePoint); // letters, marks, digits, connectors, joiners

[[nodiscard]] std::string lowercase(std::string_view text); // code point by code point, without context

enum class NormalForm { Nfc, Nfd, Nfkc, Nfkd };

[[nodiscard]] std::string normalise(std::string_view text, NormalForm form);

// Code points that the reference tokenizers (Unicode 16 tables) count to a general category while PCRE2 10.42 and
// utf8proc 2.8 do not know them yet; `category` is Lu, Ll, Lm, Lo, Nd, No, M, P or S.
struct CategoryAddition {
    char32_t first;
    char32_t last;
    std::string_view category;
};

[[nodiscard]] std::span<const CategoryAddition> categoryAdditions();

}
