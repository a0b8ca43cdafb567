// A process that is killed in the middle of a run, and the run that another one finishes.
#include "engine/base/atomic_file.h"
#include "engine/certificate/cell_log.h"
#include "engine/certificate/run_layout.h"
#include "tests/engine/model_fixture.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;

class Kill : public testing::Test {
protected:
    void SetUp() override
    {
        const char* programs = std::getenv("BLOCKCERT_BIN"); // NOLINT(concurrency-mt-unsafe)
        m_engine = fs::path(programs == nullptr ? "." : programs) / "blockcert-engine";
        ASSERT_TRUE(fs::exists(m_engine)) << m_engine;
        if (demoModel().empty())
            GTEST_SKIP() << "the demo model is not set up";
        std::string pattern = (fs::temp_directory_path() / "blockcert-kill-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
    }

    void TearDown() override
    {
        if (!m_folder.empty())
            fs::remove_all(m_folder);
    }

    [[nodiscard]] pid_t start(const fs::path& run, bool resume) const
    {
        std::vector<std::string> words = {
            m_engine.string(), "certify", demoModel().string(), "--blocks", "0-4", "--prompts", "base", "-o",
            run.string(),      "--quiet"};
        if (resume)
            words.emplace_back("--resume");
        std::vector<char*> arguments;
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        std::vector<std::string> settings = {"SOURCE_DATE_EPOCH=1767323045", "PATH=/usr/bin:/bin"};
        std::vector<char*> environment;
        for (std::string& setting : settings)
            environment.push_back(setting.data());
        environment.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        pid_t child = -1;
        EXPECT_EQ(posix_spawn(&child, m_engine.c_str(), &actions, nullptr, arguments.data(), environment.data()), 0);
        posix_spawn_file_actions_destroy(&actions);
        return child;
    }

    static int wait(pid_t child)
    {
        int status = -1;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        return status;
    }

    // Whole cells and losses of blocks that are not finished.
    static std::size_t countCells(const fs::path& run)
    {
        std::size_t found = 0;
        std::error_code gone;
        for (fs::directory_iterator entry(run / ".work", gone), end; !gone && entry != end; entry.increment(gone))
            if (entry->path().extension() == ".cells") {
                std::ifstream file(entry->path(), std::ios::binary); // it may be removed at any moment
                found += certificate::cellsOf(std::string(std::istreambuf_iterator<char>(file), {})).size();
            }
        return found;
    }

    // The same with those of finished blocks, whose own files are gone or are about to go. No process is at work.
    static std::size_t countResults(const fs::path& run)
    {
        constexpr std::size_t prompts = 4;
        std::size_t found = 0;
        for (std::int32_t block = 0; block < 5; ++block)
            if (fs::exists(run / certificate::certificatePath({block})))
                found += 2 * prompts;
            else if (const fs::path cells = run / certificate::cellsPath({block}); fs::exists(cells))
                found += certificate::cellsOf(readWholeFile(cells, 64U << 20U)).size();
        return found;
    }

    static std::map<std::string, std::string> filesOf(const fs::path& run)
    {
        std::map<std::string, std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(run))
            if (entry.is_regular_file())
                files[fs::relative(entry.path(), run).string()] = readWholeFile(entry.path(), 64U << 20U);
        return files;
    }

    fs::path m_engine;
    fs::path m_folder;
};

TEST_F(Kill, AKilledRunIsFinishedByAnotherProcessToTheSameBytes)
{
    const fs::path whole = m_folder / "whole";
    ASSERT_EQ(wait(start(whole, false)), 0);

    const fs::path run = m_folder / "killed";
    const auto cells = [&] { return countCells(run); };
    const auto waves = [&] {
        std::error_code gone;
        const auto written = fs::last_write_time(run / ".work" / "wave.state", gone);
        return gone ? fs::file_time_type::min() : written;
    };
    // Killed with SIGKILL: among the first cells, when more is there, after the carried state was saved, after it was
    // saved again from where the run before had saved it, among the first losses, and among the first certificates.
    fs::file_time_type seen = fs::file_time_type::min();
    const std::vector<std::function<bool()>> places = {
        [&] { return cells() >= 1; },
        [&] { return cells() >= 4; },
        [&] { return waves() > fs::file_time_type::min(); },
        [&] { return waves() > seen; },
        [&] { return cells() >= 23; },
        [&] { return fs::exists(run / "block_01" / "certificate.json"); },
    };
    for (std::size_t i = 0; i < places.size(); ++i) {
        const std::size_t before = countResults(run);
        seen = waves();
        const pid_t child = start(run, i > 0);
        int status = 0;
        bool reached = false; // for a moment: cells go when their block is finished
        while (!(reached = places[i]()) && waitpid(child, &status, WNOHANG) == 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ASSERT_TRUE(reached) << "place " << i;
        ASSERT_EQ(kill(child, SIGKILL), 0) << "place " << i;
        EXPECT_TRUE(WIFSIGNALED(wait(child))) << "place " << i;
        EXPECT_FALSE(fs::exists(run / "SHA256SUMS"));
        EXPECT_GE(countResults(run), before) << "place " << i;
    }
    ASSERT_EQ(wait(start(run, true)), 0);

    auto resumed = filesOf(run);
    const auto expected = filesOf(whole);
    EXPECT_EQ(resumed.size(), expected.size());
    for (const auto& [path, bytes] : expected) {
        // run.json names the command, and with it the folder; SHA256SUMS lists run.json.
        if (path != "run.json" && path != "SHA256SUMS") {
            EXPECT_TRUE(resumed[path] == bytes) << path;
        }
    }
}

}
}
