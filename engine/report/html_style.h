// The style sheet of a report's page.
#pragma once

#include <string_view>

namespace blockcert::report {

// Colours and sizes are those of the window (widgets/theme.cpp).
[[nodiscard]] std::string_view htmlStyle();

}
