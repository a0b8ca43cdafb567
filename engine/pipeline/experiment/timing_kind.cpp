#include "engine/pipeline/experiment/experiment_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace blockcert::pipeline {

namespace {

using namespace figure;

constexpr const char* stitchLabel = "stitch every block";

struct Job {
    std::string name;       // of its runs: "extract-1"
    std::string label;      // for people
    bool allBlocks = false; // and the whole model with every surrogate in place
    std::string loss;
};

const std::array<Job, 3>& jobs()
{
    static const std::array<Job, 3> all = {{{"extract", "extract the chosen blocks", false, "none"},
                                            {"certify", "with exact loss coverage", false, "exact"},
                                            {"replay", "replay every block", true, "none"}}};
    return all;
}

std::string runName(const Job& job, std::int64_t repeat)
{
    return job.name + "-" + std::to_string(repeat);
}

std::vector<SubRun> plan(const ExperimentOptions& options, const PlannedModel&)
{
    std::vector<SubRun> runs;
    // Repeats in turn, so that a machine that becomes busy slows all jobs alike.
    for (std::int64_t repeat = 1; repeat <= options.repeats; ++repeat)
        for (const Job& job : jobs()) {
            Json parameters = certifyParameters(options);
            parameters["loss"] = job.loss;
            if (job.allBlocks)
                parameters["blocks"] = "all";
            runs.push_back({runName(job, repeat), std::move(parameters), true, "", job.allBlocks ? "all" : ""});
        }
    return runs;
}

struct Spread {
    double least = 0;
    double median = 0;
    double most = 0;
};

// The median of an even number of values is the mean of the two in the middle.
Spread spreadOf(std::vector<double> values)
{
    std::ranges::sort(values);
    const double low = values[(values.size() - 1) / 2];
    const double high = values[values.size() / 2];
    return {values.front(), low + (high - low) / 2, values.back()};
}

struct JobTimes {
    const Job* job = nullptr;
    std::vector<double> seconds;       // by repeat
    std::vector<double> stitchSeconds; // the same; empty without stitching
    std::vector<std::string> stages;
    std::vector<std::vector<double>> stageSeconds; // [stage][repeat]
    std::size_t blocks = 0;
    std::int64_t tokens = 0;
};

JobTimes timesOf(const ExperimentResults& results, const Job& job)
{
    JobTimes times;
    times.job = &job;
    for (std::int64_t repeat = 1; repeat <= results.options.repeats; ++repeat) {
        const SubRunResult& run = results.run(runName(job, repeat));
        times.seconds.push_back(run.seconds);
        if (!run.run.stitch.empty())
            times.stitchSeconds.push_back(run.stitchSeconds);
        for (const auto& [stage, seconds] : run.stages) {
            auto found = std::ranges::find(times.stages, stage);
            if (found == times.stages.end()) {
                times.stages.push_back(stage);
                times.stageSeconds.emplace_back();
                found = times.stages.end() - 1;
            }
            times.stageSeconds[static_cast<std::size_t>(found - times.stages.begin())].push_back(seconds);
        }
    }
    const RunManifest manifest = results.numbers(runName(job, 1)).run.manifest;
    times.blocks = manifest.request.blocks.size();
    times.tokens = manifest.prompts.tokenCount();
    return times;
}

// Of all jobs in the order of work: a stage that only some jobs have stands before the one that follows it there.
std::vector<std::string> stagesOf(const std::vector<JobTimes>& all)
{
    std::vector<std::string> order;
    for (const JobTimes& times : all) {
        auto place = order.end(); // of the stage behind
        for (auto stage = times.stages.rbegin(); stage != times.stages.rend(); ++stage) {
            const auto known = std::ranges::find(order, *stage);
            place = known != order.end() ? known : order.insert(place, *stage);
        }
    }
    return order;
}

Table jobTable(const std::vector<JobTimes>& all)
{
    Table table{"table",
                "Wall time, model loaded anew each time",
                {{"job", "job"},
                 {"blocks", "blocks"},
                 {"tokens", "tokens"},
                 {"repeats", "repeats"},
                 {"seconds_median", "seconds, median"},
                 {"seconds_least", "least"},
                 {"seconds_most", "most"},
                 {"block_tokens_per_second", "block tokens a second"}},
                {}};
    const auto add = [&](const std::string& label, const JobTimes& times, const std::vector<double>& seconds) {
        const Spread spread = spreadOf(seconds);
        table.rows.push_back({label, times.blocks, times.tokens, seconds.size(), spread.median, spread.least,
                              spread.most,
                              static_cast<double>(times.blocks) * static_cast<double>(times.tokens) / spread.median});
    };
    for (const JobTimes& times : all) {
        add(times.job->label, times, times.seconds);
        if (!times.stitchSeconds.empty())
            add(stitchLabel, times, times.stitchSeconds);
    }
    return table;
}

Table stageTable(const std::vector<JobTimes>& all)
{
    Table table{"stages",
                "By stage",
                {{"job", "job"}, {"stage", "stage"}, {"seconds_median", "seconds, median"}, {"share", "share"}},
                {}};
    for (const JobTimes& times : all) {
        const double whole = spreadOf(times.seconds).median;
        for (std::size_t s = 0; s < times.stages.size(); ++s) {
            const double seconds = spreadOf(times.stageSeconds[s]).median;
            table.rows.push_back({times.job->label, times.stages[s], seconds, seconds / whole});
        }
    }
    return table;
}

Figure pictureOf(const std::vector<JobTimes>& all)
{
    Panel whole;
    whole.title = "Whole job";
    whole.y.label = "seconds";
    whole.y.lower = 0;
    Panel stages;
    stages.title = "By stage (medians)";
    stages.y.label = "seconds";
    stages.y.lower = 0;
    stages.x.categories = stagesOf(all);
    Series seconds{"median; whiskers: least and most", Mark::Bars, {}};
    const auto add = [&](const std::string& label, const std::vector<double>& values) {
        const Spread spread = spreadOf(values);
        seconds.points.push_back(
            {static_cast<double>(whole.x.categories.size()), spread.median, spread.least, spread.most});
        whole.x.categories.push_back(label);
    };
    for (std::size_t j = 0; j < all.size(); ++j) {
        add(all[j].job->label, all[j].seconds);
        if (!all[j].stitchSeconds.empty())
            add(stitchLabel, all[j].stitchSeconds);
        Series parts{all[j].job->label, Mark::Bars, {}};
        for (std::size_t s = 0; s < all[j].stages.size(); ++s) {
            const auto place = std::ranges::find(stages.x.categories, all[j].stages[s]) - stages.x.categories.begin();
            parts.points.push_back({static_cast<double>(place), spreadOf(all[j].stageSeconds[s]).median});
        }
        stages.series.push_back(std::move(parts));
    }
    whole.series = {seconds};
    Figure figure;
    figure.title = "Wall time";
    figure.caption =
        "Measured on this machine while nothing else was asked of it by this program; the time of a stage is the "
        "time between its progress events, so that work that overlaps is counted once.";
    figure.panels = {whole, stages};
    figure.columns = 2;
    figure.sameRange = false;
    return figure;
}

ExperimentReport report(const ExperimentResults& results)
{
    std::vector<JobTimes> all;
    for (const Job& job : jobs())
        all.push_back(timesOf(results, job));
    ExperimentReport made;
    made.tables = {jobTable(all), stageTable(all)};
    made.figures = {{"figure.svg", pictureOf(all)}};
    const Environment environment = results.numbers(runName(jobs()[0], 1)).run.manifest.environment;
    const std::string machine =
        fmt::format("{} ({}, {} thread{}, LibTorch {})", environment.processor, environment.isa, environment.threads,
                    environment.threads == 1 ? "" : "s", environment.libtorch);
    const auto median = [](const std::vector<double>& values) { return shortText(spreadOf(values).median); };
    made.headline =
        fmt::format("On this machine, extracting {} block{} took {} s, certifying {} with exact loss coverage {} s, "
                    "replaying all {} blocks {} s, and running the model with all of them in place {} s (median{} "
                    "of {}).",
                    all[0].blocks, all[0].blocks == 1 ? "" : "s", median(all[0].seconds),
                    all[0].blocks == 1 ? "it" : "them", median(all[1].seconds), all[2].blocks, median(all[2].seconds),
                    median(all[2].stitchSeconds), results.options.repeats == 1 ? "" : "s", results.options.repeats);
    made.notes = {"Measured on " + machine + ", " + environment.operatingSystem + ".",
                  "A run includes opening, hashing and loading the model, and writing the run directory.",
                  "Wall times depend on what else the machine does; verification does not check them."};
    return made;
}

}

ExperimentKind timingKind()
{
    return {
        "timing",
        "Timing",
        "Section 6.7, Timing",
        {"The paper's machine is one H100 with 20 virtual processors, its model TinyLlama-1.1B, its sequence length "
         "256; it "
         "needs 118 s for extraction and 118 s for the full-block replay, whose replay runs in NumPy on the processor.",
         "The paper gives one number each; here every job is repeated and the spread is shown."},
        "stress",
        "spread",
        plan,
        report};
}

}
