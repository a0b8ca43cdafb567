#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/metrics.h"
#include "engine/failures/stored_block.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/baseline_pass.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/measure_cells.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/run_request.h"
#include "engine/pipeline/shrink.h"
#include "engine/replay/torch_interpreter.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace blockcert::pipeline {

namespace {

using certificate::RunDocument;
using certificate::RunFolder;

PromptIndex findPrompt(const PromptSet& prompts, const std::string& name)
{
    const auto& all = prompts.prompts;
    const auto named = std::ranges::find(all, name, &EncodedPrompt::id);
    if (named != all.end())
        return {static_cast<std::int32_t>(named - all.begin())};
    std::int32_t number = -1;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (problem != std::errc() || end != name.data() + name.size() || number < 0 ||
        static_cast<std::size_t>(number) >= all.size())
        throw UsageError("The run has no prompt \"" + name + "\"; give an id, or a number from 0 to " +
                         std::to_string(all.size() - 1) + ".");
    return {number};
}

// Errors by the measure that the policy decides by.
std::vector<double> judgedErrors(const CellRecord& cell, ErrorMeasure measure)
{
    return measure == ErrorMeasure::L2 ? cell.error : certificate::relativeErrors(cell.error, cell.outputNorm);
}

// The block that errs most on the prompt, or the one asked for.
const Certificate& chooseBlock(const RunFolder& folder, const std::vector<Certificate>& certificates,
                               PromptIndex prompt, const std::optional<std::int32_t>& asked,
                               const std::filesystem::path& childProgram, const RunContext& context)
{
    if (asked) {
        const auto found = std::ranges::find(certificates, LayerIndex{*asked}, &Certificate::block);
        if (found == certificates.end())
            throw UsageError("The run has no finished block " + std::to_string(*asked) + ".");
        return *found;
    }
    const Certificate* worst = nullptr;
    double largest = -1;
    for (const Certificate& certificate : certificates) {
        certificate::ProbeReader probes = failures::openProbes(folder, certificate, childProgram, context);
        const std::vector<double> errors = judgedErrors(probes.readNumbers(prompt), certificate.request.policy.measure);
        if (const double most = std::ranges::max(errors); most > largest) {
            largest = most;
            worst = &certificate;
        }
    }
    return *worst;
}

void requireSameModel(const artifact::Checkpoint& model, const Subject& subject)
{
    const auto isStated = [&](const artifact::WeightFile& file) {
        return std::ranges::any_of(subject.files, [&](const SubjectFile& stated) {
            return stated.sha256 == file.sha256 && stated.size == file.size;
        });
    };
    if (model.files().size() != subject.files.size() || !std::ranges::all_of(model.files(), isStated))
        throw UsageError(model.path().string() + " is not the model of this run: its weight files have other digests; "
                                                 "name the model with --model.");
}

struct Outcome {
    double error = 0; // the largest
    std::int64_t token = 0;
};

// Runs the model and one surrogate on any tokens.
class Trial {
public:
    Trial(model::Transformer& transformer, const Certificate& certificate, const ir::BlockIr& surrogate,
          const RunContext& context)
        : m_transformer(transformer)
        , m_certificate(certificate)
        , m_context(context)
        , m_interpreter(surrogate, certificate.request.replayDtype, transformer.device(),
                        transformer.tilingForReplay(certificate.request.replayDtype, context).tiling, context)
    {
    }

    // An error of −1 stands for a baseline that is not finite: another failure than the one looked for.
    [[nodiscard]] Outcome run(const std::vector<TokenId>& ids)
    {
        BaselinePass baseline(m_transformer, {ids}, false);
        while (baseline.next() < m_certificate.block)
            baseline.step(m_context);
        const BlockTrace trace = baseline.tracedStep(m_context);
        if (firstBadPlace(trace, baseline.tree()))
            return {-1, 0};
        model::Batch batch;
        batch.add(static_cast<std::int64_t>(ids.size()));
        const std::vector<ir::BlockReplay> replays = m_interpreter.run(trace.input, batch, m_context);
        const CellRecord cell = measureCell(trace, m_certificate.block, {0}, replays.front());
        const std::vector<double> errors = judgedErrors(cell, m_certificate.request.policy.measure);
        const auto worst = std::ranges::max_element(errors);
        return {std::isnan(*worst) ? -1 : *worst, worst - errors.begin()};
    }

private:
    model::Transformer& m_transformer;
    const Certificate& m_certificate;
    const RunContext& m_context;
    replay::TorchInterpreter m_interpreter;
};

Json sideToJson(const EncodedPrompt& prompt, const std::vector<std::int64_t>& kept, const Outcome& outcome)
{
    const std::size_t at = static_cast<std::size_t>(kept[static_cast<std::size_t>(outcome.token)]);
    return {{"tokens", kept.size()},
            {"error", std::isfinite(outcome.error) ? Json(outcome.error) : Json()},
            {"worst",
             {{"token", outcome.token},
              {"token_id", prompt.tokenIds[at]},
              {"piece", at < prompt.pieces.size() ? prompt.pieces[at] : std::string()}}}};
}

Json resultOf(const MinimiseOptions& options, const EncodedPrompt& prompt, const Shrunk& shrunk)
{
    Json ids = Json::array();
    Json pieces = Json::array();
    for (const std::int64_t at : shrunk.kept) {
        ids.push_back(prompt.tokenIds[static_cast<std::size_t>(at)]);
        if (!prompt.pieces.empty())
            pieces.push_back(prompt.pieces[static_cast<std::size_t>(at)]);
    }
    const Json line = {{"id", prompt.id + "-minimised"}, {"token_ids", ids}};
    return {{"run", options.run.string()}, {"token_ids", std::move(ids)}, {"pieces", std::move(pieces)},
            {"kept", shrunk.kept},         {"tests", shrunk.tests},       {"minimal", shrunk.minimal},
            {"line", writeJsonLine(line)}};
}

}

