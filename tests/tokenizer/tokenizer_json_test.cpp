#include "engine/base/error.h"
#include "engine/tokenizer/readers.h"
#include "tests/tokenizer/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace blockcert::tokenizer {
namespace {

// A small tokenizer.json of which one part can be replaced.
Json minimal()
{
    return Json::parse(R"({"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
        "post_processor": null, "decoder": null,
        "model": {"type": "BPE", "unk_token": null, "vocab": {"a": 0, "b": 1, "ab": 2, "aba": 3},
                  "merges": ["a b", ["ab", "a"]]}})");
}

Pipeline read(const Json& json)
{
    return readTokenizerJson(json.dump(), "tokenizer.json");
}

Pipeline readWith(const std::string& part, const std::string& value)
{
    Json json = minimal();
    json[part] = Json::parse(value);
    return read(json);
}

template <class Wanted>
void expectThrow(const std::function<void()>& action, const std::string& part)
{
    try {
        action();
        ADD_FAILURE() << "accepted, but should name " << part;
    } catch (const Wanted& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr(part));
    } catch (const Error& error) {
        ADD_FAILURE() << "fails otherwise: " << error.what();
    }
}

TEST(TokenizerJson, JoinsLowestRankFirstAndLeftmostOnTies)
{
    const Pipeline pipeline = read(minimal());
    EXPECT_THAT(pipeline.encode("ababa", false), testing::ElementsAre(2, 3));
    EXPECT_THAT(pipeline.encode("axb", false), testing::ElementsAre(2)); // nothing for x: no unknown token
    EXPECT_THAT(pipeline.encode("", false), testing::IsEmpty());
    EXPECT_EQ(pipeline.vocabularySize(), 4);
}

TEST(TokenizerJson, RefusesEveryComponentItDoesNotImplementByName)
{
    const std::pair<const char*, const char*> cases[] = {
        {"normalizer", "BertNormalizer"},
        {"normalizer", "Precompiled"},
        {"normalizer", "Nmt"},
        {"normalizer", "StripAccents"},
        {"pre_tokenizer", "UnicodeScripts"},
        {"pre_tokenizer", "FixedLength"},
        {"decoder", "WordPiece"},
        {"decoder", "CTC"},
        {"decoder", "BPEDecoder"},
    };
    for (const auto& [part, type] : cases)
        expectThrow<UnsupportedError>([&] { readWith(part, R"({"type": ")" + std::string(type) + "\"}"); }, type);
    expectThrow<UnsupportedError>(
        [] { readWith("normalizer", R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Nmt"}]})"); },
        "Nmt");
    for (const char* type : {"WordPiece", "Unigram", "WordLevel"})
        expectThrow<UnsupportedError>(
            [&] {
                Json json = minimal();
                json["model"]["type"] = type;
                read(json);
            },
            type);
    expectThrow<UnsupportedError>([] { readWith("version", "\"2.0\""); }, "2.0");
    for (const char* option : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
        expectThrow<UnsupportedError>(
            [&] {
                Json json = minimal();
                json["model"][option] = std::string(option) == "dropout" ? Json(0.1) : Json("##");
                read(json);
            },
            option);
}

TEST(TokenizerJson, CutsAsBertDoesAtWhiteSpaceAndPunctuation)
{
    const Pipeline bert = readWith("pre_tokenizer", R"({"type": "BertPreTokenizer"})");
    const Pipeline both = readWith("pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Punctuation"}]})");
    const std::vector<PreTokenizerStep> none;
    // What tokenizers 0.23 makes of it.
    const std::vector<std::string> expected = {"a", ",", "b", "¡", "§", "c", "+", "¶", "d"};
    for (const Pipeline* pipeline : {&bert, &both}) {
        std::vector<std::string> words;
        for (const Word& word : preTokenize(pipeline->preTokenizer, {"  a,b\u00a0¡§c\n+¶d ", true}))
            words.push_back(word.text);
        EXPECT_EQ(words, expected);
    }
}

