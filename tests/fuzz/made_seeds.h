// Seeds that no file of tests/data holds: documents as this project writes them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert::fuzz {

struct Seed {
    std::string target; // of tests/fuzz/NAME_fuzz.cpp
    std::string bytes;
};

// `data` is tests/data, whose chat templates stand together in one file.
[[nodiscard]] std::vector<Seed> madeSeeds(const std::filesystem::path& data);

}
