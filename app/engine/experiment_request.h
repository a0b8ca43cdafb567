// Parameters of the method `experiment` -> an experiment of the pipeline, done or estimated.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/pipeline/pipeline.h"

#include <string>

namespace blockcert {
class RunContext;
}

namespace blockcert::engine {

// The value of docs/protocol.md, without `seconds`; with `dry_run` that of estimateExperiment(). Throws UsageError for
// parameters that are missing, unknown, of the wrong type or range, or not taken by this experiment.
[[nodiscard]] Json runExperiment(const Json& parameters, pipeline::ModelCache& cache, const RunContext& context);

// The blockcert command that does the same.
[[nodiscard]] std::string experimentCommand(const Json& parameters);

// An experiment that was begun and not finished.
[[nodiscard]] bool isExperimentResumable(const Json& parameters);

}
