// What `failures` tells about small complete runs, against NumPy, h5py and plain counting.

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/failures/block_summary.h"
#include "engine/failures/failures.h"
#include "engine/failures/statistics.h"
#include "tests/certificate/tiny_run.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sys/wait.h>

using namespace blockcert;
using namespace blockcert::failures;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
namespace tiny = blockcert::certificate::tiny;
namespace fs = std::filesystem;

namespace {

FailuresOptions plainOptions()
{
    FailuresOptions options;
    options.childProgram = tiny::readerChild();
    options.threads = 2;
    return options;
}

// A threshold that leaves about half of the tokens uncovered, whatever the model.
double medianError(const tiny::Options& options)
{
    std::vector<double> errors;
    for (const auto& block : tiny::make(options).cells)
        for (const CellRecord& cell : block)
            errors.insert(errors.end(), cell.error.begin(), cell.error.end());
    return median(errors);
}

class Failures : public testing::Test {
protected:
    Json find(const tiny::Options& options)
    {
        fs::remove_all(run());
        tiny::write(tiny::make(options), run());
        return findFailures(run(), plainOptions(), RunContext());
    }

    [[nodiscard]] fs::path run() const { return m_folder.path() / "tiny.blockcert"; }

    [[nodiscard]] fs::path folder() const { return m_folder.path(); }

    // The exit code of the independent recomputation.
    [[nodiscard]] int recompute(const fs::path& told) const
    {
        const std::string script = std::string(std::getenv("BLOCKCERT_SOURCE")) + "/tests/failures/check_anatomy.py";
        return WEXITSTATUS(std::system(
            ("/usr/bin/python3 '" + script + "' '" + run().string() + "' '" + told.string() + "'").c_str()));
    }

    testing_support::TemporaryFolder m_folder;
};

}

TEST_F(Failures, AgreeWithNumPy)
{
    for (const char* model : {"llama-gqa", "gpt2"}) {
        tiny::Options options;
        options.model = model;
        options.blocks = {0, 1};
        options.policy.tauAct = medianError(options);
        const Json anatomy = find(options);
        writeFailures(anatomy, folder() / "told");
        EXPECT_EQ(recompute(folder() / "told"), 0) << model;
        EXPECT_GT(
            anatomy.at("blocks")[0].at("uncovered").get<int>() + anatomy.at("blocks")[1].at("uncovered").get<int>(), 0);
        EXPECT_THAT(anatomy.at("problems"), IsEmpty());
    }
}

TEST_F(Failures, AgreeWithNumPyWhereTheRelativeMeasureDecides)
{
    tiny::Options options;
    options.dtype = DType::BF16;
    options.noise = 1e-2;
    options.policy.measure = ErrorMeasure::RelativeL2;
    options.policy.tauRel = 2e-3;
    writeFailures(find(options), folder() / "told");
    EXPECT_EQ(recompute(folder() / "told"), 0);
}

TEST_F(Failures, NoticeAWrongAnatomy)
{
    Json anatomy = find({});
    anatomy["failures"][0]["value_norm"]["max"] =
        anatomy["failures"][0]["value_norm"]["max"].get<double>() * (1 + 1e-9);
    writeFailures(anatomy, folder() / "told");
    EXPECT_EQ(recompute(folder() / "told"), 1) << "the recomputation cannot fail";
}

TEST_F(Failures, TellTheLargestCoveredErrorsWhereNothingFails)
{
    tiny::Options options;
    options.policy.tauAct = 1e9;
    const Json anatomy = find(options);
    for (const Json& block : anatomy.at("blocks")) {
        EXPECT_EQ(block.at("uncovered"), 0);
        EXPECT_EQ(block.at("failing"), "largest");
        const auto rows = std::ranges::count(anatomy.at("failures"), block.at("block"),
                                             [](const Json& row) { return row.at("block"); });
        EXPECT_EQ(rows, std::min(20, block.at("tokens").get<int>()));
    }
    for (const Json& row : anatomy.at("failures"))
        EXPECT_EQ(row.at("covered"), true);
}

