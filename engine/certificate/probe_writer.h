// Writes probes.h5 from a block's cells, one prompt in memory at a time, and keeps what its metrics need.
#pragma once

#include "engine/certificate/run_layout.h"
#include "engine/values/cell_record.h"
#include "engine/values/coverage_metrics.h"
#include "engine/values/policy.h"
#include "engine/values/prompt_set.h"

#include <filesystem>
#include <functional>
#include <vector>

namespace blockcert::certificate {

// Gives the cells of prompts 0, 1, … in order.
using CellSource = std::function<CellRecord(PromptIndex)>;

// Creates `path` (which must not exist), not flushed. The metrics are those of the written numbers under `policy`;
// `irMask` is the surrogate's mask, for path coverage. Throws ResourceError if the disk is full.
[[nodiscard]] CoverageMetrics writeProbes(const std::filesystem::path& path, const ProbeShape& shape,
                                          const PromptSet& prompts, const HostTensor& irMask, const Policy& policy,
                                          const CellSource& cells);

}
