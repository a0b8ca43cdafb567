#include "app/engine/experiment_request.h"

#include "app/command_line/equivalent_command.h"
#include "app/engine/parameters.h"
#include "app/engine/request_options.h"
#include "app/terminal/surroundings.h"
#include "engine/base/error.h"
#include "engine/pipeline/experiment/experiment.h"
#include "engine/pipeline/experiment/report_files.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace blockcert::engine {

namespace {

using pipeline::ExperimentOptions;

// Parameters of the experiment itself; the others go to `certify`. Some belong to one kind, or two.
struct OwnKey {
    const char* key;
    std::vector<std::string> kinds = {}; // empty: every one
};

const std::vector<OwnKey>& ownKeys()
{
    static const std::vector<OwnKey> keys = {{"kind"},
                                             {"out"},
                                             {"blocks"},
                                             {"resume"},
                                             {"no_titles"},
                                             {"dry_run"},
                                             {"ranks", {"low-rank"}},
                                             {"noise", {"ablations"}},
                                             {"dtypes", {"thresholds", "prompt-size"}},
                                             {"shift_prompts", {"prompt-shift"}},
                                             {"repeats", {"timing"}}};
    return keys;
}

constexpr std::int64_t mostRepeats = 1000;
constexpr std::int64_t largestRank = 1 << 20;

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : " and ") + word;
    return text;
}

std::vector<std::string> listOf(const std::string& text)
{
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

std::vector<std::int64_t> ranksOf(const std::string& text)
{
    std::vector<std::int64_t> ranks;
    for (const std::string& word : listOf(text)) {
        std::int64_t rank = 0;
        const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), rank);
        if (problem != std::errc() || end != word.data() + word.size() || rank < 1 || rank > largestRank)
            throw UsageError("experiment: --ranks holds \"" + word +
                             "\", which is no whole number from 1 on; write them as in 64,128,256.");
        if (std::ranges::find(ranks, rank) != ranks.end())
            throw UsageError("experiment: --ranks holds " + word + " twice.");
        ranks.push_back(rank);
    }
    return ranks;
}

std::vector<std::string> dtypesOf(const std::string& text)
{
    std::vector<std::string> dtypes = listOf(text);
    for (const std::string& dtype : dtypes)
        if (dtype != "fp32" && dtype != "bf16" && dtype != "fp16")
            throw UsageError("experiment: --dtypes holds \"" + dtype + "\", which is none of fp32, bf16, fp16.");
    return dtypes;
}

pipeline::CertifyOptions certifyRequest(const Json& parameters)
{
    pipeline::CertifyOptions options = certifyOptions(parameters);
    options.created = terminal::creationTime();
    options.commandLine = command_line::equivalentCommand(*command_line::findVerb("certify"), parameters);
    return options;
}

pipeline::ExperimentVerbs verbsFor(pipeline::ModelCache& cache)
{
    pipeline::ExperimentVerbs verbs;
    verbs.certify = [&cache](const Json& parameters, const RunContext& context) {
        return pipeline::certify(certifyRequest(parameters), cache, context);
    };
    verbs.estimate = [&cache](const Json& parameters, const RunContext& context) {
        return pipeline::estimate(certifyRequest(parameters), cache, context);
    };
    verbs.stitch = [&cache](const Json& parameters, const RunContext& context) {
        pipeline::StitchOptions options = stitchOptions(parameters);
        options.created = terminal::creationTime();
        options.commandLine = command_line::equivalentCommand(*command_line::findVerb("stitch"), parameters);
        return pipeline::stitch(options, cache, context);
    };
    verbs.command = [](const std::string& verb, const Json& parameters) {
        return command_line::equivalentCommand(*command_line::findVerb(verb), parameters);
    };
    verbs.seconds = terminal::steadySeconds;
    return verbs;
}

// A sentence about options that `certify` reads, for who typed `experiment`.
std::string underOwnName(std::string sentence)
{
    if (sentence.starts_with("certify: "))
        sentence.replace(0, std::string_view("certify").size(), "experiment");
    return sentence;
}

