#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/stitch_labels.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/stitch_writer.h"
#include "engine/certificate/token_ids.h"
#include "engine/certificate/verdict_text.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/run_request.h"
#include "engine/pipeline/stitch_source.h"
#include "engine/pipeline/stitched_model.h"
#include "engine/pipeline/stitched_streams.h"
#include "engine/protocol/stitch_rows.h"
#include "engine/protocol/stitch_tokens.h"

#include <algorithm>
#include <memory>
#include <optional>
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
    result["written"] = already || !options.measureOnly;
    result["notes"] = Json::array();
    if (const auto cut = certificate::truncationText(source.manifest().prompts, source.manifest().request.maxTokens))
        result["notes"].push_back(*cut + ".");
    return result;
}

// For the pieces of tokens that no prompt holds; null where the model has moved: ids stand for themselves.
std::shared_ptr<const tokenizer::Tokenizer> tokenizerFor(const StitchOptions& options, const StitchSource& source,
                                                         ModelCache& cache, const RunContext& context)
{
    try {
        return cache.state()
            .open(options.model.empty() ? source.manifest().modelHint : options.model, context)
            .tokenizer;
    } catch (const FileError&) {
        return nullptr;
    }
}

// Of a stitched model that is in the run already.
StitchColumns recordedColumns(const StitchCertificate& certificate, const StitchOptions& options, const Host& host)
{
    const certificate::RunFolder folder(options.run);
    const std::string path = certificate::stitchReplayPath(certificate.name);
    const certificate::OpenFile file = folder.open(path);
    return certificate::readReplay(*artifact::openForeignArchive(file.descriptor(), path, host.childProgram),
                                   certificate::stitchShapeOf(certificate));
}

}

Json stitch(const StitchOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.replayDtype != DType::F64 && options.replayDtype != DType::F32)
        throw UsageError("--replay-dtype is fp64 or fp32, not " + std::string(nameOf(options.replayDtype)) + ".");
    return model::guarded([&]() -> Json {
        const Host& host = cache.state().host;
        const StitchSource source(options.run, host.childProgram);
        StitchRequest request{source.choose(options.blocks), options.replayDtype, options.bisect};
        std::optional<SourceEdit> edit;
        if (!options.edit.empty()) {
            edit = source.edit(options.edit, request.blocks, context);
            request.edit = edit->statement;
        }
        const std::string name = nameFor(options, request);
        std::optional<StitchWriter> writer; // holds the run's lock, which only what writes needs
        if (!options.measureOnly)
            writer.emplace(options.run);
        if (const auto existing = writer ? writer->existing(name, request) : std::nullopt) {
            Json result = resultOf(*existing, source, options, true);
            if (options.tokens)
                result["tokens"] =
                    protocol::stitchTokens(recordedColumns(*existing, options, host),
                                           protocol::piecesOf(tokenizerFor(options, source, cache, context)));
            return result;
        }

        const StitchedModel stitched(
            source, {options.model, options.surrogateModel, options.device, options.threads, options.replayDtype, edit},
            cache, context);
        const OpenedModel& opened = stitched.opened();
        const RunManifest& manifest = source.manifest();
        std::vector<LayerIndex> blocks;
        for (const StitchedBlock& block : request.blocks)
            blocks.push_back(block.block);
        const std::vector<std::vector<TokenId>> prompts = tokenIdsOf(manifest.prompts);
        const Replacements replacements = stitched.replacements();
        StitchColumns columns = runStitched(stitched.transformer(), prompts, blocks, replacements, context);
        columns.labelId = opened.tokenizer ? certificate::labelIds(manifest.prompts, *opened.tokenizer)
                                           : std::vector<std::int32_t>(prompts.size(), -1);

        StitchCertificate certificate = statedBy(source, options, request, name, host);
        certificate.environment = environmentOf(options.device, stitched.transformer(), stitched.tiling());
        if (request.bisect)
            certificate.bisections = bisect(stitched.transformer(), prompts, blocks, replacements, columns, context);
        judge(certificate, source, columns);
        context.step();
        if (writer)
            writer->write(certificate, columns);
        Json result = resultOf(certificate, source, options, false);
        if (options.tokens)
            result["tokens"] = protocol::stitchTokens(columns, protocol::piecesOf(opened.tokenizer));
        return result;
    });
}

}
