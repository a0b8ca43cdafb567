// Sweeps: resumed after a stop, with damaged rows made again, and the same rows as in one go.
#include "engine/base/atomic_file.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_lock.h"
#include "engine/generate/greedy.h"
#include "tests/engine/edit_fixture.h"
#include "tests/engine/edit_verb_fixture.h"

#include <gmock/gmock.h>

#include <limits>

namespace blockcert::test {
namespace {

using testing::HasSubstr;

TEST_F(EditVerb, SweepsGoOnBehindAnEditThatGivesNoNumbers)
{
    // 1e60 is no number of fp32, and the square of 1e300 none of double
    pipeline::SweepOptions options = sweepOptions("0,1", "1e300,1e60,-0.5,-0,0.5,0", 3);
    const auto run = [&] {
        pipeline::ModelCache cache(host());
        return pipeline::sweep(options, cache, RunContext());
    };
    const Json rows = run().at("rows");
    ASSERT_EQ(rows.size(), 11U);
    std::vector<double> failed;
    for (const Json& row : rows) {
        if (row.at("failed").is_null()) {
            EXPECT_GT(row.at("answer").at("total"), 0) << row;
            continue;
        }
        failed.push_back(row.at("alpha"));
        EXPECT_THAT(row.at("failed").get<std::string>(), HasSubstr("not finite"));
        EXPECT_EQ(row.at("never_ran"), 2);
        EXPECT_EQ(row.at("answer").at("total"), 0) << "what never ran is in no denominator";
        EXPECT_TRUE(row.at("final_deviation").at("pre_norm").is_null());
        EXPECT_EQ(row.at("epsilon_edit").is_null(), failed.back() > 1e100) << "it is replayed in double";
        EXPECT_FALSE(row.at("front").get<bool>());
        const Json texts =
            parseStrictJson(readWholeFile(options.out / row.at("file").get<std::string>(), 1U << 20U), "row")
                .at("completions");
        EXPECT_EQ(texts.at(0).at("judgement"), "never_ran");
    }
    EXPECT_EQ(failed, (std::vector<double>{1e60, 1e300, 1e60, 1e300}));
    EXPECT_EQ(rows[3].at("alpha"), -0.5) << "a negative strength is a number like any other";
    EXPECT_THAT(readWholeFile(options.out / "sweep.csv", 1U << 20U), HasSubstr("not finite"));
    // Finished, failed or not: nothing is run again.
    options.resume = true;
    fs::path changed = options.out / "rows" / "0_block_1_1e+60.json";
    const auto before = fs::last_write_time(changed);
    EXPECT_EQ(run().at("rows"), rows);
    EXPECT_EQ(fs::last_write_time(changed), before);
    // And the rows behind are those of a sweep without the failed ones.
    options.resume = false;
    options.alphas = "0,0.5,-0.5";
    options.out = m_folder.path() / "plain";
    const Json plain = run().at("rows");
    ASSERT_EQ(plain.size(), 7U);
    for (const std::size_t at : {1U, 2U, 3U}) {
        EXPECT_EQ(plain[at].at("answer"), rows[at].at("answer"));
        EXPECT_EQ(plain[at + 3].at("final_deviation"), rows[at + 5].at("final_deviation"));
    }
}

// Rows, fronts and baselines are told apart by a condition's name.
TEST_F(EditVerb, ASweepHasEachConditionOnce)
{
    pipeline::SweepOptions options = sweepOptions("0", "0.5", 2);
    const fs::path own = m_folder.path() / "own.json";
    const auto preamble = [](const char* name) {
        return R"({"schema": "blockcert.preamble/1", "name": ")" + std::string(name) +
               R"(", "messages": [{"role": "system", "content": "be brief"}]})";
    };
    const auto refusalOf = [&](const std::string& conditions) {
        options.conditions = conditions;
        try {
            pipeline::ModelCache cache(host());
            (void)pipeline::sweep(options, cache, RunContext());
        } catch (const Error& error) {
            EXPECT_FALSE(fs::exists(options.out));
            return std::string(error.what());
        }
        return std::string("it was not refused");
    };
    EXPECT_THAT(refusalOf("none,none"), HasSubstr("the name \"none\" twice"));
    writeFileAtomically(own, preamble("mine"));
    const fs::path other = m_folder.path() / "other.json";
    writeFileAtomically(other, preamble("mine"));
    EXPECT_THAT(refusalOf(own.string() + "," + other.string()), HasSubstr("the name \"mine\" twice"));
    // Nor is anything called by a bundled condition's name that is none.
    writeFileAtomically(own, preamble("few-shot"));
    EXPECT_THAT(refusalOf("none," + own.string()), HasSubstr("name is that of the bundled condition few-shot"));
    std::string robot = preamble("mine");
    robot.replace(robot.find("system"), 6, "robot");
    writeFileAtomically(own, robot);
    EXPECT_THAT(refusalOf(own.string()), HasSubstr("a role is system, user or assistant, not \"robot\""));
    options.alphas = "0:1:-0.1";
    EXPECT_THAT(refusalOf("none"), HasSubstr("--alphas 0:1:-0.1 steps away from its end; write 0:1:0.1."));
}

