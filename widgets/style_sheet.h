// The application's style sheet for one appearance.
#pragma once

#include "widgets/theme.h"

#include <QString>

namespace blockcert::widgets {

[[nodiscard]] QString styleSheetOf(const Tokens& tokens);

}
