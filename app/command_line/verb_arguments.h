// The options of verbs that take many, and those that several verbs take together.
#pragma once

#include "app/command_line/option_parts.h"

namespace blockcert::command_line {

[[nodiscard]] Arguments reading();
[[nodiscard]] Arguments output();
[[nodiscard]] Arguments certifying();
[[nodiscard]] Arguments experimenting();
[[nodiscard]] Arguments verifying();
[[nodiscard]] Arguments judging();
[[nodiscard]] Arguments editing();

}