TEST_F(EditVerb, WithoutLabelsNoRowIsOnTheFrontAndASweepIsNoRunToExport)
{
    pipeline::SweepOptions options = sweepOptions("1", "1:0:-0.5", 2);
    options.prompts.content = "{\"id\": \"p1\", \"text\": \"the quick\"}\n";
    pipeline::ModelCache cache(host());
    const Json result = pipeline::sweep(options, cache, RunContext());
    ASSERT_EQ(result.at("rows").size(), 4U) << "a step that goes where the range goes";
    for (const Json& row : result.at("rows"))
        EXPECT_FALSE(row.at("front").get<bool>()) << row;
    pipeline::ExportEditOptions exported;
    exported.run = options.out;
    exported.out = m_folder.path() / "model";
    try {
        (void)pipeline::exportEdit(exported, cache, RunContext());
        ADD_FAILURE() << "it was exported";
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("is a sweep, whose rows are no certificates"));
    }
}

TEST(Greedy, TakesNoTokenFromLogitsThatAreNone)
{
    generate::Completion completion;
    const double none = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW((void)generate::extend(completion, {0, none}, 0, 1, 9, {}), NumericError);
    EXPECT_TRUE(completion.ids.empty());
    EXPECT_TRUE(generate::extend(completion, {3, 0.5}, 0, 1, 9, {}));
}

TEST_F(EditVerb, SweepsMakeDamagedRowsAgain)
{
    pipeline::SweepOptions options = sweepOptions("1", "0.5", 3);
    const auto run = [&] {
        pipeline::ModelCache cache(host());
        return pipeline::sweep(options, cache, RunContext());
    };
    // How much of a draft is kept depends on what there was to draft from.
    const auto rowsOf = [](const Json& result) {
        Json rows = result.at("rows");
        for (Json& row : rows) {
            row.erase("drafted");
            row.erase("accepted");
        }
        return rows;
    };
    const Json whole = run();
    options.resume = true;
    const fs::path file = options.out / whole.at("rows")[1].at("file").get<std::string>();
    const Json row = parseStrictJson(readWholeFile(file, 1U << 20U), "row");
    std::vector<std::string> damaged = {"", "{", "[]", "null", "3", "{}", writeJson(row).substr(0, 200)};
    for (const auto& [key, value] : row.items()) {
        Json other = row;
        other[key] = Json::array();
        if (key == "block" || key == "alpha" || key == "epsilon_edit" || key == "final_deviation" || key == "answer" ||
            key == "condition" || key == "empty" || key == "drafted")
            damaged.push_back(writeJson(other));
    }
    EXPECT_EQ(damaged.size(), 15U);
    for (const std::string& text : damaged) {
        writeFileAtomically(file, text);
        EXPECT_EQ(rowsOf(run()), rowsOf(whole)) << text;
    }
}

TEST_F(EditVerb, SweepsResumeAndKeepTheirRows)
{
    pipeline::SweepOptions options = sweepOptions("0,2", "0:1:0.5", 4);
    std::vector<std::string> details;
    const auto run = [&](bool stopAfterThree) {
        std::stop_source stop;
        details.clear();
        const RunContext context(stop.get_token(), [&](const Progress& progress) {
            if (progress.stage == "sweep" && !progress.detail.empty()) {
                details.push_back(progress.detail);
                if (stopAfterThree && details.size() == 3)
                    stop.request_stop();
            }
        });
        pipeline::ModelCache cache(host());
        return pipeline::sweep(options, cache, context);
    };
    EXPECT_THROW(run(true), Cancelled);
    EXPECT_EQ(std::distance(fs::directory_iterator(options.out / "rows"), {}), 3);
    EXPECT_FALSE(fs::exists(options.out / "sweep.json"));
    EXPECT_THROW(run(false), UsageError) << "without --resume";
    options.resume = true;
    options.maxNew = 5;
    try {
        (void)run(false);
        ADD_FAILURE() << "another sweep";
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("was asked for with other max new;"));
    }
    options.maxNew = 4;
    {
        const certificate::RunLock other(options.out / certificate::lockPath);
        EXPECT_THROW(run(false), UsageError) << "while another process writes it";
    }
    const Json resumed = run(false);
    EXPECT_FALSE(fs::exists(options.out / ".work"));
    ASSERT_EQ(resumed.at("rows").size(), 7U);
    EXPECT_TRUE(resumed.at("rows")[0].at("block").is_null()) << "the baseline first";
    EXPECT_EQ(resumed.at("rows")[1].at("alpha"), 1.0);
    EXPECT_EQ(resumed.at("rows")[1].at("epsilon_edit"), 0.0);
    EXPECT_GT(resumed.at("rows")[3].at("epsilon_edit"), 0.0);
    EXPECT_TRUE(fs::exists(options.out / "sweep.csv"));
    options.resume = false;
    options.out = m_folder.path() / "whole";
    // How much of a draft is kept depends on what there was to draft from; what is chosen does not.
    const auto withoutDrafts = [](Json rows) {
        for (Json& row : rows) {
            row.erase("drafted");
            row.erase("accepted");
        }
        return rows;
    };
    EXPECT_EQ(withoutDrafts(run(false).at("rows")), withoutDrafts(resumed.at("rows")));
    for (const auto& entry : fs::directory_iterator(options.out / "rows")) {
        const auto texts = [](const fs::path& file) {
            return parseStrictJson(readWholeFile(file, 1U << 20U), file.string()).at("completions");
        };
        EXPECT_EQ(texts(entry.path()), texts(m_folder.path() / "sweep" / "rows" / entry.path().filename()));
    }
}

}
}