TEST(TokenizerJson, RefusesAVocabularyThatContradictsItself)
{
    const auto withModel = [](const char* key, const char* value) {
        Json json = minimal();
        json["model"][key] = Json::parse(value);
        return [json] { read(json); };
    };
    expectThrow<FormatError>(withModel("merges", R"(["a x"])"), "\"x\"");
    expectThrow<FormatError>(withModel("merges", R"(["b a"])"), "\"ba\"");
    expectThrow<FormatError>(withModel("merges", R"(["ab"])"), "merges[0]");
    expectThrow<FormatError>(withModel("merges", R"(["a  b"])"), "merges[0]");
    expectThrow<FormatError>(withModel("merges", R"([["a"]])"), "merges[0]");
    expectThrow<FormatError>(withModel("merges", R"([["a", "b"], 7])"), "merges[1]");
    expectThrow<FormatError>(withModel("merges", "{}"), "merges");
    expectThrow<FormatError>(withModel("vocab", R"({"a": 0, "b": 0})"), "token 0");
    expectThrow<FormatError>(withModel("vocab", R"({"a": -1})"), "-1");
    expectThrow<FormatError>(withModel("vocab", R"({"a": 4294967296})"), "4294967296");
    expectThrow<FormatError>(withModel("vocab", R"({"a": 18446744073709551615})"), "vocab");
    expectThrow<FormatError>(withModel("vocab", R"({"a": 1.5})"), "vocab");
    expectThrow<FormatError>(withModel("vocab", "[]"), "vocab");
    expectThrow<FormatError>(withModel("unk_token", "\"<unk>\""), "<unk>");
    expectThrow<FormatError>(withModel("byte_fallback", "1"), "byte_fallback");
    Json longToken = minimal();
    longToken["model"]["vocab"][std::string(5000, 'x')] = 4;
    expectThrow<ResourceError>([&] { read(longToken); }, "4096");
    expectThrow<FormatError>([] { readTokenizerJson(R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}})", "f"); },
                             "twice");
    expectThrow<FormatError>([] { readTokenizerJson("{}", "f"); }, "model");
    expectThrow<FormatError>([] { readTokenizerJson("[]", "f"); }, "object");
}

TEST(TokenizerJson, RefusesAddedTokensWithOtherIdsThanTheReferenceGives)
{
    const auto token = [](const char* content, int id) {
        return R"([{"id": )" + std::to_string(id) + R"(, "content": ")" + content + R"(", "special": true}])";
    };
    EXPECT_NO_THROW(readWith("added_tokens", token("<s>", 4)));
    EXPECT_NO_THROW(readWith("added_tokens", token("ab", 2)));
    expectThrow<FormatError>([&] { readWith("added_tokens", token("<s>", 5)); }, "<s>");
    expectThrow<FormatError>([&] { readWith("added_tokens", token("ab", 4)); }, "ab");
    expectThrow<FormatError>([&] { readWith("added_tokens", token("<s>", -1)); }, "<s>");
    expectThrow<FormatError>([] { readWith("added_tokens", R"([{"id": 4}])"); }, "content");
    expectThrow<FormatError>([] { readWith("added_tokens", R"([{"content": "x"}])"); }, "id");
}

