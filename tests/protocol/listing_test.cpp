// What `show` says about small complete runs, damaged ones and unfinished ones.

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/metrics.h"
#include "engine/protocol/block_rows.h"
#include "engine/protocol/experiment_listing.h"
#include "engine/protocol/run_listing.h"
#include "engine/protocol/standouts.h"
#include "tests/certificate/tiny_run.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace blockcert;
using namespace blockcert::protocol;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace tiny = blockcert::certificate::tiny;

namespace {

class WrittenRun {
public:
    explicit WrittenRun(const tiny::Options& options = {})
        : m_material(tiny::make(options))
    {
        tiny::write(m_material, path());
    }

    [[nodiscard]] std::filesystem::path path() const { return m_folder.path() / "run"; }

    [[nodiscard]] const tiny::Material& material() const { return m_material; }

    [[nodiscard]] Json show(bool tokens = false) const
    {
        ShowOptions options;
        options.tokens = tokens;
        options.childProgram = tiny::readerChild();
        return showRun(path(), options, RunContext());
    }

private:
    testing_support::TemporaryFolder m_folder;
    tiny::Material m_material;
};

void flipByte(const std::filesystem::path& path, std::streamoff at)
{
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(at);
    file.put(byte);
}

}

TEST(ExperimentListing, GivesResultAndFiguresAndNamesWhatIsDamaged)
{
    const testing_support::TemporaryFolder folder;
    const auto write = [&](const char* name, const std::string& text) { std::ofstream(folder.path() / name) << text; };
    EXPECT_FALSE(isExperiment(folder.path()));
    EXPECT_THROW((void)showExperiment(folder.path()), FileError);
    write("request.json", R"({"schema": "blockcert.experiment-request/1"})");
    const Json begun = showExperiment(folder.path());
    EXPECT_EQ(begun.at("complete"), false);
    EXPECT_EQ(begun.at("result"), nullptr);
    const Json result = Json::parse(R"({"schema": "blockcert.experiment/1", "title": "t", "scope": "s", "headline": "h",
        "tables": [], "runs": [], "figures": [
        {"file": "figure.svg", "title": "t", "caption": "c"}, {"file": "../x.svg", "title": "t", "caption": "c"}]})");
    write("result.json", result.dump());
    write("figure.svg", "<svg/>");
    write("SHA256SUMS", "");
    const Json whole = showExperiment(folder.path());
    EXPECT_EQ(whole.at("complete"), true);
    ASSERT_EQ(whole.at("figures").size(), 1U) << "nothing outside the folder is read";
    EXPECT_EQ(whole.at("figures")[0].at("svg"), "<svg/>");
    EXPECT_EQ(whole.at("problems").size(), 1U);
    // Whoever prints the listing may rely on its texts and lists.
    std::vector<std::string> damaged = {"", "{", "[]", "null", "3", "{}"};
    for (const char* key : {"schema", "title", "scope", "headline", "tables", "runs", "figures"}) {
        for (const Json& wrong : {Json(3), Json(), Json::object()}) {
            Json other = result;
            other[key] = wrong;
            damaged.push_back(other.dump());
        }
    }
    Json newer = result;
    newer["schema"] = "blockcert.experiment/2";
    damaged.push_back(newer.dump());
    for (const std::string& text : damaged) {
        write("result.json", text);
        EXPECT_EQ(showExperiment(folder.path()).at("problems").size(), 1U) << text;
        EXPECT_EQ(showExperiment(folder.path()).at("result"), nullptr) << text;
    }
}

TEST(ExperimentListing, RefusesARequestThatIsNone)
{
    const testing_support::TemporaryFolder folder;
    const auto write = [&](const std::string& text) { std::ofstream(folder.path() / "request.json") << text; };
    for (const char* text : {"", "{", "[]", "null", "3", "{}", R"({"schema": 1})"}) {
        write(text);
        EXPECT_THROW((void)showExperiment(folder.path()), FormatError) << text;
    }
    write(R"({"schema": "blockcert.experiment-request/2"})");
    EXPECT_THROW((void)showExperiment(folder.path()), UnsupportedError);
    write(R"({"schema": "blockcert.sweep-request/1"})");
    try {
        (void)showExperiment(folder.path());
        ADD_FAILURE() << "a sweep is no experiment";
    } catch (const FormatError& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("is the folder of a sweep"));
    }
}

