// Writes the seeds that are made: fuzz_seeds TESTS_DATA CORPUS puts them into CORPUS/TARGET/made_N.
#include "tests/fuzz/made_seeds.h"

#include <cstdio>
#include <fstream>

int main(int argc, char** argv)
{
    if (argc != 3) {
        std::fputs("usage: fuzz_seeds TESTS_DATA CORPUS\n", stderr);
        return 2;
    }
    int number = 0;
    for (const blockcert::fuzz::Seed& seed : blockcert::fuzz::madeSeeds(argv[1])) {
        const std::filesystem::path folder = std::filesystem::path(argv[2]) / seed.target;
        std::filesystem::create_directories(folder);
        std::ofstream(folder / ("made_" + std::to_string(number++)), std::ios::binary) << seed.bytes;
    }
    return 0;
}
