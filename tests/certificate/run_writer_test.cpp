#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/cell_file.h"
#include "engine/certificate/cell_log.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_place.h"
#include "engine/certificate/run_writer.h"
#include "engine/certificate/token_ids.h"
#include "engine/prompts/prompts.h"
#include "tests/certificate/tiny_run.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace blockcert::certificate {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::TemporaryFolder;

// Every file of a run with its digest.
std::map<std::string, std::string> filesOf(const fs::path& run)
{
    std::map<std::string, std::string> files;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(run))
        if (entry.is_regular_file())
            files[fs::relative(entry.path(), run).string()] = sha256Of(readWholeFile(entry.path(), 1U << 30U));
    return files;
}

std::set<std::string> namesOf(const fs::path& run)
{
    std::set<std::string> names;
    for (const auto& [name, content] : filesOf(run))
        names.insert(name);
    return names;
}

const tiny::Material& material()
{
    static const tiny::Material made = tiny::make({});
    return made;
}

LayerIndex blockAt(std::size_t b)
{
    return material().manifest.request.blocks[b];
}

TEST(RunWriter, LeavesExactlyTheDocumentedFiles)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run.blockcert";
    tiny::write(material(), run);
    EXPECT_THAT(namesOf(run),
                ElementsAre("SHA256SUMS", "block_00/certificate.json", "block_00/ir.h5", "block_00/probes.h5",
                            "block_01/certificate.json", "block_01/ir.h5", "block_01/probes.h5", "run.json"));
    EXPECT_FALSE(fs::exists(run / ".work"));
}

TEST(RunWriter, WritesSumsThatSha256sumAccepts)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    tiny::write(material(), run);
    const std::string command = "cd '" + run.string() + "' && sha256sum --strict --quiet -c SHA256SUMS";
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_EQ(readSums(readWholeFile(run / "SHA256SUMS", 1 << 20)).size(), 7U);
}

TEST(RunWriter, GivesTheSameBytesForTheSameRun)
{
    const TemporaryFolder folder;
    tiny::write(material(), folder.path() / "a");
    tiny::write(material(), folder.path() / "b");
    EXPECT_EQ(filesOf(folder.path() / "a"), filesOf(folder.path() / "b"));
}

TEST(RunWriter, ReturnsTheCertificateItWrites)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    RunWriter writer(run, material().manifest, OpenMode::Create);
    for (const CellRecord& cell : material().cells[0])
        writer.writeCell(cell);
    const Certificate returned = writer.finishBlock({0}, material().irs[0]);
    const std::string path = certificatePath({0});
    EXPECT_EQ(certificateFromJson(parseStrictJson(readWholeFile(run / path, 1 << 20), path), path), returned);
    EXPECT_TRUE(returned.certified);
    EXPECT_EQ(returned.prompts.tokenIdsSha256, prompts::tokenIdsSha256(material().manifest.prompts));
    EXPECT_EQ(returned.metrics.l2.coverage.total, material().manifest.prompts.tokenCount());
}

TEST(RunWriter, DoesNotReadBackWhatItHasJustWritten)
{
    const TemporaryFolder folder;
    tiny::write(material(), folder.path() / "whole");
    RunWriter writer(folder.path() / "run", material().manifest, OpenMode::Create);
    for (const CellRecord& cell : material().cells[0])
        writer.writeCell(cell);
    fs::resize_file(folder.path() / "run" / cellsPath({0}), 0);
    writer.finishBlock({0}, material().irs[0]);
    const std::string probes = probesPath({0});
    EXPECT_EQ(sha256OfFile(folder.path() / "run" / probes, RunContext()),
              sha256OfFile(folder.path() / "whole" / probes, RunContext()));
}

// Stops after `cells` cells (and what comes with them), as a kill would; then resumes.
void interruptAndResume(const fs::path& run, std::size_t cells)
{
    std::size_t written = 0;
    for (int attempt = 0; attempt < 2; ++attempt) {
        RunWriter writer(run, material().manifest, attempt == 0 ? OpenMode::Create : OpenMode::Resume);
        for (std::size_t b = 0; b < material().cells.size(); ++b) {
            if (writer.hasBlock(blockAt(b)))
                continue;
            for (const CellRecord& cell : material().cells[b]) {
                if (writer.hasCell(blockAt(b), cell.prompt))
                    continue;
                writer.writeCell(cell);
                if (attempt == 0 && ++written == cells)
                    goto next;
            }
            static_cast<void>(writer.finishBlock(blockAt(b), material().irs[b]));
        }
        writer.finish();
    next:;
    }
}

