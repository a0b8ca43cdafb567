#include "engine/artifact/archive_layout.h"
#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "tests/artifact/archive_test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/resource.h>
#include <thread>

namespace blockcert::artifact {

namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Archive, GivesBackEveryKindOfTensorInTheOrderOfWriting)
{
    const ScratchFolder folder;
    writeEveryKind(folder / "a.h5");
    const auto reader = openOwnArchive(folder / "a.h5");
    const auto expected = everyKindOfTensor();
    ASSERT_EQ(reader->entries().size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto& [name, tensor] = expected[i];
        EXPECT_EQ(reader->entries()[i], (ArchiveEntry{name, tensor.dtype, tensor.shape}));
        EXPECT_EQ(reader->readAll(name), tensor) << name;
    }
}

TEST(Archive, HasTheSameBytesWheneverItHasTheSameContent)
{
    const ScratchFolder folder;
    writeEveryKind(folder / "a.h5");
    std::this_thread::sleep_for(std::chrono::milliseconds(1100)); // HDF5's times have a resolution of a second
    writeEveryKind(folder / "b.h5");
    EXPECT_EQ(bytesOf(folder / "a.h5"), bytesOf(folder / "b.h5"));
}

TEST(Archive, HasTheSameBytesInWhateverOrderRowsWereWritten)
{
    const ScratchFolder folder;
    const HostTensor first = tensorOf<float>(DType::F32, {1, 2}, {1, 2});
    const HostTensor rest = tensorOf<float>(DType::F32, {2, 2}, {3, 4, 5, 6});
    for (const bool forwards : {true, false}) {
        ArchiveWriter writer(folder / (forwards ? "a.h5" : "b.h5"));
        writer.declare({"input", DType::F32, {3, 2}});
        writer.declare({"output", DType::F32, {3, 2}});
        for (const std::string name : {forwards ? "input" : "output", forwards ? "output" : "input"}) {
            if (forwards)
                writer.writeRows(name, 0, first);
            writer.writeRows(name, 1, rest);
            if (!forwards)
                writer.writeRows(name, 0, first);
        }
        writer.close();
    }
    EXPECT_EQ(bytesOf(folder / "a.h5"), bytesOf(folder / "b.h5"));
    const auto reader = openOwnArchive(folder / "b.h5");
    EXPECT_EQ(reader->readRows("output", 1, 3), rest);
    EXPECT_EQ(reader->readRows("output", 2, 2).bytes.size(), 0U);
}

