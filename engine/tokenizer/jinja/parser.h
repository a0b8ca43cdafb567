// Parses a chat template.
#pragma once

#include "engine/tokenizer/jinja/ast.h"

#include <string_view>

namespace blockcert::tokenizer::jinja {

// Throws FormatError (line) for what is no Jinja, UnsupportedError for statements that are not implemented,
// ResourceError for templates above 1 MiB or nested too deeply.
[[nodiscard]] Block parse(std::string_view source);

}
