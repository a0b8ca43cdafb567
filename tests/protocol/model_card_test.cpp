// What `open` answers about a folder with a tokenizer.

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/protocol/model_card.h"
#include "engine/protocol/token_listing.h"
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
    TokenizeOptions options;
    options.model = folder.path().string();
    options.text = "a";
    EXPECT_EQ(tokenize(options, {})["warnings"].back(), after["warnings"].back());
}

TEST(TokenListing, SaysThatATokenizerKnowsNoneOfATextsCharacters)
{
    const testing_support::TemporaryFolder folder;
    const std::filesystem::path model = std::filesystem::path(std::getenv("BLOCKCERT_TEST_DATA")) / "models/llama-gqa";
    for (const char* name : {"config.json", "model.safetensors"})
        std::filesystem::copy(model / name, folder.path());
    std::ofstream(folder.path() / "tokenizer.json") << R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})";
    const auto list = [&folder](const char* text) {
        TokenizeOptions options;
        options.model = folder.path().string();
        options.text = text;
        try {
            return tokenize(options, {}).dump();
        } catch (const FormatError& error) {
            return std::string(error.what());
        }
    };
    EXPECT_EQ(list("xyz"), "The text encodes to no token: the model's tokenizer knows none of its characters.");
    EXPECT_EQ(list(""), "The text encodes to no token; give one that is not empty.");
    EXPECT_THAT(list("a"), testing::HasSubstr("\"token_ids\":[0]"));
}

TEST(TokenListing, SaysWhichDateATemplateWasTold)
{
    const testing_support::TemporaryFolder folder;
    const std::filesystem::path model = std::filesystem::path(std::getenv("BLOCKCERT_TEST_DATA")) / "models/llama-gqa";
    for (const char* name : {"config.json", "model.safetensors"})
        std::filesystem::copy(model / name, folder.path());
    std::ofstream(folder.path() / "tokenizer.json") << R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})";
    std::ofstream(folder.path() / "tokenizer_config.json") << R"({"tokenizer_class": "PreTrainedTokenizerFast"})";
    const auto warnings = [&folder](const char* chatTemplate) {
        std::ofstream(folder.path() / "chat_template.jinja") << chatTemplate;
        TokenizeOptions options;
        options.model = folder.path().string();
        options.content = R"({"messages": [{"role": "user", "content": "a"}]})";
        options.format = "jsonl";
        options.name = "chat";
        return tokenize(options, {})["warnings"].dump();
    };
    EXPECT_EQ(warnings("{{ messages[0].content }}"), "[]");
    EXPECT_EQ(
        warnings("{{ strftime_now('%A') }}: {{ messages[0].content }}"),
        R"(["The chat template asks for the date and is always told 26 Jul 2024, 00:00, so that the same prompts )"
        R"(give the same ids on every day."])");
}

}
