// Forges every field of a JSON file of a run, one at a time, and says which row must notice.
#pragma once

#include "tests/tampering/tampered_run.h"

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert::certificate {

struct Expectation {
    const char* prefix;
    std::vector<const char*> ids; // one of them must be among the failed rows; none: nobody can recompute the field
};

// Changes every leaf of `file`, with and without SHA256SUMS made anew, and expects the row of the longest matching
// prefix to fail; structure.* is the codec: a forged value that no such file can have. Fewer than `least` forgeries
// fail as well.
void forgeEverything(const std::filesystem::path& honest, const std::string& file,
                     const std::vector<Expectation>& table, std::size_t least);

}
