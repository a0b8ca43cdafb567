// How the window's engine client behaves towards engines that work, and towards engines that do not.
#include "app/workbench/process/engine_client.h"
#include "engine/base/strict_json.h"
#include "tests/workbench/support/qt_testing.h"

#include <QElapsedTimer>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include <csignal>
#include <ctime>
#include <memory>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::FakeProgram;
using testing::waitUntil;
using State = EngineClient::State;

EnginePatience shortPatience()
{
    EnginePatience patience;
    patience.initializeMs = 3000;
    patience.cancelMs = 200;
    patience.quietMs = 300;
    patience.terminateMs = 100;
    patience.restarts = 2;
    patience.restartDelayMs = 10;
    return patience;
}

// A client with a recorder of everything it says.
struct Watched {
    explicit Watched(const std::string& script, EnginePatience patience = shortPatience())
        : program(script)
        , client({testing::programPath(u"fake_engine"_s), program.engineArguments()}, patience)
    {
        QObject::connect(&client, &EngineClient::finished, &client, [this](JobId id, const JsonResult& value) {
            events << u"finished %1"_s.arg(id);
            result = value;
        });
        QObject::connect(&client, &EngineClient::failed, &client, [this](JobId id, const JobFault& value) {
            events << u"failed %1"_s.arg(id);
            fault = value;
        });
        QObject::connect(&client, &EngineClient::cancelled, &client,
                         [this](JobId id, bool resumable) { events << u"cancelled %1 %2"_s.arg(id).arg(resumable); });
        QObject::connect(&client, &EngineClient::started, &client,
                         [this](JobId id) { events << u"started %1"_s.arg(id); });
        QObject::connect(&client, &EngineClient::progressed, &client, [this](JobId, const JobProgress& value) {
            ++progressCount;
            progress = value;
        });
    }

    [[nodiscard]] bool waitFor(const QString& event, int milliseconds = 10000)
    {
        return waitUntil([this, event] { return events.contains(event); }, milliseconds);
    }

    FakeProgram program;
    EngineClient client;
    QStringList events;
    JsonResult result;
    JobFault fault;
    JobProgress progress;
    int progressCount = 0;
};

TEST(EngineClient, StartsTheEngineWithTheFirstRequestAndReturnsItsAnswer)
{
    Watched watched(R"({"open": [[{"result": {"model": "tiny"}}]]})");
    const JobId id = watched.client.request(u"open"_s, {{"model", "x"}});
    ASSERT_TRUE(watched.waitFor(u"finished %1"_s.arg(id)));
    EXPECT_EQ(watched.events, QStringList({u"started %1"_s.arg(id), u"finished %1"_s.arg(id)}));
    EXPECT_EQ((*watched.result)["model"], "tiny");
    EXPECT_EQ(watched.client.state(), State::Ready);
    EXPECT_EQ(watched.client.description().threads, 2);
}

TEST(EngineClient, DeliversProgressBeforeTheAnswer)
{
    Watched watched(R"({"certify": [[
        {"progress": {"stage": "load", "done": 1}},
        {"progress": {"stage": "replay", "done": 3, "total": 8, "unit": "cells", "block": 1, "elapsed_s": 0.5,
                      "eta_s": null, "detail": {"cell": {"block": 1}}}},
        {"result": {}}]]})");
    const JobId id = watched.client.request(u"certify"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"finished %1"_s.arg(id)));
    EXPECT_EQ(watched.progressCount, 2);
    EXPECT_EQ(watched.progress.stage, u"replay"_s);
    EXPECT_EQ(watched.progress.block, 1);
    EXPECT_FALSE(watched.progress.etaSeconds.has_value());
    ASSERT_TRUE(watched.progress.detail);
    EXPECT_TRUE(watched.progress.detail->contains("cell"));
}

TEST(EngineClient, ReportsTheEnginesOwnSentence)
{
    Watched watched(
        R"({"open": [[{"error": {"code": -32000, "message": "config.json: model_type 'bert' is not supported.",
                                             "data": {"kind": "unsupported", "exit_code": 4}}}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(id)));
    EXPECT_EQ(watched.fault.sentence, u"config.json: model_type 'bert' is not supported."_s);
    EXPECT_EQ(watched.fault.kind, u"unsupported"_s);
    EXPECT_EQ(watched.fault.exitCode, 4);
}

TEST(EngineClient, CancelsARunningJobAndCallsItResumable)
{
    Watched watched(R"({"certify": [[{"sleep": 60000}, {"result": {}}]]})");
    const JobId id = watched.client.request(u"certify"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"started %1"_s.arg(id)));
    QElapsedTimer timer;
    timer.start();
    watched.client.cancel(id);
    ASSERT_TRUE(watched.waitFor(u"cancelled %1 1"_s.arg(id)));
    EXPECT_LT(timer.elapsed(), 1000);
    EXPECT_EQ(watched.client.state(), State::Ready);
}

