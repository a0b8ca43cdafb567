// tokenizer.model, vocab.json with merges.txt, GGUF metadata and the files beside a tokenizer.
#include "engine/artifact/checkpoint.h"
#include "engine/artifact/gguf.h"
#include "engine/base/error.h"
#include "engine/tokenizer/readers.h"
#include "tests/tokenizer/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace blockcert::tokenizer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Protobuf by hand, small enough to be read.
std::string field(int number, const std::string& bytes)
{
    std::string result(1, static_cast<char>(number << 3 | 2));
    if (number > 15) {
        const unsigned key = static_cast<unsigned>(number) << 3U | 2U;
        result = {static_cast<char>((key & 0x7FU) | 0x80U), static_cast<char>(key >> 7U)};
    }
    return result + static_cast<char>(bytes.size()) + bytes;
}

std::string number(int field, int value)
{
    std::string result(1, static_cast<char>(field << 3));
    if (field > 15) {
        const unsigned key = static_cast<unsigned>(field) << 3U;
        result = {static_cast<char>((key & 0x7FU) | 0x80U), static_cast<char>(key >> 7U)};
    }
    return result + static_cast<char>(value);
}

std::string piece(const std::string& text, float score, int type)
{
    std::string bytes(4, '\0');
    std::memcpy(bytes.data(), &score, 4);
    return field(1, field(1, text) + std::string(1, 0x15) + bytes + number(3, type));
}

const std::string trainer = field(2, number(3, 2));
const std::string plainSpaces = field(3, number(3, 0) + number(4, 0) + number(5, 0));

Pipeline read(const std::string& bytes)
{
    return readSentencePiece(bytes, {}, "tokenizer.model");
}

TEST(SentencePieceFile, JoinsByScoreAndWritesUnusedPiecesAsTheirParts)
{
    const std::string bytes = piece("<unk>", 0, 2) + piece("a", -9, 1) + piece("b", -9, 1) + piece("ab", -1, 5) +
                              piece("abb", -2, 1) + piece("ba", -3, 1) + piece("usr", 0, 4) + trainer + plainSpaces;
    const Pipeline pipeline = read(bytes);
    EXPECT_THAT(pipeline.encode("ab", false), ElementsAre(1, 2)); // joined, then written as its parts
    EXPECT_THAT(pipeline.encode("abb", false), ElementsAre(4));   // through the unused piece
    EXPECT_THAT(pipeline.encode("aba", false), ElementsAre(1, 2, 1));
    EXPECT_THAT(pipeline.encode("ausrb", false), ElementsAre(1, 6, 2));
    EXPECT_THAT(pipeline.encode("axyzb", false), ElementsAre(1, 0, 2)); // one unknown for the run
    EXPECT_THAT(pipeline.encode("<unk>", false), ElementsAre(0));       // its characters are unknown, too
}

