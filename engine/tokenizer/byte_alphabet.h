// GPT-2's alphabet: every byte as one printable code point, so that byte-level tokens can be written as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blockcert::tokenizer {

[[nodiscard]] char32_t letterOfByte(std::uint8_t byte);
[[nodiscard]] std::optional<std::uint8_t> byteOfLetter(char32_t letter);

[[nodiscard]] std::string toByteLetters(std::string_view bytes);
// The bytes a token stands for; a token with any other code point stands for itself.
[[nodiscard]] std::string fromByteLetters(std::string_view token);

}