TEST(EngineClient, CancelsAJobThatWasNeverSent)
{
    Watched watched(R"({"initialize": [[{"silence": true}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    watched.client.cancel(id);
    ASSERT_TRUE(watched.waitFor(u"cancelled %1 0"_s.arg(id), 1000));
}

TEST(EngineClient, SaysWhenACancelIsNotAnsweredAndEndsTheEngineOnRequest)
{
    Watched watched(
        R"({"certify": [[{"deaf": true}, {"progress": {}}, {"silence": true}]], "open": [[{"result": {}}]]})");
    const JobId run = watched.client.request(u"certify"_s, Json::object());
    ASSERT_TRUE(waitUntil([&] { return watched.progressCount > 0; }));
    QSignalSpy unanswered(&watched.client, &EngineClient::cancelUnanswered);
    watched.client.cancel(run);
    ASSERT_TRUE(unanswered.wait(3000));
    EXPECT_FALSE(watched.events.contains(u"cancelled %1 1"_s.arg(run)));
    watched.client.end();
    ASSERT_TRUE(watched.waitFor(u"cancelled %1 1"_s.arg(run)));
    EXPECT_EQ(watched.client.state(), State::Stopped);
    const JobId open = watched.client.request(u"open"_s, Json::object());
    EXPECT_TRUE(watched.waitFor(u"finished %1"_s.arg(open))) << "a new request starts a new engine";
}

TEST(EngineClient, AnEngineThatCrashesFailsOnlyTheRunningJobAndIsStartedAgain)
{
    Watched watched(R"({"certify": [[{"crash": 11}]], "open": [[{"result": {}}]]})");
    const JobId run = watched.client.request(u"certify"_s, Json::object());
    const JobId open = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(run)));
    EXPECT_EQ(watched.fault.origin, JobFault::Origin::ProgramEnded);
    EXPECT_TRUE(watched.fault.resumable);
    EXPECT_EQ(watched.fault.sentence, u"The engine crashed (signal 11)."_s);
    EXPECT_TRUE(watched.waitFor(u"finished %1"_s.arg(open))) << "the waiting job is asked again";
}

TEST(EngineClient, ADeathWithoutAJobIsToldAndStandsInTheLog)
{
    Watched watched(R"({"open": [[{"result": {}}]]})");
    const JobId open = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"finished %1"_s.arg(open)));
    QSignalSpy died(&watched.client, &EngineClient::died);
    ASSERT_EQ(::kill(static_cast<pid_t>(watched.client.processId()), SIGKILL), 0);
    ASSERT_TRUE(died.wait(3000));
    EXPECT_TRUE(died[0][0].toString().startsWith(u"The engine was killed (signal 9)"_s));
    EXPECT_FALSE(died[0][1].toBool());
    EXPECT_TRUE(watched.client.log().contains(u"The engine was killed (signal 9)"_s))
        << watched.client.log().toStdString();
}

TEST(EngineClient, TheLastWordsOfACrashingEngineStillCount)
{
    Watched watched(R"({"certify": [[{"progress": {"stage": "write"}}, {"exit": 3}]]})");
    const JobId run = watched.client.request(u"certify"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(run)));
    EXPECT_EQ(watched.progressCount, 1);
    EXPECT_EQ(watched.fault.sentence,
              u"The engine ended by itself with exit code 3; what it said last stands in the log (Ctrl+J)."_s);
}

TEST(EngineClient, RestartsAreBoundedAndTheLastSentenceSaysSo)
{
    Watched watched(R"({"initialize": [[{"exit": 127}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(id)));
    EXPECT_EQ(watched.client.state(), State::Down);
    EXPECT_EQ(watched.fault.sentence, u"The engine ended by itself with exit code 127; what it said last stands in the "
                                      u"log (Ctrl+J). It ended 3 times within a minute "
                                      "and is not started again by itself."_s);
    const JobId next = watched.client.request(u"open"_s, Json::object());
    EXPECT_TRUE(watched.waitFor(u"failed %1"_s.arg(next))) << "requests to a given-up engine fail at once";
}

TEST(EngineClient, StartsAgainAfterGivingUpWhenTheUserAsks)
{
    Watched watched(R"({"certify": [[{"exit": 1}], [{"exit": 1}], [{"exit": 1}], [{"result": {}}]]})");
    for (int i = 0; i < 3; ++i) {
        const JobId id = watched.client.request(u"certify"_s, Json::object());
        ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(id)));
    }
    ASSERT_TRUE(waitUntil([&] { return watched.client.state() == State::Down; }));
    watched.client.start();
    const JobId id = watched.client.request(u"certify"_s, Json::object());
    EXPECT_TRUE(watched.waitFor(u"finished %1"_s.arg(id)));
}

TEST(EngineClient, GarbageOnThePipeStopsTheEngineAndSaysWhatItWas)
{
    Watched watched(R"({"certify": [[{"garbage": "Warning: CUDA not found\n\r\n\r\n"}, {"sleep": 60000}]]})");
    const JobId id = watched.client.request(u"certify"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(id)));
    EXPECT_EQ(watched.fault.origin, JobFault::Origin::Protocol);
    EXPECT_TRUE(watched.fault.sentence.contains(u"Warning: CUDA not found"_s)) << watched.fault.sentence.toStdString();
}

