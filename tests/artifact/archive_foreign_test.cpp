#include "engine/artifact/archive_layout.h"
#include "engine/artifact/archive_reader.h"
#include "engine/artifact/archive_sandbox.h"
#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "tests/artifact/archive_test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <sys/stat.h>
#include <sys/wait.h>

namespace blockcert::artifact {

namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::filesystem::path childProgram()
{
    return std::filesystem::path(std::getenv("BLOCKCERT_BIN")) / "archive_reader_child";
}

std::filesystem::path hostile(const std::string& name)
{
    return std::filesystem::path(std::getenv("BLOCKCERT_TEST_DATA")) / "archive" / (name + ".h5");
}

std::unique_ptr<ArchiveReader> openForeign(const std::filesystem::path& path,
                                           const std::filesystem::path& program = childProgram())
{
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return openForeignArchive(file.value(), path.filename().string(), program);
}

// A shell script in the place of the child.
std::filesystem::path script(const ScratchFolder& folder, const std::string& body)
{
    const auto path = folder / "child.sh";
    writeBytes(path, "#!/bin/sh\n" + body + "\n");
    ::chmod(path.c_str(), 0700);
    return path;
}

TEST(ForeignArchive, ReadsWhatTheWriterWrote)
{
    const ScratchFolder folder;
    writeEveryKind(folder / "a.h5");
    const auto reader = openForeign(folder / "a.h5");
    const auto expected = everyKindOfTensor();
    ASSERT_EQ(reader->entries().size(), expected.size());
    for (const auto& [name, tensor] : expected)
        EXPECT_EQ(reader->readAll(name), tensor) << name;
}

TEST(ForeignArchive, ReadsAPlainFileOfH5py)
{
    const auto reader = openForeign(hostile("plain"));
    EXPECT_EQ(reader->readAll("rows"), tensorOf<float>(DType::F32, {3, 2}, {0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(reader->readRows("weight/q.weight", 1, 2), tensorOf<double>(DType::F64, {1, 2}, {2, 3}));
}

TEST(ForeignArchive, RefusesByNameWhateverOurArchivesNeverHave)
{
    const std::map<std::string, std::string> reasons = {
        {"soft_link", "a soft link"},
        {"external_link", "an external link"},
        {"two_hard_links", "2 links"},
        {"group_in_itself", "links"},
        {"deep_group", "a group too deep"},
        {"attribute", "attributes"},
        {"chunked", "chunked, compact or virtual storage"},
        {"deflate", "chunked, compact or virtual storage"},
        {"growing", "chunked, compact or virtual storage"},
        {"compact", "chunked, compact or virtual storage"},
        {"external_storage", "external storage"},
        {"virtual", "chunked, compact or virtual storage"},
        {"variable_length", "elements of another type"},
        {"text", "elements of another type"},
        {"compound", "elements of another type"},
        {"boolean", "elements of another type"},
        {"reference", "elements of another type"},
        {"big_endian", "elements of another type"},
        {"named_type", "a named type"},
        {"unwritten", "no data"},
        {"huge", "no data"},
        {"huge_rank", "9 dimensions"},
        {"null_space", "no simple dataspace"},
        {"user_block", "a user block"},
        {"strange_name", "ro?ws"},
    };
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(hostile("plain").parent_path())) {
        const std::string name = file.path().stem().string();
        if (file.path().extension() != ".h5" || name == "plain")
            continue;
        ++files;
        ASSERT_TRUE(reasons.contains(name)) << name;
        EXPECT_THAT([&] { (void)openForeign(file.path()); },
                    ThrowsMessage<FormatError>(testing::AllOf(HasSubstr(name + ".h5"), HasSubstr(reasons.at(name)))));
    }
    EXPECT_EQ(files, reasons.size());
}

TEST(ForeignArchive, RefusesAFileThatIsCutOffAnywhere)
{
    const ScratchFolder folder;
    writeEveryKind(folder / "a.h5");
    const std::string whole = bytesOf(folder / "a.h5");
    for (std::size_t length = 0; length < whole.size(); length += length < 200 ? 7 : 61) {
        writeBytes(folder / "cut.h5", whole.substr(0, length));
        EXPECT_THROW((void)openForeign(folder / "cut.h5"), FormatError) << length;
    }
}

char verdictOn(const std::string& bytes)
{
    try {
        checkLayout(readLayout({"/dev/null/archive", bytes.data(), bytes.size()}), bytes.size(), "flipped.h5");
        return 'v';
    } catch (const FormatError&) {
        return 'r';
    } catch (const std::bad_alloc&) {
        return 'm';
    }
}

constexpr std::array<char, 3> masks = {'\x01', '\x80', '\xff'};

// Flips bits of one byte after another, beginning with step `begin` (a byte has one step per mask), and writes a
// letter for each step: valid, refused, out of memory.
[[noreturn]] void flipInSandbox(std::string bytes, std::size_t begin, int output)
{
    ::alarm(60);
    enterSandbox(std::size_t{512} << 20U);
    for (std::size_t step = begin; step < bytes.size() * masks.size(); ++step) {
        char& byte = bytes[step / masks.size()];
        const char original = byte;
        byte = static_cast<char>(original ^ masks[step % masks.size()]);
        const char letter = verdictOn(bytes);
        byte = original;
        if (::write(output, &letter, 1) != 1)
            ::_exit(1);
    }
    ::_exit(0);
}

// Whatever a flipped byte does, it ends in a refusal, in a dead child, or in tensors that lie inside the file; never
// in a child that runs for ever or calls the system. One sandboxed child serves until a flip ends it.
void flipEveryByte(const std::filesystem::path& original)
{
    const std::string whole = bytesOf(original);
    std::map<char, std::size_t> counts;
    std::size_t done = 0;
    while (done < whole.size() * masks.size()) {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe(ends.data()), 0);
        const pid_t child = ::fork();
        if (child == 0)
            flipInSandbox(whole, done, ends[1]);
        const Descriptor input(ends[0]);
        ::close(ends[1]);
        for (char letter = 0; ::read(input.value(), &letter, 1) == 1; ++done)
            ++counts[letter];
        int status = 0;
        ::waitpid(child, &status, 0);
        if (WIFEXITED(status))
            continue;
        EXPECT_NE(WTERMSIG(status), SIGALRM) << "step " << done << " keeps the reader busy for ever";
        EXPECT_NE(WTERMSIG(status), SIGSYS) << "step " << done << " makes the reader call the system";
        ++counts['c'];
        ++done;
    }
    std::cout << whole.size() << " bytes flipped three ways: " << counts['r'] << " refused, " << counts['m']
              << " out of memory, " << counts['c'] << " crashed the child\n";
    EXPECT_GT(counts['r'], 100U);
}

TEST(ForeignArchive, SurvivesEveryFlippedByteOfItsOwnFormat)
{
    const ScratchFolder folder;
    {
        ArchiveWriter writer(folder / "a.h5");
        writer.add("error", tensorOf<double>(DType::F64, {2}, {1, 2}));
        writer.add("weight/q.weight", tensorOf<float>(DType::F32, {1, 2}, {1, 2}));
        writer.close();
    }
    flipEveryByte(folder / "a.h5");
}

TEST(ForeignArchive, SurvivesEveryFlippedByteOfTheFormatWithoutChecksums)
{
    flipEveryByte(hostile("plain"));
}

TEST(ForeignArchive, NoticesThatTheFileWasShortenedAfterwards)
{
    const ScratchFolder folder;
    writeEveryKind(folder / "a.h5");
    const auto reader = openForeign(folder / "a.h5");
    std::filesystem::resize_file(folder / "a.h5", 100);
    EXPECT_THAT([&] { (void)reader->readAll("error"); }, ThrowsMessage<FormatError>(HasSubstr("the file ends")));
}

TEST(ForeignArchive, NeedsARegularFileAndAChildProgram)
{
    const ScratchFolder folder;
    EXPECT_THROW((void)openForeign("/dev/null"), FileError);
    EXPECT_THROW((void)openForeign("/tmp"), FileError);
    EXPECT_THAT([&] { (void)openForeign(hostile("plain"), folder / "absent"); },
                ThrowsMessage<FileError>(HasSubstr("absent: the archive reader cannot be started")));
}

TEST(ForeignArchive, TreatsAChildThatCrashesLiesOrBabblesAsAMalformedFile)
{
    const ScratchFolder folder;
    const auto with = [&](const std::string& body) { (void)openForeign(hostile("plain"), script(folder, body)); };
    EXPECT_THAT([&] { with("kill -SEGV $$"); }, ThrowsMessage<FormatError>(HasSubstr("ended by signal 11")));
    EXPECT_THAT([&] { with("exit 1"); }, ThrowsMessage<FormatError>(HasSubstr("its reader failed")));
    EXPECT_THAT([&] { with("kill -XCPU $$"); }, ThrowsMessage<FormatError>(HasSubstr("takes too long")));
    EXPECT_THAT([&] { with("cat /dev/zero"); }, ThrowsMessage<FormatError>(HasSubstr("endless answer")));
    EXPECT_THROW(with("exit 0"), FormatError);
    EXPECT_THROW(with("echo hello"), FormatError);
    EXPECT_THAT([&] { with(R"(echo '{"entries": [{"name": "x", "dtype": "F64", "shape": [4000], "offset": 8}]}')"); },
                ThrowsMessage<FormatError>(HasSubstr("does not fit into the file's 4816 bytes")));
}

TEST(ForeignArchive, DoesNotWaitForAChildThatHangs)
{
    const ScratchFolder folder;
    const Descriptor file(::open(hostile("plain").c_str(), O_RDONLY | O_CLOEXEC));
    const auto start = std::chrono::steady_clock::now();
    for (const std::string body : {"exec sleep 60", "exec >&-; exec sleep 60"})
        EXPECT_THAT([&] { (void)openThroughChild(file.value(), "plain.h5", script(folder, body), 200ms); },
                    ThrowsMessage<FormatError>(AnyOf(HasSubstr("no answer in time"), HasSubstr("signal 9"))));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(ForeignArchive, GivesTheChildNothingButTheFile)
{
    const ScratchFolder folder;
    const auto seen = folder / "seen";
    const Descriptor secret(::open(hostile("huge").c_str(), O_RDONLY)); // not close-on-exec: a careless caller
    EXPECT_THROW((void)openForeign(hostile("plain"),
                                   script(folder, "/usr/bin/env > " + seen.string() + "; cmp -s /proc/self/fd/3 " +
                                                      hostile("plain").string() + " && echo same >> " + seen.string())),
                 FormatError);
    const std::string text = bytesOf(seen);
    EXPECT_THAT(text, HasSubstr("same"));
    EXPECT_THAT(text, testing::Not(HasSubstr("BLOCKCERT")));
    EXPECT_THAT(text, testing::Not(HasSubstr("HOME")));
}

}

}
