// One bar over the stages of a verification: it never goes back and tells the time of all of them.
#include "app/workbench/session/verify_pace.h"

#include <gtest/gtest.h>

#include <vector>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;

JobProgress event(const QString& stage, qint64 done, qint64 total, double elapsed)
{
    JobProgress progress;
    progress.stage = stage;
    progress.done = done;
    progress.total = total;
    progress.elapsedSeconds = elapsed;
    return progress;
}

// As `blockcert verify` tells level 4 of a run: files are hashed between the blocks, then comes the model.
std::vector<JobProgress> levelFour(int blocks, int cells, double model)
{
    std::vector<JobProgress> events;
    double now = 0;
    for (int block = 0; block < blocks; ++block) {
        for (const qint64 size : {3'500'000, 2'400'000})
            for (const qint64 done : {size / 3, size})
                events.push_back(event(u"hash"_s, done, size, now += 0.01));
        for (int cell = 1; cell <= cells; ++cell)
            events.push_back(event(u"replay"_s, block * cells + cell, blocks * cells, now += 0.02));
    }
    for (int layer = 1; layer <= blocks; ++layer)
        events.push_back(event(u"model"_s, layer, blocks, now += model / blocks));
    for (int prompt = 1; prompt <= 10; ++prompt)
        events.push_back(event(u"losses"_s, prompt, 10, now += model / 25));
    return events;
}

RunFacts demoRun()
{
    RunFacts facts;
    facts.blocks = 30;
    facts.layers = 30;
    facts.dModel = 576;
    facts.tokens = 251;
    facts.promptCount = 10;
    facts.bytes = 30 * 5'900'000;
    return facts;
}

TEST(VerifyPace, NeverGoesBackAndReachesTheEnd)
{
    VerifySpeeds measured;
    measured.bytes = 6e8;
    measured.replay = 6e8;
    measured.model = 5e7;
    const RunFacts run = demoRun();
    for (const RunFacts* facts : {static_cast<const RunFacts*>(nullptr), &run})
        for (const VerifySpeeds& speeds : {VerifySpeeds(), measured}) {
            VerifyPace pace(stageSecondsOf(facts, speeds, 4, false));
            double last = 0;
            double atModel = -1;
            for (const JobProgress& progress : levelFour(30, 10, 35)) {
                pace.take(progress);
                EXPECT_GE(pace.fraction(), last);
                last = pace.fraction();
                if (progress.stage == "model"_L1 && atModel < 0)
                    atModel = last;
            }
            EXPECT_GT(last, 0.95);
            EXPECT_LT(last, 1) << "only the verdict ends it";
            EXPECT_LT(atModel, 0.35) << "the model takes most of the time";
        }
}

TEST(VerifyPace, TellsTheTimeOfAllStages)
{
    VerifySpeeds speeds;
    speeds.bytes = 6e8;
    speeds.replay = 4.3e8; // as fast as the events below
    speeds.model = 4.4e7;
    const RunFacts run = demoRun();
    VerifyPace pace(stageSecondsOf(&run, speeds, 4, false));
    EXPECT_FALSE(pace.remainingSeconds());
    const std::vector<JobProgress> events = levelFour(30, 10, 35);
    const double end = events.back().elapsedSeconds;
    for (const JobProgress& progress : events) {
        pace.take(progress);
        if (progress.elapsedSeconds < 0.25 * end || progress.elapsedSeconds > 0.9 * end)
            continue;
        ASSERT_TRUE(pace.remainingSeconds());
        const double left = end - progress.elapsedSeconds;
        EXPECT_GT(*pace.remainingSeconds(), left / 2) << progress.stage.toStdString() << progress.done;
        EXPECT_LT(*pace.remainingSeconds(), left * 2) << progress.stage.toStdString() << progress.done;
    }
}

TEST(VerifyPace, AStageThatWasNotExpectedMakesItWait)
{
    VerifyPace pace(stageSecondsOf(nullptr, {}, 4, false));
    double last = 0;
    const auto take = [&](const QString& stage, qint64 done, qint64 total) {
        pace.take(event(stage, done, total, last + 1));
        EXPECT_GE(pace.fraction(), last) << stage.toStdString();
        last = pace.fraction();
    };
    take(u"replay"_s, 10, 10);
    for (const QString& stage : {u"model"_s, u"losses"_s, u"rounding"_s, u"stitched model"_s, u"stitched model"_s})
        for (int done = 1; done <= 5; ++done)
            take(stage, done, 5);
    EXPECT_LT(last, 1);
    EXPECT_GT(last, 0.9);
}

TEST(VerifyPace, DigestsAloneAreMeasuredInBytesOfTheRun)
{
    const RunFacts run = demoRun();
    VerifyPace pace(stageSecondsOf(&run, {}, 1, false));
    for (int file = 0; file < 15; ++file)
        pace.take(event(u"hash"_s, 5'900'000, 5'900'000 + file, file));
    EXPECT_NEAR(pace.fraction(), 0.5, 0.01);
    VerifyPace unknown(stageSecondsOf(nullptr, {}, 1, false));
    unknown.take(event(u"hash"_s, 5'900'000, 5'900'000, 0.1));
    EXPECT_LT(unknown.fraction(), 0.5) << "nothing is known of how many files there are";
}

TEST(VerifyPace, OneCertificateIsAPartOfItsRun)
{
    const RunFacts run = demoRun();
    const StageSeconds whole = stageSecondsOf(&run, {}, 3, false);
    const StageSeconds one = stageSecondsOf(&run, {}, 3, true);
    EXPECT_DOUBLE_EQ(one.bytes, whole.bytes / 30);
    EXPECT_DOUBLE_EQ(one.hash, whole.hash / 30);
    EXPECT_DOUBLE_EQ(one.model, 0);
}

}
}