TEST(Archive, LooksToH5pyAsDocumented)
{
    const ScratchFolder folder;
    writeEveryKind(folder / "a.h5");
    const std::string command = std::string("/usr/bin/python3 ") + std::getenv("BLOCKCERT_SOURCE") +
                                "/tests/artifact/archive_check.py " + (folder / "a.h5").string();
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

TEST(Archive, HoldsMoreDatasetsThanAGroupKeepsInline)
{
    const ScratchFolder folder;
    {
        ArchiveWriter writer(folder / "a.h5");
        for (int i = 0; i < 300; ++i)
            writer.add("weight/" + std::to_string(i), tensorOf<std::int32_t>(DType::I32, {1}, {i}));
        writer.close();
    }
    const auto reader = openOwnArchive(folder / "a.h5");
    ASSERT_EQ(reader->entries().size(), 300U);
    for (std::size_t i = 0; i < 300; ++i)
        EXPECT_EQ(reader->entries()[i].name, "weight/" + std::to_string(i));
}

TEST(Archive, IsRefusedWithMoreThanAThousandObjects)
{
    const ScratchFolder folder;
    {
        ArchiveWriter writer(folder / "a.h5");
        for (int i = 0; i < 1001; ++i)
            writer.add(std::to_string(i), tensorOf<std::int8_t>(DType::I8, {1}, {1}));
        writer.close();
    }
    EXPECT_THAT([&] { (void)openOwnArchive(folder / "a.h5"); }, ThrowsMessage<FormatError>(HasSubstr("1001 members")));
}

TEST(Archive, NamesTheMissingDatasetAndTheRowsThatAreNotThere)
{
    const ScratchFolder folder;
    writeEveryKind(folder / "a.h5");
    const auto reader = openOwnArchive(folder / "a.h5");
    EXPECT_THAT([&] { (void)reader->readAll("output"); }, ThrowsMessage<FormatError>(HasSubstr("no dataset output")));
    EXPECT_THAT([&] { (void)reader->readRows("input", 1, 3); }, ThrowsMessage<FormatError>(HasSubstr("has 2 rows")));
    EXPECT_THAT([&] { (void)reader->readRows("input", -1, 1); }, ThrowsMessage<FormatError>(HasSubstr("has 2 rows")));
}

TEST(Archive, DoesNotOverwriteAFile)
{
    const ScratchFolder folder;
    writeBytes(folder / "a.h5", "mine");
    EXPECT_THAT([&] { ArchiveWriter(folder / "a.h5"); }, ThrowsMessage<FileError>(HasSubstr("a.h5")));
    EXPECT_EQ(bytesOf(folder / "a.h5"), "mine");
}

TEST(Archive, LeavesNothingBehindWhenItWasNotClosed)
{
    const ScratchFolder folder;
    {
        ArchiveWriter writer(folder / "a.h5");
        writer.add("x", tensorOf<double>(DType::F64, {1}, {1}));
    }
    EXPECT_FALSE(std::filesystem::exists(folder / "a.h5"));
}

// Whatever the library was doing when the room ran out: writing rows, or its own tables when the file is closed. The
// limit holds for the whole process, so a child process meets it.
TEST(Archive, SaysThatThereIsNoRoomAndPrintsNothing)
{
    const ScratchFolder folder;
    const auto write = [&] {
        ArchiveWriter writer(folder / "a.h5");
        for (const char* name : {"x", "y", "z"})
            writer.add(name, tensorOf<double>(DType::F64, {500}, std::vector<double>(500, 1)));
        writer.close();
    };
    write();
    const auto whole = static_cast<rlim_t>(std::filesystem::file_size(folder / "a.h5"));
    std::filesystem::remove(folder / "a.h5");
    const auto fill = [&] {
        std::signal(SIGXFSZ, SIG_IGN);
        for (rlim_t room = 0; room < whole; room += 61) {
            const rlimit limit{room, RLIM_INFINITY};
            setrlimit(RLIMIT_FSIZE, &limit);
            try {
                write();
                std::_Exit(1);
            } catch (const ResourceError& problem) {
                if (std::string(problem.what()).find("File too large; raise the limit") == std::string::npos)
                    std::_Exit(2);
            } catch (const std::exception& problem) {
                std::fprintf(stderr, "%ld: %s", static_cast<long>(room), problem.what());
                std::_Exit(3);
            }
        }
        std::_Exit(42);
    };
    EXPECT_EXIT(fill(), testing::ExitedWithCode(42), "^$");
    EXPECT_FALSE(std::filesystem::exists(folder / "a.h5"));
}

TEST(Archive, IsRefusedQuietlyWhenItIsNoHdf5)
{
    const ScratchFolder folder;
    writeBytes(folder / "a.h5", "this is not HDF5");
    testing::internal::CaptureStderr();
    EXPECT_THAT([&] { (void)openOwnArchive(folder / "a.h5"); },
                ThrowsMessage<FormatError>(HasSubstr("a.h5: this is not a readable HDF5 file")));
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Archive, CanBeUsedFromSeveralThreadsAtOnce)
{
    const ScratchFolder folder;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            const auto path = folder / (std::to_string(t) + ".h5");
            for (int i = 0; i < 10; ++i) {
                writeEveryKind(path);
                EXPECT_EQ(openOwnArchive(path)->entries().size(), everyKindOfTensor().size());
                std::filesystem::remove(path);
            }
        });
}

