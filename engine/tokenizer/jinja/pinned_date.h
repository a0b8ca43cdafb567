// What strftime_now() answers: a date that is given, at 00:00, in the fields of C's strftime as the C locale writes
// them.
#pragma once

#include <string>
#include <string_view>

namespace blockcert::tokenizer::jinja {

// `date` is written as in "26 Jul 2024"; any other text is a FormatError. A field of `format` that is not known is an
// UnsupportedError that names it.
[[nodiscard]] std::string formatDate(std::string_view date, std::string_view format);

}
