#include "engine/pipeline/edit/edit.h"

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/edit_writer.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/token_ids.h"
#include "engine/edit/classifier.h"
#include "engine/edit/patch_check.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/edit/edit_effect.h"
#include "engine/pipeline/edit/edit_source.h"
#include "engine/pipeline/edit/patch_request.h"
#include "engine/pipeline/run_request.h"
#include "engine/pipeline/surrogate.h"
#include "engine/protocol/edit_rows.h"

#include <algorithm>
#include <map>

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;
using certificate::EditColumns;
using certificate::EditWriter;

constexpr std::size_t largestLabels = 16U << 20U;

// The prompts and blocks of the request as a run of their own, unless the folder holds one that is finished.
void provideRun(const EditOptions& options, const PromptOptions& prompts, const Patch& patch, ModelCache& cache,
                const RunContext& context)
{
    std::error_code missing;
    if (fs::exists(options.out / "SHA256SUMS", missing))
        return;
    CertifyOptions certifying;
    certifying.model = options.model;
    certifying.prompts = prompts;
    certifying.blocks.clear();
    for (const LayerIndex block : edit::editedBlocks(patch))
        certifying.blocks += (certifying.blocks.empty() ? "" : ",") + std::to_string(block.value);
    certifying.out = options.out;
    certifying.resume = fs::exists(options.out / "run.json", missing);
    certifying.replayDtype = options.replayDtype;
    certifying.loss = options.loss;
    certifying.created = options.created;
    certifying.commandLine = options.commandLine;
    (void)certify(certifying, cache, context);
}

void requireSameRun(const RunManifest& manifest, const PromptSet& prompts, const EditOptions& options)
{
    requireExact(manifest);
    if (manifest.request.baselineDtype != options.model.dtype)
        throw UsageError("The run " + options.out.string() + " is of another --dtype (" +
                         std::string(nameOf(manifest.request.baselineDtype)) + ").");
    if (certificate::tokenIdsDigest(manifest.prompts) != certificate::tokenIdsDigest(prompts))
        throw UsageError("The run " + options.out.string() +
                         " is on other prompts, or under another condition; give another folder with -o.");
}

void requireName(const EditOptions& options)
{
    if (!options.name.empty() && !certificate::isStitchName(options.name))
        throw UsageError("--name " + options.name +
                         ": use 1 to 64 letters, digits, dots, dashes and underscores, no dot first.");
}

EditCertificate statedBy(const StitchSource& source, const EditOptions& options, const PromptSet& heldout,
                         const Host& host)
{
    EditCertificate certificate;
    certificate.created = options.created;
    certificate.toolVersion = host.toolVersion;
    certificate.toolBuild = host.toolBuild;
    certificate.commandLine = options.commandLine;
    certificate.subject = source.manifest().subject;
    certificate.prompts = certificate::statementOf(source.manifest().prompts);
    certificate.heldout = certificate::statementOf(heldout);
    certificate.baselineDtype = source.manifest().request.baselineDtype;
    return certificate;
}

// What is wrong with human labels is said before anything is computed for them, but for texts that are others.
void requireLabels(const std::string& labels, const std::string& source, const PromptSet& prompts)
{
    std::vector<RefusalRow> rows(prompts.prompts.size());
    for (std::size_t p = 0; p < rows.size(); ++p)
        rows[p].id = prompts.prompts[p].id;
    (void)edit::applyLabels(labels, source, rows, edit::RowTexts::NotYet);
}

// What the native model does with the edit, into `columns`. Returns whether its path without an edit is the baseline's.
// Throws CheckFailed for an edit that changes nothing, NumericError for one whose numbers leave the model's dtype.
bool measureNative(model::Transformer& transformer, const RequestedPatch& requested,
                   const std::map<LayerIndex, ir::BlockIr>& blocks, const PromptSet& prompts, const PromptSet& heldout,
                   std::size_t touched, const EditOptions& options, const std::vector<TokenId>& stop,
                   EditColumns& columns, const RunContext& context)
{
    const std::vector<std::vector<TokenId>> ids = tokenIdsOf(prompts);
    const bool unchanged = isUnchanged(transformer, ids, requested.patch, requested.tensors, context);
    columns.before = complete(transformer, ids, options.refusal.maxNew, stop, nullptr, context);
    EditSession session(transformer, requested.patch, requested.tensors, blocks, context);
    BaselineStates states(transformer, ids);
    measureDeviations(transformer, states, session, columns, context); // says which state is not finite
    columns.after = complete(transformer, ids, options.refusal.maxNew, stop, session.taps(), context);
    BaselineStates heldoutStates(transformer, tokenIdsOf(heldout));
    measureHeldout(transformer, heldoutStates, session, columns, context);
    if (!certificate::hasEffect(columns))
        throw Error(ExitCode::CheckFailed, noEffectReason(requested.patch, touched, options.model.dtype));
    return unchanged;
}

Json resultOf(const EditCertificate& certificate, const EditOptions& options, bool already)
{
    Json result = protocol::editRow(certificate);
    result["run"] = options.out.string();
    result["already"] = already;
    return result;
}

}

