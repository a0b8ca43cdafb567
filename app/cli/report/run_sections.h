// The sections of a report that tell one run.
#pragma once

#include "app/cli/report/run_facts.h"
#include "engine/report/document.h"

#include <vector>

namespace blockcert::cli {

// Standing, settings, blocks, figures, prompts, worst tokens, certificates with digests, environment, and the commands
// that check it. Long tables keep what matters most and say what they left out.
[[nodiscard]] std::vector<report::Section> runSections(const ReportedRun& run);

// One line a run, for a report of several.
[[nodiscard]] report::Table runTable(const std::vector<ReportedRun>& runs);

}
