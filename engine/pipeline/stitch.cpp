#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/stitch_labels.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/stitch_writer.h"
#include "engine/certificate/token_ids.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/run_request.h"
#include "engine/pipeline/stitch_source.h"
#include "engine/pipeline/stitched_streams.h"
#include "engine/protocol/stitch_rows.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace blockcert::pipeline {

namespace {

using certificate::StitchColumns;
using certificate::StitchWriter;

std::string nameFor(const StitchOptions& options, const StitchRequest& request)
{
    if (options.name.empty())
        return certificate::stitchRequestDigest(request).substr(0, 12);
    if (!certificate::isStitchName(options.name))
        throw UsageError("--name " + options.name +
                         ": use 1 to 64 letters, digits, dots, dashes and underscores, no dot first.");
    return options.name;
}

OpenedModel openModel(const StitchOptions& options, const StitchSource& source, ModelCache& cache,
                      const RunContext& context)
{
    if (!options.model.empty())
        return cache.state().open(options.model, context);
    try {
        return cache.state().open(source.manifest().modelHint, context);
    } catch (const FileError& error) {
        throw FileError(std::string("The model is not where the run found it: ") + error.what() +
                        " Name it with --model.");
    }
}

// The checkpoint that the run's surrogates were taken from, hashed; null if they are the model's own or embedded.
std::unique_ptr<artifact::Checkpoint> openSurrogateModel(const StitchOptions& options, const StitchSource& source,
                                                         const Host& host, const RunContext& context)
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

// What stands in each block's place, read when its turn comes.
Replacements replacementsFrom(const StitchSource& source, const OpenedModel& opened, const artifact::Checkpoint* other,
                              const model::Transformer& transformer, const model::Tiling& tiling, DType dtype,
                              const RunContext& context)
{
    return [&, other, dtype](LayerIndex block) {
        return replayOf(source.surrogate(block, *opened.checkpoint, other, context), dtype, transformer, tiling,
                        context);
    };
}

StitchCertificate statedBy(const StitchSource& source, const StitchOptions& options, StitchRequest request,
                           std::string name, const Host& host)
{
    StitchCertificate certificate;
    certificate.name = std::move(name);
    certificate.created = options.created;
    certificate.toolVersion = host.toolVersion;
    certificate.toolBuild = host.toolBuild;
    certificate.commandLine = options.commandLine;
    certificate.subject = source.manifest().subject;
    certificate.prompts = certificate::statementOf(source.manifest().prompts);
    certificate.baselineDtype = source.manifest().request.baselineDtype;
    certificate.request = std::move(request);
    certificate.policy = source.manifest().request.policy;
    return certificate;
}

void judge(StitchCertificate& certificate, const StitchSource& source, const StitchColumns& columns)
{
    std::vector<std::string> promptIds;
    for (const PromptStatement& prompt : certificate.prompts.prompts)
        promptIds.push_back(prompt.id);
    certificate.metrics = certificate::measureStitch(columns, promptIds, certificate.policy);
    std::vector<LayerIndex> uncertified;
    for (const StitchedBlock& block : certificate.request.blocks)
        if (!source.certificate(block.block).certified)
            uncertified.push_back(block.block);
    certificate.findings = certificate::judgeStitch(certificate.metrics, uncertified, certificate.policy);
    certificate.certified = certificate.findings.empty();
}

Json resultOf(const StitchCertificate& certificate, const StitchSource& source, const StitchOptions& options,
              bool already)
{
    Json result = protocol::stitchRow(certificate, source.manifest().prompts);
    result["run"] = options.run.string();
    result["already"] = already;
    return result;
}

}

Json stitch(const StitchOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.replayDtype != DType::F64 && options.replayDtype != DType::F32)
        throw UsageError("--replay-dtype is fp64 or fp32, not " + std::string(nameOf(options.replayDtype)) + ".");
    return model::guarded([&]() -> Json {
        const Host& host = cache.state().host;
        const StitchSource source(options.run, host.childProgram);
        const StitchRequest request{source.choose(options.blocks), options.replayDtype, options.bisect};
        const std::string name = nameFor(options, request);
        StitchWriter writer(options.run);
        if (const auto existing = writer.existing(name, request))
            return resultOf(*existing, source, options, true);

        const OpenedModel opened = openModel(options, source, cache, context);
        opened.checkpoint->hashFiles(context);
        source.requireModel(*opened.checkpoint);
        const auto other = openSurrogateModel(options, source, host, context);
        const RunManifest& manifest = source.manifest();
        const ModelOptions how{opened.hint, manifest.request.baselineDtype, options.device, options.threads};
        model::Transformer& transformer = cache.state().load(opened, how, context);
        const model::TilingChoice tiling = transformer.tilingForReplay(request.replayDtype, context);

        std::vector<LayerIndex> blocks;
        for (const StitchedBlock& block : request.blocks)
            blocks.push_back(block.block);
        const std::vector<std::vector<TokenId>> prompts = tokenIdsOf(manifest.prompts);
        const Replacements replacements =
            replacementsFrom(source, opened, other.get(), transformer, tiling.tiling, request.replayDtype, context);
        StitchColumns columns = runStitched(transformer, prompts, blocks, replacements, context);
        columns.labelId = opened.tokenizer ? certificate::labelIds(manifest.prompts, *opened.tokenizer)
                                           : std::vector<std::int32_t>(prompts.size(), -1);

        StitchCertificate certificate = statedBy(source, options, request, name, host);
        certificate.environment = environmentOf(options.device, transformer, tiling);
        if (request.bisect)
            certificate.bisections = bisect(transformer, prompts, blocks, replacements, columns, context);
        judge(certificate, source, columns);
        context.step();
        writer.write(certificate, columns);
        return resultOf(certificate, source, options, false);
    });
}

}