// Options that every experiment passes on to its runs, and that in some change nothing.
void refuseIdle(const std::string& kind, const Json& json, const Parameters& parameters)
{
    if (json.contains("seed") && kind != "ablations")
        parameters.refuse("seed", "is of the noise in the experiment ablations; the experiment " + kind +
                                      " draws nothing, so leave it out");
    if (json.contains("loss") && kind == "timing")
        parameters.refuse("loss", "is decided by the experiment timing, which measures with losses and without; leave "
                                  "it out");
    if (json.value("dry_run", Json(false)) == true)
        for (const char* key : {"resume", "no_titles"})
            if (json.value(key, Json(false)) == true)
                parameters.refuse(key, "changes nothing beside --dry-run, which writes nothing; leave one of them out");
}

ExperimentOptions optionsOf(const Json& json, bool dryRun)
{
    Json own = Json::object();
    Json shared = json;
    for (const OwnKey& one : ownKeys()) {
        if (json.contains(one.key))
            own[one.key] = json.at(one.key);
        shared.erase(one.key);
    }
    Parameters parameters("experiment", own);
    ExperimentOptions options;
    options.kind = parameters.word("kind", pipeline::experimentKinds());
    for (const OwnKey& one : ownKeys())
        if (own.contains(one.key) && !one.kinds.empty() &&
            std::ranges::find(one.kinds, options.kind) == one.kinds.end())
            parameters.refuse(one.key, "is not taken by the experiment " + options.kind + ", only by " +
                                           joined(one.kinds) + "; leave it out");
    refuseIdle(options.kind, json, parameters);
    options.out = dryRun ? parameters.text("out", "experiment") : parameters.text("out");
    options.blocks = parameters.text("blocks", "");
    options.resume = parameters.flag("resume");
    options.plainFigures = parameters.flag("no_titles");
    (void)parameters.flag("dry_run");
    if (parameters.has("ranks"))
        options.ranks = ranksOf(parameters.text("ranks"));
    options.noise = parameters.text("noise", options.noise);
    if (parameters.has("dtypes"))
        options.besideDtypes = dtypesOf(parameters.text("dtypes"));
    options.shiftedPrompts = parameters.text("shift_prompts", options.shiftedPrompts);
    options.repeats = parameters.integer("repeats", options.repeats, 1, mostRepeats);
    parameters.finish();
    if (!json.contains("kind"))
        parameters.refuse("kind", "is missing");
    for (const char* key : {"surrogate", "ablate", "weights", "embed_weights"})
        if (shared.contains(key))
            throw UsageError(std::string("experiment: the parameter ") + key +
                             " is decided by the experiment; leave it out.");
    // Whatever certify would refuse is refused before anything is done.
    Json trial = shared;
    trial["blocks"] = "all";
    trial["out"] = "run";
    if (!trial.contains("prompts") && !trial.contains("content"))
        trial["prompts"] = "stress";
    try {
        (void)certifyOptions(trial);
    } catch (const UsageError& error) {
        throw UsageError(underOwnName(error.what()));
    }
    options.shared = std::move(shared);
    options.created = terminal::creationTime();
    options.commandLine = experimentCommand(json);
    Json again = json;
    again["out"] = pipeline::repeatedFolder;
    again.erase("resume");
    options.repeatLine = experimentCommand(pipeline::repeatable(std::move(again)));
    return options;
}

}

std::string experimentCommand(const Json& parameters)
{
    return command_line::equivalentCommand(*command_line::findVerb("experiment"), parameters);
}

Json runExperiment(const Json& parameters, pipeline::ModelCache& cache, const RunContext& context)
{
    const bool dryRun = parameters.value("dry_run", Json(false)) == true;
    const ExperimentOptions options = optionsOf(parameters, dryRun);
    return dryRun ? pipeline::estimateExperiment(options, verbsFor(cache), cache, context)
                  : pipeline::experiment(options, verbsFor(cache), cache, context);
}

bool isExperimentResumable(const Json& parameters)
{
    const std::filesystem::path folder = parameters.value("out", "");
    std::error_code error;
    return !folder.empty() && std::filesystem::exists(folder / "request.json", error) &&
           !std::filesystem::exists(folder / "SHA256SUMS", error);
}

}
