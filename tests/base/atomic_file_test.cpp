#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/file_fault.h"
#include "engine/base/run_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace blockcert {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
protected:
    void SetUp() override
    {
        m_folder = fs::path(testing::TempDir()) / "atomic_file_test";
        fs::remove_all(m_folder);
        fs::create_directories(m_folder);
    }

    fs::path m_folder;
};

TEST_F(AtomicFile, ReplacesTheOldContentAndLeavesNothingElse)
{
    writeFileAtomically(m_folder / "a", "one");
    writeFileAtomically(m_folder / "a", "two");
    EXPECT_EQ(readWholeFile(m_folder / "a", 10), "two");
    EXPECT_EQ(std::distance(fs::directory_iterator(m_folder), fs::directory_iterator()), 1);
}

TEST_F(AtomicFile, RefusesALinkInPlaceOfItsTemporaryFile)
{
    // Else the temporary name could be used to write elsewhere.
    writeFileAtomically(m_folder / "a", "old");
    fs::create_symlink("/dev/full", m_folder / "a.new");
    EXPECT_THROW(writeFileAtomically(m_folder / "a", "new"), FileError);
    EXPECT_EQ(readWholeFile(m_folder / "a", 10), "old");
}

TEST_F(AtomicFile, TakesThePlaceOfNoPipeAndNoDevice)
{
    ASSERT_EQ(::mkfifo((m_folder / "pipe").c_str(), 0600), 0);
    fs::create_symlink("/dev/null", m_folder / "null");
    for (const char* name : {"pipe", "null"}) {
        EXPECT_THROW(writeFileAtomically(m_folder / name, "x"), OutputError) << name;
        writeFileAtomically(m_folder / "own", "x");
        EXPECT_THROW(publishFile(m_folder / "own", m_folder / name), OutputError) << name;
        EXPECT_FALSE(fs::exists(m_folder / "own")) << "a temporary file";
    }
    EXPECT_TRUE(fs::is_fifo(m_folder / "pipe"));
    EXPECT_TRUE(fs::is_symlink(m_folder / "null"));
}

TEST_F(AtomicFile, SaysWhereItCannotWrite)
{
    EXPECT_THROW(writeFileAtomically(m_folder / "missing" / "a", "x"), FileError);
}

TEST(FileFault, SaysWhatToDoWhereThereIsNoRoom)
{
    const auto said = [](int error) -> std::string {
        try {
            refuseToWrite("Cannot write", "a", error);
        } catch (const ResourceError& problem) {
            return problem.what();
        } catch (const OutputError& problem) {
            return problem.what();
        }
    };
    EXPECT_THAT(said(ENOSPC), testing::HasSubstr("free some space there, or write to another disk"));
    EXPECT_THAT(said(EFBIG), testing::HasSubstr("ulimit -f"));
    EXPECT_EQ(said(EACCES), "Cannot write a: Permission denied.");
}

TEST_F(AtomicFile, ReadsOnlyRegularFilesWithinTheLimit)
{
    writeFileAtomically(m_folder / "a", "12345");
    EXPECT_EQ(readWholeFile(m_folder / "a", 5), "12345");
    EXPECT_THROW(readWholeFile(m_folder / "a", 4), ResourceError);
    EXPECT_THROW(readWholeFile(m_folder, 100), FileError);
    ASSERT_EQ(::mkfifo((m_folder / "pipe").c_str(), 0600), 0);
    EXPECT_THROW(readWholeFile(m_folder / "pipe", 100), FileError);
}

TEST_F(AtomicFile, FlushesManyAndNamesOneThatIsGone)
{
    std::vector<fs::path> files;
    for (int i = 0; i < 40; ++i) {
        fs::create_directory(m_folder / std::to_string(i % 3));
        files.push_back(m_folder / std::to_string(i % 3) / std::to_string(i));
        writeFileAtomically(files.back(), "x", Flush::Later);
    }
    flushFiles(files, RunContext());
    flushFiles({}, RunContext());
    fs::remove(files[17]);
    try {
        flushFiles(files, RunContext());
        FAIL() << "a file is missing";
    } catch (const FileError& error) {
        EXPECT_NE(std::string(error.what()).find(files[17].string()), std::string::npos) << error.what();
    }
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(flushFiles(files, RunContext(stop.get_token(), nullptr)), Cancelled);
}

}
}
