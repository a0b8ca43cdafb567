// Marker lists and preambles compiled in from resources; the definition is written at build time.
#pragma once

#include <string_view>

namespace blockcert::edit {

// "markers/refusal", "preambles/system", "preambles/few-shot"; empty for any other name.
[[nodiscard]] std::string_view bundledText(std::string_view name);

}