Json edit(const EditOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.refusal.maxNew < 1)
        throw UsageError("--max-new must be at least 1.");
    requireName(options);
    return model::guarded([&]() -> Json {
        const Host& host = cache.state().host;
        OpenedModel opened = cache.state().open(options.model.model, context);
        opened.checkpoint->hashFiles(context);
        const TransformerConfig& config = opened.checkpoint->config();
        const RequestedPatch requested = requestedPatch(options.patch, *opened.checkpoint);
        const MarkerLists markers = requestedMarkers(options.refusal);
        const edit::Preamble preamble = requestedPreamble(options.refusal);
        const PromptOptions promptOptions = conditionedPrompts(options.prompts, preamble);
        const PromptSet prompts = loadPrompts(promptOptions, opened, Heldout::Drop);
        requireWhole(prompts, config.context);
        const PromptSet heldout = loadPrompts(options.heldout, opened, Heldout::Keep);
        requireWhole(heldout, config.context);
        requireTokenizer(opened);
        const std::string labels =
            options.labels.empty() ? std::string() : readWholeFile(options.labels, largestLabels);
        if (!options.labels.empty())
            requireLabels(labels, options.labels.string(), prompts);

        EditColumns columns;
        columns.patch = requested.tensors;
        columns.blocks = static_cast<std::int64_t>(edit::editedBlocks(requested.patch).size());
        std::error_code missing;
        const bool isNewRun = !fs::exists(options.out / "SHA256SUMS", missing);
        std::vector<TouchedTensor> touched;
        bool unchangedAtOne = false;
        const auto measured = [&](const std::map<LayerIndex, ir::BlockIr>& blocks) {
            return measureNative(cache.state().load(opened, options.model, context), requested, blocks, prompts,
                                 heldout, touched.size(), options, stopTokens(opened), columns, context);
        };
        {
            const auto own =
                modelBlocks(*opened.checkpoint, edit::editedBlocks(requested.patch), options.model.dtype, context);
            touched = receiptOf(own, requested.patch, requested.tensors, config, options.model.dtype);
            if (touched.empty())
                throw Error(ExitCode::CheckFailed, noOpReason(requested.patch));
            if (isNewRun) { // an edit that is refused leaves no run behind
                unchangedAtOne = measured(own);
                std::vector<RefusalRow> rows = rowsOf(prompts, columns.before, columns.after, *opened.tokenizer);
                if (!labels.empty())
                    (void)edit::applyLabels(labels, options.labels.string(), rows);
            }
        }
        provideRun(options, promptOptions, requested.patch, cache, context);
        const StitchSource source(options.out, host.childProgram);
        source.requireModel(*opened.checkpoint);
        requireSameRun(source.manifest(), prompts, options);
        const auto blocks = uneditedBlocks(source, requested.patch, *opened.checkpoint, context);

        EditCertificate certificate = statedBy(source, options, heldout, host);
        certificate.touched = receiptOf(blocks, requested.patch, requested.tensors, config, options.model.dtype);
        if (certificate.touched != touched)
            throw FormatError("The run " + options.out.string() + " does not hold the model's own blocks.");
        EditRequest& request = certificate.request;
        request.patch = requested.patch;
        for (const StitchedBlock& block : source.choose("all"))
            if (blocks.contains(block.block))
                request.blocks.push_back(block);
        request.replayDtype = options.replayDtype;
        request.maxNew = options.refusal.maxNew;
        request.condition = preamble.condition;
        request.markersSha256 = markers.sha256;
        request.heldoutSha256 = certificate.heldout.tokenIdsSha256;
        request.labelsSha256 = labels.empty() ? "" : sha256Of(labels);
        certificate.name = options.name.empty() ? certificate::editRequestDigest(request).substr(0, 12) : options.name;
        EditWriter writer(options.out);
        if (const auto existing = writer.existing(certificate.name, request))
            return resultOf(*existing, options, true);

        model::Transformer& transformer = cache.state().load(opened, options.model, context);
        const model::TilingChoice tiling = transformer.tilingForReplay(options.replayDtype, context);
        certificate.unchangedAtOne = isNewRun ? unchangedAtOne : measured(blocks);
        columns.error = editErrors(source, blocks, requested.patch, requested.tensors, transformer, tiling.tiling,
                                   options.replayDtype, context);

        certificate.environment = environmentOf(options.model.device, transformer, tiling);
        std::vector<LayerIndex> edited;
        for (const auto& [block, ir] : blocks)
            edited.push_back(block);
        std::vector<std::string> heldoutIds;
        for (const EncodedPrompt& prompt : heldout.prompts)
            heldoutIds.push_back(prompt.id);
        certificate.effect = certificate::measureEdit(columns, edited, heldoutIds);
        certificate.markers = markers;
        certificate.rows = rowsOf(prompts, columns.before, columns.after, *opened.tokenizer);
        if (!labels.empty())
            certificate.labelsBound = edit::applyLabels(labels, options.labels.string(), certificate.rows);
        certificate.before = edit::measureRefusals(certificate.rows, edit::Side::Before, markers);
        certificate.after = edit::measureRefusals(certificate.rows, edit::Side::After, markers);
        certificate.human = edit::measureLabels(certificate.rows);
        context.step();
        writer.write(certificate, columns);
        return resultOf(certificate, options, false);
    });
}

}