TEST(TokenizerJson, RefusesComponentsWithBadMembers)
{
    const std::pair<const char*, const char*> cases[] = {
        {"normalizer", R"({})"},
        {"normalizer", R"({"type": 1})"},
        {"normalizer", R"({"type": "Sequence"})"},
        {"normalizer", R"({"type": "Sequence", "normalizers": [1]})"},
        {"normalizer", R"({"type": "Replace", "pattern": "x", "content": "y"})"},
        {"normalizer", R"({"type": "Replace", "pattern": {"Regex": "("}, "content": "y"})"},
        {"normalizer", R"({"type": "Prepend"})"},
        {"pre_tokenizer", R"({"type": "Split", "pattern": {"String": "x"}, "behavior": "Sometimes", "invert": false})"},
        {"pre_tokenizer", R"({"type": "Metaspace", "replacement": ""})"},
        {"pre_tokenizer", R"({"type": "Metaspace", "replacement": "xy"})"},
        {"pre_tokenizer", R"({"type": "Metaspace", "replacement": "x", "prepend_scheme": "last"})"},
        {"pre_tokenizer",
         R"({"type": "Metaspace", "replacement": "x", "prepend_scheme": "first", "add_prefix_space": false})"},
        {"pre_tokenizer", R"({"type": "ByteLevel", "use_regex": "yes"})"},
        {"pre_tokenizer", R"({"type": "Punctuation", "behavior": "Sometimes"})"},
        {"pre_tokenizer", R"({"type": "CharDelimiterSplit"})"},
        {"pre_tokenizer", R"({"type": "CharDelimiterSplit", "delimiter": "ab"})"},
        {"post_processor", R"({"type": "BertProcessing", "sep": ["b", 1]})"},
        {"post_processor", R"({"type": "RobertaProcessing", "sep": ["b", 1], "cls": ["a", -1]})"},
        {"post_processor", R"({"type": "RobertaProcessing", "sep": ["b", 1], "cls": "a"})"},
        {"decoder", R"({"type": "Strip", "content": " ", "start": -1, "stop": 0})"},
        {"decoder", R"({"type": "Strip", "content": "  ", "start": 1, "stop": 0})"},
        {"post_processor", R"({"type": "TemplateProcessing"})"},
        {"post_processor",
         R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens": {}})"},
        {"post_processor",
         R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"s": {"ids": [-1]}}})"},
        {"post_processor", R"({"type": "TemplateProcessing", "single": [], "special_tokens": {}})"},
        {"post_processor",
         R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B"}}], "special_tokens": {}})"},
    };
    for (const auto& [part, value] : cases)
        EXPECT_THROW(readWith(part, value), Error) << part << " " << value;
}

TEST(TokenizerJson, BoundsWhatANormaliserCanGrow)
{
    const std::string longText(5000, 'x');
    EXPECT_THROW(readWith("normalizer", R"({"type": "Prepend", "prepend": ")" + longText + "\"}"), ResourceError);
    // 4096-fold twice: a text of 100 bytes would become 1.7 GB.
    const std::string replace =
        R"({"type": "Replace", "pattern": {"String": "a"}, "content": ")" + std::string(4096, 'a') + "\"}";
    const Pipeline pipeline =
        readWith("normalizer", R"({"type": "Sequence", "normalizers": [)" + replace + "," + replace + "]}");
    EXPECT_THROW(static_cast<void>(pipeline.encode(std::string(100, 'a'), false)), ResourceError);
}

TEST(TokenizerJson, EveryTruncationIsOneTypedError)
{
    for (const char* name : {"llama3", "llama2", "odd"}) {
        const std::string text = readFile(dataFolder() / name / "tokenizer.json");
        const std::string body = text.substr(0, text.find_last_of('}'));
        for (std::size_t length = 0; length <= body.size(); length += length < 2000 ? 13 : 251)
            EXPECT_THROW(static_cast<void>(readTokenizerJson(body.substr(0, length), "f")), FormatError)
                << name << length;
    }
}

TEST(TokenizerJson, AFlippedByteIsReadOrRefusedButNeverMore)
{
    const std::string text = readFile(dataFolder() / "odd" / "tokenizer.json");
    for (std::size_t i = 0; i < text.size(); i += 37) {
        std::string changed = text;
        changed[i] = static_cast<char>(changed[i] ^ 0x15);
        try {
            const Pipeline pipeline = readTokenizerJson(changed, "f");
            static_cast<void>(pipeline.encode("A quick brown [MASK] fox  12", true));
        } catch (const Error&) {
        }
    }
}

}
}
