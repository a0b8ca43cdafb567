// Ascending numbers in few words: "0–4, 7".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert {

// Three or more that follow each other are one part, "0–4"; every other number is one by itself.
[[nodiscard]] std::vector<std::string> rangeParts(std::span<const std::int32_t> ascending, std::string_view dash = "–");

// The parts with commas between them.
[[nodiscard]] std::string rangesText(std::span<const std::int32_t> ascending, std::string_view dash = "–");

// "block 3", "blocks 0–4, 7"; empty for none.
[[nodiscard]] std::string blocksText(std::span<const std::int32_t> ascending, std::string_view dash = "–");

}
