// Coverage strips as something to export: every block with its tokens, and a table with one line for each of them.
#pragma once

#include "widgets/coverage_rows.h"
#include "widgets/view_export.h"

#include <memory>

namespace blockcert::widgets {

[[nodiscard]] ViewExport coverageExport(std::shared_ptr<const TokenMap> map, std::shared_ptr<const CoverageRows> rows);

}
