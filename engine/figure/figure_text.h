// Makes foreign text (model names, prompts) fit to be drawn and to stand in XML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::figure {

// Valid UTF-8 of visible characters: a line break becomes "⏎", a tab a blank, and every other control character, every
// character that turns the direction of writing, and every byte that is no UTF-8 becomes "\uFFFD".
[[nodiscard]] std::string drawable(std::string_view text);

// drawable() with the five characters that mean something in XML written as entities.
[[nodiscard]] std::string xmlText(std::string_view text);

// The code points of valid UTF-8, each as its own bytes.
[[nodiscard]] std::vector<std::string_view> characters(std::string_view text);

}
