#include "engine/protocol/progress_meter.h"

#include <gtest/gtest.h>

using namespace blockcert;
using namespace blockcert::protocol;

namespace {

Progress cells(std::int64_t done, std::int64_t total)
{
    Progress progress;
    progress.stage = "replay";
    progress.done = done;
    progress.total = total;
    progress.unit = "cells";
    return progress;
}

}

TEST(ProgressMeter, ShowsTheFirstAndLastEventOfAStageHoweverFastTheyCome)
{
    ProgressMeter meter(0, 20);
    const auto first = meter.take(cells(0, 3), 0.001);
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->stageBegins);
    EXPECT_FALSE(meter.take(cells(1, 3), 0.002));
    const auto last = meter.take(cells(3, 3), 0.003);
    ASSERT_TRUE(last);
    EXPECT_TRUE(last->stageEnds);
}

TEST(ProgressMeter, LetsTwentyEventsASecondThrough)
{
    ProgressMeter meter(0, 20);
    int shown = 0;
    for (int i = 0; i < 1000; ++i)
        shown += meter.take(cells(i, 100000), i / 1000.0).has_value() ? 1 : 0;
    EXPECT_GE(shown, 19);
    EXPECT_LE(shown, 21);
}

TEST(ProgressMeter, NeverDropsADetail)
{
    ProgressMeter meter(0, 20);
    (void)meter.take(cells(0, 100), 0);
    for (int i = 1; i < 50; ++i) {
        Progress event = cells(i, 100);
        event.detail = "{}";
        EXPECT_TRUE(meter.take(event, 0.0001 * i)) << i;
    }
}

TEST(ProgressMeter, CountsOnlyWhatThisProcessDidWhenARunIsResumed)
{
    ProgressMeter meter(10, 20);
    (void)meter.take(cells(80, 100), 10);
    const auto later = meter.take(cells(90, 100), 12);
    ASSERT_TRUE(later);
    EXPECT_DOUBLE_EQ(later->rate.value(), 5);
    EXPECT_DOUBLE_EQ(later->eta.value(), 2);
    EXPECT_DOUBLE_EQ(later->elapsed, 2);
}

TEST(ProgressMeter, GoesOnWithAStageAfterAnotherTookItsTurn)
{
    ProgressMeter meter(0, 0);
    (void)meter.take(cells(0, 4), 0);
    Progress write;
    write.stage = "write";
    write.done = 1;
    write.total = 2;
    (void)meter.take(write, 1);
    const auto later = meter.take(cells(2, 4), 2);
    ASSERT_TRUE(later);
    EXPECT_FALSE(later->stageBegins);
    EXPECT_DOUBLE_EQ(later->rate.value(), 1);
    EXPECT_TRUE(meter.take(cells(0, 4), 3)->stageBegins) << "the next file of four";
}

TEST(ProgressMeter, SaysNoRateBeforeAnythingWasDone)
{
    ProgressMeter meter(0, 20);
    const auto first = meter.take(cells(0, 100), 5);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->rate);
    EXPECT_FALSE(first->eta);
    EXPECT_FALSE(progressToJson(*first).contains("rate"));
}

TEST(ProgressMeter, WritesTheFieldsOfTheProtocol)
{
    Progress event = cells(1, 3);
    event.block = 5;
    event.prompt = 2;
    event.detail = R"({"cell":{"block":5}})";
    ProgressMeter meter(0, 20);
    EXPECT_EQ(progressToJson(*meter.take(event, 0.5)), Json({{"stage", "replay"},
                                                             {"done", 1},
                                                             {"total", 3},
                                                             {"unit", "cells"},
                                                             {"elapsed_s", 0.5},
                                                             {"block", 5},
                                                             {"prompt", 2},
                                                             {"detail", {{"cell", {{"block", 5}}}}}}));
}
