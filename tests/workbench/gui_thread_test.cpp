// The GUI thread opens no file and waits for no process, from the first click to a verified run.
//
// The functions of the C library that do such things are defined here as well, in front of the library's own: every
// call of Qt, the C++ library and this project ends here first, is written down if the GUI thread made it, and goes on.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/shell/main_window.h"
#include "app/workbench/shell/watched_application.h"
#include "tests/workbench/support/bench.h"

#include <QFile>
#include <QProcess>
#include <QTimer>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <iterator>
#include <string>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

std::atomic<bool> isWatching = false;
std::vector<std::string> calls; // of the GUI thread alone

bool isGuiThread()
{
    return isWatching && syscall(SYS_gettid) == getpid();
}

void note(const char* function, const char* path)
{
    if (isGuiThread())
        calls.push_back(std::string(function) + " " + (path != nullptr ? path : ""));
}

template <class Function>
Function* next(const char* name)
{
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// A process that has ended is collected at once; whoever waits longer than this waits for one that runs.
constexpr double collectingMs = 5;

template <class Call>
auto timed(const char* function, Call call)
{
    const auto begin = std::chrono::steady_clock::now();
    const auto result = call();
    const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - begin;
    if (spent.count() > collectingMs)
        note(function, "");
    return result;
}

mode_t modeOf(int flags, std::va_list list)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(list, unsigned)) : 0;
}

}

