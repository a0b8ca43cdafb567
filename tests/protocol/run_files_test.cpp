// A run's files, piece by piece: what is listed, what is read, and what is refused.

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/protocol/run_files.h"
#include "tests/certificate/tiny_run.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

using namespace blockcert;
using namespace blockcert::protocol;
namespace tiny = blockcert::certificate::tiny;

namespace {

class RunFiles : public testing::Test {
protected:
    RunFiles() { tiny::write(tiny::make({}), run()); }

    [[nodiscard]] std::filesystem::path run() const { return m_folder.path() / "run"; }

    testing_support::TemporaryFolder m_folder;
};

}

TEST_F(RunFiles, AreListedWithSizesAndDigestsAndTheListItselfLast)
{
    const Json listing = listRunFiles(run());
    std::uint64_t bytes = 0;
    for (const Json& file : listing.at("files")) {
        const std::string content = readWholeFile(run() / file.at("path").get<std::string>(), 1U << 30U);
        EXPECT_EQ(file.at("size"), content.size());
        EXPECT_EQ(file.at("sha256"), sha256Of(content));
        bytes += content.size();
    }
    EXPECT_EQ(listing.at("bytes"), bytes);
    EXPECT_EQ(listing.at("files").back().at("path"), "SHA256SUMS");
    EXPECT_EQ(listing.at("files").back().at("sha256"), listing.at("digest"));
}

TEST_F(RunFiles, AreReadFromAnyPlace)
{
    // RFC 4648's own vectors, through a file of the run.
    const std::string original = readWholeFile(run() / "run.json", 1U << 20U);
    writeFileAtomically(run() / "run.json", "foobar");
    const auto data = [&](std::int64_t offset, std::int64_t bytes) {
        return readRunFile(run(), "run.json", offset, bytes).at("data").get<std::string>();
    };
    EXPECT_EQ(data(0, 6), "Zm9vYmFy");
    EXPECT_EQ(data(0, 5), "Zm9vYmE=");
    EXPECT_EQ(data(0, 4), "Zm9vYg==");
    EXPECT_EQ(data(3, 100), "YmFy");
    EXPECT_EQ(data(6, 1), "");
    EXPECT_EQ(readRunFile(run(), "run.json", 2, 1).at("size"), 6);
    EXPECT_THROW((void)data(7, 1), UsageError);
}

TEST_F(RunFiles, ThatAreNotPartOfTheRunAreNotRead)
{
    writeFileAtomically(run() / "notes.txt", "private");
    writeFileAtomically(m_folder.path() / "outside.txt", "private");
    EXPECT_THROW((void)readRunFile(run(), "notes.txt", 0, 10), UsageError);
    EXPECT_THROW((void)readRunFile(run(), "../outside.txt", 0, 10), UsageError);
    std::filesystem::remove(run() / "run.json");
    std::filesystem::create_symlink(m_folder.path() / "outside.txt", run() / "run.json");
    EXPECT_THROW((void)readRunFile(run(), "run.json", 0, 10), FileError);
    EXPECT_THROW((void)listRunFiles(run()), FileError);
}

TEST_F(RunFiles, OfAnUnfinishedRunAreRefused)
{
    std::filesystem::remove(run() / "SHA256SUMS");
    EXPECT_THROW((void)listRunFiles(run()), FileError);
    EXPECT_THROW((void)listRunFiles(m_folder.path() / "nothing"), FileError);
}
