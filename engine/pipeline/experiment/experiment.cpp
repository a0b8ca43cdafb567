#include "engine/pipeline/experiment/experiment.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/block_list.h"
#include "engine/pipeline/experiment/experiment_folder.h"
#include "engine/pipeline/experiment/experiment_kind.h"
#include "engine/pipeline/experiment/report_files.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/prompts/prompts.h"
#include "engine/protocol/stitch_tokens.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

namespace blockcert::pipeline {

namespace {

const std::vector<ExperimentKind>& kinds()
{
    static const std::vector<ExperimentKind> all = {blocksKind(),     lowRankKind(),    ablationsKind(),
                                                    thresholdsKind(), promptSizeKind(), promptShiftKind(),
                                                    semanticKind(),   timingKind()};
    return all;
}

const ExperimentKind& kindNamed(const std::string& name)
{
    const auto found = std::ranges::find(kinds(), name, &ExperimentKind::name);
    if (found != kinds().end())
        return *found;
    std::string list;
    for (const ExperimentKind& kind : kinds())
        list += (list.empty() ? "" : ", ") + kind.name;
    throw UsageError("There is no experiment \"" + name + "\"; there are " + list + ".");
}

// The options with every default written out, and the model's shape. Blocks and prompts are refused here, before
// anything is computed or written.
struct Resolved {
    ExperimentOptions options;
    PlannedModel model;
};

Resolved resolve(ExperimentOptions options, const ExperimentKind& kind, ModelCache& cache, const RunContext& context)
{
    const OpenedModel opened = cache.state().open(options.shared.at("model").get<std::string>(), context);
    const TransformerConfig& config = opened.checkpoint->config();
    const std::int32_t layers = config.layers;
    if (options.blocks.empty())
        options.blocks = kind.defaultBlocks == "spread" ? spreadBlocks(layers) : kind.defaultBlocks;
    (void)certificate::blocksFrom(options.blocks, layers);
    if (!options.shared.contains("prompts") && !options.shared.contains("content"))
        options.shared["prompts"] = kind.defaultPrompts;
    return {std::move(options), {layers, config.architecture == Architecture::Llama}};
}

void requireLabels(const ExperimentKind& kind, const Json& estimate, const ExperimentOptions& options)
{
    if (!kind.needsLabels || estimate.at("labelled").get<std::int64_t>() > 0)
        return;
    const Json& shared = options.shared;
    throw UsageError("No prompt of " + shared.value("prompts", shared.value("name", std::string("these prompts"))) +
                     " has a label that could be compared with the next token; use semantic, or prompts with labels.");
}

// What decides the numbers: the same for an experiment and for the call that resumes it.
Json requestOf(const ExperimentOptions& options)
{
    return {{"schema", "blockcert.experiment-request/1"},
            {"experiment", options.kind},
            {"certify", options.shared},
            {"blocks", options.blocks},
            {"ranks", options.ranks},
            {"noise", options.noise},
            {"shifted_prompts", options.shiftedPrompts},
            {"repeats", options.repeats},
            {"dtypes", options.besideDtypes}};
}

Json parametersOf(const SubRun& run, const std::filesystem::path& folder)
{
    Json parameters = run.parameters;
    parameters["out"] = folder.string();
    return parameters;
}

Json stitchParametersOf(const SubRun& run, const std::filesystem::path& folder)
{
    Json parameters = {{"run", folder.string()}, {"name", run.stitch}, {"model", run.parameters.at("model")}};
    for (const char* key : {"replay_dtype", "device", "threads"})
        if (run.parameters.contains(key))
            parameters[key] = run.parameters.at(key);
    return parameters;
}

bool isBundled(const std::string& prompts)
{
    const std::vector<std::string> names = prompts::bundledNames();
    return std::ranges::find(names, prompts) != names.end();
}

// How to make a run in `made` and to check the one in `checked`.
void addCommands(const SubRun& run, const std::filesystem::path& made, const std::filesystem::path& checked,
                 Json (*told)(Json parameters), const ExperimentVerbs& verbs, ExperimentCommands& commands)
{
    commands.runs.push_back(verbs.command("certify", told(parametersOf(run, made))));
    if (!run.stitch.empty())
        commands.runs.back() += "\n" + verbs.command("stitch", told(stitchParametersOf(run, made)));
    commands.verify.push_back(verbs.command("verify", {{"run", checked.string()}}));
}

// What `estimate` says of a run. A surrogate that cannot be is refused by the option that the user gave, which is not
// one of `certify`.
Json estimateOf(const SubRun& run, const std::filesystem::path& folder, const ExperimentVerbs& verbs,
                const RunContext& context)
{
    try {
        return verbs.estimate(parametersOf(run, folder), context);
    } catch (const UsageError& error) {
        const std::string sentence = error.what();
        for (const char* key : {"surrogate", "ablate"}) {
            const std::string named = std::string("--") + key + " " + run.parameters.value(key, "") + ": ";
            if (!run.asked.empty() && sentence.starts_with(named))
                throw UsageError(run.asked + ": " + sentence.substr(named.size()));
        }
        throw;
    }
}

// Runs the sub-runs that are not finished, one after the other.
class Runner {
public:
    Runner(const ExperimentFolder& folder, const ExperimentVerbs& verbs, ModelCache& cache, const RunContext& context,
           std::size_t total)
        : m_folder(folder)
        , m_verbs(verbs)
        , m_cache(cache)
        , m_context(context)
        , m_total(static_cast<std::int64_t>(total))
    {
    }

