// The script of a fake program: what it says, when, and how it breaks.
#pragma once

#include "engine/base/strict_json.h"

#include <filesystem>
#include <string>

namespace blockcert::fake {

// {"open": [scenario, …], …}; the n-th call of a name plays the n-th scenario, further calls the last one. A scenario
// is a list of steps, each an object with one field; see the programs for the steps they know.
class Script {
public:
    // The number of calls so far is kept in `stateFolder`, so that it survives a crash.
    Script(const std::filesystem::path& file, std::filesystem::path stateFolder);
    // An empty list if the name is not in the script. A call that is not counted plays what the next one will play.
    [[nodiscard]] Json scenarioFor(const std::string& name, bool isCounted = true);

private:
    Json m_script;
    std::filesystem::path m_stateFolder;
};

}
