#include "tests/tokenizer/reference.h"

#include "engine/artifact/gguf.h"
#include "engine/base/sha256.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <unistd.h>

namespace blockcert::tokenizer {

std::filesystem::path dataFolder()
{
    const char* folder = std::getenv("BLOCKCERT_TEST_DATA");
    if (folder == nullptr)
        throw std::runtime_error("BLOCKCERT_TEST_DATA is not set; run the tests with ctest.");
    return std::filesystem::path(folder) / "tokenizers";
}

std::string readFile(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> corpus()
{
    std::vector<std::string> lines;
    std::ifstream file(dataFolder() / "corpus.jsonl");
    for (std::string line; std::getline(file, line);)
        lines.push_back(parseStrictJson(line, "corpus").get<std::string>());
    return lines;
}

Json expectations(const std::string& name)
{
    return parseStrictJson(readFile(dataFolder() / name / "expected.json"), name);
}

Tokenizer openReference(const std::string& name)
{
    const std::filesystem::path folder = dataFolder() / name;
    if (name == "demo")
        return Tokenizer::fromGguf(artifact::GgufFile::open(std::getenv("BLOCKCERT_DEMO_MODEL")));
    if (std::filesystem::exists(folder / "tokenizer.gguf"))
        return Tokenizer::fromGguf(artifact::GgufFile::open(folder / "tokenizer.gguf"));
    return Tokenizer::fromFolder(folder);
}

std::string describe(const std::vector<TokenId>& ids, const Json& expected)
{
    if (expected.is_array())
        return Json(ids).dump();
    std::string bytes;
    for (const TokenId id : ids)
        for (unsigned shift = 0; shift < 32; shift += 8)
            bytes += static_cast<char>((static_cast<std::uint32_t>(id) >> shift) & 0xFFU);
    return std::to_string(ids.size()) + " " + sha256Of(bytes);
}

std::string describe(const Json& expected)
{
    if (expected.is_array())
        return expected.dump();
    return std::to_string(expected["count"].get<std::size_t>()) + " " + expected["sha256"].get<std::string>();
}

TemporaryFolder::TemporaryFolder()
{
    static std::atomic<int> counter = 0;
    m_path = std::filesystem::temp_directory_path() /
             ("blockcert-tokenizer-" + std::to_string(getpid()) + "-" + std::to_string(counter++));
    std::filesystem::create_directories(m_path);
}

TemporaryFolder::~TemporaryFolder()
{
    std::error_code error;
    std::filesystem::remove_all(m_path, error);
}

void TemporaryFolder::write(const std::string& name, std::string_view content) const
{
    std::ofstream(m_path / name, std::ios::binary) << content;
}

}
