#include "engine/base/error.h"
#include "engine/certificate/cell_draw.h"
#include "engine/certificate/check_list.h"
#include "engine/certificate/policy_file.h"
#include "engine/certificate/verdict_text.h"

#include <gtest/gtest.h>

#include <map>

namespace blockcert::certificate {
namespace {

PolicyFile parse(const std::string& text)
{
    return parsePolicy(text, "policy.json", defaultPolicy(DType::BF16));
}

TEST(PolicyFile, KeepsTheDefaultsItDoesNotMention)
{
    const PolicyFile file = parse(R"({"schema": "blockcert.policy/1", "tau_act": 0.5})");
    EXPECT_EQ(file.policy.tauAct, 0.5);
    EXPECT_EQ(file.policy.tauRel, 2e-2);
    EXPECT_EQ(file.policy.alphaAct, 0.94);
    EXPECT_FALSE(file.requireLosses);
}

TEST(PolicyFile, ReadsEveryField)
{
    const std::string digest(64, 'b');
    const PolicyFile file = parse(R"({"schema": "blockcert.policy/1", "tau_act": 1, "tau_loss": 2, "tau_rel": 3,
        "alpha_act": 0.25, "alpha_loss": {"value": 0.5, "hex": "0x1p-1"}, "error": "relative-l2",
        "expect": {"models": [")" +
                                  digest + R"("], "prompts": [")" + digest + R"("], "tools": ["0.1.0"]},
        "require_losses": true, "extensions": {"note": 1}})");
    EXPECT_EQ(file, (PolicyFile{{1, 2, 3, 0.25, 0.5, ErrorMeasure::RelativeL2}, {digest}, {digest}, {"0.1.0"}, true}));
}

TEST(PolicyFile, RefusesWhatMakesNoSense)
{
    for (const char* field : {R"("alpha_act": 1.5)", R"("tau_act": -1)", R"("tau_act": "1")", R"("error": "l1")",
                              R"("tau": 1)", R"("expect": {"models": ["abc"]})", R"("expect": {"people": []})",
                              R"("require_losses": 1)", R"("alpha_loss": {"value": 0.25, "hex": "0x1p-1"})"})
        EXPECT_THROW(parse(std::string(R"({"schema": "blockcert.policy/1", )") + field + "}"), FormatError) << field;
    EXPECT_THROW(parse(R"({"tau_act": 1})"), FormatError);
    EXPECT_THROW(parse(R"({"schema": "blockcert.policy/2"})"), UnsupportedError);
}

TEST(CellDraw, DependsOnTheSeedAlone)
{
    const std::vector<LayerIndex> blocks = {{0}, {3}, {7}};
    EXPECT_EQ(drawCells(blocks, 5, 4, 11), drawCells(blocks, 5, 4, 11));
    EXPECT_NE(drawCells(blocks, 5, 4, 11), drawCells(blocks, 5, 4, 12));
    EXPECT_EQ(drawCells(blocks, 5, 4, 11).size(), 4U);
    EXPECT_EQ(drawCells(blocks, 5, 100, 11).size(), 15U);
}

TEST(CellDraw, GivesEveryCellTheSameChance)
{
    std::map<CellIndex, int> seen;
    for (std::uint64_t seed = 0; seed < 3000; ++seed)
        for (const CellIndex& cell : drawCells({{0}, {1}}, 3, 2, seed))
            ++seen[cell];
    ASSERT_EQ(seen.size(), 6U);
    // 1000 expected, standard deviation 26: five of them.
    for (const auto& [cell, count] : seen)
        EXPECT_NEAR(count, 1000, 130);
}

Row row(const char* id)
{
    return {id, group::integrity, "", "A check"};
}

TEST(CheckList, LetsOneFailureFailAndOneGapLeaveItIncomplete)
{
    CheckList checks;
    checks.add(row("a").passedIf(true, ""));
    EXPECT_EQ(checks.exitCode(3), 0);
    checks.add(row("b").optional().notChecked("why"));
    EXPECT_EQ(checks.exitCode(3), 0);
    checks.add(row("c").weaker("why"));
    EXPECT_EQ(checks.exitCode(3), 6);
    checks.add(row("d").notChecked("why"));
    EXPECT_EQ(checks.exitCode(3), 5);
    checks.add(row("structure.x").failed("why"));
    EXPECT_EQ(checks.exitCode(3), 3);
    checks.add(row("e").failed("why"));
    EXPECT_EQ(checks.exitCode(3), 1);
    EXPECT_EQ(checks.state(3), CheckState::Failed);
}

TEST(CheckList, IsNeverVerifiedAtLevelZeroOrWithoutRows)
{
    CheckList checks;
    EXPECT_EQ(checks.state(3), CheckState::NotChecked);
    checks.add(row("a").passedIf(true, ""));
    EXPECT_EQ(checks.state(0), CheckState::NotChecked);
    EXPECT_EQ(checks.exitCode(0), 5);
}

TEST(CheckList, ForgetsTheNoteOfARowThatFails)
{
    const Row failed = row("a").note("widest at token 3").passedIf(false, "It is wrong.");
    EXPECT_EQ(failed.check().detail, "It is wrong.");
}

TEST(VerdictText, NamesTheLimitThatCutAPrompt)
{
    PromptSet prompts;
    EncodedPrompt whole;
    whole.tokenIds = {1, 2, 3};
    prompts.prompts = {whole};
    EXPECT_EQ(truncationText(prompts, 256), std::nullopt);
    EncodedPrompt cut;
    cut.tokenIds = std::vector<TokenId>(8, 1);
    cut.truncatedTokens = 32;
    prompts.prompts = {whole, cut};
    EXPECT_EQ(truncationText(prompts, 8), "1 prompt was longer than 8 tokens and lost 32 tokens at the end");
    EXPECT_EQ(truncationText(prompts, 256),
              "1 prompt was longer than the model's context of 8 tokens and lost 32 tokens at the end");
}

TEST(VerdictText, ShowsNumbersAtFullPrecision)
{
    EXPECT_EQ(exactText(0.1), "0.1");
    EXPECT_EQ(exactText(1.0 / 3), "0.3333333333333333");
}

}
}
