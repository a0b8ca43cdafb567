// An engine on another machine: its command, a connection that breaks, and runs that are brought from there.
#include "app/workbench/pages/run_page.h"
#include "app/workbench/session/run_fetch.h"
#include "app/workbench/session/tampering.h"
#include "engine/base/atomic_file.h"
#include "engine/base/sha256.h"
#include "tests/workbench/support/bench.h"

#include <QDir>
#include <QFile>

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

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
namespace fs = std::filesystem;

fs::path source()
{
    return qEnvironmentVariable("BLOCKCERT_SOURCE").toStdString();
}

fs::path sampleRun()
{
    return source() / "resources/examples/three-blocks.blockcert";
}

std::map<std::string, std::string> digestsOf(const fs::path& run)
{
    std::map<std::string, std::string> digests;
    for (const auto& entry : fs::recursive_directory_iterator(run))
        if (entry.is_regular_file())
            digests[entry.path().lexically_relative(run).string()] = sha256Of(readWholeFile(entry.path(), 1U << 30U));
    return digests;
}

void makeFile(const QString& path)
{
    QFile file(path);
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
}

// A window whose engine is reached through a program that behaves like ssh.
class Remote {
public:
    explicit Remote(const Json& script)
        : m_bench(script, showScript())
    {
        qputenv("BLOCKCERT_REMOTE_HOME", m_home.path().toUtf8());
        qputenv("BLOCKCERT_CUT", cutPath().toUtf8());
        Preferences preferences;
        const QString remote = u"\"%1\" \"%2\" \"%3\""_s.arg(
            testing::programPath(u"fake_engine"_s), m_bench.engine().scriptPath(), m_bench.engine().statePath());
        preferences.setEngineCommandLine(
            shellCommand({QString::fromStdString((source() / "tests/workbench/fake/fake_ssh.py").string()),
                          u"somewhere"_s, remote}));
        preferences.setEngineIsRemote(true);
        m_bench.start();
    }

    ~Remote()
    {
        Preferences preferences;
        preferences.setEngineIsRemote(false);
    }

    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;

    [[nodiscard]] QString cutPath() const { return m_home.filePath(u"cut"_s); }

    void cut() const { makeFile(cutPath()); }

    [[nodiscard]] fs::path home() const { return m_home.path().toStdString(); }

    Workbench& operator*() { return m_bench; }

    Workbench* operator->() { return &m_bench; }

private:
    QTemporaryDir m_home;
    Workbench m_bench;
};

TEST(RemoteEngine, ItsCommandIsSplitAsAShellWouldAndNoShellRuns)
{
    Preferences preferences;
    preferences.setEngineCommandLine(u"ssh -p 2222 me@host 'blockcert engine' serve \"a b\" c\\ d $HOME;true"_s);
    const EngineCommand command = preferences.engineCommand();
    EXPECT_EQ(command.program, u"ssh"_s);
    EXPECT_EQ(command.arguments, (QStringList{u"-p"_s, u"2222"_s, u"me@host"_s, u"blockcert engine"_s, u"serve"_s,
                                              u"a b"_s, u"c d"_s, u"$HOME;true"_s}));
    preferences.setEngineCommandLine({});
    EXPECT_FALSE(preferences.engineIsRemote());
}

TEST(RemoteEngine, AFinishedRunIsBroughtHereWholeAndOpened)
{
    Json script = engineScript();
    Remote remote(script);
    script["certify"] = Json::array();
    Json run = Json::array();
    run.push_back({{"until_file", (remote.home() / "go").string()}});
    for (const Json& step : fullRun())
        run.push_back(step);
    script["certify"].push_back(run);
    remote->engine().rewrite(script.dump());
    ASSERT_TRUE(remote->openModel());
    remote->run();
    ASSERT_TRUE(waitUntil([&] { return remote->session->launcher.state() == RunLauncher::State::Running; }));
    const QString out = remote->session->launcher.running().out;
    EXPECT_TRUE(out.startsWith(u"blockcert-runs/"_s)) << out.toStdString() << " is a folder of the other machine";
    copyRun(sampleRun(), remote.home() / out.toStdString());
    makeFile(QString::fromStdString((remote.home() / "go").string()));
    ASSERT_TRUE(waitUntil([&] { return remote->session->run.run().isReady(); }));
    const QString here = remote->session->run.path();
    EXPECT_TRUE(here.startsWith(remote->runFolder())) << here.toStdString();
    EXPECT_EQ(digestsOf(here.toStdString()), digestsOf(sampleRun()));
    EXPECT_TRUE(remote->session->board.problems().isEmpty());
    bool isListed = false;
    for (const JobEntry& job : remote->session->board.entries())
        isListed = isListed || (job.title.startsWith(u"Fetch"_s) && job.state == widgets::StepState::Done);
    EXPECT_TRUE(isListed);
}