TEST(EngineClient, JsonWithDuplicateKeysStopsTheEngine)
{
    Watched watched(R"({"open": [[{"garbage": "Content-Length: 15\r\n\r\n{\"id\":1,\"id\":2}"}, {"sleep": 60000}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(id)));
    EXPECT_EQ(watched.fault.origin, JobFault::Origin::Protocol);
}

TEST(EngineClient, AnAnnouncedMonsterIsRefusedWithoutWaitingForIt)
{
    Watched watched(R"({"open": [[{"announce": 70000000000}, {"sleep": 60000}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(id)));
    EXPECT_TRUE(watched.fault.sentence.contains(u"70000000000 bytes"_s)) << watched.fault.sentence.toStdString();
}

TEST(EngineClient, ALargeAnswerIsDecodedWithoutHoldingUpTheWindow)
{
    Watched watched(R"({"open": [[{"padded": 40000000}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    // Its own processor time, so that other programs on the machine do not count.
    const auto spent = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) * 1000 + static_cast<double>(time.tv_nsec) / 1e6;
    };
    double longest = 0;
    double atTick = spent();
    QTimer ticks;
    QObject::connect(&ticks, &QTimer::timeout, &ticks, [&] {
        const double now = spent();
        longest = std::max(longest, now - atTick);
        atTick = now;
    });
    ticks.start(1);
    ASSERT_TRUE(watched.waitFor(u"finished %1"_s.arg(id), 30000));
    EXPECT_EQ((*watched.result)["parts"].size(), 400U);
    // Had this thread decoded it, no tick would have come for at least as long as that takes.
    const std::string text = watched.result->dump();
    const double before = spent();
    EXPECT_EQ(parseStrictJson(text, "answer"), *watched.result);
    EXPECT_LT(longest, spent() - before);
}

TEST(EngineClient, SilenceShowsAsQuietAndEndsWithTheNextMessage)
{
    Watched watched(
        R"({"certify": [[{"sleep": 900}, {"progress": {"stage": "load"}}, {"sleep": 150}, {"result": {}}]]})");
    QList<State> states;
    QObject::connect(&watched.client, &EngineClient::stateChanged, &watched.client,
                     [&](State state) { states << state; });
    const JobId id = watched.client.request(u"certify"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"finished %1"_s.arg(id)));
    EXPECT_EQ(states, QList<State>({State::Starting, State::Busy, State::Quiet, State::Busy, State::Ready}));
}

TEST(EngineClient, AnEngineThatNeverIntroducesItselfIsStopped)
{
    EnginePatience patience = shortPatience();
    patience.initializeMs = 200;
    patience.restarts = 0;
    Watched watched(R"({"initialize": [[{"silence": true}]]})", patience);
    const JobId id = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(id)));
    EXPECT_TRUE(watched.fault.sentence.contains(u"did not introduce itself"_s));
}

TEST(EngineClient, AnotherProtocolVersionIsRefusedWithAnAdvice)
{
    Watched watched(R"({"initialize": [[{"result": {"protocol": 2}}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"failed %1"_s.arg(id)));
    EXPECT_TRUE(watched.fault.sentence.contains(u"protocol 2"_s)) << watched.fault.sentence.toStdString();
    EXPECT_EQ(watched.client.state(), State::Down);
}

TEST(EngineClient, AProgramThatIsNotThereIsNamed)
{
    EngineClient client({u"/nonexistent/blockcert-engine"_s, {u"serve"_s}}, shortPatience());
    QSignalSpy failed(&client, &EngineClient::failed);
    client.request(u"open"_s, Json::object());
    ASSERT_TRUE(failed.wait(3000));
    const auto fault = failed.front().at(1).value<JobFault>();
    EXPECT_EQ(fault.origin, JobFault::Origin::NotStarted);
    EXPECT_TRUE(fault.sentence.contains(u"/nonexistent/blockcert-engine"_s));
}

TEST(EngineClient, AnswersToNobodyAreIgnored)
{
    Watched watched(R"({"open": [[{"stale": {"model": "other"}}, {"result": {"model": "tiny"}}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"finished %1"_s.arg(id)));
    EXPECT_EQ(watched.events.size(), 2);
    EXPECT_EQ((*watched.result)["model"], "tiny");
}

TEST(EngineClient, KeepsWhatTheEngineLogs)
{
    Watched watched(R"({"open": [[{"log": "loading weights"}, {"result": {}}]]})");
    const JobId id = watched.client.request(u"open"_s, Json::object());
    ASSERT_TRUE(watched.waitFor(u"finished %1"_s.arg(id)));
    EXPECT_TRUE(waitUntil([&] { return watched.client.log().contains(u"loading weights"_s); }));
}

TEST(EngineClient, LeavesNoProcessBehind)
{
    qint64 pid = 0;
    {
        Watched watched(R"({"certify": [[{"silence": true}]]})");
        const JobId id = watched.client.request(u"certify"_s, Json::object());
        ASSERT_TRUE(watched.waitFor(u"started %1"_s.arg(id)));
        pid = watched.client.processId();
        ASSERT_GT(pid, 0);
    }
    EXPECT_NE(kill(static_cast<pid_t>(pid), 0), 0);
}

}
}
