#include "engine/base/error.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_lock.h"
#include "engine/certificate/tensor_hasher.h"
#include "engine/certificate/token_ids.h"
#include "engine/certificate/widen.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace blockcert::certificate {
namespace {

using ::testing::ElementsAre;
using testing_support::TemporaryFolder;

const std::string someDigest(64, 'a');

void write(const std::filesystem::path& path, const std::string& text)
{
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

TEST(RunLayout, NumbersBlockFoldersWithAtLeastTwoDigits)
{
    EXPECT_EQ(blockFolder({0}), "block_00");
    EXPECT_EQ(blockFolder({31}), "block_31");
    EXPECT_EQ(blockFolder({123}), "block_123");
}

TEST(RunLayout, KnowsWhereAPromptsRowsBegin)
{
    const ProbeShape shape{offsetsOf({3, 1, 2}), 4, 2, DType::F32, LossMode::Exact};
    EXPECT_EQ(shape.tokens(), 6);
    EXPECT_EQ(shape.longest(), 3);
    EXPECT_EQ(shape.lossOffset(2), 2);  // 2 + 0 predicted tokens before
    EXPECT_EQ(shape.maskOffset(2), 10); // 9 + 1 mask cells before
    const auto layout = probeLayout(shape);
    EXPECT_EQ(layout.front(), (artifact::ArchiveEntry{"prompt_offset", DType::I64, {4}}));
    EXPECT_EQ(layout.back(), (artifact::ArchiveEntry{"top_logit_stitched", DType::F64, {6, 5}}));
    EXPECT_EQ(layout[3], (artifact::ArchiveEntry{"mask", DType::U8, {14}}));
}

TEST(RunLayout, LeavesLossesOutWhereNothingIsPredicted)
{
    for (const auto& entry : probeLayout({offsetsOf({1, 1}), 4, 2, DType::F32, LossMode::Exact}))
        EXPECT_FALSE(entry.name.starts_with("loss"));
}

TEST(Sums, AreSortedAndReadBack)
{
    const std::string text = writeSums({{"run.json", someDigest}, {"block_00/ir.h5", std::string(64, '0')}});
    EXPECT_EQ(text, std::string(64, '0') + "  block_00/ir.h5\n" + someDigest + "  run.json\n");
    EXPECT_EQ(writeSums(readSums(text)), text);
}

TEST(Sums, RefuseEveryOtherForm)
{
    const std::string a = someDigest;
    for (const std::string& text :
         {a + "  b\n" + a + "  a\n", a + "  a\n" + a + "  a\n", a + " *a\n", a + "  a", a + "  \n", std::string("\n"),
          a + "  /a\n", a + "  ../a\n", a + "  a/../b\n", a + "  a//b\n", a + "  ./a\n", a + "  a\r\n",
          std::string(64, 'A') + "  a\n", a.substr(1) + "  a\n", a + "  a\\b\n", a + "  a/\n"})
        EXPECT_THROW(static_cast<void>(readSums(text)), FormatError) << text;
}

TEST(RunFolder, OpensRegularFilesBeneathItAlone)
{
    const TemporaryFolder folder;
    write(folder.path() / "run" / "a" / "file", "inside");
    write(folder.path() / "secret", "outside");
    std::filesystem::create_symlink("../secret", folder.path() / "run" / "link");
    std::filesystem::create_directory_symlink("a", folder.path() / "run" / "linked");
    ASSERT_EQ(::mkfifo((folder.path() / "run" / "pipe").c_str(), 0600), 0);
    const RunFolder run(folder.path() / "run");
    EXPECT_EQ(run.readText("a/file", 100), "inside");
    for (const char* path : {"link", "linked/file", "pipe", "a", "missing"})
        EXPECT_THROW(static_cast<void>(run.open(path)), FileError) << path;
    for (const char* path : {"../secret", "/etc/passwd", "", "a/../a/file", "a/./file", "a//file"})
        EXPECT_THROW(static_cast<void>(run.open(path)), FormatError) << path;
    EXPECT_THROW(static_cast<void>(run.readText("a/file", 5)), ResourceError);
    EXPECT_THAT(run.list(100), ElementsAre("a/file", "link", "linked", "pipe"));
}

TEST(RunLock, IsFreeAgainWhenItsHolderIsKilled)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "run" / ".work" / "lock";
    std::filesystem::create_directories(path.parent_path());
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const RunLock lock(path);
        static_cast<void>(::write(ready[1], "x", 1));
        ::pause();
        ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_THROW(RunLock{path}, UsageError);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_NO_THROW(RunLock{path});
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST(TensorHasher, AgreesWithTheDigestOfTheWholeTensor)
{
    const HostTensor tensor = tensorOf(std::vector<double>{1, 2, 3, 4, 5, 6}, {3, 2});
    TensorHasher hasher(tensor.dtype, tensor.shape);
    for (std::size_t i = 0; i < tensor.bytes.size(); i += 16)
        hasher.add(std::span(tensor.bytes).subspan(i, 16));
    EXPECT_EQ(hasher.finish(), sha256OfTensor(tensor));
}

TEST(TokenIds, AreDigestedWithTheLengthOfEachPrompt)
{
    PromptSet one;
    one.prompts.push_back({"a", "", {1, 2, 3}, {}, 0, "", {}, ""});
    PromptSet two;
    two.prompts.push_back({"a", "", {1, 2}, {}, 0, "", {}, ""});
    two.prompts.push_back({"b", "", {3}, {}, 0, "", {}, ""});
    EXPECT_NE(tokenIdsDigest(one), tokenIdsDigest(two));
    // u64 3, then i32 1, 2, 3, little-endian.
    const std::string bytes("\3\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0", 20);
    EXPECT_EQ(tokenIdsDigest(one), sha256Of(bytes));
}

TEST(Widen, IsExactForEverySixteenBitPattern)
{
    HostTensor half{DType::F16, {65536}, {}};
    for (unsigned bits = 0; bits < 65536; ++bits) {
        half.bytes.push_back(static_cast<std::byte>(bits & 0xFF));
        half.bytes.push_back(static_cast<std::byte>(bits >> 8));
    }
    HostTensor brain = half;
    brain.dtype = DType::BF16;
    const std::vector<double> fromHalf = widened(half);
    const std::vector<double> fromBrain = widened(brain);
    for (unsigned bits = 0; bits < 65536; ++bits) {
        // The compiler's own _Float16 is the judge for F16; the definition for BF16.
        _Float16 judge = 0;
        const auto pattern = static_cast<std::uint16_t>(bits);
        std::memcpy(&judge, &pattern, 2);
        const auto expected = static_cast<double>(judge);
        ASSERT_TRUE(fromHalf[bits] == expected || (std::isnan(expected) && std::isnan(fromHalf[bits]))) << bits;
        const int exponent = static_cast<int>(bits >> 7 & 0xFF);
        if (exponent == 0xFF)
            continue;
        const double mantissa = static_cast<double>(bits & 0x7F) + (exponent == 0 ? 0 : 128);
        const double magnitude = std::ldexp(mantissa, (exponent == 0 ? 1 : exponent) - 127 - 7);
        ASSERT_EQ(fromBrain[bits], (bits & 0x8000) != 0 ? -magnitude : magnitude) << bits;
    }
}

}
}