TEST(ArchiveLayout, IsRefusedWhenADatasetLeavesTheFile)
{
    const auto check = [](std::vector<std::int64_t> shape, std::uint64_t offset) {
        checkLayout({{{"x", DType::F32, std::move(shape)}, offset}}, 100, "a.h5");
    };
    EXPECT_NO_THROW(check({25}, 0));
    EXPECT_NO_THROW(check({0, 1LL << 40}, 100));
    EXPECT_THAT([&] { check({25}, 1); }, ThrowsMessage<FormatError>(HasSubstr("dataset x at byte 1 with shape [25]")));
    EXPECT_THROW(check({26}, 0), FormatError);
    EXPECT_THROW(check({1}, ~std::uint64_t{0}), FormatError);
    EXPECT_THROW(check({1LL << 40, 1LL << 40}, 0), FormatError);
    EXPECT_THROW(check({1LL << 62, 4, 4}, 0), FormatError);
    EXPECT_THROW(check({1, 1, 1, 1, 1}, 0), FormatError);
}

TEST(ArchiveLayout, IsRefusedWhenTwoDatasetsShareBytesOrANameOrHaveAnOddOne)
{
    const PlacedEntry first{{"x", DType::U8, {10}}, 0};
    EXPECT_NO_THROW(checkLayout({first, {{"y", DType::U8, {10}}, 10}}, 100, "a.h5"));
    EXPECT_THAT(
        [&] {
            checkLayout({first, {{"y", DType::U8, {10}}, 9}}, 100, "a.h5");
        },
        ThrowsMessage<FormatError>(HasSubstr("datasets x and y overlap at byte 9")));
    EXPECT_THAT(
        [&] {
            checkLayout({first, {{"x", DType::U8, {10}}, 20}}, 100, "a.h5");
        },
        ThrowsMessage<FormatError>(HasSubstr("two datasets named x")));
    EXPECT_THAT(
        [&] {
            checkLayout({{{"a\nb", DType::U8, {1}}, 0}}, 100, "a.h5");
        },
        ThrowsMessage<FormatError>(HasSubstr("\"a?b\"")));
}

TEST(ArchiveLayout, SurvivesTheAnswerOfTheChild)
{
    const ArchiveLayout layout = {{{"x", DType::BF16, {2, 3}}, 800}, {{"weight/s", DType::F64, {}}, 0}};
    const ArchiveLayout again = readAnswer(layoutAnswer(layout), "a.h5");
    ASSERT_EQ(again.size(), 2U);
    EXPECT_EQ(again[0].entry, layout[0].entry);
    EXPECT_EQ(again[0].offset, 800U);
    EXPECT_EQ(again[1].entry, layout[1].entry);
}

TEST(ArchiveLayout, BelievesNoNonsenseFromTheChild)
{
    EXPECT_THAT([] { (void)readAnswer(problemAnswer("ro\x1bws has filters"), "a.h5"); },
                ThrowsMessage<FormatError>("a.h5: ro?ws has filters"));
    for (const std::string answer :
         {R"([])", R"({})", R"({"entries": 3})", R"({"entries": [], "more": 1})", R"({"problem": 1})",
          R"({"entries": [{}]})", R"({"entries": [{"name": "x", "dtype": "F32", "shape": [1]}]})",
          R"({"entries": [{"name": "x", "dtype": "Q4_0", "shape": [1], "offset": 0}]})",
          R"({"entries": [{"name": "x", "dtype": "F32", "shape": [-1], "offset": 0}]})",
          R"({"entries": [{"name": "x", "dtype": "F32", "shape": [1.5], "offset": 0}]})",
          R"({"entries": [{"name": "x", "dtype": "F32", "shape": [18446744073709551615], "offset": 0}]})",
          R"({"entries": [{"name": "x", "dtype": "F32", "shape": [1], "offset": -4}]})",
          R"({"entries": [{"name": 1, "dtype": "F32", "shape": [1], "offset": 0}]})",
          R"({"entries": [{"name": "x", "dtype": "F32", "shape": [1], "offset": 0, "a": 1}]})"})
        EXPECT_THROW((void)readAnswer(answer, "a.h5"), FormatError) << answer;
}

}

}