    SubRunResult run(const SubRun& run)
    {
        report();
        SubRunResult result = run.timed ? timed(run) : untimed(run);
        ++m_done;
        report();
        return result;
    }

private:
    SubRunResult untimed(const SubRun& run)
    {
        SubRunResult result{run, m_folder.runFolder(run.name)};
        if (!m_folder.isFinished(run.name))
            certify(run, result);
        if (!run.stitch.empty()) // a stitched model that is there already is read, not made again
            result.stitched = m_verbs.stitch(stitchParametersOf(run, result.folder), passing());
        return result;
    }

    void certify(const SubRun& run, const SubRunResult& result)
    {
        Json parameters = parametersOf(run, result.folder);
        if (m_folder.isBegun(run.name))
            parameters["resume"] = true;
        else
            m_folder.discard(run.name); // killed before it wrote what it is
        (void)m_verbs.certify(parameters, passing());
    }

    SubRunResult timed(const SubRun& run)
    {
        if (m_folder.isFinished(run.name))
            if (auto known = m_folder.readTiming(run))
                return *known;
        m_folder.discard(run.name);
        SubRunResult result{run, m_folder.runFolder(run.name)};
        m_cache.clear(); // loading belongs to every measurement, not to the first alone
        const double begin = m_verbs.seconds();
        double last = begin;
        const auto charge = [&](const std::string& stage) {
            const double now = m_verbs.seconds();
            auto found = std::ranges::find(result.stages, stage, &std::pair<std::string, double>::first);
            if (found == result.stages.end())
                found = result.stages.insert(found, {stage, 0.0});
            found->second += now - std::exchange(last, now);
        };
        std::mutex mutex; // events may come from several threads
        const RunContext measured = m_context.reportingTo([&](const Progress& event) {
            {
                const std::scoped_lock lock(mutex);
                charge(event.stage);
            }
            pass(event);
        });
        (void)m_verbs.certify(parametersOf(run, result.folder), measured);
        result.seconds = m_verbs.seconds() - begin;
        if (!run.stitch.empty()) {
            m_cache.clear();
            const double second = m_verbs.seconds();
            result.stitched = m_verbs.stitch(stitchParametersOf(run, result.folder), passing());
            result.stitchSeconds = m_verbs.seconds() - second;
        }
        m_folder.writeTiming(result);
        return result;
    }

    [[nodiscard]] RunContext passing() const
    {
        return m_context.reportingTo([this](const Progress& event) { pass(event); });
    }

    // Numbers of single cells stay with the runs: a caller of `experiment` asked for its tables.
    void pass(const Progress& event) const
    {
        Progress bare = event;
        bare.detail.clear();
        m_context.report(bare);
    }

    void report() const
    {
        Progress progress;
        progress.stage = "runs";
        progress.done = m_done;
        progress.total = m_total;
        progress.unit = "runs";
        m_context.step(progress);
    }