TEST(RemoteEngine, ACutConnectionIsSaidAndTheRunResumedAfterReconnecting)
{
    Json script = engineScript();
    script["certify"] = Json::array();
    for (int i = 0; i < 2; ++i)
        script["certify"].push_back(steps({testing::cellProgress(i, 0, 1), Json{{"sleep", 60000}}}));
    script["certify"].push_back(fullRun());
    Remote remote(script);
    ASSERT_TRUE(remote->openModel());
    remote->run();
    ASSERT_TRUE(waitUntil([&] {
        const LiveRun* live = remote->session->launcher.live();
        return live && live->map()->cell(0, 0) != nullptr;
    }));
    remote.cut(); // once: it connects again and goes on by itself
    ASSERT_TRUE(waitUntil([&] {
        const LiveRun* live = remote->session->launcher.live();
        return live->map()->cell(1, 0) != nullptr;
    }));
    EXPECT_EQ(remote->session->launcher.state(), RunLauncher::State::Running);
    EXPECT_TRUE(remote->session->launcher.survived().contains(u"connection to the engine was lost"_s));
    remote.cut(); // twice: it is for the user to say
    ASSERT_TRUE(waitUntil([&] { return remote->session->launcher.state() == RunLauncher::State::Failed; }));
    EXPECT_TRUE(remote->session->launcher.fault().sentence.contains(u"connection to the engine was lost"_s))
        << remote->session->launcher.fault().sentence.toStdString();
    EXPECT_TRUE(remote->session->launcher.isResumable());
    const QString out = remote->session->launcher.running().out;
    ASSERT_TRUE(waitUntil([&] { return remote->session->engine.state() == EngineClient::State::Ready; }))
        << "it reconnects by itself";
    copyRun(sampleRun(), remote.home() / out.toStdString());
    remote->command(u"Resume the run"_s);
    ASSERT_TRUE(waitUntil([&] { return remote->session->launcher.state() == RunLauncher::State::Finished; }));
    EXPECT_EQ(remote->session->launcher.running().out, out);
    ASSERT_TRUE(waitUntil([&] { return remote->session->run.run().isReady(); }));
    EXPECT_EQ(digestsOf(remote->session->run.path().toStdString()), digestsOf(sampleRun()));
}

// A fetch without a window.
class Fetch : public ::testing::Test {
protected:
    void use(const Json& script)
    {
        m_program = std::make_unique<testing::FakeProgram>(script.dump());
        m_engine = std::make_unique<EngineClient>(
            EngineCommand{testing::programPath(u"fake_engine"_s), m_program->engineArguments(), true});
        m_board = std::make_unique<JobBoard>(*m_engine, m_tool);
    }

    // The sentence of its failure; "finished" if it did not fail.
    QString fetch(const fs::path& run, FetchLimits limits = {})
    {
        RunFetch fetch(*m_board, limits);
        QString outcome;
        QObject::connect(&fetch, &RunFetch::finished, [&outcome] { outcome = u"finished"_s; });
        QObject::connect(&fetch, &RunFetch::failed, [&outcome](const QString& sentence) { outcome = sentence; });
        fetch.start(QString::fromStdString(run.string()), target());
        (void)waitUntil([&outcome] { return !outcome.isEmpty(); });
        return outcome;
    }

    [[nodiscard]] QString target() const { return m_here.filePath(u"run.blockcert"_s); }

    // What is there of it, hidden files included.
    [[nodiscard]] QStringList leftHere() const
    {
        return QDir(m_here.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot);
    }

    [[nodiscard]] fs::path there() const { return fs::path(m_there.path().toStdString()) / "run"; }

    QTemporaryDir m_here;
    QTemporaryDir m_there;
    ToolRunner m_tool{u"unused"_s};
    std::unique_ptr<testing::FakeProgram> m_program;
    std::unique_ptr<EngineClient> m_engine;
    std::unique_ptr<JobBoard> m_board;
};

TEST_F(Fetch, BringsEveryByteInSmallPieces)
{
    use(Json::object());
    FetchLimits limits;
    limits.chunkBytes = 50'000; // more than one for most files
    EXPECT_EQ(fetch(sampleRun(), limits), u"finished"_s);
    EXPECT_EQ(digestsOf(target().toStdString()), digestsOf(sampleRun()));
    EXPECT_EQ(leftHere(), QStringList(u"run.blockcert"_s));
}

