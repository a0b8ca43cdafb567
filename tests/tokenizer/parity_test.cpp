#include "engine/base/sha256.h"
#include "tests/tokenizer/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace blockcert::tokenizer {
namespace {

class Parity : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override
    {
        const char* demo = std::getenv("BLOCKCERT_DEMO_MODEL");
        if (std::string(GetParam()) == "demo" && (demo == nullptr || !std::filesystem::exists(demo)))
            GTEST_SKIP() << "the demo model is not set up";
    }
};

std::string decodedDigest(const std::string& decoded, const std::string& expected)
{
    return expected.size() == 64 && decoded.size() > 64 ? sha256Of(decoded) : decoded;
}

TEST_P(Parity, EveryLineOfTheCorpusHasTheReferencesIds)
{
    const Tokenizer tokenizer = openReference(GetParam());
    const std::vector<std::string> lines = corpus();
    const Json expected = expectations(GetParam())["lines"];
    ASSERT_EQ(lines.size(), expected.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const Json& ids = expected[i]["ids"];
        EXPECT_EQ(describe(tokenizer.encode(lines[i], SpecialTokens::Omit), ids), describe(ids))
            << "line " << i + 1 << ": " << lines[i].substr(0, 100);
        const Json& special = expected[i].contains("special") ? expected[i]["special"] : ids;
        EXPECT_EQ(describe(tokenizer.encode(lines[i], SpecialTokens::Add), special), describe(special))
            << "with special tokens, line " << i + 1;
    }
}

TEST_P(Parity, EveryLineOfTheCorpusIsDecodedAsByTheReference)
{
    const Tokenizer tokenizer = openReference(GetParam());
    const std::vector<std::string> lines = corpus();
    const Json expected = expectations(GetParam())["lines"];
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::vector<TokenId> ids = tokenizer.encode(lines[i], SpecialTokens::Omit);
        for (const bool skip : {false, true}) {
            const char* key = skip ? "decoded_without_special" : "decoded";
            const Json recorded = expected[i].value(key, Json(lines[i]));
            if (recorded.is_null()) // the reference decodes unknown pieces in a way of its own
                continue;
            const auto text = recorded.get<std::string>();
            EXPECT_EQ(decodedDigest(tokenizer.decode(ids, skip), text), text) << "line " << i + 1 << ", skip " << skip;
        }
    }
}

TEST_P(Parity, RandomIdsAreDecodedAsByTheReference)
{
    const Tokenizer tokenizer = openReference(GetParam());
    const Json rows = expectations(GetParam())["random"];
    ASSERT_EQ(rows.size(), 40U);
    for (const Json& row : rows) {
        const auto ids = row["ids"].get<std::vector<TokenId>>();
        if (row["decoded"].is_null())
            continue;
        EXPECT_EQ(tokenizer.decode(ids, false), row["decoded"].get<std::string>()) << row["ids"].dump();
        EXPECT_EQ(tokenizer.decode(ids, true), row["decoded_without_special"].get<std::string>()) << row["ids"].dump();
    }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Parity,
                         testing::Values("demo", "gpt2", "smollm", "llama3", "llama2", "llama2_metaspace", "splits",
                                         "odd", "odd_fused", "words", "cuts", "punctuation", "sentencepiece",
                                         "sentencepiece_unusual", "sentencepiece_rules", "gguf_llama", "gguf_llama3",
                                         "gguf_default"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}
}
