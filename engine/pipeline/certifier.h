// The work of `certify`: measures what is missing of a run, block after block, and writes it while going on.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/run_writer.h"
#include "engine/model/invariance.h"
#include "engine/pipeline/surrogate.h"
#include "engine/pipeline/variants.h"
#include "engine/values/run_manifest.h"

#include <chrono>
#include <map>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {
class Transformer;
}

namespace blockcert::pipeline {

// What a job did, for its result.
struct WorkDone {
    RowCount blockRows; // of the baseline's blocks, for the baseline and for the models with one block replaced
    RowCount headRows;
    std::int64_t replayRows = 0;   // of surrogates
    std::int64_t gradientRows = 0; // back through the baseline's blocks

    friend bool operator==(const WorkDone&, const WorkDone&) = default;
};

struct CertifierOptions {
    bool skipKnownRows = true; // rows whose values are known need not be computed; no bit depends on it
    // The wave's state is saved at least this often, and more often where that costs less than a fiftieth of the time.
    std::chrono::milliseconds saveInterval = std::chrono::seconds(60);
};

struct Certified {
    std::vector<BlockFailure> failures; // ascending
    std::map<LayerIndex, Json> rows;    // of the blocks that were finished now, as `show` has them
    WorkDone work;
};

// Everything of the manifest's request that `writer` does not have yet; the run is complete afterwards. Throws what
// forwardFrom() and RunWriter throw, and Cancelled; what was finished by then is kept.
[[nodiscard]] Certified certifyMissing(const Surrogates& surrogates, model::Transformer& transformer,
                                       const RunManifest& manifest, const model::TilingChoice& replayTiling,
                                       const CertifierOptions& options, certificate::RunWriter& writer,
                                       const RunContext& context);

}