TEST(RunWriter, GivesTheSameBytesHoweverItWasInterrupted)
{
    const TemporaryFolder folder;
    tiny::write(material(), folder.path() / "whole");
    const auto whole = filesOf(folder.path() / "whole");
    for (std::size_t cells = 1; cells <= 6; ++cells) {
        const fs::path run = folder.path() / std::to_string(cells);
        interruptAndResume(run, cells);
        EXPECT_EQ(filesOf(run), whole) << "interrupted after " << cells << " cells";
    }
}

// One byte in the middle of a cell changes.
void spoilCell(const fs::path& log, PromptIndex prompt)
{
    std::string bytes = readWholeFile(log, 1 << 20);
    const std::string_view cell = cellsOf(bytes).at({prompt, CellPart::Cell});
    bytes[static_cast<std::size_t>(cell.data() - bytes.data()) + cell.size() / 2] ^= 1;
    std::ofstream(log, std::ios::binary) << bytes;
}

TEST(RunWriter, LosesAtMostADamagedCell)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    {
        RunWriter writer(run, material().manifest, OpenMode::Create);
        for (const CellRecord& cell : material().cells[0])
            writer.writeCell(cell);
    }
    spoilCell(run / cellsPath({0}), {1});
    const RunWriter writer(run, material().manifest, OpenMode::Resume);
    EXPECT_TRUE(writer.hasCell({0}, {0}));
    EXPECT_FALSE(writer.hasCell({0}, {1}));
    EXPECT_TRUE(writer.hasCell({0}, {2}));
    EXPECT_FALSE(writer.hasBlock({0}));
}

TEST(RunWriter, ComputesCellsOfAnotherMachineAgain)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    {
        RunWriter writer(run, material().manifest, OpenMode::Create);
        writer.writeCell(material().cells[0][0]);
    }
    RunManifest elsewhere = material().manifest;
    elsewhere.environment.threads = 7;
    EXPECT_TRUE(RunWriter(run, elsewhere, OpenMode::Resume).hasCell({0}, {0}));
    elsewhere.environment.processor = "Another CPU";
    EXPECT_FALSE(RunWriter(run, elsewhere, OpenMode::Resume).hasCell({0}, {0}));
}

TEST(RunWriter, RefusesAFolderThatIsInUse)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    tiny::write(material(), run);
    EXPECT_THROW(RunWriter(run, material().manifest, OpenMode::Create), UsageError);
    fs::create_directories(folder.path() / "other");
    std::ofstream(folder.path() / "other" / "letter.txt") << "mine";
    EXPECT_THROW(RunWriter(folder.path() / "other", material().manifest, OpenMode::Create), UsageError);
    EXPECT_THROW(RunWriter(folder.path() / "other", material().manifest, OpenMode::Resume), UsageError);
    fs::create_directories(folder.path() / "empty");
    EXPECT_NO_THROW(RunWriter(folder.path() / "empty", material().manifest, OpenMode::Create));
}

TEST(RunWriter, RefusesASecondWriter)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    const RunWriter writer(run, material().manifest, OpenMode::Create);
    const pid_t child = ::fork(); // flock belongs to the open file: another process has to try
    if (child == 0) {
        try {
            const RunWriter second(run, material().manifest, OpenMode::Resume);
        } catch (const UsageError&) {
            ::_exit(42);
        }
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 42);
}

