#include "engine/exchange/new_folder.h"

#include "engine/base/error.h"
#include "engine/certificate/run_files.h"

#include <system_error>
#include <utility>
#include <vector>

namespace blockcert::exchange {

namespace fs = std::filesystem;

NewFolder::NewFolder(fs::path folder)
    : m_folder(std::move(folder))
{
    std::error_code problem;
    const bool isThere = fs::exists(m_folder, problem);
    if (isThere && !fs::is_directory(m_folder, problem))
        throw UsageError(m_folder.string() + " is a file; give a folder that is new or empty.");
    if (isThere && !fs::is_empty(m_folder, problem))
        throw UsageError("The folder " + m_folder.string() +
                         " is not empty; choose another one, so that no two exports are mixed.");
    m_isOwn = !isThere;
    certificate::makeFolder(m_folder);
}

NewFolder::~NewFolder()
{
    if (m_isKept)
        return;
    std::error_code ignored;
    if (m_isOwn) {
        fs::remove_all(m_folder, ignored);
        return;
    }
    std::vector<fs::path> entries;
    for (const fs::directory_entry& entry : fs::directory_iterator(m_folder, ignored))
        entries.push_back(entry.path());
    for (const fs::path& entry : entries)
        fs::remove_all(entry, ignored);
}

}
