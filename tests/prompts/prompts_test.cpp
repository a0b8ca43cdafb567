#include "engine/artifact/gguf.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/prompts/prompts.h"
#include "engine/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>

namespace blockcert::prompts {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tokenizer::Tokenizer;

PromptFile jsonl(std::string_view content)
{
    return parsePrompts(content, "jsonl", "p.jsonl");
}

template <class Wanted>
void expectThrow(const std::function<void()>& action, const std::string& part)
{
    try {
        action();
        ADD_FAILURE() << "accepted, but should say " << part;
    } catch (const Wanted& error) {
        EXPECT_THAT(error.what(), HasSubstr(part));
    } catch (const Error& error) {
        ADD_FAILURE() << "fails otherwise: " << error.what();
    }
}

Tokenizer small(const char* name)
{
    return Tokenizer::fromFolder(std::filesystem::path(std::getenv("BLOCKCERT_TEST_DATA")) / "tokenizers" / name);
}

TEST(ParsePrompts, ReadsEveryFieldOfJsonLines)
{
    const PromptFile file =
        jsonl("{\"id\": \"a\", \"text\": \" two  spaces \\n\", \"label\": \"x\", \"tags\": [\"t\", \"u\"]}\r\n"
              "\n"
              "{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"split\": \"heldout\"}\n"
              "{\"token_ids\": [1, 2, 2147483647]}");
    ASSERT_EQ(file.prompts.size(), 3U);
    EXPECT_EQ(file.name, "p.jsonl");
    EXPECT_FALSE(file.bundled);
    EXPECT_EQ(file.prompts[0].text, " two  spaces \n");
    EXPECT_EQ(file.prompts[0].label, "x");
    EXPECT_THAT(file.prompts[0].tags, ElementsAre("t", "u"));
    EXPECT_EQ(file.prompts[1].id, "prompt-2");
    EXPECT_THAT(file.prompts[1].messages, ElementsAre(ChatMessage{"user", ""}));
    EXPECT_EQ(file.prompts[1].split, "heldout");
    EXPECT_THAT(file.prompts[2].tokenIds, ElementsAre(1, 2, 2147483647));
}

TEST(ParsePrompts, NamesTheLineOfEveryMistakeInJsonLines)
{
    const std::string good = "{\"text\": \"a\"}\n\n";
    const std::pair<const char*, const char*> cases[] = {
        {"{\"text\": \"a\"", "line 3"},
        {"[1]", "line 3: every line must be one JSON object"},
        {"{}", "found 0"},
        {"{\"text\": \"a\", \"token_ids\": [1]}", "found 2"},
        {"{\"text\": \"a\", \"txet\": \"b\"}", "txet"},
        {"{\"text\": 1}", "\"text\" must be a string"},
        {"{\"text\": \"a\", \"text\": \"b\"}", "twice"},
        {"{\"id\": \"\", \"text\": \"a\"}", "\"id\" is empty"},
        {"{\"id\": \"prompt-1\", \"text\": \"a\"}",
         "line 3: the prompt has the id \"prompt-1\", which the one in line 1 has, too"},
        {"{\"messages\": []}", "messages"},
        {"{\"messages\": [{\"role\": \"user\"}]}", "role"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"a\", \"name\": \"b\"}]}", "nothing else"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": 1}]}", "\"content\" must be a string"},
        {"{\"token_ids\": []}", "token_ids"},
        {"{\"token_ids\": [-1]}", "-1"},
        {"{\"token_ids\": [2147483648]}", "2147483648"},
        {"{\"token_ids\": [18446744073709551615]}", "18446744073709551615"},
        {"{\"token_ids\": [1.0]}", "1.0"},
        {"{\"token_ids\": [true]}", "true"},
        {"{\"text\": \"a\", \"tags\": \"b\"}", "tags"},
        {"{\"text\": \"a\", \"tags\": [1]}", "tags"},
        {"{\"text\": \"a\", \"split\": \"held-out\"}", "held-out"},
        {"{\"text\": \"\xFF\"}", "line 3: not valid UTF-8 at byte 25"},
    };
    for (const auto& [line, part] : cases) {
        expectThrow<FormatError>([&, bad = line] { jsonl(good + bad); }, part);
        expectThrow<FormatError>([&, bad = line] { jsonl(good + bad); }, "line 3");
    }
    expectThrow<FormatError>([] { jsonl(""); }, "no prompt");
    expectThrow<FormatError>([] { jsonl("\n \n"); }, "no prompt");
}

TEST(ParsePrompts, ReadsTextLinesAsTheyAre)
{
    const PromptFile file = parsePrompts("\xEF\xBB\xBF first \r\n\n \n\tlast", "txt", "p.txt");
    ASSERT_EQ(file.prompts.size(), 3U);
    EXPECT_EQ(file.prompts[0].text, " first ");
    EXPECT_EQ(file.prompts[1].text, " ");
    EXPECT_EQ(file.prompts[2].text, "\tlast");
    EXPECT_EQ(file.prompts[2].id, "prompt-3");
}

TEST(ParsePrompts, ReadsTablesWithQuotesAndLineEnds)
{
    const PromptFile file = parsePrompts("id,text,label,tags,token_ids,messages,split\r\n"
                                         "a,\" says \"\"hi\"\",\nand more \",yes,t;u,,,train\r\n"
                                         "\r\n"
                                         "b,,,,\"1 2,3\",,\n"
                                         "c,,,,,\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"x\"\"}]\",\n"
                                         "d, plain ,,,,,",
                                         "csv", "p.csv");
    ASSERT_EQ(file.prompts.size(), 4U);
    EXPECT_EQ(file.prompts[0].text, " says \"hi\",\nand more ");
    EXPECT_THAT(file.prompts[0].tags, ElementsAre("t", "u"));
    EXPECT_EQ(file.prompts[0].split, "train");
    EXPECT_THAT(file.prompts[1].tokenIds, ElementsAre(1, 2, 3));
    EXPECT_THAT(file.prompts[2].messages, ElementsAre(ChatMessage{"user", "x"}));
    EXPECT_EQ(file.prompts[3].text, " plain ");
}

TEST(ParsePrompts, NamesTheLineOfEveryMistakeInTables)
{
    const std::pair<const char*, const char*> cases[] = {
        {"", "empty"},
        {"text", "no prompt"},
        {"text,text\na,b", "line 1: the column \"text\""},
        {"text,other\na,b", "line 2: unknown name \"other\""},
        {"text,label\na", "line 2: 1 fields"},
        {"text\n\"a\nb\"\nc,d", "line 4: 2 fields"},
        {"text\n\"a", "line 2: a quoted field"},
        {"text\n\"a\"b", "line 2: text behind"},
        {"text\na\"b", "line 2: a quote"},
        {"token_ids\n1 x", "line 2: \"x\""},
        {"token_ids\n99999999999999999999", "line 2"},
        {"id,token_ids\na,\" \"", "line 2: \"token_ids\""},
        {"messages\n[1", "line 2"},
        {"id,text\nx,a\nx,b", "line 3: the prompt has the id \"x\", which the one in line 2 has, too"},
    };
    for (const auto& [content, part] : cases)
        expectThrow<FormatError>([text = content] { parsePrompts(text, "csv", "p.csv"); }, part);
}

TEST(ParsePrompts, KeepsItsLimits)
{
    expectThrow<ResourceError>([] { parsePrompts(std::string((64U << 20U) + 1, 'a'), "txt", "p.txt"); }, "67108864");
    std::string many;
    for (int i = 0; i <= 20'000; ++i)
        many += "a\n";
    expectThrow<ResourceError>([&] { parsePrompts(many, "txt", "p.txt"); }, "20000");
    expectThrow<UsageError>([] { parsePrompts("a", "xml", "p.xml"); }, "xml");
}

TEST(ParsePrompts, EveryTruncationOfATableIsReadOrRefused)
{
    const std::string table = "id,text,tags,token_ids\na,\"x \"\"y\"\"\nz\",t;u,\nb,,,\"1 2\"\n\xC3\xA9,q,,\n";
    for (std::size_t length = 0; length <= table.size(); ++length) {
        try {
            parsePrompts(table.substr(0, length), "csv", "p.csv");
        } catch (const FormatError&) {
        }
    }
}

TEST(ReadPrompts, TakesABundledNameOrAFileByItsExtension)
{
    EXPECT_THAT(bundledNames(), ElementsAre("base", "stress", "semantic", "refusal"));
    const std::filesystem::path path = std::filesystem::temp_directory_path() / "blockcert-prompts-test.txt";
    std::ofstream(path) << "one\n";
    const PromptFile file = readPrompts(path.string());
    EXPECT_EQ(file.name, "blockcert-prompts-test.txt");
    EXPECT_EQ(file.sha256, sha256Of("one\n"));
    std::filesystem::remove(path);
    expectThrow<FileError>([&] { readPrompts(path.string()); }, "blockcert-prompts-test.txt");
    expectThrow<UsageError>([] { readPrompts("bass"); }, "base, stress, semantic, refusal");
    expectThrow<UsageError>([] { readPrompts("prompts.parquet"); }, ".jsonl");
}

TEST(BundledPrompts, AreTheFilesOfTheSourceTree)
{
    const std::filesystem::path folder =
        std::filesystem::path(std::getenv("BLOCKCERT_SOURCE")) / "resources" / "prompts";
    for (const std::string& name : bundledNames()) {
        std::ifstream file(folder / (name + ".jsonl"), std::ios::binary);
        const std::string content{std::istreambuf_iterator<char>(file), {}};
        const PromptFile bundled = readPrompts(name);
        EXPECT_TRUE(bundled.bundled);
        EXPECT_EQ(bundled.name, name);
        EXPECT_EQ(bundled.sha256, sha256Of(content)) << name;
        EXPECT_EQ(bundled.prompts, parsePrompts(content, "jsonl", name).prompts);
    }
}

TEST(BundledPrompts, HaveTheSizesAndLabelsThatTheDocumentationStates)
{
    EXPECT_EQ(readPrompts("base").prompts.size(), 4U);
    EXPECT_EQ(readPrompts("stress").prompts.size(), 10U);
    std::map<std::string, int> kinds;
    for (const PromptSource& prompt : readPrompts("semantic").prompts) {
        EXPECT_TRUE(prompt.text);
        EXPECT_TRUE(prompt.label.starts_with(' ')) << prompt.id; // the next token as it stands in a text
        ++kinds[prompt.tags.at(0)];
    }
    EXPECT_THAT(kinds,
                ElementsAre(testing::Pair("arithmetic", 10), testing::Pair("fact", 10), testing::Pair("yes-no", 10)));
    std::map<std::string, int> labels;
    for (const PromptSource& prompt : readPrompts("refusal").prompts) {
        EXPECT_EQ(prompt.messages.size(), 1U);
        ++labels[prompt.label];
    }
    EXPECT_THAT(labels, ElementsAre(testing::Pair("answer", 12), testing::Pair("refuse", 12)));
}

TEST(EncodePrompts, TakesTextRawMessagesThroughTheTemplateAndIdsLiterally)
{
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / "blockcert-encode-test";
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(std::filesystem::path(std::getenv("BLOCKCERT_TEST_DATA")) /
                                   "tokenizers/llama3/tokenizer.json",
                               folder / "tokenizer.json", std::filesystem::copy_options::overwrite_existing);
    std::ofstream(folder / "chat_template.jinja") << "<|begin_of_text|>{{ strftime_now('%d') }} {{ messages[0].content "
                                                     "}}{% if add_generation_prompt %}:{% endif %}";
    const Tokenizer tokenizer = Tokenizer::fromFolder(folder);
    std::filesystem::remove_all(folder);
    const PromptFile file =
        jsonl("{\"id\": \"t\", \"text\": \"Hello\", \"label\": \"l\", \"tags\": [\"g\"], \"split\": \"train\"}\n"
              "{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}\n"
              "{\"token_ids\": [5, 6]}\n");
    const PromptSet set = encodePrompts(file, tokenizer, {.date = "1 May 2026"});
    const TokenId bos = *tokenizer.bos();
    ASSERT_EQ(set.prompts.size(), 3U);
    EXPECT_EQ(set.prompts[0].tokenIds.front(), bos);
    EXPECT_EQ(set.prompts[0].rendered, "Hello");
    EXPECT_EQ(set.prompts[0].label, "l");
    EXPECT_THAT(set.prompts[0].tags, ElementsAre("g"));
    EXPECT_EQ(set.prompts[0].split, "train");
    EXPECT_EQ(set.prompts[1].rendered, "<|begin_of_text|>01 Hello:");
    EXPECT_EQ(set.prompts[1].tokenIds.front(), bos);
    EXPECT_NE(set.prompts[1].tokenIds[1], bos); // the template wrote it, so it is not added again
    EXPECT_THAT(set.prompts[2].tokenIds, ElementsAre(5, 6));
    EXPECT_THAT(set.prompts[2].pieces, ElementsAre(tokenizer.piece(5), tokenizer.piece(6)));
    EXPECT_EQ(set.prompts[2].rendered, "");
    EXPECT_EQ(set.pinnedDate, "1 May 2026");
    EXPECT_EQ(set.templateSha256.size(), 64U);
    EXPECT_EQ(encodePrompts(file, tokenizer, {}).pinnedDate, "26 Jul 2024");
    EXPECT_EQ(encodePrompts(jsonl("{\"text\": \"a\"}"), tokenizer, {.date = "x"}).pinnedDate, "");
}

TEST(EncodePrompts, TruncatesAtTheEndAndCountsWhatIsLost)
{
    const Tokenizer tokenizer = small("smollm");
    const PromptFile file = jsonl("{\"token_ids\": [1, 2, 3, 4, 5]}\n{\"token_ids\": [7]}");
    const PromptSet set = encodePrompts(file, tokenizer, {.maxTokens = 3});
    EXPECT_THAT(set.prompts[0].tokenIds, ElementsAre(1, 2, 3));
    EXPECT_EQ(set.prompts[0].truncatedTokens, 2);
    EXPECT_EQ(set.prompts[1].truncatedTokens, 0);
    EXPECT_EQ(set.tokenCount(), 4);
    EXPECT_EQ(encodePrompts(file, tokenizer, {.maxTokens = 3, .context = 2}).prompts[0].truncatedTokens, 3);
    expectThrow<UsageError>([&] { static_cast<void>(encodePrompts(file, tokenizer, {.maxTokens = 0})); }, "0 tokens");
}

TEST(EncodePrompts, RefusesPromptsThatAreNoInput)
{
    const Tokenizer tokenizer = small("smollm");
    expectThrow<FormatError>(
        [&] { static_cast<void>(encodePrompts(jsonl("{\"id\": \"e\", \"text\": \"\"}"), tokenizer, {})); }, "\"e\"");
    expectThrow<FormatError>(
        [&] { static_cast<void>(encodePrompts(jsonl("{\"token_ids\": [1, 900000]}"), tokenizer, {})); }, "900000");
    expectThrow<FormatError>(
        [&] { static_cast<void>(encodePrompts(jsonl("{\"token_ids\": [6]}"), tokenizer, {.vocabulary = 6})); },
        "vocabulary of 6");
    EXPECT_NO_THROW(
        static_cast<void>(encodePrompts(jsonl("{\"token_ids\": [900000]}"), tokenizer, {.vocabulary = 900001})));
    expectThrow<UnsupportedError>(
        [&] {
            static_cast<void>(
                encodePrompts(jsonl("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}"), tokenizer, {}));
        },
        "chat template");
}

TEST(TakeLiterally, TakesIdsWithoutATokenizerAndSaysWhatElseNeedsOne)
{
    const FileError why("m: no tokenizer.json.");
    const PromptSet set =
        takeLiterally(jsonl("{\"id\": \"a\", \"token_ids\": [5, 1, 2]}"), {.maxTokens = 2, .vocabulary = 6}, why);
    ASSERT_EQ(set.prompts.size(), 1U);
    EXPECT_THAT(set.prompts[0].tokenIds, testing::ElementsAre(5, 1));
    EXPECT_EQ(set.prompts[0].truncatedTokens, 1);
    EXPECT_TRUE(set.prompts[0].pieces.empty());
    expectThrow<FormatError>(
        [&] { static_cast<void>(takeLiterally(jsonl("{\"token_ids\": [6]}"), {.vocabulary = 6}, why)); },
        "vocabulary of 6");
    try {
        static_cast<void>(takeLiterally(jsonl("{\"text\": \"a\"}"), {.vocabulary = 6}, why));
        ADD_FAILURE() << "a text was taken without a tokenizer";
    } catch (const Error& error) {
        EXPECT_EQ(error.exitCode(), ExitCode::InputUnreadable);
        EXPECT_THAT(error.what(),
                    testing::HasSubstr("m: no tokenizer.json. Put a tokenizer that can be read beside the model"));
        EXPECT_THAT(error.what(), testing::HasSubstr("token_ids"));
    }
}

TEST(EncodePrompts, DigestsLengthsAndIds)
{
    PromptSet set;
    set.prompts.resize(2);
    set.prompts[0].tokenIds = {1, 258};
    using namespace std::string_literals;
    EXPECT_EQ(tokenIdsSha256(set), sha256Of("\2\0\0\0\0\0\0\0\1\0\0\0\2\1\0\0\0\0\0\0\0\0\0\0"s));
}

TEST(DemoModel, EncodesTheBundledSetsToTheStatedLengths)
{
    const char* model = std::getenv("BLOCKCERT_DEMO_MODEL");
    if (model == nullptr || !std::filesystem::exists(model))
        GTEST_SKIP() << "the demo model is not set up";
    const Tokenizer tokenizer = Tokenizer::fromGguf(artifact::GgufFile::open(model));
    const auto lengths = [&](const char* name) {
        std::vector<std::size_t> result;
        for (const EncodedPrompt& prompt : encodePrompts(readPrompts(name), tokenizer, {}).prompts)
            result.push_back(prompt.tokenIds.size());
        return result;
    };
    EXPECT_THAT(lengths("base"), ElementsAre(23, 21, 24, 22));
    EXPECT_THAT(lengths("stress"), ElementsAre(30, 26, 25, 26, 22, 27, 22, 27, 22, 24)); // 251 in all
    EXPECT_THAT(lengths("semantic"), testing::Each(testing::Le(16U)));
    EXPECT_THAT(lengths("refusal"), testing::Each(testing::Le(64U)));
    for (const PromptSource& prompt : readPrompts("semantic").prompts)
        EXPECT_EQ(tokenizer.encode(prompt.label, tokenizer::SpecialTokens::Omit).size(), 1U) << prompt.label;
}

}
}
