// The folder that an export writes into: a new or an empty one, so that no two runs are ever mixed.
#pragma once

#include <filesystem>

namespace blockcert::exchange {

// Makes the folder. Throws UsageError if it is a file or holds anything, OutputError if it cannot be made.
void makeNewFolder(const std::filesystem::path& folder);

}