TEST(RunListing, ShowsTheNumbersOfTheCertificates)
{
    const WrittenRun run;
    const Json listing = run.show();
    EXPECT_EQ(listing.at("complete"), true);
    EXPECT_EQ(listing.at("resumable"), false);
    EXPECT_THAT(listing.at("problems"), IsEmpty());
    ASSERT_EQ(listing.at("blocks").size(), 2U);
    ASSERT_EQ(listing.at("certificates").size(), 2U);
    for (std::size_t b = 0; b < 2; ++b) {
        const Certificate certificate = certificate::certificateFromJson(listing.at("certificates")[b], "certificate");
        const Json& row = listing.at("blocks")[b];
        EXPECT_EQ(row.at("epsilon"), certificate.metrics.l2.epsilon);
        EXPECT_EQ(row.at("relative").at("coverage"), certificate.metrics.relative.coverage.value());
        EXPECT_EQ(row.at("worst").at("token"), certificate.metrics.l2.worst.token);
        EXPECT_EQ(row.at("certified"), certificate.certified);
    }
    EXPECT_EQ(listing.at("command"), run.material().manifest.commandLine);
    EXPECT_EQ(listing.at("digest"), sha256OfFile(run.path() / "SHA256SUMS", RunContext()));
}

TEST(RunListing, GivesEveryTokensNumbersAsTheyWereRecorded)
{
    const WrittenRun run;
    const Json listing = run.show(true);
    const auto& cells = run.material().cells;
    ASSERT_EQ(listing.at("cells").size(), cells.size() * cells[0].size());
    for (const Json& shown : listing.at("cells")) {
        const CellRecord& cell = cells[shown.at("block").get<std::size_t>()][shown.at("prompt").get<std::size_t>()];
        EXPECT_EQ(shown.at("error").get<std::vector<double>>(), cell.error);
        EXPECT_EQ(shown.at("output_norm").get<std::vector<double>>(), cell.outputNorm);
        EXPECT_EQ(shown.at("error_mlp").get<std::vector<double>>(), cell.errorMlp);
        const std::size_t tokens = cell.error.size();
        for (std::size_t t = 0; t < tokens; ++t) {
            double least = cell.attentionMargin[t];
            for (std::size_t at = t; at < cell.attentionMargin.size(); at += tokens)
                least = std::min(least, cell.attentionMargin[at]);
            const auto row = cell.mask.bytes.begin() + static_cast<std::ptrdiff_t>(t * tokens);
            const auto keys = std::count(row, row + static_cast<std::ptrdiff_t>(tokens), std::byte{1});
            EXPECT_EQ(shown.at("margin")[t], keys > 1 ? Json(least) : Json()) << "a margin needs two keys";
            const auto head = shown.at("margin_head")[t].get<std::size_t>();
            EXPECT_EQ(cell.attentionMargin[head * tokens + t], least);
        }
        if (tokens > 1) {
            EXPECT_EQ(shown.at("loss_base")[0], nullptr) << "the first token is not predicted";
            EXPECT_EQ(shown.at("loss_base")[1], cell.lossBase[0]);
            EXPECT_EQ(shown.at("top_base").size(), tokens);
            EXPECT_EQ(shown.at("top_base")[0][4][0], cell.topIdBase[4]);
            EXPECT_EQ(shown.at("top_stitched")[tokens - 1][0][2], cell.topLogitStitched[(tokens - 1) * 5]);
        }
    }
    ASSERT_EQ(listing.at("prompts").size(), 3U);
    EXPECT_EQ(listing.at("prompts")[0].at("token_ids").get<std::vector<TokenId>>(),
              run.material().manifest.prompts.prompts[0].tokenIds);
}

