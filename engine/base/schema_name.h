// The schema that a document names, such as "blockcert.run/1": another major version is known to be one.
#pragma once

#include <string>
#include <string_view>

namespace blockcert {

// Throws UnsupportedError for another major version of the family, FormatError for everything else that is not
// "family/major". `where` is the file and the field, as sentences begin with it.
void requireSchemaName(std::string_view found, std::string_view family, int major, const std::string& where);

}
