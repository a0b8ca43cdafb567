// A loaded model with surrogates of a finished run ready to stand in its blocks' places: what stitching and generating
// share.
#pragma once

#include "engine/model/transformer.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/stitch_source.h"
#include "engine/pipeline/stitched_streams.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::pipeline {

struct StitchedModelOptions {
    std::string model;          // empty: where run.json found it; accepted by digest alone
    std::string surrogateModel; // the same for the checkpoint that the run's surrogates were taken from
    std::string device = "cpu";
    int threads = 0;
    DType replayDtype = DType::F64;
    std::optional<SourceEdit> edit; // of the run; its blocks are replaced by what the patch makes of their surrogates
};

// Lives in one request; the transformer stays in the cache. `source` and `context` must outlive it.
class StitchedModel {
public:
    // Opens, hashes and loads. Throws FileError if a model is not there, FormatError if it is another one.
    StitchedModel(const StitchSource& source, const StitchedModelOptions& options, ModelCache& cache,
                  const RunContext& context);

    [[nodiscard]] model::Transformer& transformer() const { return *m_transformer; }

    [[nodiscard]] const OpenedModel& opened() const { return m_opened; }

    [[nodiscard]] const model::TilingChoice& tiling() const { return m_tiling; }

    // Each surrogate is read from the run when its turn comes, and is the caller's to keep. It takes prompts of at
    // least so many positions; 0: those of the run.
    [[nodiscard]] Replacements replacements(std::int64_t positions = 0) const;

private:
    const StitchSource& m_source;
    StitchedModelOptions m_options;
    const RunContext& m_context;
    OpenedModel m_opened;
    std::unique_ptr<artifact::Checkpoint> m_other; // null if the surrogates are the model's own or embedded
    model::Transformer* m_transformer = nullptr;
    model::TilingChoice m_tiling;
};

}
