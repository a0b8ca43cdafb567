#include "engine/protocol/verdict_listing.h"

#include "engine/base/error.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"

#include <string>
#include <utility>

namespace blockcert::protocol {

namespace {

namespace fs = std::filesystem;

fs::path runOf(const fs::path& runOrCertificate)
{
    // A block's certificate lies at RUN/block_05/certificate.json.
    if (runOrCertificate.filename() != "certificate.json")
        return runOrCertificate;
    const fs::path run = runOrCertificate.parent_path().parent_path();
    return run.empty() ? fs::path(".") : run;
}

Json scopeOf(const fs::path& run)
{
    try {
        const std::string name(certificate::manifestName);
        JsonLimits limits;
        limits.stringBytes = limits.bytes;
        const std::string text = certificate::RunFolder(run).readText(name, limits.bytes);
        const auto document = certificate::runFromJson(parseStrictJson(text, name, limits), name);
        const RunManifest& manifest = document.manifest;
        Json blocks = Json::array();
        for (const LayerIndex block : document.state.finished)
            blocks.push_back(block.value);
        return {{"model", manifest.subject.model},
                {"blocks", std::move(blocks)},
                {"layers", manifest.subject.layers},
                {"prompts",
                 {{"name", manifest.prompts.name},
                  {"bundled", manifest.prompts.bundled},
                  {"count", manifest.prompts.prompts.size()},
                  {"tokens", manifest.prompts.tokenCount()}}}};
    } catch (const Error&) {
        return nullptr; // the checks say what is wrong with it
    }
}

}

std::string_view nameOf(CheckState state)
{
    switch (state) {
    case CheckState::Verified: return "verified";
    case CheckState::Failed: return "failed";
    case CheckState::NotChecked: return "not_checked";
    case CheckState::WeakerThanPolicy: return "weaker_than_policy";
    }
    return "";
}

Json checkToJson(const Check& check)
{
    return {{"id", check.id},
            {"group", check.group},
            {"where", check.where},
            {"title", check.title},
            {"state", nameOf(check.state)},
            {"issuer", check.issuer},
            {"recomputed", check.recomputed},
            {"how", check.how},
            {"detail", check.detail},
            {"required", check.required}};
}

Json verdictToJson(const Verdict& verdict, const fs::path& runOrCertificate)
{
    const fs::path run = runOf(runOrCertificate);
    Json checks = Json::array();
    for (const Check& check : verdict.checks)
        checks.push_back(checkToJson(check));
    return {{"verdict", nameOf(verdict.state)},
            {"level", verdict.level},
            {"sentence", verdict.sentence},
            {"not_checked", verdict.notChecked},
            {"does_not_say", verdict.doesNotSay},
            {"seed", verdict.seed},
            {"seconds", verdict.seconds},
            {"exit_code", verdict.exitCode},
            {"run", run.string()},
            {"scope", scopeOf(run)},
            {"checks", std::move(checks)}};
}

}