TEST(Summaries, ContrastTheLargestErrorsWhereEveryTokenFails)
{
    constexpr std::size_t tokens = 50;
    BlockFacts facts;
    facts.heads = 1;
    facts.offset = {0, tokens};
    for (std::size_t i = 0; i < tokens; ++i) {
        facts.error.push_back(1.0 + static_cast<double>(i));
        facts.outputNorm.push_back(i < tokens - largestCovered ? 2 : 6);
    }
    facts.relative = facts.error;
    facts.inputNorm = facts.outputNorm;
    facts.margin = facts.error;
    facts.hasMargin.assign(tokens, true);
    facts.lossChange.resize(tokens);
    facts.covered.assign(tokens, false);
    const BlockSummary summary = summarise(facts, {50});
    EXPECT_EQ(summary.uncovered, tokens);
    EXPECT_FALSE(summary.failingAreUncovered);
    EXPECT_THAT(summary.failing, SizeIs(largestCovered));
    const auto norm = std::ranges::find(summary.contrasts, "output_norm", &Contrast::quantity);
    ASSERT_NE(norm, summary.contrasts.end());
    EXPECT_EQ(norm->ratio, 3.0);
}

namespace {

// One prompt of 41 tokens, all alike but the last one, which errs most; `before` and `after` are its residual norms.
BlockFacts factsWithOne(double before, double after)
{
    constexpr std::int32_t tokens = 41;
    BlockFacts facts;
    facts.heads = 1;
    facts.offset = {0, tokens};
    facts.error.assign(tokens, 1e-5);
    facts.inputNorm.assign(tokens, 2);
    facts.outputNorm.assign(tokens, 50);
    facts.error.back() = 1e-2;
    facts.inputNorm.back() = before;
    facts.outputNorm.back() = after;
    for (std::size_t i = 0; i < facts.tokens(); ++i)
        facts.relative.push_back(facts.error[i] / facts.outputNorm[i]);
    facts.margin.assign(tokens, 1);
    facts.hasMargin.assign(tokens, true);
    facts.lossChange.resize(tokens);
    facts.covered.assign(tokens, true);
    facts.medianNorm = 50;
    facts.medianInputNorm = 2;
    return facts;
}

std::string explained(const BlockFacts& facts)
{
    RunManifest manifest;
    manifest.prompts.prompts.resize(1);
    manifest.prompts.prompts[0].id = "p";
    std::string text;
    for (const std::string& sentence : explain(facts, summarise(facts, {1e-2}), false, 1, manifest))
        text += sentence + "\n";
    return text;
}

}

TEST(Explanations, CallNothingMassiveWhereEveryResidualGrows)
{
    const std::string text = explained(factsWithOne(2.64, 75));
    EXPECT_THAT(text, HasSubstr("Its residual norm is 75, 1.5 times the block's median (on the way in it was 2.64; the "
                                "block's median goes from 2 to 50)."));
    EXPECT_THAT(text, testing::Not(HasSubstr("makes")));
}

TEST(Explanations, SayWhatTheBlockDoesWithAMassiveActivation)
{
    EXPECT_THAT(explained(factsWithOne(3, 5000)), HasSubstr("100 times the block's median: a massive activation that "
                                                            "this block makes (the norm was 3 on the way in)."));
    EXPECT_THAT(explained(factsWithOne(1000, 5000)), HasSubstr("that this block enlarges"));
    EXPECT_THAT(explained(factsWithOne(5000, 6000)),
                HasSubstr("a massive activation (on the way in the norm was 5000, 2500 times the median there)."));
    const std::string reduced = explained(factsWithOne(23121, 9125));
    EXPECT_THAT(reduced, HasSubstr("on the way in it was 23121, 11560 times the median there: a massive activation, "
                                   "61 % of which this block takes away."));
    EXPECT_THAT(reduced, HasSubstr("divided by the norm on the way in it is 4.33e-7."));
    EXPECT_THAT(explained(factsWithOne(23121, 60)), HasSubstr("this block takes away"));
}