extern "C" {

#define FORWARD_OPEN(name)                                                                                             \
    int name(const char* path, int flags, ...)                                                                         \
    {                                                                                                                  \
        std::va_list list;                                                                                             \
        va_start(list, flags);                                                                                         \
        const mode_t mode = modeOf(flags, list);                                                                       \
        va_end(list);                                                                                                  \
        note(#name, path);                                                                                             \
        static auto* const real = next<int(const char*, int, ...)>(#name);                                             \
        return real(path, flags, mode);                                                                                \
    }
#define FORWARD_OPENAT(name)                                                                                           \
    int name(int folder, const char* path, int flags, ...)                                                             \
    {                                                                                                                  \
        std::va_list list;                                                                                             \
        va_start(list, flags);                                                                                         \
        const mode_t mode = modeOf(flags, list);                                                                       \
        va_end(list);                                                                                                  \
        note(#name, path);                                                                                             \
        static auto* const real = next<int(int, const char*, int, ...)>(#name);                                        \
        return real(folder, path, flags, mode);                                                                        \
    }

FORWARD_OPEN(open)
FORWARD_OPEN(open64)
FORWARD_OPENAT(openat)
FORWARD_OPENAT(openat64)

FILE* fopen(const char* path, const char* mode)
{
    note("fopen", path);
    static auto* const real = next<FILE*(const char*, const char*)>("fopen");
    return real(path, mode);
}

FILE* fopen64(const char* path, const char* mode)
{
    note("fopen64", path);
    static auto* const real = next<FILE*(const char*, const char*)>("fopen64");
    return real(path, mode);
}

DIR* opendir(const char* path)
{
    note("opendir", path);
    static auto* const real = next<DIR*(const char*)>("opendir");
    return real(path);
}

pid_t waitpid(pid_t process, int* status, int options)
{
    static auto* const real = next<pid_t(pid_t, int*, int)>("waitpid");
    return timed("waitpid", [&] { return real(process, status, options); });
}

pid_t wait4(pid_t process, int* status, int options, struct rusage* usage)
{
    static auto* const real = next<pid_t(pid_t, int*, int, struct rusage*)>("wait4");
    return timed("wait4", [&] { return real(process, status, options, usage); });
}

int waitid(idtype_t kind, id_t id, siginfo_t* info, int options)
{
    static auto* const real = next<int(idtype_t, id_t, siginfo_t*, int)>("waitid");
    return timed("waitid", [&] { return real(kind, id, info, options); });
}

} // extern "C"

// The blocking calls of QProcess, as the window's own code would make them.
bool QProcess::waitForFinished(int milliseconds)
{
    note("QProcess::waitForFinished", "");
    static auto* const real = next<bool(QProcess*, int)>("_ZN8QProcess15waitForFinishedEi");
    return real(this, milliseconds);
}

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::fullRun;
using testing::once;
using testing::showScript;
using testing::steps;
using testing::waitUntil;
using testing::Workbench;

// What Qt itself opens and nobody here asks for: the file of the window's settings with its lock (a few hundred bytes,
// written by QSettings from the thread that it lives in), /dev/null for the streams of a child process, and a font the
// first time that it is drawn with.
bool isQtsOwn(const std::string& call)
{
    const auto has = [&call](const char* part) { return call.find(part) != std::string::npos; };
    const bool isSettingsFolder = call.ends_with("/gui_thread_test");
    return has("/window.ini") || isSettingsFolder || has("/boot_id") || has("/machine-id") ||
           call.ends_with(" /dev/null") || has("/fonts/");
}

std::vector<std::string> ownCalls()
{
    std::vector<std::string> own;
    std::copy_if(calls.begin(), calls.end(), std::back_inserter(own),
                 [](const std::string& call) { return !isQtsOwn(call); });
    return own;
}

struct Watch {
    Watch()
    {
        calls.clear();
        isWatching = true;
    }

    ~Watch() { isWatching = false; }

    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
};

TEST(GuiThread, TheWatchSeesWhatItLooksFor)
{
    const Watch watch;
    QFile file(u"/dev/null"_s);
    EXPECT_TRUE(file.open(QIODevice::ReadOnly));
    QProcess process;
    process.start(u"/bin/sleep"_s, {u"0.05"_s});
    process.waitForFinished(1000);
    std::FILE* plain = std::fopen("/dev/null", "r");
    std::fclose(plain);
    EXPECT_THAT(calls, ::testing::Contains(::testing::EndsWith("/dev/null")));
    EXPECT_THAT(calls, ::testing::Contains(::testing::HasSubstr("waitForFinished")));
    EXPECT_THAT(calls, ::testing::Contains(::testing::StartsWith("fopen")));
}

TEST(GuiThread, OpensNoFileAndWaitsForNoProcess)
{
    Json script = engineScript();
    script["certify"] = once(fullRun());
    Json tool = showScript();
    tool["verify"] = once(steps({Json{{"json", {{"verdict", testing::verdictAnswer("run", "verified")}}}}}));
    Workbench bench(script, tool);
    bench.start();
    const QString given = bench.makeRunFolder(u"given.blockcert"_s, true);
    waitUntil([] { return false; }, 300); // fonts and styles are loaded when something is first painted

    const Watch watch;
    ASSERT_TRUE(bench.openModel());
    for (const MainWindow::Page page : {MainWindow::Run, MainWindow::Explore, MainWindow::Verify, MainWindow::Open})
        bench.window->showPage(page);
    PromptChoice typed;
    typed.kind = PromptChoice::Kind::Typed;
    typed.text = u"one two"_s;
    bench.session->prompts.setChoice(typed);
    ASSERT_TRUE(waitUntil([&] { return bench.session->prompts.list().isReady(); }));
    bench.session->prompts.setChoice({});
    ASSERT_TRUE(waitUntil([&] { return bench.window->runPage().obstacle().isEmpty(); }));
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    bench.drop(given);
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.path() == given && bench.session->run.run().isReady(); }));
    bench.window->explorePage().selectBlock(1);
    bench.window->checkRun(given);
    emit bench.window->verifyPage().verifyWanted(bench.session->verdict.request());
    ASSERT_TRUE(waitUntil([&] { return bench.session->verdict.verdict().isReady(); }));
    waitUntil([] { return false; }, 2500); // the clock of the status bar, the place that is remembered
    EXPECT_THAT(ownCalls(), ::testing::IsEmpty());
}

}
}