// Moved in a shell or a file manager while it is written: it is continued where it lies now.
TEST(RunWriter, KeepsARunThatIsMovedMeanwhileAndNamesTheNewPlace)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    const fs::path moved = folder.path() / "elsewhere";
    const tiny::Material& made = material();
    const auto sentenceOf = [](ExitCode code, const auto& action) -> std::string {
        try {
            action();
        } catch (const RunMovedError& error) {
            EXPECT_EQ(error.exitCode(), code);
            return error.what();
        }
        return "nothing was noticed";
    };
    {
        RunWriter writer(run, made.manifest, OpenMode::Create);
        writer.writeCell(made.cells[0][0]);
        fs::rename(run, moved);
        for (const std::string& sentence :
             {sentenceOf(ExitCode::ResourceLimit, [&] { writer.writeCell(made.cells[0][1]); }),
              sentenceOf(ExitCode::ResourceLimit,
                         [&] { writer.writeSurrogate(made.cells[0][0].block, made.irs.front()); }),
              sentenceOf(ExitCode::ResourceLimit, [&] { writer.flush(RunContext()); }),
              sentenceOf(ExitCode::ResourceLimit, [&] { writer.finish(); }),
              sentenceOf(ExitCode::Interrupted, [&] { writer.during([] { throw Cancelled(); }); }),
              sentenceOf(ExitCode::ResourceLimit, [&] { writer.during([] { throw FileError("no details"); }); })}) {
            EXPECT_THAT(sentence, HasSubstr(run.string() + " was moved to " + moved.string()));
            EXPECT_THAT(sentence, HasSubstr("--out " + moved.string() + " --resume"));
        }
        EXPECT_FALSE(fs::exists(run)); // and nothing new lies where it was
    }
    RunWriter again(moved, made.manifest, OpenMode::Resume);
    EXPECT_TRUE(again.hasCell(made.cells[0][0].block, made.cells[0][0].prompt));
    EXPECT_FALSE(again.hasCell(made.cells[0][1].block, made.cells[0][1].prompt));
    fs::remove_all(moved);
    EXPECT_THAT(sentenceOf(ExitCode::Interrupted, [&] { again.during([] { throw Cancelled(); }); }),
                HasSubstr("was removed while the run was written"));
    EXPECT_THROW(RunWriter(folder.path() / "fine", made.manifest, OpenMode::Create).during([] { throw Cancelled(); }),
                 Cancelled);
}

TEST(RunWriter, ListsTheDifferencesOfAnotherRequest)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    tiny::write(material(), run);
    const auto before = filesOf(run);
    RunManifest other = material().manifest;
    other.request.policy.tauAct = 0.5;
    other.request.embedWeights = false;
    try {
        const RunWriter writer(run, other, OpenMode::Resume);
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("embed_weights is false here and true in the run"));
        EXPECT_THAT(error.what(), HasSubstr("tau_act is 0.5 here and 0.01 in the run"));
    }
    EXPECT_EQ(filesOf(run), before);
}

TEST(RunWriter, LeavesAFinishedRunAsItIsWhenNothingIsNew)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    tiny::write(material(), run);
    const auto before = filesOf(run);
    RunManifest later = material().manifest;
    later.created = "2027-01-01T00:00:00Z";
    {
        RunWriter writer(run, later, OpenMode::Resume);
        EXPECT_TRUE(writer.hasBlock({0}));
        writer.finish();
    }
    EXPECT_EQ(filesOf(run), before);
    {
        const RunWriter onlyLooked(run, later, OpenMode::Resume);
    }
    EXPECT_EQ(filesOf(run), before);
}

TEST(RunWriter, KeepsFinishedBlocksWhenBlocksAreAdded)
{
    const TemporaryFolder folder;
    tiny::Options one;
    one.blocks = {1};
    const tiny::Material small = tiny::make(one);
    const fs::path run = folder.path() / "run";
    tiny::write(small, run);

    RunWriter writer(run, material().manifest, OpenMode::Resume);
    EXPECT_FALSE(fs::exists(run / "SHA256SUMS")); // unfinished again
    EXPECT_TRUE(writer.hasBlock({1}));
    EXPECT_FALSE(writer.hasBlock({0}));
    for (const CellRecord& cell : material().cells[0])
        writer.writeCell(cell);
    static_cast<void>(writer.finishBlock({0}, material().irs[0]));
    writer.finish();
    tiny::write(material(), folder.path() / "whole");
    EXPECT_EQ(filesOf(run), filesOf(folder.path() / "whole"));
}

