// What holds the GUI thread is told, and what runs a loop of its own is not.
#include "app/workbench/shell/watched_application.h"

#include <QElapsedTimer>
#include <QEventLoop>
#include <QTimer>

#include <gtest/gtest.h>

#include <vector>

namespace blockcert::workbench {
namespace {

void work(int milliseconds)
{
    QElapsedTimer clock;
    clock.start();
    while (clock.elapsed() < milliseconds) {
    }
}

void runFor(int milliseconds)
{
    QEventLoop loop;
    QTimer::singleShot(milliseconds, &loop, &QEventLoop::quit);
    loop.exec();
}

std::vector<GuiWork> reported;

class Watching : public ::testing::Test {
protected:
    void SetUp() override
    {
        reported.clear();
        static_cast<WatchedApplication*>(qApp)->watch([](const GuiWork& slow) { reported.push_back(slow); }, 40);
    }

    void TearDown() override { static_cast<WatchedApplication*>(qApp)->watch({}); }
};

TEST_F(Watching, TellsWhoHeldTheWindowAndForHowLong)
{
    QTimer timer;
    timer.setObjectName("busy");
    timer.setSingleShot(true);
    QObject::connect(&timer, &QTimer::timeout, [] { work(60); });
    timer.start(0);
    runFor(150);
    ASSERT_EQ(reported.size(), 1U);
    EXPECT_GE(reported[0].milliseconds, 60);
    EXPECT_GT(reported[0].processorMs, 0);
    EXPECT_TRUE(sentenceOf(reported[0]).startsWith("QTimer 'busy' (Timer) held the window for "))
        << sentenceOf(reported[0]).toStdString();
}

TEST_F(Watching, ALoopWithinIsNotWorkButWhatHappensInItIs)
{
    QTimer::singleShot(0, qApp, [] {
        QTimer::singleShot(0, qApp, [] { work(60); });
        QTimer::singleShot(80, qApp, [] { work(50); });
        runFor(200); // as a dialog does
    });
    runFor(400);
    ASSERT_EQ(reported.size(), 2U);
    EXPECT_LT(reported[0].milliseconds, 180);
    EXPECT_LT(reported[1].milliseconds, 180);
}

}
}

int main(int argc, char** argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    const blockcert::workbench::WatchedApplication application(argc, argv);
    return RUN_ALL_TESTS();
}
