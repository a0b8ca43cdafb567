// Text as one word of a shell command, and the characters that must not reach a terminal as they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace blockcert::command_line {

// One word of a shell command, quoted if it must be. Control characters are written as escapes inside $'…', which
// bash, zsh and ksh read, so that the word can be shown and copied.
[[nodiscard]] std::string shellWord(std::string_view text);

[[nodiscard]] bool isUtf8(std::string_view text);

// Control and format characters, line and paragraph separators: invisible, or able to change what a terminal shows.
[[nodiscard]] bool isControl(std::int32_t codePoint);

}
