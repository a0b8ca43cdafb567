// Prompts that fail, made as short as they still do.
#include "engine/base/error.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/shrink.h"
#include "tests/engine/model_fixture.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using pipeline::shrink;
using pipeline::Shrunk;
using testing::ElementsAre;
using testing::HasSubstr;

bool holds(const std::vector<std::int64_t>& kept, std::int64_t item)
{
    return std::ranges::binary_search(kept, item);
}

TEST(Shrink, KeepsExactlyWhatTheFailureNeeds)
{
    const Shrunk shrunk = shrink(100, 10'000, [](const auto& kept) { return holds(kept, 3) && holds(kept, 77); });
    EXPECT_THAT(shrunk.kept, ElementsAre(3, 77));
    EXPECT_TRUE(shrunk.minimal);
    EXPECT_LT(shrunk.tests, 200);
    EXPECT_THAT(shrink(9, 100, [](const auto&) { return true; }).kept, testing::SizeIs(1));
}

TEST(Shrink, IsMinimalForFailuresThatAreNotMonotone)
{
    std::mt19937_64 random(7);
    for (int round = 0; round < 50; ++round) {
        std::set<std::vector<std::int64_t>> asked;
        const std::uint64_t salt = random();
        const auto fails = [&](const std::vector<std::int64_t>& kept) {
            std::uint64_t hash = salt;
            for (const std::int64_t item : kept)
                hash = (hash ^ static_cast<std::uint64_t>(item)) * 0x9E3779B97F4A7C15U;
            return kept.size() == 12 || (hash >> 40U) % 3 == 0;
        };
        const Shrunk shrunk = shrink(12, 10'000, [&](const auto& kept) {
            EXPECT_TRUE(asked.insert(kept).second) << "the same question twice";
            return fails(kept);
        });
        EXPECT_TRUE(fails(shrunk.kept));
        ASSERT_TRUE(shrunk.minimal);
        for (std::size_t i = 0; i < shrunk.kept.size() && shrunk.kept.size() > 1; ++i) {
            std::vector<std::int64_t> rest = shrunk.kept;
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
            EXPECT_FALSE(fails(rest));
        }
    }
}

TEST(Shrink, StopsAtItsBound)
{
    int asked = 0;
    const Shrunk shrunk = shrink(64, 5, [&](const auto&) {
        ++asked;
        return false;
    });
    EXPECT_EQ(asked, 5);
    EXPECT_EQ(shrunk.tests, 5);
    EXPECT_FALSE(shrunk.minimal);
    EXPECT_EQ(shrunk.kept.size(), 64U);
}

constexpr const char* twoPrompts = R"({"id": "a", "token_ids": [5, 17, 200, 31, 4, 90, 12, 7]}
{"id": "b", "token_ids": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}
)";

class Minimise : public testing::Test {
protected:
    pipeline::CertifyOptions certifyOptions(const std::string& run, const std::string& prompts) const
    {
        pipeline::CertifyOptions made;
        made.model.model = fixtureModel("llama-gqa").string();
        made.model.dtype = DType::BF16;
        made.prompts.content = prompts;
        made.loss = LossMode::None;
        made.out = m_folder.path() / run;
        made.created = "2026-01-02T03:04:05Z";
        return made;
    }

    static pipeline::Host host()
    {
        pipeline::Host value;
        value.toolVersion = "0.1.0";
        value.toolBuild = "test";
        value.childProgram = fs::path(std::getenv("BLOCKCERT_BIN")) / "archive_reader_child";
        return value;
    }

    testing_support::TemporaryFolder m_folder;
};

TEST_F(Minimise, GivesAPromptThatFailsInANewRun)
{
    pipeline::ModelCache cache(host());
    const Json run = pipeline::certify(certifyOptions("run", twoPrompts), cache, RunContext());
    pipeline::MinimiseOptions options;
    options.run = m_folder.path() / "run";
    options.prompt = "b";
    options.block = 1;
    options.above = run.at("blocks")[1].at("quantiles").at("q50").get<double>();
    std::int64_t reported = 0;
    const Json result = pipeline::minimise(options, cache, RunContext({}, [&](const Progress& progress) {
                                               reported += progress.stage == "minimise" ? 1 : 0;
                                           }));
    EXPECT_EQ(result.at("tests"), reported);
    EXPECT_EQ(result.at("before").at("tokens"), 20);
    ASSERT_LT(result.at("token_ids").size(), 20U);
    EXPECT_EQ(result.at("minimal"), true);
    EXPECT_GT(result.at("after").at("error"), *options.above);

    const Json again =
        pipeline::certify(certifyOptions("again", result.at("line").get<std::string>()), cache, RunContext());
    EXPECT_EQ(again.at("blocks")[1].at("tokens"), result.at("token_ids").size());
    EXPECT_EQ(again.at("blocks")[1].at("epsilon"), result.at("after").at("error")) << "on one machine, the same bits";
}

TEST_F(Minimise, RefusesWhatCannotBeMadeShorter)
{
    pipeline::ModelCache cache(host());
    pipeline::certify(certifyOptions("run", twoPrompts), cache, RunContext());
    pipeline::MinimiseOptions options;
    options.run = m_folder.path() / "run";
    options.prompt = "1";
    const auto refusal = [&] {
        try {
            static_cast<void>(pipeline::minimise(options, cache, RunContext()));
        } catch (const UsageError& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    options.above = 1e6;
    EXPECT_THAT(refusal(), HasSubstr("does not fail in block"));
    options.prompt = "nobody";
    EXPECT_THAT(refusal(), HasSubstr("no prompt \"nobody\""));
    options.prompt = "2";
    EXPECT_THAT(refusal(), HasSubstr("from 0 to 1"));
    options.prompt = "a";
    options.block = 9;
    EXPECT_THAT(refusal(), HasSubstr("no finished block 9"));
    options.block = 0;
    options.above = 0;
    options.model = fixtureModel("gpt2").string();
    EXPECT_THAT(refusal(), HasSubstr("not the model of this run"));
}

TEST_F(Minimise, StopsWhenAsked)
{
    pipeline::ModelCache cache(host());
    pipeline::certify(certifyOptions("run", twoPrompts), cache, RunContext());
    pipeline::MinimiseOptions options;
    options.run = m_folder.path() / "run";
    options.prompt = "b";
    options.above = 0;
    std::stop_source stop;
    EXPECT_THROW(static_cast<void>(pipeline::minimise(options, cache,
                                                      RunContext(stop.get_token(),
                                                                 [&](const Progress& progress) {
                                                                     if (progress.stage == "minimise")
                                                                         stop.request_stop();
                                                                 }))),
                 Cancelled);
}

}
}
