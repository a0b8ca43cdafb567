#include "engine/certificate/verify.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/cell_draw.h"
#include "engine/certificate/consistency.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/named_archive.h"
#include "engine/certificate/provenance.h"
#include "engine/certificate/run_contents.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/verdict_text.h"
#include "engine/certificate/verify_block.h"
#include "engine/certificate/verify_edit.h"
#include "engine/certificate/verify_edit_model.h"
#include "engine/certificate/verify_model.h"
#include "engine/certificate/verify_stitch.h"
#include "engine/certificate/verify_stitch_model.h"

#include <map>

namespace blockcert::certificate {

namespace {

namespace fs = std::filesystem;

struct Target {
    fs::path run;
    Selection selection; // what a named certificate is about
};

// A run directory, or the certificate.json of one of its blocks or stitched models.
Target targetOf(const fs::path& path)
{
    if (!fs::exists(path))
        throw FileError("There is no " + path.string() + ".");
    if (fs::is_directory(path))
        return {path, {}};
    const fs::path folder = fs::absolute(path).parent_path();
    const std::string name = folder.filename().string();
    if (path.filename() == "certificate.json" && folder.parent_path().filename() == stitchFolder && isStitchName(name))
        return {folder.parent_path().parent_path(), {std::nullopt, name, std::nullopt}};
    if (path.filename() == "certificate.json" && folder.parent_path().filename() == editFolder && isStitchName(name))
        return {folder.parent_path().parent_path(), {std::nullopt, std::nullopt, name}};
    for (std::int32_t block = 0; block < 1024; ++block)
        if (path.filename() == "certificate.json" && folder.filename() == blockFolder({block}))
            return {folder.parent_path(), {LayerIndex{block}, std::nullopt, std::nullopt}};
    throw FormatError(
        path.string() +
        " is neither a run directory nor the certificate.json of a block, a stitched model or an edit inside "
        "one.");
}

void checkOptions(const VerifyOptions& options)
{
    if (options.level < 0 || options.level > 4)
        throw UsageError("The level must be 0, 1, 2, 3 or 4, not " + std::to_string(options.level) + ".");
    if (options.threads < 1)
        throw UsageError("The number of threads must be at least 1.");
    if (options.cells < 1)
        throw UsageError("The number of cells must be at least 1.");
    if (options.level >= 1 && options.childProgram.empty())
        throw UsageError("Artifacts are only read through a reader child, and no program for it was named.");
}

std::vector<LayerIndex> blocksOf(const RunContents& contents)
{
    std::vector<LayerIndex> blocks;
    for (const Certificate& certificate : contents.certificates)
        blocks.push_back(certificate.block);
    return blocks;
}

void checkSizes(const RunContents& contents, const RunFolder& folder, CheckList& checks)
{
    const auto check = [&](const auto& certificates) {
        for (const auto& certificate : certificates)
            for (const ArtifactDigest& artifact : certificate.artifacts)
                checkSize(artifact, folder, checks);
    };
    check(contents.certificates);
    check(contents.stitches);
    check(contents.edits);
}

Row spotRow(const std::set<CellIndex>& drawn, std::int64_t cells, std::uint64_t seed)
{
    Row row("replay.spot", group::reEvaluation, "", "Cells drawn at random");
    row.how("drawn with seed " + std::to_string(seed));
    row.recomputed(std::to_string(drawn.size()) + " of " + counted(cells, "cell"))
        .passedIf(!drawn.empty(), "There is no cell.");
    return row;
}

}

Verdict verify(const fs::path& runOrCertificate, const VerifyOptions& options, const RunContext& context)
{
    checkOptions(options);
    const Target target = targetOf(runOrCertificate);
    const RunFolder folder(target.run);
    CheckList checks;
    const RunContents contents = readContents(folder, target.selection, options.level, checks, context);

    Verdict verdict;
    verdict.level = options.level;
    verdict.seed = options.seed;
    verdict.run = target.run.string();
    verdict.digest = contents.digest;
    verdict.scope = scopeOf(contents);
    if (!contents.readable) {
        conclude(verdict, contents, checks);
        return verdict;
    }

    const RunManifest& manifest = contents.run.manifest;
    checkBlocks(contents, target.selection.isWhole(), checks);
    checkHeldOut(manifest, checks);
    checkLengths(manifest, checks);
    for (const Certificate& certificate : contents.certificates)
        checkCertificate(certificate, manifest, checks);

    if (options.level == 0)
        checkSizes(contents, folder, checks);

    const auto prompts = static_cast<std::int64_t>(manifest.prompts.prompts.size());
    const std::vector<LayerIndex> blocks = blocksOf(contents);
    const std::int64_t cells = static_cast<std::int64_t>(blocks.size()) * prompts;
    std::set<CellIndex> drawn;
    if (options.level == 2) {
        drawn = drawCells(blocks, prompts, options.cells, options.seed);
        checks.add(spotRow(drawn, cells, options.seed));
    }
    WeightSource weights(options.model, manifest.modelHint, options.locations);
    WeightSource surrogateWeights(options.surrogateModel, manifest.surrogateHint, options.locations);
    BlockContext block{folder,
                       contents,
                       options,
                       weights,
                       surrogateWeights,
                       [&](LayerIndex layer, PromptIndex p) {
                           return options.level >= 3 || drawn.contains({layer, p});
                       },
                       0,
                       options.level == 2 ? static_cast<std::int64_t>(drawn.size()) : cells};
    std::vector<BlockOutcome> outcomes;
    std::vector<RecordedTrace> traces;
    for (const Certificate& certificate : contents.certificates) {
        outcomes.push_back(verifyBlock(certificate, block, checks, context));
        if (outcomes.back().trace)
            traces.push_back(*outcomes.back().trace);
    }
    checkChain(traces, checks);
    std::vector<StitchOutcome> stitches;
    for (const StitchCertificate& certificate : contents.stitches)
        stitches.push_back(verifyStitch(certificate, block, checks, context));
    std::vector<EditOutcome> edits;
    for (const EditCertificate& certificate : contents.edits)
        edits.push_back(verifyEdit(certificate, block, checks, context));
    verdict.scope.bundled = checkPrompts(manifest.prompts, checks);
    checkBaseline(contents, options, checks);
    checkLosses(contents, options, checks);
    if (options.level < 4)
        verifySubject(block, outcomes, checks, context);
    else {
        verifyModel(block, outcomes, checks, context);
        verifyStitchedModels(block, stitches, edits, checks, context);
        verifyEditedModels(block, edits, checks, context);
    }
    checkExpectations(contents, outcomes, options, checks);
    conclude(verdict, contents, checks);
    return verdict;
}

fs::path runOf(const fs::path& runOrCertificate)
{
    return targetOf(runOrCertificate).run;
}

Json verdictToJson(const Verdict& verdict)
{
    const auto state = [](CheckState value) {
        switch (value) {
        case CheckState::Verified: return "verified";
        case CheckState::Failed: return "failed";
        case CheckState::NotChecked: return "not_checked";
        case CheckState::WeakerThanPolicy: return "weaker_than_policy";
        }
        return "";
    };
    Json checks = Json::array();
    for (const Check& check : verdict.checks)
        checks.push_back({{"id", check.id},
                          {"group", check.group},
                          {"where", check.where},
                          {"title", check.title},
                          {"state", state(check.state)},
                          {"issuer", check.issuer},
                          {"recomputed", check.recomputed},
                          {"how", check.how},
                          {"detail", check.detail},
                          {"required", check.required}});
    const VerdictScope& scope = verdict.scope;
    Json stitches = Json::array();
    for (const StitchScope& stitch : scope.stitches)
        stitches.push_back({{"name", stitch.name}, {"kind", stitch.kind}, {"blocks", stitch.blocks}});
    return {{"verdict", state(verdict.state)},
            {"level", verdict.level},
            {"sentence", verdict.sentence},
            {"says", verdict.says},
            {"not_checked", verdict.notChecked},
            {"does_not_say", verdict.doesNotSay},
            {"seed", verdict.seed},
            {"seconds", verdict.seconds},
            {"exit_code", verdict.exitCode},
            {"run", verdict.run},
            {"digest", verdict.digest.empty() ? Json() : Json(verdict.digest)},
            {"scope",
             {{"model", scope.model},
              {"surrogate", scope.surrogate},
              {"other_policy", scope.otherPolicy},
              {"blocks", scope.blocks},
              {"layers", scope.layers},
              {"stitches", std::move(stitches)},
              {"edits", scope.edits},
              {"prompts",
               {{"name", scope.prompts},
                {"bundled", scope.bundled},
                {"count", scope.promptCount},
                {"tokens", scope.tokens}}}}},
            {"checks", std::move(checks)}};
}

}
