// Whatever a reader is given, it answers: with a value or with one of our errors, never with a crash.

#include "tests/fuzz/made_seeds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#define BLOCKCERT_TARGET(name) extern "C" int fuzz_##name(const std::uint8_t* bytes, std::size_t size);
BLOCKCERT_TARGET(safetensors)
BLOCKCERT_TARGET(gguf)
BLOCKCERT_TARGET(json)
BLOCKCERT_TARGET(frame)
BLOCKCERT_TARGET(archive)
BLOCKCERT_TARGET(tokenizer)
BLOCKCERT_TARGET(template)
BLOCKCERT_TARGET(config)
BLOCKCERT_TARGET(prompts)
BLOCKCERT_TARGET(program)
#undef BLOCKCERT_TARGET

namespace {

namespace fs = std::filesystem;

struct Target {
    const char* name;
    int (*run)(const std::uint8_t* bytes, std::size_t size);
    std::vector<std::string> seeds; // endings of the fixtures that it reads
    int damages;                    // how many damaged copies of each fixture
};

void PrintTo(const Target& target, std::ostream* out)
{
    *out << target.name;
}

fs::path variable(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::string readFile(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> filesBelow(const fs::path& folder, const std::function<bool(const std::string&)>& wanted)
{
    std::vector<fs::path> files;
    if (fs::exists(folder))
        for (const auto& entry : fs::recursive_directory_iterator(folder))
            if (entry.is_regular_file() && wanted(entry.path().string()))
                files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

std::string damaged(std::string bytes, std::mt19937& generator)
{
    if (bytes.empty())
        return bytes;
    switch (generator() % 4) {
    case 0: bytes.resize(generator() % bytes.size()); break;
    case 1: bytes[generator() % bytes.size()] = static_cast<char>(generator()); break;
    case 2: bytes.insert(generator() % bytes.size(), std::string(generator() % 9 + 1, '\xFF')); break;
    default: { // the beginning is where sizes stand
        const std::size_t at = generator() % std::min<std::size_t>(bytes.size(), 64);
        bytes[at] = static_cast<char>(bytes[at] ^ (1U << (generator() % 8)));
    }
    }
    return bytes;
}

class FuzzTarget : public testing::TestWithParam<Target> {
protected:
    static void SetUpTestSuite()
    {
        ::setenv("BLOCKCERT_PROGRAM", (variable("BLOCKCERT_BIN") / "blockcert").c_str(), 1);
    }

    static void run(const std::string& bytes)
    {
        EXPECT_EQ(GetParam().run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()), 0);
    }
};

}

TEST_P(FuzzTarget, AnswersWhatOnceBrokeIt)
{
    const fs::path folder = variable("BLOCKCERT_SOURCE") / "tests/fuzz/rejected" / GetParam().name;
    for (const fs::path& path : filesBelow(folder, [](const std::string&) { return true; })) {
        SCOPED_TRACE(path.filename().string());
        run(readFile(path));
    }
    run("");
}

TEST_P(FuzzTarget, AnswersDamagedFixtures)
{
    const auto wanted = [](const std::string& path) {
        return std::ranges::any_of(GetParam().seeds, [&](const std::string& end) { return path.ends_with(end); });
    };
    std::vector<std::string> seeds;
    for (const fs::path& path : filesBelow(variable("BLOCKCERT_TEST_DATA"), wanted))
        if (fs::file_size(path) <= 64U << 10U)
            seeds.push_back(readFile(path));
    for (blockcert::fuzz::Seed& seed : blockcert::fuzz::madeSeeds(variable("BLOCKCERT_TEST_DATA")))
        if (seed.target == GetParam().name)
            seeds.push_back(std::move(seed.bytes));
    ASSERT_FALSE(seeds.empty());
    std::mt19937 generator(20);
    for (const std::string& bytes : seeds) {
        run(bytes);
        for (int i = 0; i < GetParam().damages; ++i)
            run(damaged(bytes, generator));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Readers, FuzzTarget,
    testing::Values(Target{"safetensors", fuzz_safetensors, {".safetensors"}, 60},
                    Target{"gguf", fuzz_gguf, {".gguf"}, 60}, Target{"json", fuzz_json, {"config.json"}, 60},
                    Target{"frame", fuzz_frame, {}, 500}, Target{"archive", fuzz_archive, {".h5"}, 8},
                    Target{"tokenizer", fuzz_tokenizer, {"/tokenizer.json", "/tokenizer.model"}, 12},
                    Target{"template", fuzz_template, {}, 10}, Target{"config", fuzz_config, {"/config.json"}, 40},
                    Target{"prompts", fuzz_prompts, {".jsonl", ".txt", ".csv"}, 40},
                    Target{"program", fuzz_program, {}, 300}),
    [](const auto& parameter) { return std::string(parameter.param.name); });