TEST(RunListing, ShowsWhatIsThereOfADamagedRun)
{
    const WrittenRun run;
    flipByte(run.path() / "block_00/certificate.json", 1);
    const Json listing = run.show();
    EXPECT_EQ(listing.at("blocks").size(), 1U);
    ASSERT_EQ(listing.at("problems").size(), 1U);
    EXPECT_THAT(listing.at("problems")[0].get<std::string>(), HasSubstr("block_00/certificate.json"));

    std::filesystem::remove(run.path() / "block_01/probes.h5");
    EXPECT_THAT(run.show().at("problems").dump(), HasSubstr("probes.h5"));
    std::filesystem::remove(run.path() / "block_01/certificate.json");
    EXPECT_THAT(run.show().at("problems").dump(), HasSubstr("is missing"));
}

TEST(RunListing, RefusesAFolderThatIsNoRun)
{
    const testing_support::TemporaryFolder folder;
    EXPECT_THROW((void)showRun(folder.path(), {}, RunContext()), FileError);
    std::ofstream(folder.path() / "run.json") << "{}";
    EXPECT_THROW((void)showRun(folder.path(), {}, RunContext()), FormatError);
    EXPECT_THROW((void)showRun(folder.path() / "nothing", {}, RunContext()), FileError);
}

TEST(RunListing, ShowsTheCellsOfAnUnfinishedRun)
{
    const testing_support::TemporaryFolder folder;
    const tiny::Material material = tiny::make({});
    const auto path = folder.path() / "run";
    {
        certificate::RunWriter writer(path, material.manifest, certificate::OpenMode::Create);
        for (const CellRecord& cell : material.cells[0])
            writer.writeCell(cell);
        (void)writer.finishBlock(material.manifest.request.blocks[0], material.irs[0]);
        writer.writeCell(material.cells[1][0]);
    }
    ShowOptions options;
    options.tokens = true;
    options.childProgram = tiny::readerChild();
    const Json listing = showRun(path, options, RunContext());
    EXPECT_EQ(listing.at("complete"), false);
    EXPECT_EQ(listing.at("resumable"), true);
    EXPECT_EQ(listing.at("blocks").size(), 1U);
    ASSERT_EQ(listing.at("cells").size(), 4U);
    EXPECT_EQ(listing.at("cells")[3].at("block"), 1);
    EXPECT_EQ(listing.at("cells")[3].at("error").get<std::vector<double>>(), material.cells[1][0].error);
}

namespace {

struct Numbers {
    DType baseline = DType::F32;
    LossMode loss = LossMode::Exact;
    std::vector<double> epsilons;
    Fraction l2{4, 4};
    Fraction relative{4, 4};
    SurrogateFamily family = SurrogateFamily::Exact;
    double distance = -1;                      // of one weight from the baseline's; negative: all are the baseline's
    std::vector<std::string> differences = {}; // of another checkpoint
    WeightOrigin origin = WeightOrigin::Baseline;
};

// Blocks of one prompt of four tokens, whose worst token is the first.
std::vector<std::string> standoutsOf(const Numbers& numbers,
                                     const std::map<LayerIndex, std::vector<double>>& norms = {},
                                     std::int64_t truncated = 0)
{
    RunManifest manifest;
    manifest.request.baselineDtype = numbers.baseline;
    manifest.request.loss = numbers.loss;
    manifest.request.surrogate.family = numbers.family;
    manifest.request.weights = numbers.origin;
    if (numbers.family == SurrogateFamily::Checkpoint)
        manifest.surrogateModel = {{}, numbers.differences};
    EncodedPrompt prompt;
    prompt.id = "p";
    prompt.tokenIds = {1, 2, 3, 4};
    prompt.pieces = {"<s>", " a", " b", " c"};
    prompt.truncatedTokens = truncated;
    if (truncated > 0)
        manifest.request.maxTokens = static_cast<std::int64_t>(prompt.tokenIds.size());
    manifest.prompts.prompts = {prompt};
    std::vector<Certificate> certificates;
    for (std::size_t i = 0; i < numbers.epsilons.size(); ++i) {
        Certificate& certificate = certificates.emplace_back();
        certificate.block = {static_cast<std::int32_t>(i)};
        certificate.prompts.prompts = {{"p", "", 4, 0}};
        certificate.metrics.l2.epsilon = numbers.epsilons[i];
        certificate.metrics.l2.coverage = numbers.l2;
        certificate.metrics.relative.coverage = numbers.relative;
        if (numbers.distance >= 0)
            certificate.surrogateWeights.emplace_back().distance = numbers.distance;
    }
    return standouts(manifest, certificates, norms);
}

}

