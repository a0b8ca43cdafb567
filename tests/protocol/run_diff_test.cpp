// Two small runs side by side: what counts as weaker, what as stronger, and what as merely different.

#include "engine/base/error.h"
#include "engine/certificate/run_folder.h"
#include "engine/protocol/read_run.h"
#include "engine/protocol/run_diff.h"
#include "tests/certificate/tiny_run.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace blockcert;
using namespace blockcert::protocol;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;
namespace tiny = blockcert::certificate::tiny;

namespace {

class TwoRuns {
public:
    TwoRuns(const tiny::Options& a, const tiny::Options& b)
    {
        tiny::write(tiny::make(a), pathA());
        tiny::write(tiny::make(b), pathB());
    }

    [[nodiscard]] std::filesystem::path pathA() const { return m_folder.path() / "a"; }

    [[nodiscard]] std::filesystem::path pathB() const { return m_folder.path() / "b"; }

    [[nodiscard]] Json diff(double tolerance = 0) const { return diffRuns(pathA(), pathB(), {tolerance}); }

private:
    testing_support::TemporaryFolder m_folder;
};

// "weaker epsilon 1" for each change: its kind, code and place.
std::set<std::string> changesOf(const Json& diff)
{
    std::set<std::string> names;
    for (const Json& change : diff.at("changes")) {
        std::string name = change.at("kind").get<std::string>() + " " + change.at("code").get<std::string>();
        if (!change.at("block").is_null())
            name += " " + change.at("block").dump();
        if (!change.at("prompt").is_null())
            name += " " + change.at("prompt").get<std::string>();
        names.insert(name);
    }
    return names;
}

const CoverageMetrics& metricsOf(const RunReading& run, std::size_t block)
{
    return run.certificates[block].metrics;
}

}

TEST(RunDiff, FindsNothingBetweenARunAndItself)
{
    const TwoRuns runs({}, {});
    const Json diff = runs.diff();
    EXPECT_EQ(diff.at("result"), "equal");
    EXPECT_THAT(diff.at("changes"), IsEmpty());
    EXPECT_EQ(diff.at("prompts").at("common"), 3);
    EXPECT_EQ(diff.at("cells").size(), 6U); // two blocks, three prompts
}

TEST(RunDiff, NamesEveryNumberThatGotWeakerAtFullPrecision)
{
    tiny::Options worse;
    worse.noise = 1e-5;
    const TwoRuns runs({}, worse);
    const Json diff = runs.diff();
    const RunReading a = readRun(certificate::RunFolder(runs.pathA()));
    const RunReading b = readRun(certificate::RunFolder(runs.pathB()));
    EXPECT_EQ(diff.at("result"), "weaker");
    EXPECT_THAT(changesOf(diff), Contains("weaker epsilon 0"));
    EXPECT_THAT(changesOf(diff), Contains("weaker relative.mean 1"));
    const Json& row = diff.at("blocks")[1].at("metrics").at("epsilon");
    const double before = metricsOf(a, 1).l2.epsilon;
    const double after = metricsOf(b, 1).l2.epsilon;
    EXPECT_EQ(row.at("a"), before);
    EXPECT_EQ(row.at("b"), after);
    EXPECT_EQ(row.at("delta"), after - before);
    const Json& cell = diff.at("cells")[4]; // block 1, prompt 1
    EXPECT_EQ(cell.at("block"), 1);
    EXPECT_EQ(cell.at("metrics").at("mae").at("a"), metricsOf(a, 1).prompts[1].l2.mean);
    EXPECT_EQ(cell.at("metrics").at("mae").at("b"), metricsOf(b, 1).prompts[1].l2.mean);
    // The other way round the same changes are gains.
    const Json back = diffRuns(runs.pathB(), runs.pathA(), {});
    EXPECT_EQ(back.at("result"), "changed");
    EXPECT_EQ(back.at("stronger"), diff.at("weaker"));
}

