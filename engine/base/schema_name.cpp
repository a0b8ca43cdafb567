#include "engine/base/schema_name.h"

#include "engine/base/error.h"

#include <algorithm>

namespace blockcert {

void requireSchemaName(std::string_view found, std::string_view family, int major, const std::string& where)
{
    const std::string prefix = std::string(family) + "/";
    const std::string expected = prefix + std::to_string(major);
    if (found == expected)
        return;
    const std::string_view version = found.starts_with(prefix) ? found.substr(prefix.size()) : std::string_view();
    const bool isNumber = !version.empty() && version.size() < 10 &&
                          std::all_of(version.begin(), version.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (isNumber)
        throw UnsupportedError(where + " is \"" + std::string(found) + "\"; this version reads \"" + expected +
                               "\": use a newer blockcert.");
    throw FormatError(where + " must be \"" + expected + "\", found \"" + std::string(found) + "\".");
}

}
