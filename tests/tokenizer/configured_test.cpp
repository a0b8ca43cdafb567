// A tokenizer and the files beside it, put together as transformers' AutoTokenizer does it (make_configured.py).
#include "engine/base/error.h"
#include "tests/tokenizer/reference.h"

#include <gtest/gtest.h>

#include <optional>

namespace blockcert::tokenizer {
namespace {

void writeCase(const TemporaryFolder& folder, const Json& entry)
{
    const std::filesystem::path base = dataFolder() / entry["base"].get<std::string>();
    for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt"})
        if (std::filesystem::exists(base / name))
            folder.write(name, readFile(base / name));
    if (entry.contains("beside"))
        folder.write("tokenizer.model",
                     readFile(dataFolder() / entry["beside"].get<std::string>() / "tokenizer.model"));
    if (!entry["json"].empty()) {
        Json json = parseStrictJson(readFile(base / "tokenizer.json"), "tokenizer.json");
        json.update(entry["json"]);
        folder.write("tokenizer.json", json.dump());
    }
    for (const auto& [name, content] : entry["files"].items())
        folder.write(name, content.is_string() ? content.get<std::string>() : content.dump());
}

void expectRow(const Tokenizer& tokenizer, const std::vector<std::string>& texts, const Json& row)
{
    EXPECT_EQ(tokenizer.vocabularySize(), row["size"].get<int>());
    if (!row["bos"].is_null()) {
        EXPECT_EQ(tokenizer.bos(), std::optional(row["bos"].get<TokenId>()));
    }
    if (!row["eos"].is_null()) {
        ASSERT_FALSE(tokenizer.endOfText().empty());
        EXPECT_EQ(tokenizer.endOfText().front(), row["eos"].get<TokenId>());
    }
    ASSERT_EQ(row["texts"].size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const Json& expected = row["texts"][i];
        const std::vector<TokenId> ids = tokenizer.encode(texts[i], SpecialTokens::Omit);
        EXPECT_EQ(Json(ids).dump(), expected["ids"].dump()) << texts[i];
        EXPECT_EQ(Json(tokenizer.encode(texts[i], SpecialTokens::Add)).dump(),
                  expected.value("special", expected["ids"]).dump())
            << texts[i];
        EXPECT_EQ(tokenizer.decode(ids, true), expected.value("decoded", texts[i]));
    }
    ASSERT_EQ(tokenizer.hasChatTemplate(), row.contains("chat"));
    if (row.contains("chat")) {
        const std::vector<ChatMessage> chat = {{"user", "hi"}};
        EXPECT_EQ(tokenizer.renderChat(chat, false, "").text, row["chat"].get<std::string>());
    }
}

TEST(ConfiguredTokenizer, HasTheIdsOfAutoTokenizer)
{
    const Json reference = parseStrictJson(readFile(dataFolder() / "configured.json"), "configured.json");
    const auto texts = reference["texts"].get<std::vector<std::string>>();
    std::size_t same = 0;
    for (const Json& entry : reference["cases"]) {
        const Json& rows = entry["rows"];
        if (!rows.contains("same"))
            continue;
        SCOPED_TRACE(entry["name"].get<std::string>());
        const TemporaryFolder folder;
        writeCase(folder, entry);
        expectRow(Tokenizer::fromFolder(folder.path()), texts, rows["same"]);
        ++same;
    }
    EXPECT_GT(same, 70U);
}

TEST(ConfiguredTokenizer, SaysWhichVersionItFollowsWhereTheyDiffer)
{
    const Json reference = parseStrictJson(readFile(dataFolder() / "configured.json"), "configured.json");
    const auto texts = reference["texts"].get<std::vector<std::string>>();
    std::size_t different = 0;
    for (const Json& entry : reference["cases"]) {
        const Json& rows = entry["rows"];
        if (rows.contains("same"))
            continue;
        SCOPED_TRACE(entry["name"].get<std::string>());
        const TemporaryFolder folder;
        writeCase(folder, entry);
        const Tokenizer tokenizer = Tokenizer::fromFolder(folder.path());
        expectRow(tokenizer, texts, rows[std::to_string(entry["follows"].get<int>())]);
        EXPECT_EQ(!tokenizer.notices().empty(), entry["notice"].get<bool>());
        ++different;
    }
    EXPECT_GT(different, 15U);
}

void expectRefusal(const TemporaryFolder& folder, const std::string& part)
{
    try {
        static_cast<void>(Tokenizer::fromFolder(folder.path()));
        ADD_FAILURE() << "accepted, where this was to be refused: " << part;
    } catch (const UnsupportedError& error) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
}

// Neither version's ids would be those of tokenizer.json with one thing changed.
TEST(ConfiguredTokenizer, RefusesWhatItWouldBuildLikeNeitherVersion)
{
    const TemporaryFolder folder;
    folder.write("config.json", R"({"model_type": "llama"})");
    folder.write("tokenizer.json", readFile(dataFolder() / "llama2_metaspace" / "tokenizer.json"));
    folder.write("tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer", "add_prefix_space": false,
        "added_tokens_decoder": {"0": {"content": "<unk>", "special": true}}})");
    expectRefusal(folder, "builds without the added tokens that only tokenizer.json has");
    folder.write("tokenizer.json", readFile(dataFolder() / "llama2" / "tokenizer.json"));
    folder.write("tokenizer_config.json",
                 R"({"tokenizer_class": "LlamaTokenizer", "eos_token": "<none>", "add_eos_token": true})");
    expectRefusal(folder, "add_bos_token (true) and add_eos_token (true), and tokenizer.json has no such token");
}

TEST(ConfiguredTokenizer, SaysThatOtherClassesMayDiffer)
{
    const TemporaryFolder folder;
    folder.write("tokenizer.model", readFile(dataFolder() / "sentencepiece" / "tokenizer.model"));
    folder.write("tokenizer_config.json",
                 R"({"tokenizer_class": "CodeLlamaTokenizer", "legacy": false, "add_bos_token": true})");
    const std::vector<std::string> notices = Tokenizer::fromFolder(folder.path()).notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices.front(), "tokenizer_config.json names the tokenizer class \"CodeLlamaTokenizer\", which versions "
                               "of transformers build differently from a tokenizer.model; the ids here are those of a "
                               "LlamaTokenizer.");
}

TEST(ConfiguredTokenizer, SaysNothingWhereNothingIsInDoubt)
{
    const TemporaryFolder folder;
    folder.write("tokenizer.json", readFile(dataFolder() / "llama2_metaspace" / "tokenizer.json"));
    folder.write("config.json", R"({"model_type": "llama"})");
    folder.write("tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer", "legacy": false, "bos_token": "<s>",
        "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": true, "add_prefix_space": null,
        "added_tokens_decoder": {"0": {"content": "<unk>", "special": true}, "1": {"content": "<s>", "special": true},
                                 "2": {"content": "</s>", "special": true}}})");
    EXPECT_EQ(Json(Tokenizer::fromFolder(folder.path()).notices()).dump(), "[]");
    folder.write("tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer", "add_eos_token": true})");
    const std::vector<std::string> notices = Tokenizer::fromFolder(folder.path()).notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices.front(),
              "transformers 4 puts tokens around a LlamaTokenizer's text as add_bos_token (true) and "
              "add_eos_token (true) say; here, as in transformers 5, they are those of tokenizer.json's "
              "post_processor.");
}

}
}
