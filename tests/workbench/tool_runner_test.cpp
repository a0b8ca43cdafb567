// Child processes of `blockcert`: whole answers, lines, cancel, and everything that goes wrong.
#include "app/workbench/process/tool_runner.h"
#include "tests/workbench/support/qt_testing.h"

#include <QElapsedTimer>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include <string>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::FakeProgram;

struct Tool {
    explicit Tool(const std::string& script, ToolLimits limits = {})
        : program(script)
        , runner(testing::programPath(u"fake_blockcert"_s), limits)
        , finished(&runner, &ToolRunner::finished)
        , failed(&runner, &ToolRunner::failed)
        , cancelled(&runner, &ToolRunner::cancelled)
    {
        qputenv("BLOCKCERT_FAKE_SCRIPT", program.scriptPath().toUtf8());
        qputenv("BLOCKCERT_FAKE_STATE", program.statePath().toUtf8());
    }

    FakeProgram program;
    ToolRunner runner;
    QSignalSpy finished;
    QSignalSpy failed;
    QSignalSpy cancelled;
};

TEST(ToolRunner, KeepsTheWholeOutputAndTheExitCode)
{
    Tool tool(R"({"show": [[{"text": "{\"run\": "}, {"text": "1}\n"}, {"log": "blockcert: careful"}, {"exit": 5}]]})");
    tool.runner.run({u"show"_s, u"a run"_s}, ToolRunner::Output::Whole);
    ASSERT_TRUE(tool.finished.wait());
    const auto result = tool.finished.front().at(1).value<ToolResult>();
    EXPECT_EQ(result.output, "{\"run\": 1}\n");
    EXPECT_EQ(result.exitCode, 5);
    EXPECT_EQ(sentenceOf(result.messages), u"careful"_s);
    EXPECT_EQ(tool.program.calls(), QStringList(u"show a run"_s));
}

TEST(ToolRunner, AnnouncesLinesAsTheyComeAndTheLastOneWithoutANewline)
{
    Tool tool(R"({"verify": [[{"text": "{\"a\":1}\n{\"b\""}, {"sleep": 50}, {"text": ":2}\n\n{\"c\":3}"}]]})");
    QStringList lines;
    QObject::connect(&tool.runner, &ToolRunner::line, &tool.runner,
                     [&](JobId, const QByteArray& line) { lines << QString::fromUtf8(line); });
    tool.runner.run({u"verify"_s}, ToolRunner::Output::Lines);
    ASSERT_TRUE(tool.finished.wait());
    EXPECT_EQ(lines, QStringList({u"{\"a\":1}"_s, u"{\"b\":2}"_s, u"{\"c\":3}"_s}));
}

TEST(ToolRunner, CancelEndsTheProcess)
{
    Tool tool(R"({"verify": [[{"sleep": 60000}]]})");
    const JobId id = tool.runner.run({u"verify"_s}, ToolRunner::Output::Lines);
    tool.runner.cancel(id);
    ASSERT_TRUE(tool.cancelled.wait());
    EXPECT_FALSE(tool.runner.hasJobs());
    EXPECT_TRUE(tool.finished.empty());
}

TEST(ToolRunner, AStubbornProcessIsKilledAfterAMoment)
{
    ToolLimits limits;
    limits.cancelMs = 100;
    Tool tool(R"({"verify": [[{"stubborn": true}, {"json": 1}, {"sleep": 60000}]]})", limits);
    const JobId id = tool.runner.run({u"verify"_s}, ToolRunner::Output::Lines);
    QSignalSpy line(&tool.runner, &ToolRunner::line);
    ASSERT_TRUE(line.wait());
    QElapsedTimer timer;
    timer.start();
    tool.runner.cancel(id);
    ASSERT_TRUE(tool.cancelled.wait());
    EXPECT_GE(timer.elapsed(), 90);
}

TEST(ToolRunner, ACrashIsAFaultNotAResult)
{
    Tool tool(R"({"show": [[{"text": "{}"}, {"crash": 6}]]})");
    tool.runner.run({u"show"_s}, ToolRunner::Output::Whole);
    ASSERT_TRUE(tool.failed.wait());
    EXPECT_EQ(
        tool.failed.front().at(1).value<JobFault>().sentence,
        u"blockcert ended unexpectedly (signal 6). Try again; if that does not help, copy the command and run it in a terminal."_s);
}

TEST(ToolRunner, AFloodIsCutOff)
{
    ToolLimits limits;
    limits.outputBytes = 1'000'000;
    Tool tool(R"({"show": [[{"flood": 200000000}]]})", limits);
    tool.runner.run({u"show"_s}, ToolRunner::Output::Whole);
    ASSERT_TRUE(tool.failed.wait());
    EXPECT_TRUE(tool.failed.front().at(1).value<JobFault>().sentence.contains(u"more than the window reads"_s));
}

TEST(ToolRunner, AMissingProgramIsNamed)
{
    ToolRunner runner(u"/nonexistent/blockcert"_s);
    QSignalSpy failed(&runner, &ToolRunner::failed);
    runner.run({u"show"_s}, ToolRunner::Output::Whole);
    ASSERT_TRUE(failed.wait());
    EXPECT_TRUE(failed.front().at(1).value<JobFault>().sentence.contains(u"/nonexistent/blockcert"_s));
}

}
}