TEST(RunWriter, KeepsFinishedCellsWhenPromptsAreAdded)
{
    const TemporaryFolder folder;
    tiny::Options fewer;
    fewer.texts.pop_back();
    const tiny::Material small = tiny::make(fewer);
    const fs::path run = folder.path() / "run";
    tiny::write(small, run);

    EXPECT_THROW(RunWriter(run, material().manifest, OpenMode::Resume), UsageError); // no reader child
    RunWriter writer(run, material().manifest, OpenMode::Resume, tiny::readerChild());
    for (std::size_t b = 0; b < 2; ++b) {
        EXPECT_FALSE(writer.hasBlock(blockAt(b)));
        EXPECT_TRUE(writer.hasCell(blockAt(b), {0}));
        EXPECT_TRUE(writer.hasCell(blockAt(b), {1}));
        EXPECT_FALSE(writer.hasCell(blockAt(b), {2}));
        writer.writeCell(material().cells[b][2]);
        const Certificate grown = writer.finishBlock(blockAt(b), material().irs[b]);
        EXPECT_EQ(grown.metrics.prompts.size(), 3U);
        // The old rows keep their numbers.
        const auto& old = small.cells[b][0].error;
        EXPECT_EQ(grown.metrics.prompts[0].l2.epsilon, *std::max_element(old.begin(), old.end()));
    }
    writer.finish();
}

// The cell as it is before its losses are known.
CellRecord withoutLosses(CellRecord cell)
{
    addLosses(cell, CellRecord{});
    return cell;
}

TEST(RunWriter, GivesTheSameBytesWhetherLossesComeWithTheCellsOrLater)
{
    const TemporaryFolder folder;
    tiny::write(material(), folder.path() / "together");
    const fs::path run = folder.path() / "later";
    {
        RunWriter writer(run, material().manifest, OpenMode::Create);
        for (std::size_t b = 0; b < material().cells.size(); ++b) {
            for (const CellRecord& cell : material().cells[b]) {
                writer.writeCell(withoutLosses(cell));
                EXPECT_TRUE(writer.hasCell(blockAt(b), cell.prompt));
                EXPECT_FALSE(writer.hasLosses(blockAt(b), cell.prompt));
            }
            writer.writeSurrogate(blockAt(b), material().irs[b]);
            EXPECT_THROW(static_cast<void>(writer.finishBlock(blockAt(b))), FileError); // losses are missing
        }
    }
    // Another process adds the losses; of the surrogate it only has to say again what it is.
    RunWriter writer(run, material().manifest, OpenMode::Resume);
    for (std::size_t b = 0; b < material().cells.size(); ++b) {
        EXPECT_FALSE(writer.hasSurrogate(blockAt(b)));
        EXPECT_THROW(static_cast<void>(writer.finishBlock(blockAt(b))), UsageError);
        for (const CellRecord& cell : material().cells[b]) {
            writer.writeLosses(cell);
            EXPECT_TRUE(writer.hasLosses(blockAt(b), cell.prompt));
        }
        static_cast<void>(writer.finishBlock(blockAt(b), material().irs[b]));
        if (b == 0)
            writer.flush(RunContext());
    }
    writer.finish();
    EXPECT_EQ(filesOf(run), filesOf(folder.path() / "together"));
}

TEST(RunWriter, ComputesAgainWhatAPowerFailureLeftTornOrEmpty)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    {
        RunWriter writer(run, material().manifest, OpenMode::Create);
        for (std::size_t b = 0; b < material().cells.size(); ++b) {
            for (const CellRecord& cell : material().cells[b])
                writer.writeCell(cell);
            if (b == 0)
                static_cast<void>(writer.finishBlock(blockAt(b), material().irs[b]));
        }
    }
    // Written, but never flushed: the name is there, some of the bytes are not.
    fs::resize_file(run / probesPath({0}), 1000);
    spoilCell(run / cellsPath({1}), {0});
    fs::resize_file(run / cellsPath({1}), fs::file_size(run / cellsPath({1})) - 1);
    RunWriter writer(run, material().manifest, OpenMode::Resume);
    EXPECT_FALSE(writer.hasBlock({0}));
    EXPECT_TRUE(writer.hasCell({0}, {0})); // kept until the block's files are safe
    EXPECT_FALSE(writer.hasCell({1}, {0}));
    EXPECT_TRUE(writer.hasCell({1}, {1}));
    EXPECT_FALSE(writer.hasCell({1}, {2}));
    // What is computed again is found behind the torn end.
    writer.writeCell(material().cells[1][0]);
    writer.writeCell(material().cells[1][2]);
    EXPECT_TRUE(writer.hasCell({1}, {0}));
    EXPECT_TRUE(writer.hasCell({1}, {2}));
    static_cast<void>(writer.finishBlock({1}, material().irs[1]));
    EXPECT_TRUE(writer.hasBlock({1}));
}

