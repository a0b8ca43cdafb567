#include "engine/pipeline/experiment/experiment_folder.h"

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/certificate/run_layout.h"

#include <system_error>
#include <utility>

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view requestName = "request.json";
constexpr std::size_t largestRequest = 64U << 20U; // prompts typed by the user stand in it

bool isThere(const fs::path& path)
{
    std::error_code problem;
    return fs::exists(path, problem);
}

bool isEmpty(const fs::path& path)
{
    std::error_code problem;
    return !fs::exists(path, problem) || (fs::is_directory(path, problem) && fs::is_empty(path, problem));
}

void makeFolders(const fs::path& path)
{
    std::error_code problem;
    fs::create_directories(path, problem);
    if (problem)
        throw OutputError("The folder " + path.string() + " cannot be made: " + problem.message() + ".");
}

JsonLimits requestLimits()
{
    JsonLimits limits;
    limits.stringBytes = largestRequest;
    return limits;
}

void requireSame(const Json& asked, const Json& found, const fs::path& folder)
{
    const auto shown = [](const Json& request, const std::string& key) {
        return request.contains(key) ? request.at(key).dump() : "not given";
    };
    std::string differences;
    for (const std::string& key : differingMembers(asked, found))
        differences += (differences.empty() ? "" : ", ") + key + " is " + shown(found, key) + " there and " +
                       shown(asked, key) + " here";
    if (!differences.empty())
        throw UsageError("The folder " + folder.string() + " holds another experiment: " + differences +
                         "; repeat the options it was begun with, or choose another folder.");
}

}

ExperimentFolder::ExperimentFolder(fs::path path, const Json& request, bool resume)
    : m_path(std::move(path))
{
    std::error_code problem;
    if (isThere(m_path) && !fs::is_directory(m_path, problem))
        throw UsageError(m_path.string() +
                         " is a file, and an experiment is written into a folder; choose another name.");
    const fs::path file = m_path / requestName;
    if (isEmpty(m_path)) {
        makeFolders(m_path / "runs");
        writeFileAtomically(file, writeJson(request));
        return;
    }
    if (!isThere(file))
        throw UsageError("The folder " + m_path.string() +
                         " is not empty and holds no experiment; choose another one.");
    if (!resume)
        throw UsageError("The folder " + m_path.string() +
                         " holds an experiment; choose another one, or continue it with --resume.");
    requireSame(request,
                parseStrictJson(readWholeFile(file, largestRequest), file.filename().string(), requestLimits()),
                m_path);
    makeFolders(m_path / "runs");
}

fs::path ExperimentFolder::runFolder(const std::string& name) const
{
    return m_path / "runs" / (name + ".blockcert");
}

bool ExperimentFolder::isFinished(const std::string& name) const
{
    return isThere(runFolder(name) / certificate::sumsName);
}

bool ExperimentFolder::isBegun(const std::string& name) const
{
    return isThere(runFolder(name) / certificate::manifestName);
}

void ExperimentFolder::discard(const std::string& name) const
{
    std::error_code problem;
    fs::remove_all(runFolder(name), problem);
    if (problem)
        throw FileError("The unfinished run " + runFolder(name).string() + " cannot be removed: " + problem.message() +
                        ".");
}

void ExperimentFolder::writeTiming(const SubRunResult& result) const
{
    Json stages = Json::array();
    for (const auto& [stage, seconds] : result.stages)
        stages.push_back({{"stage", stage}, {"seconds", seconds}});
    writeFile("runs/" + result.run.name + ".timing.json", writeJson({{"schema", "blockcert.timing/1"},
                                                                     {"seconds", result.seconds},
                                                                     {"stitch_seconds", result.stitchSeconds},
                                                                     {"stages", stages}}));
}

std::optional<SubRunResult> ExperimentFolder::readTiming(const SubRun& run) const
{
    const fs::path file = m_path / "runs" / (run.name + ".timing.json");
    if (!isThere(file))
        return std::nullopt;
    const Json json = parseStrictJson(readWholeFile(file, 1U << 20U), file.filename().string());
    try {
        SubRunResult result{run, runFolder(run.name)};
        result.seconds = json.at("seconds").get<double>();
        result.stitchSeconds = json.at("stitch_seconds").get<double>();
        for (const Json& stage : json.at("stages"))
            result.stages.emplace_back(stage.at("stage").get<std::string>(), stage.at("seconds").get<double>());
        return result;
    } catch (const Json::exception&) {
        throw FormatError(file.string() + " does not hold the seconds of a run; remove it to measure again.");
    }
}

void ExperimentFolder::writeFile(const std::string& name, const std::string& bytes) const
{
    writeFileAtomically(m_path / name, bytes);
}

void ExperimentFolder::finish(const std::vector<std::string>& files, const std::vector<std::string>& runs,
                              const RunContext& context) const
{
    std::vector<certificate::SumLine> lines;
    const auto add = [&](const std::string& name) { lines.push_back({name, sha256OfFile(m_path / name, context)}); };
    add(std::string(requestName));
    for (const std::string& file : files)
        add(file);
    for (const std::string& run : runs)
        add("runs/" + run + ".blockcert/" + std::string(certificate::sumsName));
    writeFile(std::string(certificate::sumsName), certificate::writeSums(std::move(lines)));
}

}