TEST(RunDiff, SaysWhichBlocksAndPromptsAreGone)
{
    tiny::Options all;
    all.noise = 0; // noise would depend on a prompt's place; rounding alone does not
    tiny::Options fewer = all;
    fewer.blocks = {1};
    fewer.texts = {"jumps over the lazy dog", "the quick brown fox"}; // in another order
    const TwoRuns runs(all, fewer);
    const Json diff = runs.diff();
    EXPECT_EQ(diff.at("result"), "weaker");
    EXPECT_THAT(changesOf(diff), Contains("weaker block_missing 0"));
    ASSERT_EQ(diff.at("prompts").at("only_a").size(), 1U);
    EXPECT_EQ(diff.at("prompts").at("only_a")[0].at("prompt"), 1);
    EXPECT_THAT(diff.at("prompts").at("only_b"), IsEmpty());
    // The prompts that both have were measured alike, wherever they stand: nothing of block 1 is weaker.
    EXPECT_THAT(changesOf(diff), Not(Contains(testing::HasSubstr("epsilon"))));
    const Json& block = diff.at("blocks")[1];
    EXPECT_EQ(block.at("on_common_prompts").at("epsilon").at("delta"), 0.0);
    EXPECT_EQ(diff.at("cells")[0].at("prompt"), 0);
    EXPECT_EQ(diff.at("cells")[0].at("prompt_b"), 1);
}

TEST(RunDiff, ComparesNoNumbersOfOtherPrompts)
{
    tiny::Options other;
    other.texts = {"over the lazy"};
    other.policy.tauAct = 1e-9; // not certified
    tiny::Options same = other;
    same.texts = {"the quick brown fox"};
    same.policy.tauAct = 1e9;
    const Json diff = TwoRuns(same, other).diff();
    EXPECT_EQ(diff.at("prompts").at("common"), 0);
    EXPECT_THAT(diff.at("cells"), IsEmpty());
    EXPECT_THAT(changesOf(diff), Not(Contains(testing::HasSubstr("certified"))));
    EXPECT_THAT(changesOf(diff), Not(Contains(testing::HasSubstr("epsilon"))));
    EXPECT_THAT(diff.at("blocks")[0].at("on_common_prompts"), testing::Eq(Json()));
}

TEST(RunDiff, TakesALooserThresholdForAWeakerClaimAndItsCoverageForNeither)
{
    tiny::Options strict;
    strict.policy.tauAct = 1e-9; // nothing is covered
    tiny::Options loose = strict;
    loose.policy.tauAct = 1;
    const TwoRuns runs(strict, loose);
    const std::set<std::string> changes = changesOf(runs.diff());
    EXPECT_THAT(changes, Contains("weaker tau_act"));
    EXPECT_THAT(changes, Contains("other activation_coverage 0"));
    EXPECT_THAT(changes, Not(Contains("stronger activation_coverage 0")));
}

TEST(RunDiff, TellsLossesThatAreNoLongerMeasuredAndAnotherPrecision)
{
    tiny::Options without;
    without.loss = LossMode::None;
    without.dtype = DType::BF16;
    without.replayDtype = DType::F32;
    const TwoRuns runs({}, without);
    const std::set<std::string> changes = changesOf(runs.diff());
    EXPECT_THAT(changes, Contains("weaker loss_coverage 0"));
    EXPECT_THAT(changes, Contains("weaker replay_dtype"));
    EXPECT_THAT(changes, Contains("other baseline_dtype"));
}

TEST(RunDiff, LetsSmallDifferencesPassWhereAskedTo)
{
    tiny::Options other;
    other.noise = 3e-7;
    const TwoRuns runs({}, other);
    EXPECT_EQ(runs.diff().at("result"), "weaker");
    // The tolerance is of the larger number: everything passes within nearly all of it.
    EXPECT_THAT(changesOf(runs.diff(0.99)), Not(Contains(testing::HasSubstr("epsilon"))));
    EXPECT_THROW((void)runs.diff(-1), UsageError);
    EXPECT_THROW((void)runs.diff(1), UsageError);
}

TEST(RunDiff, RefusesAFolderThatIsNoRun)
{
    const testing_support::TemporaryFolder folder;
    EXPECT_THROW((void)diffRuns(folder.path(), folder.path(), {}), FileError);
}