TEST(RunWriter, NamesPromptAndTokenOfANaNAndWritesNothing)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    RunWriter writer(run, material().manifest, OpenMode::Create);
    CellRecord cell = material().cells[0][0];
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(cell.output.bytes.data() + std::size_t{4} * 32 * 3, &nan, 4);
    EXPECT_THROW(writer.writeCell(cell), NumericError);
    EXPECT_FALSE(writer.hasCell({0}, {0}));
}

TEST(RunWriter, FinishesWithABlockThatFailedAndSaysSo)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    RunWriter writer(run, material().manifest, OpenMode::Create);
    for (const CellRecord& cell : material().cells[0])
        writer.writeCell(cell);
    static_cast<void>(writer.finishBlock({0}, material().irs[0]));
    EXPECT_THROW(writer.finish(), UsageError);
    writer.writeSurrogate({1}, material().irs[1], {});
    ASSERT_TRUE(fs::exists(run / "block_01/ir.h5"));
    writer.recordFailure({{1}, "non_finite_baseline", "prompt 0, token 3", "The baseline gives a NaN."});
    writer.finish();
    const RunDocument document =
        runFromJson(parseStrictJson(readWholeFile(run / "run.json", 1 << 20), "run.json"), "run.json");
    EXPECT_TRUE(document.state.complete);
    EXPECT_THAT(document.state.finished, ElementsAre(LayerIndex{0}));
    ASSERT_EQ(document.state.failed.size(), 1U);
    EXPECT_EQ(document.state.failed[0].where, "prompt 0, token 3");
    EXPECT_FALSE(fs::exists(run / "block_01")); // no artifact of a block without a certificate
    EXPECT_TRUE(fs::exists(run / "block_00/ir.h5"));
}

// Runs `work` in a child whose files may not grow beyond `bytes`; returns what it exits with.
template <class Work>
int underFileLimit(rlim_t bytes, Work work)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{bytes, bytes};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        int code = 0;
        try {
            work();
        } catch (const Error& error) {
            code = static_cast<int>(error.exitCode());
        }
        ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(RunWriter, SaysThatThereIsNoRoomAndLeavesTheOldState)
{
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    {
        RunWriter writer(run, material().manifest, OpenMode::Create);
        for (const CellRecord& cell : material().cells[0])
            writer.writeCell(cell);
    }
    const auto before = filesOf(run);
    const int code = underFileLimit(fs::file_size(run / "run.json") + 100, [&] {
        RunWriter writer(run, material().manifest, OpenMode::Resume);
        static_cast<void>(writer.finishBlock({0}, material().irs[0])); // ir.h5 is larger
    });
    EXPECT_EQ(code, 7);
    EXPECT_EQ(filesOf(run), before);
    RunWriter writer(run, material().manifest, OpenMode::Resume);
    EXPECT_NO_THROW(static_cast<void>(writer.finishBlock({0}, material().irs[0])));
}

TEST(RunWriter, SurvivesAKillAtAnyMoment)
{
    const TemporaryFolder folder;
    tiny::write(material(), folder.path() / "whole");
    const auto whole = filesOf(folder.path() / "whole");
    // A whole run takes some tens of milliseconds: the delays reach from its first file to beyond its last.
    for (int i = 0; i < 12; ++i) {
        const fs::path run = folder.path() / ("killed" + std::to_string(i));
        const pid_t child = ::fork();
        if (child == 0) {
            tiny::write(material(), run);
            ::_exit(0);
        }
        ::usleep(static_cast<useconds_t>(i) * 7000);
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        {
            RunWriter writer(run, material().manifest, OpenMode::Resume);
            for (std::size_t b = 0; b < material().cells.size(); ++b) {
                if (writer.hasBlock(blockAt(b)))
                    continue;
                for (const CellRecord& cell : material().cells[b])
                    if (!writer.hasCell(blockAt(b), cell.prompt))
                        writer.writeCell(cell);
                static_cast<void>(writer.finishBlock(blockAt(b), material().irs[b]));
            }
            writer.finish();
        }
        EXPECT_EQ(filesOf(run), whole) << i;
        fs::remove_all(run);
    }
}

}
}
