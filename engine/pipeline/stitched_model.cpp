#include "engine/pipeline/stitched_model.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/edit/patch_check.h"
#include "engine/edit/patched_block.h"
#include "engine/pipeline/longer_block.h"

#include <algorithm>
#include <utility>

namespace blockcert::pipeline {

namespace {

// Nothing that was asked for is passed over.
void requireUseOfSurrogateModel(const StitchedModelOptions& options, const RunManifest& manifest)
{
    if (options.surrogateModel.empty() || (manifest.surrogateModel && !manifest.request.embedWeights))
        return;
    throw UsageError("--surrogate-model " + options.surrogateModel + ": " +
                     (manifest.surrogateModel ? "the run holds the surrogates' weights itself"
                                              : "the run's surrogates are not those of another checkpoint") +
                     "; leave it out.");
}

OpenedModel openModel(const StitchedModelOptions& options, const StitchSource& source, ModelCache& cache,
                      const RunContext& context)
{
    requireUseOfSurrogateModel(options, source.manifest());
    if (!options.model.empty())
        return cache.state().open(options.model, context);
    try {
        return cache.state().open(source.manifest().modelHint, context);
    } catch (const FileError& error) {
        throw FileError(std::string("The model is not where the run found it: ") + error.what() +
                        " Name it with --model.");
    }
}

std::unique_ptr<artifact::Checkpoint> openSurrogateModel(const StitchedModelOptions& options,
                                                         const StitchSource& source, const Host& host,
                                                         const RunContext& context)
{
    const RunManifest& manifest = source.manifest();
    if (!manifest.surrogateModel || manifest.request.embedWeights)
        return nullptr;
    const std::string& model = options.surrogateModel.empty() ? manifest.surrogateHint : options.surrogateModel;
    try {
        auto other = std::make_unique<artifact::Checkpoint>(
            artifact::Checkpoint::open(artifact::resolveModel(model, host.locations)));
        other->hashFiles(context);
        return other;
    } catch (const FileError& error) {
        throw FileError(std::string("The checkpoint that the surrogates were taken from is not there: ") +
                        error.what() + " Name it with --surrogate-model.");
    }
}

}

StitchedModel::StitchedModel(const StitchSource& source, const StitchedModelOptions& options, ModelCache& cache,
                             const RunContext& context)
    : m_source(source)
    , m_options(options)
    , m_context(context)
    , m_opened(openModel(options, source, cache, context))
{
    m_opened.checkpoint->hashFiles(context);
    source.requireModel(*m_opened.checkpoint);
    if (options.edit) {
        edit::requireSense(options.edit->patch, m_opened.checkpoint->config());
        edit::requireFit(options.edit->patch, options.edit->tensors, m_opened.checkpoint->config());
    }
    m_other = openSurrogateModel(options, source, cache.state().host, context);
    const ModelOptions how{m_opened.hint, source.manifest().request.baselineDtype, options.device, options.threads};
    m_transformer = &cache.state().load(m_opened, how, context);
    m_tiling = m_transformer->tilingForReplay(options.replayDtype, context);
}

Replacements StitchedModel::replacements(std::int64_t positions) const
{
    return [this, positions](LayerIndex block) {
        const RunRequest& request = m_source.manifest().request;
        const TransformerConfig& config = m_opened.checkpoint->config();
        ir::BlockIr surrogate = lengthened(m_source.surrogate(block, *m_opened.checkpoint, m_other.get(), m_context),
                                           positions, config, request.baselineDtype, request.ablation);
        if (m_options.edit && std::ranges::binary_search(m_options.edit->statement.blocks, block))
            surrogate = edit::patchedBlock(surrogate, m_options.edit->patch, m_options.edit->tensors, config);
        return replayOf(std::move(surrogate), m_options.replayDtype, *m_transformer, m_tiling.tiling, m_context);
    };
}

}
