// The tokenizer files that an export writes beside weights that came from a GGUF.

#include "engine/artifact/checkpoint.h"
#include "engine/exchange/tokenizer_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizer/reference.h"

#include <gtest/gtest.h>

#include <fstream>

namespace blockcert {
namespace {

TEST(ExportedTokenizer, SplitsAsLlamaCppDoesByDefaultWhereTheGgufNamesNoSplit)
{
    std::string bytes = tokenizer::readFile(tokenizer::dataFolder().parent_path() / "models/llama-gguf-f32/tiny.gguf");
    const std::string key = "tokenizer.ggml.pre";
    const std::size_t at = bytes.find(key);
    ASSERT_NE(at, std::string::npos);
    bytes[at + key.size() - 1] = 'x'; // a key that nobody reads
    const testing_support::TemporaryFolder folder;
    std::ofstream(folder.path() / "tiny.gguf", std::ios::binary) << bytes;
    const artifact::Checkpoint model = artifact::Checkpoint::open(folder.path() / "tiny.gguf");
    const tokenizer::Tokenizer own = tokenizer::Tokenizer::of(model);
    EXPECT_EQ(own.kind(), "byte-level BPE (GGUF, default)");

    const testing_support::TemporaryFolder written;
    static_cast<void>(exchange::writeTokenizerFiles(model, written.path()));
    const Json json = parseStrictJson(tokenizer::readFile(written.path() / "tokenizer.json"), "tokenizer.json");
    EXPECT_EQ(json["pre_tokenizer"]["pretokenizers"].size(), 5U);
    const tokenizer::Tokenizer read = tokenizer::Tokenizer::fromFolder(written.path());
    for (const std::string& line : tokenizer::corpus())
        EXPECT_EQ(read.encode(line, tokenizer::SpecialTokens::Add), own.encode(line, tokenizer::SpecialTokens::Add));
}

}
}