    const ExperimentFolder& m_folder;
    const ExperimentVerbs& m_verbs;
    ModelCache& m_cache;
    const RunContext& m_context;
    std::int64_t m_done = 0;
    std::int64_t m_total;
};

}

const std::vector<std::string>& experimentKinds()
{
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const ExperimentKind& kind : kinds())
            all.push_back(kind.name);
        return all;
    }();
    return names;
}

Json repeatable(Json parameters)
{
    if (const auto model = parameters.find("model"); model != parameters.end())
        *model = hintOf(model->get<std::string>());
    for (const char* key : {"prompts", "shift_prompts"}) {
        const auto given = parameters.find(key);
        if (given != parameters.end() && !isBundled(given->get_ref<const std::string&>()))
            *given = std::filesystem::absolute(given->get<std::string>()).lexically_normal().string();
    }
    if (parameters.contains("content")) {
        parameters["prompts"] = typedPromptsFile(parameters);
        for (const char* key : {"content", "format", "name"})
            parameters.erase(key);
    }
    return parameters;
}

Json experiment(const ExperimentOptions& asked, const ExperimentVerbs& verbs, ModelCache& cache,
                const RunContext& context)
{
    const ExperimentKind& kind = kindNamed(asked.kind);
    const auto [options, model] = resolve(asked, kind, cache, context);
    const std::vector<SubRun> plan = kind.plan(options, model);
    for (const SubRun& run : plan) // prompts and surrogates that cannot be are refused before anything is written
        requireLabels(kind, estimateOf(run, options.out / run.name, verbs, context.reportingTo({})), options);
    const ExperimentFolder folder(options.out, requestOf(options), options.resume);
    Runner runner(folder, verbs, cache, context, plan.size());
    std::vector<SubRunResult> runs;
    ExperimentCommands commands{options.commandLine, {}, {}};
    ExperimentCommands fromWithin{options.repeatLine, {}, {}};
    for (const SubRun& run : plan) {
        runs.push_back(runner.run(run));
        const std::filesystem::path name = run.name + ".blockcert";
        const auto asAsked = [](Json parameters) { return parameters; };
        addCommands(run, runs.back().folder, runs.back().folder, asAsked, verbs, commands);
        addCommands(run, repeatedRunsFolder / name, "runs" / name, repeatable, verbs, fromWithin);
    }
    const Host& host = cache.state().host;
    const ExperimentResults results{
        options, runs, host.childProgram,
        protocol::piecesOf(cache.state().open(options.shared.at("model").get<std::string>(), context).tokenizer),
        context};
    Json result = writeReport(folder, kind, results, commands, fromWithin, {host.toolVersion, host.toolBuild},
                              kind.report(results));
    result["out"] = options.out.string();
    return result;
}

Json estimateExperiment(const ExperimentOptions& asked, const ExperimentVerbs& verbs, ModelCache& cache,
                        const RunContext& context)
{
    const ExperimentKind& kind = kindNamed(asked.kind);
    const auto [options, model] = resolve(asked, kind, cache, context);
    Json sum = {{"runs", 0},       {"cells", 0},   {"tokens", 0},           {"memory_bytes", 0},
                {"disk_bytes", 0}, {"flops", 0.0}, {"notes", Json::array()}};
    for (const SubRun& run : kind.plan(options, model)) {
        const Json one = estimateOf(run, options.out / run.name, verbs, context);
        requireLabels(kind, one, options);
        sum["runs"] = sum["runs"].get<int>() + 1;
        for (const char* key : {"cells", "tokens", "disk_bytes"})
            sum[key] = sum[key].get<std::int64_t>() + one.at(key).get<std::int64_t>();
        sum["memory_bytes"] =
            std::max(sum["memory_bytes"].get<std::int64_t>(), one.at("memory_bytes").get<std::int64_t>());
        sum["flops"] = sum["flops"].get<double>() + one.at("flops").get<double>();
        for (const Json& note : one.at("notes"))
            if (std::ranges::find(sum["notes"], note) == sum["notes"].end())
                sum["notes"].push_back(note);
    }
    return sum;
}

}
