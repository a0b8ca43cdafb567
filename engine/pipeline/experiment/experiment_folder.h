// The folder of an experiment: what was asked for, its runs, and its results, each file whole or not at all.
#pragma once

#include "engine/pipeline/experiment/experiment_kind.h"

#include <filesystem>
#include <optional>
#include <string>

namespace blockcert::pipeline {

// Not thread-safe.
class ExperimentFolder {
public:
    // Refuses a folder that is not empty (UsageError) unless `resume` and it holds request.json with the same request;
    // the differences are named.
    ExperimentFolder(std::filesystem::path path, const Json& request, bool resume);

    [[nodiscard]] std::filesystem::path runFolder(const std::string& name) const;

    // True if the run is finished: its SHA256SUMS, which is written last, is there.
    [[nodiscard]] bool isFinished(const std::string& name) const;
    // True if there is something to resume.
    [[nodiscard]] bool isBegun(const std::string& name) const;
    // Removes an unfinished run that cannot be used; refuses nothing but what is no run.
    void discard(const std::string& name) const;

    // What was measured about a timed run, beside it.
    void writeTiming(const SubRunResult& result) const;
    [[nodiscard]] std::optional<SubRunResult> readTiming(const SubRun& run) const;

    void writeFile(const std::string& name, const std::string& bytes) const;
    // SHA256SUMS over these files and over the SHA256SUMS of the runs; written last.
    void finish(const std::vector<std::string>& files, const std::vector<std::string>& runs,
                const RunContext& context) const;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

}