Json minimise(const MinimiseOptions& options, ModelCache& cache, const RunContext& context)
{
    return model::guarded([&]() -> Json {
        const Host& host = cache.state().host;
        const RunFolder folder(options.run);
        const RunDocument run = failures::readRun(folder);
        const RunManifest& manifest = run.manifest;
        if (manifest.request.imported)
            throw UsageError("The baseline of this run was run by " + manifest.request.imported->runtime +
                             ", which this program cannot run on other tokens.");
        const std::vector<Certificate> certificates = failures::readCertificates(folder, run);
        if (certificates.empty())
            throw UsageError("The run " + options.run.string() + " has no finished block yet; resume it.");
        const PromptIndex index = findPrompt(manifest.prompts, options.prompt);
        const EncodedPrompt& prompt = manifest.prompts.prompts[static_cast<std::size_t>(index.value)];
        const Certificate& certificate =
            chooseBlock(folder, certificates, index, options.block, host.childProgram, context);

        ModelOptions model;
        model.model = options.model.empty() ? manifest.modelHint : options.model;
        model.dtype = manifest.request.baselineDtype;
        model.device = options.device;
        model.threads = options.threads;
        const OpenedModel opened = cache.state().open(model.model, context);
        opened.checkpoint->hashFiles(context);
        requireSameModel(*opened.checkpoint, manifest.subject);
        certificate::WeightSource weights(opened.checkpoint->path(), "", host.locations);
        const ir::BlockIr surrogate = failures::readSurrogate(folder, certificate, host.childProgram, weights, context);
        model::Transformer& transformer = cache.state().load(opened, model, context);

        const Policy& policy = certificate.request.policy;
        const bool relative = policy.measure == ErrorMeasure::RelativeL2;
        const double threshold = options.above.value_or(relative ? policy.tauRel : policy.tauAct);
        Trial trial(transformer, certificate, surrogate, context);
        const Outcome before = trial.run(prompt.tokenIds);
        if (before.error <= threshold)
            throw UsageError("Prompt \"" + prompt.id + "\" does not fail in block " +
                             std::to_string(certificate.block.value) + ": its largest error is " +
                             Json(before.error).dump() + ", not above " + Json(threshold).dump() +
                             "; choose another --block, or --above.");
        Progress progress;
        progress.stage = "minimise";
        progress.total = options.tests;
        progress.unit = "prompts";
        progress.block = certificate.block.value;
        progress.prompt = index.value;
        Outcome after = before;
        const Shrunk shrunk = shrink(static_cast<std::int64_t>(prompt.tokenIds.size()), options.tests,
                                     [&](const std::vector<std::int64_t>& kept) {
                                         std::vector<TokenId> ids;
                                         for (const std::int64_t at : kept)
                                             ids.push_back(prompt.tokenIds[static_cast<std::size_t>(at)]);
                                         const Outcome outcome = trial.run(ids);
                                         ++progress.done;
                                         context.step(progress);
                                         if (outcome.error > threshold)
                                             after = outcome; // the last that failed is the one that stays
                                         return outcome.error > threshold;
                                     });

        Json result = resultOf(options, prompt, shrunk);
        std::vector<std::int64_t> whole;
        for (std::size_t at = 0; at < prompt.tokenIds.size(); ++at)
            whole.push_back(static_cast<std::int64_t>(at));
        result["prompt"] = {{"prompt", index.value}, {"id", prompt.id}};
        result["block"] = certificate.block.value;
        result["measure"] = relative ? "relative-l2" : "l2";
        result["threshold"] = threshold;
        result["before"] = sideToJson(prompt, whole, before);
        result["after"] = sideToJson(prompt, shrunk.kept, after);
        return result;
    });
}

}
