// The folder of a sweep: one file a finished row, so that a kill loses at most the row under way, and the tables at the
// end.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/run_lock.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::pipeline {

// Not thread-safe; one process at a time, which a lock sees to.
class SweepFolder {
public:
    // `request` decides the numbers. Throws UsageError for a folder that holds something else, or that is not empty
    // without `resume`, or that another process writes; FileError if it cannot be made.
    SweepFolder(const std::filesystem::path& path, const Json& request, bool resume);

    // A finished row of an earlier call, by its name; nothing if it is missing or damaged.
    [[nodiscard]] const Json* row(const std::string& name) const;
    void write(const std::string& name, const Json& row);

    // sweep.json and sweep.csv from the rows in this order; `head` holds what stands beside them.
    [[nodiscard]] Json finish(const std::vector<std::string>& names, Json head);

private:
    std::filesystem::path m_path;
    std::optional<certificate::RunLock> m_lock;
    std::map<std::string, Json> m_rows;
};

// Rows that no other row of their condition beats in both answer and refuse accuracy get "front": true; one that failed
// never does.
void markFront(Json& rows);

}
