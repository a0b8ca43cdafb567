// What `open` answers about a folder with a tokenizer.

#include "engine/base/run_context.h"
#include "engine/protocol/model_card.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

using namespace blockcert;
using namespace blockcert::protocol;

namespace {

TEST(ModelCard, SaysWhichVersionOfTransformersATokenizerFollows)
{
    const char* data = std::getenv("BLOCKCERT_TEST_DATA");
    ASSERT_NE(data, nullptr);
    const testing_support::TemporaryFolder folder;
    for (const char* name : {"models/llama-gqa/config.json", "models/llama-gqa/model.safetensors",
                             "tokenizers/llama2_metaspace/tokenizer.json"})
        std::filesystem::copy(std::filesystem::path(data) / name, folder.path());
    const auto open = [&folder] { return openModel({folder.path().string(), false}, {}, RunContext()); };
    const Json before = open();
    EXPECT_TRUE(before["tokenizer_problem"].is_null()) << before["tokenizer_problem"].dump();
    std::ofstream(folder.path() / "tokenizer_config.json")
        << R"({"tokenizer_class": "LlamaTokenizer", "legacy": true})";
    const Json after = open();
    ASSERT_EQ(after["warnings"].size(), before["warnings"].size() + 1) << after["warnings"].dump();
    EXPECT_THAT(
        after["warnings"].back().get<std::string>(),
        testing::HasSubstr("which transformers 5 builds without tokenizer.json's normalizer and pre_tokenizer"));
}

}