TEST_F(Fetch, KeepsNothingOfARunThatArrivesChanged)
{
    copyRun(sampleRun(), there());
    (void)damageRun(there(), Tamper::FlipByte, false);
    use(Json::object());
    EXPECT_TRUE(fetch(there()).contains(u"block_15/probes.h5 did not arrive as the engine lists it"_s));
    EXPECT_TRUE(waitUntil([this] { return leftHere().isEmpty(); }));
}

TEST_F(Fetch, RefusesWhatIsTooLargeAndWhatIsThereAlready)
{
    use(Json::object());
    FetchLimits small;
    small.bytes = 100'000;
    EXPECT_TRUE(fetch(sampleRun(), small).contains(u"larger"_s));
    FetchLimits few;
    few.files = 3;
    EXPECT_TRUE(fetch(sampleRun(), few).contains(u"11 files"_s));
    EXPECT_TRUE(waitUntil([&] { return leftHere().isEmpty(); })) << "swept away in the background";
    ASSERT_TRUE(QDir(m_here.path()).mkdir(u"run.blockcert"_s));
    EXPECT_TRUE(fetch(sampleRun()).contains(u"there already"_s));
    EXPECT_EQ(digestsOf(target().toStdString()).size(), 0U);
}

TEST_F(Fetch, RefusesAnUnfinishedRunWithTheEnginesSentence)
{
    copyRun(sampleRun(), there());
    fs::remove(there() / "SHA256SUMS");
    use(Json::object());
    EXPECT_TRUE(fetch(there()).contains(u"is no finished run"_s));
}

TEST_F(Fetch, NeverWritesOutsideItsFolder)
{
    const std::string digest(64, 'a');
    for (const std::string path : {"../evil", "/etc/evil", "a/../../evil", "a//b", "", "a\\b", "./a"}) {
        Json answer = {{"digest", digest}, {"files", Json::array()}};
        answer["files"].push_back({{"path", path}, {"size", 1}, {"sha256", digest}});
        answer["files"].push_back({{"path", "SHA256SUMS"}, {"size", 1}, {"sha256", digest}});
        use({{"run_files", once(steps({testing::result(answer)}))}});
        EXPECT_TRUE(fetch("run").contains(u"cannot be part of a run"_s)) << path;
        EXPECT_TRUE(waitUntil([&] { return leftHere().isEmpty(); })) << "swept away in the background";
    }
}

TEST_F(Fetch, RefusesAnswersThatWereNotAskedFor)
{
    const std::string digest(64, 'a');
    Json listing = {{"digest", digest}, {"files", Json::array()}};
    listing["files"].push_back({{"path", "SHA256SUMS"}, {"size", 3}, {"sha256", digest}});
    for (const Json& chunk : {Json{{"path", "SHA256SUMS"}, {"offset", 0}, {"data", "AAAAAAAA"}}, // six bytes
                              Json{{"path", "SHA256SUMS"}, {"offset", 0}, {"data", ""}},
                              Json{{"path", "SHA256SUMS"}, {"offset", 0}, {"data", "A*=="}},
                              Json{{"path", "SHA256SUMS"}, {"offset", 1}, {"data", "AAAA"}},
                              Json{{"path", "run.json"}, {"offset", 0}, {"data", "AAAA"}}}) {
        use({{"run_files", once(steps({testing::result(listing)}))},
             {"run_read", once(steps({testing::result(chunk)}))}});
        EXPECT_TRUE(fetch("run").contains(u"not what was asked for"_s)) << chunk.dump();
        EXPECT_TRUE(waitUntil([&] { return leftHere().isEmpty(); })) << "swept away in the background";
    }
}

TEST_F(Fetch, EndsWithTheConnection)
{
    const std::string digest(64, 'a');
    Json listing = {{"digest", digest}, {"files", Json::array()}};
    listing["files"].push_back({{"path", "SHA256SUMS"}, {"size", 3}, {"sha256", digest}});
    use({{"run_files", once(steps({testing::result(listing)}))}, {"run_read", once(steps({Json{{"exit", 255}}}))}});
    EXPECT_TRUE(fetch("run").contains(u"connection to the engine was lost"_s));
    EXPECT_TRUE(waitUntil([&] { return leftHere().isEmpty(); })) << "swept away in the background";
    EXPECT_EQ(m_board->count(widgets::StepState::Failed), 1);
}

}
}
