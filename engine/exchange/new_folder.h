// The folder that an export writes into: a new or an empty one, so that no two runs are ever mixed.
#pragma once

#include <filesystem>

namespace blockcert::exchange {

// Removes what lies in the folder, and the folder if it made it, unless it is kept: an export that fails or is stopped
// leaves nothing.
class NewFolder {
public:
    // Makes the folder. Throws UsageError if it is a file or holds anything, OutputError if it cannot be made.
    explicit NewFolder(std::filesystem::path folder);
    ~NewFolder();
    NewFolder(const NewFolder&) = delete;
    NewFolder& operator=(const NewFolder&) = delete;

    void keep() { m_isKept = true; }

private:
    std::filesystem::path m_folder;
    bool m_isOwn = false; // it was not there before
    bool m_isKept = false;
};

}
