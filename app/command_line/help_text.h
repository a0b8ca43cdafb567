// What --help, the manual page and shell completion say, all from the description of the verbs.
#pragma once

#include "app/command_line/verb_description.h"

#include <string>
#include <string_view>

namespace blockcert::command_line {

// Of the whole program where `verb` is null. Lines are wrapped at `width` columns.
[[nodiscard]] std::string helpText(const VerbDescription* verb, int width);

// A page for man(1), section 1.
[[nodiscard]] std::string manualPage(std::string_view version);

// "bash", "zsh" or "fish".
[[nodiscard]] std::string completionScript(std::string_view shell);

}