TEST(Standouts, AreSilentWhereNothingStandsOut)
{
    EXPECT_THAT(standoutsOf({.epsilons = {1, 1, 2}}, {{{0}, {1, 1, 1, 1}}}), IsEmpty());
    EXPECT_THAT(standoutsOf({}), IsEmpty());
}

TEST(Standouts, NameTheBlockWhoseErrorIsFarAboveTheMedian)
{
    EXPECT_THAT(standoutsOf({.epsilons = {1, 1, 8}}),
                ElementsAre(HasSubstr("Block 2 stands out: its ε is 8.0 times the median")));
}

TEST(Standouts, SayWhenTheAbsoluteThresholdExcludesASixteenBitBaseline)
{
    const Numbers excluded = {.baseline = DType::BF16, .epsilons = {1, 1}, .l2 = {0, 4}};
    EXPECT_THAT(standoutsOf(excluded), ElementsAre(testing::AllOf(HasSubstr("bf16"), HasSubstr("excludes every token"),
                                                                  HasSubstr("--error relative-l2"))));
    Numbers fp32 = excluded;
    fp32.baseline = DType::F32;
    EXPECT_THAT(standoutsOf(fp32), IsEmpty());
    Numbers wrong = excluded;
    wrong.relative = {0, 4};
    EXPECT_THAT(standoutsOf(wrong), IsEmpty()) << "a surrogate that is far away is no matter of rounding";
}

TEST(Standouts, NameTheMassiveActivationByItsPiece)
{
    const auto sentences = standoutsOf({.epsilons = {1, 1}}, {{{0}, {400, 1, 2, 1}}, {{1}, {50, 1, 2, 1}}});
    ASSERT_EQ(sentences.size(), 1U);
    EXPECT_THAT(sentences[0], HasSubstr("blocks 0 and 1"));
    EXPECT_THAT(sentences[0], HasSubstr("“<s>” (token 0 of prompt p)"));
    EXPECT_THAT(sentences[0], HasSubstr("in block 0 is 267 times")) << "the median of 1, 1, 2, 400 is 1.5";
}

TEST(Standouts, SayThatASurrogateIsAnExactCopyAfterAll)
{
    const Numbers same = {.epsilons = {1, 1}, .family = SurrogateFamily::Quantised};
    EXPECT_THAT(standoutsOf(same),
                ElementsAre(HasSubstr("changes nothing in these blocks, so that they are exact copies")));
    Numbers other = same;
    other.distance = 0.5;
    EXPECT_THAT(standoutsOf(other), IsEmpty());
    Numbers mathematics = same;
    mathematics.family = SurrogateFamily::Checkpoint;
    mathematics.differences = {"rope_theta is 10000 here and 20000 there"};
    EXPECT_THAT(standoutsOf(mathematics),
                ElementsAre(AllOf(HasSubstr("is the baseline's: in these blocks the two models hold the same"),
                                  HasSubstr("differ elsewhere"), Not(HasSubstr("exact copies")))));
    Numbers copy = mathematics;
    copy.differences = {};
    EXPECT_THAT(standoutsOf(copy),
                ElementsAre("Every weight of these surrogates is the baseline's: in these blocks the "
                            "two models hold the same."))
        << "other blocks may differ";
    Numbers file = copy;
    file.origin = WeightOrigin::File;
    EXPECT_THAT(standoutsOf(file), ElementsAre(AllOf(HasSubstr("the model's files, before it is cast"),
                                                     Not(HasSubstr("is the baseline's")))));
    EXPECT_THAT(standoutsOf({.epsilons = {1, 1}}), IsEmpty()) << "of the exact copy nobody expects anything else";
}

TEST(Standouts, SayWhatWasLeftOut)
{
    EXPECT_THAT(standoutsOf({.loss = LossMode::None, .epsilons = {1}}), ElementsAre(HasSubstr("not measured")));
    EXPECT_THAT(standoutsOf({.epsilons = {1}}, {}, 7),
                ElementsAre(HasSubstr("1 prompt was longer than 4 tokens and lost 7 tokens")));
}
