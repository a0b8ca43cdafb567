#include "engine/artifact/checkpoint.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/edit_writer.h"
#include "engine/certificate/run_differences.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_lock.h"
#include "engine/certificate/run_writer.h"
#include "engine/certificate/stitch_writer.h"
#include "engine/certificate/subject_of.h"
#include "engine/model/device.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/certifier.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/open_surrogates.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/run_request.h"
#include "engine/protocol/block_rows.h"

#include <c10/core/Device.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>
#include <vector>

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;
using certificate::RunWriter;

// Refused before gigabytes are hashed and loaded; RunWriter decides again when it opens the folder.
void requireUsableFolder(const fs::path& out, bool resume)
{
    std::error_code problem;
    if (fs::exists(out, problem) && !fs::is_directory(out, problem))
        throw UsageError(out.string() + " is a file; choose another name for the run directory.");
    if (fs::is_symlink(fs::symlink_status(out, problem)) && !fs::exists(out, problem))
        throw OutputError("The run cannot be written to " + out.string() +
                          ": it is a link that leads nowhere; choose another --out.");
    if (resume && fs::exists(out / certificate::lockPath, problem))
        const certificate::RunLock probe(out / certificate::lockPath);
    if (!resume && fs::exists(out / certificate::manifestName, problem))
        throw UsageError("The folder " + out.string() +
                         " is not empty; choose another one, or continue the run in it with --resume.");
    fs::path existing = fs::absolute(out, problem);
    while (!fs::exists(existing, problem) && existing.has_relative_path())
        existing = existing.parent_path();
    if (!fs::is_directory(existing, problem))
        throw OutputError("The run cannot be written to " + out.string() + ": " + existing.string() +
                          " is not a folder; choose another --out.");
    if (::access(existing.c_str(), W_OK | X_OK) != 0)
        throw OutputError("The run cannot be written to " + out.string() + ": " + existing.string() + ": " +
                          std::strerror(errno) + "; choose another --out.");
}

// Blocks that were finished before this call have their rows from their certificates.
Json rowsOf(const fs::path& run, const RunManifest& manifest, const Certified& certified)
{
    Json rows = Json::array();
    for (const LayerIndex block : manifest.request.blocks) {
        if (const auto now = certified.rows.find(block); now != certified.rows.end()) {
            rows.push_back(now->second);
            continue;
        }
        const bool failed = std::any_of(certified.failures.begin(), certified.failures.end(),
                                        [&](const BlockFailure& failure) { return failure.block == block; });
        if (failed)
            continue;
        const std::string path = certificate::certificatePath(block);
        JsonLimits limits;
        limits.stringBytes = limits.bytes;
        const Json json = parseStrictJson(readWholeFile(run / path, limits.bytes), path, limits);
        rows.push_back(protocol::blockRow(certificate::certificateFromJson(json, path), manifest.prompts));
    }
    return rows;
}

Json workRow(const WorkDone& work, std::uint64_t weightBytes, const MemoryPlan& plan)
{
    return {{"residency", nameOf(plan.residency)},
            {"memory_budget_bytes", plan.budget},
            {"weight_bytes", weightBytes},
            {"rows", work.blockRows.computed},
            {"rows_skipped", work.blockRows.skipped},
            {"head_rows", work.headRows.computed},
            {"head_rows_skipped", work.headRows.skipped},
            {"replay_rows", work.replayRows},
            {"gradient_rows", work.gradientRows}};
}

// What a run that gained prompts no longer holds, though its files are there.
Json outdatedNotes(const fs::path& run)
{
    Json notes = Json::array();
    const auto say = [&](const char* what, const char* folder, const std::string& name, const char* again) {
        notes.push_back(std::string("The ") + what + " " + name +
                        " is about the run before its prompts changed and is " + "no longer part of it; " + again +
                        " again under any name, or this one (its files lie in " + folder + "/" + name + ").");
    };
    for (const std::string& name : certificate::outdatedStitches(run))
        say("stitched model", "stitch", name, "stitch");
    for (const std::string& name : certificate::outdatedEdits(run))
        say("edit", "edits", name, "edit");
    return notes;
}

Json failureRows(const std::vector<BlockFailure>& failures)
{
    Json rows = Json::array();
    for (const BlockFailure& failure : failures)
        rows.push_back({{"block", failure.block.value},
                        {"code", failure.code},
                        {"where", failure.where},
                        {"observed", nullptr},
                        {"threshold", nullptr},
                        {"sentence", failure.sentence}});
    return rows;
}

}

Json certify(const CertifyOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.dryRun)
        return estimate(options, cache, context);
    requireUsableFolder(options.out, options.resume);
    return model::guarded([&]() -> Json {
        (void)model::openDevice(options.model.device); // refused before the weights are hashed
        const OpenedModel opened = cache.state().open(options.model.model, context);
        const OtherModel other = openOther(options.surrogate, opened, cache.state());
        reportNotes(other, context);
        RunManifest manifest;
        manifest.request = requestOf(options, opened.checkpoint->config());
        manifest.prompts = loadPrompts(options.prompts, opened, Heldout::Drop);
        opened.checkpoint->hashFiles(context);
        const Surrogates surrogates =
            openSurrogates(options.surrogate, other, opened, cache.state(), manifest, context);
        manifest.subject = certificate::subjectOf(*opened.checkpoint);
        if (options.resume &&
            fs::exists(options.out / certificate::manifestName)) // refused before gigabytes are loaded
            certificate::requireSameRequest(options.out, certificate::readRunDocument(options.out).manifest, manifest);
        const std::uint64_t bytesBefore = opened.checkpoint->bytesRead(); // of weights; hashing reads apart from that
        model::Transformer& transformer = cache.state().load(opened, options.model, context);
        const model::TilingChoice replayTiling = transformer.tilingForReplay(manifest.request.replayDtype, context);
        manifest.created = options.created;
        manifest.toolVersion = cache.state().host.toolVersion;
        manifest.toolBuild = cache.state().host.toolBuild;
        manifest.commandLine = options.commandLine;
        manifest.modelHint = opened.hint;
        manifest.environment = environmentOf(options.model.device, transformer, replayTiling);

        RunWriter writer(options.out, manifest,
                         options.resume ? certificate::OpenMode::Resume : certificate::OpenMode::Create,
                         cache.state().host.childProgram);
        CertifierOptions how;
        how.skipKnownRows = options.skipKnownRows;
        how.saveInterval = options.saveInterval;
        const Certified certified = writer.during(
            [&] { return certifyMissing(surrogates, transformer, manifest, replayTiling, how, writer, context); });
        return {{"run", options.out.string()},
                {"complete", true},
                {"blocks", rowsOf(options.out, manifest, certified)},
                {"findings", failureRows(certified.failures)},
                {"notes", outdatedNotes(options.out)},
                {"work", workRow(certified.work, opened.checkpoint->bytesRead() - bytesBefore, cache.state().plan())},
                {"command", options.commandLine}};
    });
}

}
