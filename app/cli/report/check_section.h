// What a verification found, and how to repeat it, as parts of a report.
#pragma once

#include "app/cli/report/run_facts.h"
#include "engine/report/document.h"

#include <vector>

namespace blockcert::cli {

// The verdict if there is one; else that the numbers are claims.
[[nodiscard]] report::Statement standingOf(const ReportedRun& run);
// What was and was not recomputed; nothing without a verdict.
[[nodiscard]] std::vector<report::Part> verdictParts(const ReportedRun& run);
// Digests of the run's files and the commands that check it, with nothing but this page to trust.
[[nodiscard]] std::vector<report::Part> digestParts(const ReportedRun& run);
[[nodiscard]] std::vector<report::Part> commandParts(const ReportedRun& run);

}
