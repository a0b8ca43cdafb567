// What `export csv` and `show` do with runs that were altered or are not finished.

#include "tests/certificate/tiny_run.h"
#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

using namespace blockcert;
using namespace blockcert::tests;
using testing::HasSubstr;
using testing::Not;
namespace tiny = blockcert::certificate::tiny;
namespace fs = std::filesystem;

namespace {

class ExportedRun : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return (m_folder / "run").string(); }

    // Replaces the recorded values by others of their kind, wherever they lie in the file: still a sound archive.
    static void replaceValues(const fs::path& file, const std::vector<double>& values)
    {
        std::string bytes = readFile(file);
        std::string wanted(values.size() * sizeof(double), '\0');
        std::memcpy(wanted.data(), values.data(), wanted.size());
        const std::size_t at = bytes.find(wanted);
        ASSERT_NE(at, std::string::npos);
        const double other = values[0] / 2;
        std::memcpy(bytes.data() + at, &other, sizeof other);
        writeFile(file, bytes);
    }

    TemporaryFolder m_folder;
};

}

TEST_F(ExportedRun, ThatWasAlteredIsRefusedInOneSentence)
{
    const tiny::Material material = tiny::make({});
    tiny::write(material, path());
    ASSERT_EQ(runBlockcert({"export", "csv", path(), "-o", (m_folder / "sound").string()}).status, 0);
    EXPECT_EQ(runBlockcert({"show", path(), "--tokens"}).status, 0);
    replaceValues(m_folder / "run/block_00/probes.h5", material.cells[0][0].error);

    const std::string sentence = "block_00/probes.h5: error is not what its certificate names (another SHA-256)";
    for (const char* out : {"tables", "tokens.csv"}) {
        const Outcome refused = runBlockcert({"export", "csv", path(), "-o", (m_folder / out).string(), "--quiet"});
        EXPECT_EQ(refused.status, 3);
        EXPECT_THAT(refused.err, HasSubstr(sentence));
        EXPECT_EQ(std::ranges::count(refused.err, '\n'), 1) << refused.err;
        EXPECT_FALSE(fs::exists(m_folder / out));
    }
    const Outcome shown = runBlockcert({"show", path(), "--tokens"});
    EXPECT_EQ(shown.status, 3);
    EXPECT_THAT(shown.out, HasSubstr(sentence));
    const Outcome json = runBlockcert({"show", path(), "--tokens", "--json"});
    EXPECT_EQ(json.status, 3);
    EXPECT_EQ(json.json().at("damaged"), true);
    for (const Json& cell : json.json().at("cells"))
        EXPECT_EQ(cell.at("block"), 1) << "what is as it was is shown";
    EXPECT_EQ(runBlockcert({"show", path()}).status, 0) << "nothing of that tensor was read";
}

TEST_F(ExportedRun, WithAnotherDocumentThanItsListNamesIsRefused)
{
    tiny::write(tiny::make({}), path());
    const fs::path file = m_folder / "run/block_01/certificate.json";
    std::string text = readFile(file);
    const std::size_t at = text.find("\"tool\"");
    ASSERT_NE(at, std::string::npos);
    writeFile(file, text.insert(at, " "));
    const Outcome refused = runBlockcert({"export", "csv", path(), "-o", (m_folder / "tables").string()});
    EXPECT_EQ(refused.status, 3);
    EXPECT_THAT(refused.err, HasSubstr("block_01/certificate.json is not the file that SHA256SUMS lists"));
    EXPECT_EQ(runBlockcert({"show", path()}).status, 3);
}

TEST_F(ExportedRun, ThatIsUnfinishedSaysWhichBlocksAreThere)
{
    const tiny::Material material = tiny::make({});
    {
        certificate::RunWriter writer(path(), material.manifest, certificate::OpenMode::Create);
        for (const CellRecord& cell : material.cells[0])
            writer.writeCell(cell);
        (void)writer.finishBlock(material.manifest.request.blocks[0], material.irs[0]);
        writer.writeCell(material.cells[1][0]);
    }
    const Outcome outcome = runBlockcert({"export", "csv", path(), "-o", (m_folder / "tables").string()});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("is unfinished: of its 2 blocks these are finished: 0; tokens.csv also has what "
                                       "is there of 1."));
    const std::string tokens = readFile(m_folder / "tables/tokens.csv");
    EXPECT_THAT(tokens, HasSubstr(",block_finished"));
    EXPECT_THAT(tokens, HasSubstr(",true\r\n"));
    EXPECT_THAT(tokens, HasSubstr(",false\r\n"));
    const Json json = runBlockcert({"export", "csv", path(), "-o", (m_folder / "again").string(), "--json"}).json();
    EXPECT_EQ(json.at("complete"), false);
    EXPECT_EQ(json.at("notes").size(), 1U);
}

TEST_F(ExportedRun, RefusesOptionsOfOtherKinds)
{
    tiny::write(tiny::make({}), path());
    const std::string out = (m_folder / "out").string();
    for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
             {"csv", "--dtype", "bf16"}, {"csv", "--edit", "x"}, {"npz", "--dtype", "fp32"}, {"npz", "--edit", "x"}}) {
        const Outcome refused = runBlockcert({"export", more[0], path(), "-o", out, more[1], more[2]});
        EXPECT_EQ(refused.status, 2) << more[1];
        EXPECT_THAT(refused.err, HasSubstr(more[1] + " goes with export model; leave it out."));
    }
    EXPECT_FALSE(fs::exists(out));
}
