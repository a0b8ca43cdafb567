#include "engine/base/error.h"
#include "engine/surrogate/surrogate_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blockcert::surrogate {
namespace {

using ::testing::HasSubstr;

std::string refusalOf(const char* text, bool ablation)
{
    try {
        ablation ? (void)parseAblation(text) : (void)parseSurrogate(text);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "not refused";
}

TEST(SurrogateText, IsReadWithItsDefaultsAndWrittenOut)
{
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"exact", "exact"},
        {"low-rank:64", "low-rank:64:attn"},
        {"low-rank:1:mlp", "low-rank:1:mlp"},
        {"low-rank:256:all", "low-rank:256:all"},
        {"quant:Q8_0", "quant:Q8_0"},
        {"quant:Q4_1", "quant:Q4_1"},
        {"checkpoint:models/a:b.gguf", "checkpoint"},
    };
    for (const auto& [text, written] : cases)
        EXPECT_EQ(textOf(parseSurrogate(text).choice), written);
    EXPECT_EQ(parseSurrogate("checkpoint:models/a:b.gguf").model, "models/a:b.gguf");
    EXPECT_EQ(parseSurrogate("low-rank:7:all").choice,
              (SurrogateChoice{.family = SurrogateFamily::LowRank, .rank = 7, .matrices = MatrixGroup::All}));
}

TEST(SurrogateText, OfNoFamilyIsRefusedInOneSentence)
{
    for (const char* text : {"", "low-rank", "low-rank:", "low-rank:0", "low-rank:-3", "low-rank:4x", "low-rank:4:",
                             "low-rank:4:embeddings", "low-rank:99999999999", "quant", "quant:", "quant:Q5_0",
                             "quant:F16", "quant:q8_0", "checkpoint", "checkpoint:", "exact:1", "Exact", "svd:4"}) {
        const std::string sentence = refusalOf(text, false);
        EXPECT_THAT(sentence, HasSubstr("--surrogate " + std::string(text))) << text;
        EXPECT_EQ(sentence.find('\n'), std::string::npos);
    }
}

TEST(AblationText, IsReadWithItsDefaultsAndWrittenOut)
{
    EXPECT_EQ(parseAblation("drop-rope"), (Ablation{Ablation::Kind::DropRope, 0}));
    EXPECT_EQ(parseAblation("invert-mask"), (Ablation{Ablation::Kind::InvertMask, 0}));
    EXPECT_EQ(parseAblation("zero-wv"), (Ablation{Ablation::Kind::ZeroValues, 0}));
    EXPECT_EQ(parseAblation("noise-wq"), (Ablation{Ablation::Kind::NoiseQuery, 0.01}));
    EXPECT_EQ(parseAblation("noise-wq:0.1"), (Ablation{Ablation::Kind::NoiseQuery, 0.1}));
    EXPECT_EQ(textOf(parseAblation("noise-wq")), "noise-wq:0.01");
    EXPECT_EQ(textOf(parseAblation("noise-wq:1e-3")), "noise-wq:0.001");
    EXPECT_EQ(textOf(parseAblation("zero-wv")), "zero-wv");
    EXPECT_EQ(textOf(Ablation{}), "");
}

TEST(AblationText, OfNoKindIsRefusedInOneSentence)
{
    for (const char* text : {"", "none", "drop-rope:1", "noise-wq:", "noise-wq:0", "noise-wq:-1", "noise-wq:nan",
                             "noise-wq:inf", "noise-wq:1e9", "noise-wq:0.1x", "noise-wk"})
        EXPECT_THAT(refusalOf(text, true), HasSubstr("--ablate " + std::string(text))) << text;
}

}
}
