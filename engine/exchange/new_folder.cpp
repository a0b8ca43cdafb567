#include "engine/exchange/new_folder.h"

#include "engine/base/error.h"
#include "engine/certificate/run_files.h"

#include <system_error>

namespace blockcert::exchange {

namespace fs = std::filesystem;

void makeNewFolder(const fs::path& folder)
{
    std::error_code problem;
    if (fs::exists(folder, problem) && !fs::is_directory(folder, problem))
        throw UsageError(folder.string() + " is a file; give a folder that is new or empty.");
    if (fs::exists(folder, problem) && !fs::is_empty(folder, problem))
        throw UsageError("The folder " + folder.string() +
                         " is not empty; choose another one, so that no two exports are mixed.");
    certificate::makeFolder(folder);
}

}