TEST(Explanations, GiveTheRatioOfTheRelativeErrorAndPlayNothingDown)
{
    // 2e-4 against a median of 2e-7; then 2e-6, ten times the median and not the largest.
    EXPECT_THAT(explained(factsWithOne(2, 50)), HasSubstr("1000 times the block's median of 2e-7: the block's largest "
                                                          "relative error as well."));
    BlockFacts facts = factsWithOne(2, 50);
    facts.relative.back() = 5.8e-7;
    facts.relative.front() = 1e-6;
    const std::string text = explained(facts);
    EXPECT_THAT(text, HasSubstr("Divided by the norm the error is 5.8e-7, 2.9 times the block's median of 2e-7."));
    EXPECT_THAT(text, testing::Not(HasSubstr("of the size of the others")));
}

TEST(Summaries, FollowTheMeasureThatDecides)
{
    BlockFacts facts = factsWithOne(2, 5e5); // the largest error, and the smallest relative one
    facts.relative.front() = 1e-4;
    facts.relativeDecides = true;
    const BlockSummary summary = summarise(facts, {1e-4, 1e-5, 1e-5});
    EXPECT_EQ(summary.worst, 0U);
    EXPECT_EQ(summary.failing.front(), 0U);
    EXPECT_EQ(rowsToTell(facts).front(), 0U);
    EXPECT_EQ(summary.epsilon, 1e-2);
    EXPECT_EQ(summary.relativeEpsilon, 1e-4);
    EXPECT_NEAR(summary.epsilonRatio.value_or(0), 10, 1e-12);
    const std::string text = explained(facts);
    EXPECT_THAT(text, HasSubstr("The largest relative error of block 0 falls on token 0"));
    EXPECT_THAT(text, HasSubstr("Not divided by the norm the error is 1e-5"));
    EXPECT_THAT(text, HasSubstr("of the block's summed relative error; half of all tokens stay within 2e-7"));
    facts.relativeDecides = false;
    EXPECT_EQ(summarise(facts, {1e-2}).worst, 40U);
}

TEST_F(Failures, FindTheBlockThatStandsOut)
{
    tiny::Options options;
    options.blocks = {0, 1, 2};
    tiny::Material material = tiny::make(options);
    // One token of block 1 is recorded far from what its program gives.
    CellRecord& cell = material.cells[1][2];
    auto* values = reinterpret_cast<float*>(cell.output.bytes.data());
    const double before = cell.error[3];
    const auto width = static_cast<std::size_t>(cell.output.shape[1]);
    values[3 * width] += 1;
    cell.error[3] = 1;
    ASSERT_LT(before, 1e-3);
    tiny::write(material, run());
    const Json anatomy = findFailures(run(), plainOptions(), RunContext());
    EXPECT_EQ(anatomy.at("outstanding"), 1);
    ASSERT_FALSE(anatomy.at("notes").empty());
    EXPECT_THAT(anatomy.at("notes")[0].get<std::string>(), HasSubstr("Block 1 stands out"));
    EXPECT_THAT(anatomy.at("failures"), testing::Contains(testing::ResultOf(
                                            [](const Json& row) {
                                                return row.at("block") == 1 && row.at("prompt") == 2 &&
                                                       row.at("token") == 3 && !row.at("covered").get<bool>();
                                            },
                                            true)));
}

TEST_F(Failures, SayWhichNumbersAreMissingWithoutTheModel)
{
    tiny::Options options;
    options.embed = false;
    tiny::Material material = tiny::make(options);
    material.manifest.modelHint = (folder() / "gone").string();
    tiny::write(material, run());
    const Json anatomy = findFailures(run(), plainOptions(), RunContext());
    ASSERT_THAT(anatomy.at("problems"), SizeIs(1));
    EXPECT_THAT(anatomy.at("problems")[0].get<std::string>(), HasSubstr("--model"));
    for (const Json& row : anatomy.at("failures"))
        EXPECT_EQ(row.at("key_norm"), nullptr);

    FailuresOptions named = plainOptions();
    named.model = tiny::modelPath(options.model);
    const Json whole = findFailures(run(), named, RunContext());
    EXPECT_THAT(whole.at("problems"), IsEmpty());
    for (const Json& row : whole.at("failures"))
        EXPECT_TRUE(row.at("key_norm").is_object());
    named.model = tiny::modelPath("gpt2");
    EXPECT_THROW(findFailures(run(), named, RunContext()), UsageError);
}