TEST(SentencePieceFile, RefusesByNameWhatItDoesNotImplement)
{
    const std::string pieces = piece("<unk>", 0, 2) + piece("a", -1, 1);
    const auto message = [](const std::string& bytes) -> std::string {
        try {
            static_cast<void>(read(bytes));
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_THAT(message(pieces + plainSpaces), HasSubstr("other than BPE"));
    EXPECT_THAT(message(pieces + field(2, number(3, 1)) + plainSpaces), HasSubstr("other than BPE"));
    EXPECT_THAT(message(pieces + trainer + field(3, field(2, "map"))), HasSubstr("normalisation map"));
    EXPECT_THAT(message(pieces + field(2, number(3, 2) + number(24, 1))), HasSubstr("suffix"));
    EXPECT_THAT(message(pieces + trainer + field(5, field(2, "map"))), HasSubstr("denormaliser"));
    EXPECT_THAT(message(pieces + field(2, number(3, 2) + number(35, 1)) + plainSpaces), HasSubstr("byte fallback"));
    EXPECT_THAT(message(piece("a", -1, 1) + trainer), HasSubstr("unknown"));
    EXPECT_THAT(message(pieces + piece("<u>", 0, 2) + trainer), HasSubstr("second unknown"));
    EXPECT_THAT(message(pieces + piece("a", 0, 1) + trainer), HasSubstr("token 2"));
    EXPECT_THAT(message(pieces + piece("b", 0, 9) + trainer), HasSubstr("type 9"));
    EXPECT_THAT(message(pieces + piece("\xFF", 0, 1) + trainer), HasSubstr("UTF-8"));
    EXPECT_THAT(message(pieces + piece("b", std::nanf(""), 1) + trainer + plainSpaces), HasSubstr("finite"));
    EXPECT_THAT(message(""), HasSubstr("unknown"));
    EXPECT_THAT(message(std::string("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 10)), HasSubstr("byte"));
    EXPECT_THAT(message(std::string("\x48\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12)), HasSubstr("64 bits"));
    EXPECT_THAT(message(std::string("\x0B", 1)), HasSubstr("field key")); // a group
}

TEST(SentencePieceFile, TakesSpacesAndMarksOffTheEndWhereItCollapsesThem)
{
    const Tokenizer tokenizer = openReference("sentencepiece_unusual");
    const std::vector<TokenId> fox = tokenizer.encode("a fox", SpecialTokens::Omit);
    EXPECT_EQ(tokenizer.encode("  a   fox \xE2\x96\x81 ", SpecialTokens::Omit), fox);
    EXPECT_THAT(tokenizer.encode(" \xE2\x96\x81", SpecialTokens::Omit), testing::IsEmpty());
}

TEST(SentencePieceFile, EveryTruncationAndFlippedByteIsReadOrRefused)
{
    for (const char* name : {"sentencepiece", "sentencepiece_unusual"}) {
        const std::string bytes = readFile(dataFolder() / name / "tokenizer.model");
        for (std::size_t length = 0; length < bytes.size(); length += length < 300 ? 1 : 97)
            EXPECT_THROW(static_cast<void>(read(bytes.substr(0, length))), Error) << name << " " << length;
        for (std::size_t i = 0; i < bytes.size(); i += 11) {
            std::string changed = bytes;
            changed[i] = static_cast<char>(changed[i] ^ 0x41);
            try {
                const Pipeline pipeline = read(changed);
                static_cast<void>(pipeline.encode("Hello fox, 1234 \xC3\xA9\xF0\x9F\x98\x80", true));
            } catch (const Error&) {
            }
        }
    }
}

TEST(VocabularyAndMerges, RefusesLinesThatAreNoMerges)
{
    const std::string vocabulary = R"({"a": 0, "b": 1, "ab": 2})";
    EXPECT_NO_THROW(readVocabularyAndMerges(vocabulary, "#version: 0.2\r\na b\r\n\n", {}, "f"));
    for (const char* merges : {"a", "a b c", "a  b", " a b", "a b\n\na b", "a c", "#comment"})
        EXPECT_THROW(readVocabularyAndMerges(vocabulary, merges, {}, "f"), FormatError) << merges;
    for (const char* bad : {"", "[]", R"({"a": "0"})", R"({"a": 0, "b": 0})", R"({"a": {}})"})
        EXPECT_THROW(readVocabularyAndMerges(bad, "", {}, "f"), FormatError) << bad;
    Companions other;
    other.tokenizerClass = "RobertaTokenizer";
    EXPECT_THROW(readVocabularyAndMerges(vocabulary, "a b", other, "f"), UnsupportedError);
}

TEST(TokenizerFolder, FindsTokenizersInTheirOrderOfPreference)
{
    const TemporaryFolder folder;
    EXPECT_THROW(static_cast<void>(Tokenizer::fromFolder(folder.path())), FileError);
    for (const char* name : {"vocab.json", "merges.txt"})
        folder.write(name, readFile(dataFolder() / "gpt2" / name));
    EXPECT_THAT(Tokenizer::fromFolder(folder.path()).kind(), HasSubstr("vocab.json"));
    folder.write("tokenizer.model", readFile(dataFolder() / "sentencepiece" / "tokenizer.model"));
    EXPECT_THAT(Tokenizer::fromFolder(folder.path()).kind(), HasSubstr("tokenizer.model"));
    folder.write("tokenizer.json", readFile(dataFolder() / "smollm" / "tokenizer.json"));
    EXPECT_EQ(Tokenizer::fromFolder(folder.path()).kind(), "byte-level BPE (tokenizer.json)");
}

TEST(TokenizerFolder, ReadsSpecialTokensTemplatesAndEndsFromTheFilesBesideIt)
{
    const TemporaryFolder folder;
    folder.write("tokenizer.json", readFile(dataFolder() / "smollm" / "tokenizer.json"));
    folder.write("tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656,
        "bos_token": "<repo_name>", "eos_token": {"content": "<|im_end|>", "lstrip": false}, "pad_token": null,
        "chat_template": [{"name": "tools", "template": "x"},
                          {"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}"}]})");
    folder.write("special_tokens_map.json", R"({"bos_token": "<|im_start|>", "unk_token": "<|endoftext|>"})");
    folder.write("generation_config.json", R"({"eos_token_id": [2, 0]})");
    folder.write("config.json", R"({"eos_token_id": 2})");
    const Tokenizer tokenizer = Tokenizer::fromFolder(folder.path());
    EXPECT_EQ(tokenizer.bos(), 1);
    EXPECT_THAT(tokenizer.endOfText(), ElementsAre(2, 0));
    const std::vector<ChatMessage> chat = {{"user", "hi"}};
    EXPECT_EQ(tokenizer.renderChat(chat, true, "").text, "<|im_start|>hi");
    folder.write("chat_template.jinja", "{{ unk_token }}");
    EXPECT_EQ(Tokenizer::fromFolder(folder.path()).renderChat(chat, true, "").text, "<|endoftext|>");
}

TEST(TokenizerFolder, SentencePieceFindsSpecialTokensOnlyIfTheConfigNamesThem)
{
    const TemporaryFolder folder;
    folder.write("tokenizer.model", readFile(dataFolder() / "sentencepiece" / "tokenizer.model"));
    EXPECT_NE(Tokenizer::fromFolder(folder.path()).encode("</s>", SpecialTokens::Omit).back(), 2);
    folder.write("tokenizer_config.json", R"({"add_bos_token": false, "add_eos_token": true,
        "added_tokens_decoder": {"2": {"content": "</s>", "special": true}, "900": {"content": "<|x|>"}}})");
    const Tokenizer tokenizer = Tokenizer::fromFolder(folder.path());
    EXPECT_THAT(tokenizer.encode("</s><|x|>", SpecialTokens::Add), ElementsAre(2, 900, 2));
    EXPECT_TRUE(tokenizer.isSpecial(2));
    EXPECT_FALSE(tokenizer.isSpecial(900));
    EXPECT_EQ(tokenizer.vocabularySize(), 901);
    EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{2, 900}, true), "<|x|>");
    folder.write("tokenizer_config.json", R"({"added_tokens_decoder": {"2": {"content": "other"}}})");
    EXPECT_THROW(static_cast<void>(Tokenizer::fromFolder(folder.path())), FormatError);
}

TEST(TokenizerFolder, RefusesCompanionsItCannotRead)
{
    const TemporaryFolder folder;
    folder.write("tokenizer.json", readFile(dataFolder() / "smollm" / "tokenizer.json"));
    for (const char* config : {"{", "{\"bos_token\": 1}", "{\"chat_template\": 1}", "{\"chat_template\": [1]}",
                               "{\"add_bos_token\": 1}", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"a\"}}}",
                               "{\"added_tokens_decoder\": {\"-1\": {\"content\": \"a\"}}}",
                               "{\"added_tokens_decoder\": {\"1\": {}}}", "{\"added_tokens_decoder\": []}", "[]",
                               "{\"added_tokens_decoder\": {\"1\": \"a\"}}", "{\"additional_special_tokens\": \"a\"}",
                               "{\"extra_special_tokens\": [1]}", "{\"pad_token\": {\"content\": 1}}"}) {
        folder.write("tokenizer_config.json", config);
        EXPECT_THROW(static_cast<void>(Tokenizer::fromFolder(folder.path())), FormatError) << config;
    }
    folder.write("tokenizer_config.json", "{}");
    for (const char* name : {"generation_config.json", "config.json"}) {
        for (const char* config : {R"({"eos_token_id": "x"})", "[]"}) {
            folder.write(name, config);
            EXPECT_THROW(static_cast<void>(Tokenizer::fromFolder(folder.path())), FormatError) << name << config;
        }
        folder.write(name, "{}");
    }
    for (const char* name : {"special_tokens_map.json", "added_tokens.json"}) {
        folder.write(name, "[]");
        EXPECT_THROW(static_cast<void>(Tokenizer::fromFolder(folder.path())), FormatError) << name;
        std::filesystem::remove(folder.path() / name);
    }
    const std::string longToken(5000, 'a');
    folder.write("tokenizer_config.json", R"({"pad_token": ")" + longToken + "\"}");
    EXPECT_THROW(static_cast<void>(Tokenizer::fromFolder(folder.path())), ResourceError);
}

TEST(TokenizerFolder, ManyNewTokensTakeNoTimeToSpeakOf)
{
    const TemporaryFolder folder;
    folder.write("tokenizer.json", readFile(dataFolder() / "smollm" / "tokenizer.json"));
    Json config = {{"extra_special_tokens", Json::array()}, {"added_tokens_decoder", Json::object()}};
    for (int i = 0; i < 5000; ++i) {
        config["extra_special_tokens"].push_back("<e" + std::to_string(i) + ">");
        config["added_tokens_decoder"][std::to_string(i)] = {{"content", "<d" + std::to_string(i) + ">"}};
        config["x" + std::to_string(i) + "_token"] = "<m" + std::to_string(i) + ">";
    }
    folder.write("tokenizer_config.json", config.dump());
    const Tokenizer tokenizer = Tokenizer::fromFolder(folder.path());
    EXPECT_EQ(tokenizer.vocabularySize(), 10900);
    EXPECT_EQ(tokenizer.notices().size(), 2U); // one for all ids, one for all tokens of the model
}

TEST(AddedTokens, RefuseToFillMemory)
{
    AddedTokens tokens;
    AddedToken token;
    token.content = "a";
    tokens.add(token, "a");
    token.id = 1;
    token.content = std::string(AddedTokens::mostBytes, 'b');
    EXPECT_THROW(tokens.add(token, token.content), ResourceError);
}

TEST(TokenizerFolder, RefusesAPostProcessorThatAddsWhatIsNoToken)
{
    const TemporaryFolder folder;
    Json json = parseStrictJson(readFile(dataFolder() / "llama3" / "tokenizer.json"), "llama3");
    json["post_processor"]["processors"][1]["special_tokens"]["<|begin_of_text|>"]["ids"] = {99999};
    folder.write("tokenizer.json", json.dump());
    EXPECT_THROW(static_cast<void>(Tokenizer::fromFolder(folder.path())), FormatError);
}

TEST(GgufTokenizer, NamesSpecialTokensAndEndsOfText)
{
    const Tokenizer llama3 = openReference("gguf_llama3");
    ASSERT_TRUE(llama3.bos());
    EXPECT_EQ(llama3.piece(*llama3.bos()), "<|begin_of_text|>");
    EXPECT_THAT(llama3.endOfText(), ElementsAre(*llama3.bos() + 1, *llama3.bos() + 4));
    EXPECT_FALSE(llama3.hasChatTemplate());
    const std::vector<ChatMessage> chat = {{"user", "hi"}};
    EXPECT_THROW(static_cast<void>(llama3.renderChat(chat, true, "")), UnsupportedError);
    EXPECT_EQ(openReference("gguf_llama").renderChat(chat, true, "").text, "<s>hi</s>");
}

TEST(GgufTokenizer, SaysThatItTakesLlamaCppsDefaultSplitWhereTheFileNamesNone)
{
    EXPECT_THAT(openReference("gguf_llama3").notices(), ElementsAre());
    const Tokenizer unnamed = openReference("gguf_default");
    EXPECT_EQ(unnamed.kind(), "byte-level BPE (GGUF, default)");
    EXPECT_THAT(
        unnamed.notices(),
        ElementsAre("Without tokenizer.ggml.pre the file does not name how the model's tokenizer splits a text; "
                    "here it is split as llama.cpp does by default, which may not be how the model was trained, "
                    "and, as there, no begin-of-text token stands in front of it."));
    // A key that says "default" says no more.
    const TemporaryFolder folder;
    std::string bytes = readFile(dataFolder() / "gguf_llama3" / "tokenizer.gguf");
    const std::string from("llama-bpe");
    const std::size_t at = bytes.find(from);
    ASSERT_NE(at, std::string::npos);
    ASSERT_EQ(bytes[at - 8], 9); // the length, in eight bytes
    bytes.replace(at, from.size(), "default");
    bytes[at - 8] = 7;
    folder.write("t.gguf", bytes);
    const Tokenizer named = Tokenizer::fromGguf(artifact::GgufFile::open(folder.path() / "t.gguf"));
    ASSERT_EQ(named.notices().size(), 1U);
    EXPECT_THAT(named.notices().front(), HasSubstr("tokenizer.ggml.pre = \"default\" does not name"));
    EXPECT_NE(named.encode("Hello", SpecialTokens::Add).front(), *named.bos());
}

// Replaces the first occurrence of a text by one of the same length.
std::string replaced(std::string bytes, const std::string& from, const std::string& to)
{
    const std::size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    return bytes.replace(at, from.size(), to);
}

TEST(GgufTokenizer, RefusesMetadataThatIsMissingOrContradictsItself)
{
    const std::string llama = readFile(dataFolder() / "gguf_llama" / "tokenizer.gguf");
    const std::string llama3 = readFile(dataFolder() / "gguf_llama3" / "tokenizer.gguf");
    const TemporaryFolder folder;
    const auto message = [&folder](const std::string& bytes) -> std::string {
        folder.write("t.gguf", bytes);
        try {
            static_cast<void>(Tokenizer::fromGguf(artifact::GgufFile::open(folder.path() / "t.gguf")));
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_EQ(message(llama), "accepted");
    EXPECT_EQ(message(llama3), "accepted");
    EXPECT_THAT(message(replaced(llama, "tokenizer.ggml.model", "tokenizer.ggml.modex")), HasSubstr("model"));
    EXPECT_THAT(message(replaced(llama, "tokenizer.ggml.tokens", "tokenizer.ggml.tokenx")), HasSubstr("tokens"));
    EXPECT_THAT(message(replaced(llama, "tokenizer.ggml.scores", "tokenizer.ggml.scorex")), HasSubstr("scores"));
    EXPECT_THAT(message(replaced(llama3, "tokenizer.ggml.merges", "tokenizer.ggml.mergex")), HasSubstr("merges"));
    EXPECT_THAT(message(replaced(llama3, "llama-bpe", "llama-bpx")), HasSubstr("llama-bpx"));
    EXPECT_THAT(message(replaced(llama3, "gpt2", "bert")), HasSubstr("bert"));
    // A smaller count of types; the rest of the array then stands where a key should be, so that GGUF itself refuses.
    EXPECT_NE(message(replaced(llama3, "token_type", "token_typo")), "");
    for (std::size_t i = 24; i < llama.size(); i += 211) {
        std::string changed = llama;
        changed[i] = static_cast<char>(changed[i] ^ 0x21);
        static_cast<void>(message(changed)); // one typed error or none
    }
    for (std::size_t i = 24; i < llama3.size(); i += 211)
        static_cast<void>(message(llama3.substr(0, i)));
}

TEST(DemoModel, RendersAndEncodesChatsAsTheReference)
{
    const char* model = std::getenv("BLOCKCERT_DEMO_MODEL");
    if (model == nullptr || !std::filesystem::exists(model))
        GTEST_SKIP() << "the demo model is not set up";
    const Tokenizer tokenizer = openReference("demo");
    EXPECT_EQ(tokenizer.kind(), "byte-level BPE (GGUF, smollm)");
    EXPECT_EQ(tokenizer.vocabularySize(), 49152);
    EXPECT_EQ(tokenizer.bos(), 1);
    EXPECT_THAT(tokenizer.endOfText(), ElementsAre(2));
    std::istringstream lines(readFile(dataFolder() / "demo" / "chat.jsonl"));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        const Json row = parseStrictJson(line, "chat.jsonl");
        std::vector<ChatMessage> messages;
        for (const Json& message : row["messages"])
            messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
        const RenderedChat chat = tokenizer.renderChat(messages, row["generation"].get<bool>(), "");
        EXPECT_EQ(chat.text, row["rendered"].get<std::string>());
        EXPECT_EQ(tokenizer.encode(chat.text, SpecialTokens::Omit), row["ids"].get<std::vector<TokenId>>());
    }
    EXPECT_EQ(count, 3);
}

TEST(DemoModel, GivesTheTokenizerOfItsMetadata)
{
    const char* model = std::getenv("BLOCKCERT_DEMO_MODEL");
    if (model == nullptr || !std::filesystem::exists(model))
        GTEST_SKIP() << "the demo model is not set up";
    EXPECT_THAT(Tokenizer::of(artifact::Checkpoint::open(model)).kind(), HasSubstr("GGUF"));
}

TEST(Tokenizer, ShowsPiecesAsAPersonReadsThem)
{
    const Tokenizer smollm = openReference("smollm");
    std::vector<std::string> pieces;
    for (const TokenId id : smollm.encode("\xF0\x93\x80\x80 a<|im_end|>\n", SpecialTokens::Omit))
        pieces.push_back(smollm.piece(id));
    EXPECT_THAT(pieces, ElementsAre("\\xF0", "\\x93", "\\x80\\x80", " a", "<|im_end|>", "\n"));
    EXPECT_EQ(smollm.piece(-1), "");
    EXPECT_EQ(smollm.piece(smollm.vocabularySize()), "");
    const Tokenizer llama2 = openReference("llama2");
    const std::vector<TokenId> ids = llama2.encode("the \xF0\x93\x80\x80", SpecialTokens::Add);
    EXPECT_EQ(llama2.piece(ids.front()), "<s>");
    EXPECT_EQ(llama2.piece(ids[1]), " the");
    EXPECT_EQ(llama2.piece(ids.back()), "\\x80");
}

TEST(Tokenizer, RefusesTextsThatAreNotUtf8OrTooLong)
{
    const Tokenizer tokenizer = openReference("smollm");
    EXPECT_THROW(static_cast<void>(tokenizer.encode("a\xFF", SpecialTokens::Omit)), FormatError);
    EXPECT_THROW(static_cast<void>(tokenizer.encode(std::string((64U << 20U) + 1, 'a'), SpecialTokens::Omit)),
                 ResourceError);
    EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{-5, 999999}, false), ""); // no such tokens
}

// With a quadratic step anywhere one of these would take minutes; together they need a few seconds of one core.
TEST(Tokenizer, EncodesAMegabyteOfAnythingInSeconds)
{
    const auto repeat = [](const std::string& part, std::size_t size) {
        std::string text;
        while (text.size() < size)
            text += part;
        return text;
    };
    std::vector<std::string> texts = {repeat("The quick brown fox, 12 dogs. ", 1U << 20U), repeat("a", 1U << 20U),
                                      repeat(" ", 1U << 20U)};
    for (const char* part :
         {"\n", "\xE6\xBC\xA2", "1", " \n", "'s", "<|im_start|>", "\xCC\x81\xCC\xA3", "<|im_", "\xE2\x96\x81"})
        texts.push_back(repeat(part, 1U << 17U));
    for (const char* name : {"smollm", "llama2", "sentencepiece"}) {
        const Tokenizer tokenizer = openReference(name);
        for (const std::string& text : texts) {
            const std::vector<TokenId> ids = tokenizer.encode(text, SpecialTokens::Omit);
            EXPECT_GT(ids.size(), 1000U) << name;
            EXPECT_FALSE(tokenizer.decode(ids, false).empty());
        }
    }
}

}
}