TEST_F(Failures, DoNotDependOnTheNumberOfThreads)
{
    tiny::write(tiny::make({}), run());
    FailuresOptions options = plainOptions();
    options.threads = 1;
    const Json one = findFailures(run(), options, RunContext());
    options.threads = 5;
    EXPECT_EQ(findFailures(run(), options, RunContext()), one);
}

TEST_F(Failures, LeaveTheRunAsItIs)
{
    tiny::write(tiny::make({}), run());
    const std::string sums = readWholeFile(run() / "SHA256SUMS", 1 << 20);
    writeFailures(findFailures(run(), plainOptions(), RunContext()), folderBeside(run(), "failures"));
    EXPECT_EQ(readWholeFile(run() / "SHA256SUMS", 1 << 20), sums);
    EXPECT_TRUE(fs::exists(folder() / "tiny.failures/failures.csv"));
    EXPECT_FALSE(fs::exists(run() / "failures.json"));
    EXPECT_THROW(requireOutside(run(), run()), UsageError);
    EXPECT_THROW(requireOutside(run(), run() / "block_00" / ".." / "anatomy"), UsageError);
    EXPECT_NO_THROW(requireOutside(run(), folder() / "tiny.blockcert-failures"));
    fs::create_directory_symlink(run(), folder() / "alias");
    EXPECT_THROW(requireOutside(run(), folder() / "alias" / "x"), UsageError);
}

TEST_F(Failures, OfADamagedRunAreRefused)
{
    tiny::write(tiny::make({}), run());
    const fs::path probes = run() / "block_01/probes.h5";
    std::fstream file(probes, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(probes) / 2));
    file.put('~');
    file.close();
    EXPECT_THROW(findFailures(run(), plainOptions(), RunContext()), FormatError);
    EXPECT_THROW(findFailures(folder(), plainOptions(), RunContext()), FileError);
}

TEST(Statistics, MedianIsTheMiddleOrTheMeanOfTheTwo)
{
    EXPECT_EQ(median({3}), 3);
    EXPECT_EQ(median({4, 1, 3}), 3);
    EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
    EXPECT_EQ(median({1e308, 1.5e308}), 1.25e308);
}

TEST(Statistics, RankCorrelationIsSpearmans)
{
    const std::vector<double> a = {10, 20, 30, 40, 50};
    EXPECT_DOUBLE_EQ(*rankCorrelation(a, std::vector<double>{1, 4, 9, 16, 25}), 1);
    EXPECT_DOUBLE_EQ(*rankCorrelation(a, std::vector<double>{5, 4, 3, 2, 1}), -1);
    // 1 − 6·Σd²/(n(n²−1)) without ties: d = (1, −1, 0, 1, −1).
    EXPECT_DOUBLE_EQ(*rankCorrelation(a, std::vector<double>{2, 1, 3, 5, 4}), 1 - 6.0 * 4 / 120);
    // By hand with a tie: ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3 give 4.5 / √(4.5 · 5).
    EXPECT_DOUBLE_EQ(*rankCorrelation(std::vector<double>{1, 2, 2, 3}, std::vector<double>{1, 2, 3, 4}),
                     4.5 / std::sqrt(4.5 * 5));
    EXPECT_FALSE(rankCorrelation(a, std::vector<double>{7, 7, 7, 7, 7}));
    EXPECT_FALSE(rankCorrelation(std::vector<double>{1, 2}, std::vector<double>{1, 2}));
}
