// The whole road on tiny models: certify, verify, stop, resume, fail honestly.
#include "engine/base/atomic_file.h"
#include "engine/certificate/verify.h"
#include "engine/model/parallel_tasks.h"
#include "engine/pipeline/pipeline.h"
#include "tests/engine/model_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using pipeline::CertifyOptions;
using pipeline::ModelCache;

fs::path readerChild()
{
    const char* folder = std::getenv("BLOCKCERT_BIN"); // NOLINT(concurrency-mt-unsafe)
    return fs::path(folder == nullptr ? "." : folder) / "archive_reader_child";
}

pipeline::Host host()
{
    pipeline::Host value;
    value.locations.demoModel = demoModel();
    value.toolVersion = "0.1.0";
    value.toolBuild = "test";
    value.childProgram = readerChild();
    return value;
}

// Literal ids, so that every fixture will do; one prompt is held out.
constexpr const char* threePrompts = R"({"id": "a", "token_ids": [5, 17, 200, 31, 4, 90, 12, 7]}
{"id": "b", "token_ids": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}
{"id": "never", "token_ids": [9, 9, 9], "split": "heldout"}
{"id": "c", "token_ids": [250, 3, 77]}
)";

class Certify : public testing::Test {
protected:
    Certify()
    {
        std::string pattern = (fs::temp_directory_path() / "blockcert-certify-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
    }

    ~Certify() override { fs::remove_all(m_folder); }

    Certify(const Certify&) = delete;
    Certify& operator=(const Certify&) = delete;

    [[nodiscard]] CertifyOptions options(const std::string& fixture, const std::string& run) const
    {
        CertifyOptions made;
        made.model.model = fixtureModel(fixture).string();
        made.prompts.content = threePrompts;
        made.prompts.name = "three";
        made.out = m_folder / run;
        made.created = "2026-01-02T03:04:05Z";
        made.commandLine = "blockcert certify …";
        return made;
    }

    [[nodiscard]] Verdict verify(const fs::path& run, int level, const std::string& fixture) const
    {
        certificate::VerifyOptions how;
        how.level = level;
        how.model = fixtureModel(fixture);
        how.childProgram = readerChild();
        how.threads = 2;
        return certificate::verify(run, how, RunContext());
    }

    fs::path m_folder;
};

std::string failedChecks(const Verdict& verdict)
{
    std::string text = verdict.sentence;
    for (const Check& check : verdict.checks)
        if (check.state == CheckState::Failed || (check.required && check.state == CheckState::NotChecked))
            text += "\n" + check.id + " " + check.where + ": " + check.issuer + " / " + check.recomputed + " " +
                    check.detail;
    return text;
}

std::map<std::string, std::string> filesOf(const fs::path& run)
{
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(run))
        if (entry.is_regular_file())
            files[fs::relative(entry.path(), run).string()] = readWholeFile(entry.path(), 64U << 20U);
    return files;
}

class Fixture : public Certify, public testing::WithParamInterface<std::tuple<std::string, DType>> {};

TEST_P(Fixture, ARunIsVerifiedByFullReplayAndFromTheModelItself)
{
    const auto& [name, dtype] = GetParam();
    CertifyOptions asked = options(name, "run");
    asked.model.dtype = dtype;
    ModelCache cache(host());
    const Json result = pipeline::certify(asked, cache, RunContext());
    EXPECT_TRUE(result.at("complete").get<bool>());
    EXPECT_EQ(result.at("blocks").size(), loadModel(fixtureModel(name)).config().layers);
    EXPECT_TRUE(result.at("findings").empty());
    for (const Json& row : result.at("blocks")) {
        EXPECT_EQ(row.at("tokens"), 31); // the held-out prompt is not among them
        EXPECT_EQ(row.at("path_coverage"), 1.0);
        EXPECT_TRUE(row.at("loss_coverage").is_number());
        EXPECT_GT(row.at("epsilon"), 0.0);
        EXPECT_LT(row.at("relative").at("epsilon"), dtype == DType::F32 ? 2e-6 : dtype == DType::F16 ? 5e-3 : 2e-2);
    }
    const Verdict third = verify(asked.out, 3, name);
    EXPECT_EQ(third.exitCode == 0 || third.exitCode == 6, true) << failedChecks(third);
    if (dtype == DType::F32) {
        EXPECT_EQ(third.state, CheckState::Verified) << failedChecks(third);
        // The prompts are literal ids: without a tokenizer there is nothing left to check.
        const Verdict fourth = verify(asked.out, 4, name);
        for (const Check& check : fourth.checks)
            if (check.required) {
                EXPECT_EQ(check.state, CheckState::Verified) << check.id << " " << check.where << " " << check.detail;
            }
        EXPECT_EQ(fourth.state, CheckState::Verified) << failedChecks(fourth);
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, Fixture,
    testing::Values(std::tuple{"gpt2", DType::F32}, std::tuple{"gpt2", DType::F16},
                    std::tuple{"gpt2-inverse-layer", DType::F32}, std::tuple{"llama-gqa", DType::F32},
                    std::tuple{"llama-gqa", DType::BF16}, std::tuple{"llama-gqa", DType::F16},
                    std::tuple{"llama-bias", DType::F32}, std::tuple{"llama-sharded", DType::F32},
                    std::tuple{"llama3-rope-new", DType::F32}, std::tuple{"llama-gguf-q8_0", DType::F32},
                    std::tuple{"llama-gguf-split", DType::F32}, std::tuple{"llama-gguf-rope-freqs", DType::F32}));

TEST_F(Certify, EmbeddedWeightsNeedNoModelToVerify)
{
    CertifyOptions asked = options("llama-gqa", "run");
    asked.embedWeights = true;
    asked.blocks = "0,2";
    ModelCache cache(host());
    (void)pipeline::certify(asked, cache, RunContext());
    certificate::VerifyOptions how;
    how.childProgram = readerChild();
    how.model = m_folder; // no model here
    how.model.clear();
    const Verdict verdict = certificate::verify(asked.out, how, RunContext());
    EXPECT_EQ(verdict.state, CheckState::Verified) << failedChecks(verdict);
}

TEST_F(Certify, WithoutLossesNothingIsClaimedAboutThem)
{
    CertifyOptions asked = options("llama-gqa", "run");
    asked.loss = LossMode::None;
    asked.blocks = "2";
    ModelCache cache(host());
    const Json result = pipeline::certify(asked, cache, RunContext());
    const Json& row = result.at("blocks").at(0);
    EXPECT_TRUE(row.at("loss_coverage").is_null());
    EXPECT_FALSE(row.at("certified").get<bool>()); // its criterion is not met
    // The same block with losses has the same errors.
    CertifyOptions with = options("llama-gqa", "with");
    with.blocks = "0-2";
    const Json all = pipeline::certify(with, cache, RunContext());
    EXPECT_EQ(all.at("blocks").at(2).at("epsilon"), row.at("epsilon"));
}

TEST_F(Certify, TheSamePromptsGiveTheSameNumbersInAnyCompanyAndOnOneThread)
{
    CertifyOptions together = options("llama-gqa", "together");
    CertifyOptions alone = options("llama-gqa", "alone");
    alone.prompts.content =
        R"({"id": "b", "token_ids": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]})";
    alone.model.threads = 1;
    std::vector<Json> cells[2];
    std::mutex mutex;
    const auto collect = [&](std::vector<Json>& into, std::int32_t prompt) {
        return [&into, &mutex, prompt](const Progress& progress) {
            if (progress.detail.empty())
                return;
            const std::lock_guard<std::mutex> lock(mutex);
            Json detail = Json::parse(progress.detail);
            if (detail.contains("cell") && detail.at("cell").at("prompt") == prompt) {
                detail.at("cell").erase("prompt");
                into.push_back(detail);
            }
        };
    };
    ModelCache cache(host());
    (void)pipeline::certify(together, cache, RunContext({}, collect(cells[0], 1)));
    (void)pipeline::certify(alone, cache, RunContext({}, collect(cells[1], 0)));
    ASSERT_EQ(cells[0].size(), 6U); // errors and losses of three blocks
    EXPECT_EQ(cells[0], cells[1]);
    model::setThreads(0);
}

TEST_F(Certify, AStoppedRunKeepsItsCellsAndResumesToTheSameBytes)
{
    ModelCache cache(host());
    const CertifyOptions whole = options("llama-gqa", "whole");
    (void)pipeline::certify(whole, cache, RunContext());

    // Stops once per finished cell and once per cell whose losses are known, until nothing is left to do.
    CertifyOptions asked = options("llama-gqa", "resumed");
    int stops = 0;
    std::set<std::string> seen;
    for (bool finished = false; !finished; asked.resume = true) {
        std::stop_source stop;
        const RunContext context(stop.get_token(), [&](const Progress& progress) {
            if (progress.stage == "replay" && !progress.detail.empty()) {
                EXPECT_TRUE(seen.insert(progress.detail).second) << "what the run before had finished was done again";
                stop.request_stop();
            }
        });
        try {
            (void)pipeline::certify(asked, cache, context);
            finished = true;
        } catch (const Cancelled&) {
            ++stops;
        }
        ASSERT_LT(stops, 30);
    }
    EXPECT_GE(stops, 16); // three blocks of three cells, twice; the last stop may come too late
    auto expected = filesOf(whole.out);
    auto resumed = filesOf(asked.out);
    EXPECT_EQ(expected.size(), resumed.size());
    for (const auto& [path, bytes] : expected)
        EXPECT_EQ(resumed[path] == bytes, true) << path;
    EXPECT_FALSE(fs::exists(asked.out / ".work"));
}

TEST_F(Certify, ARunThatIsMovedWhileItIsStoppedSaysWhereItIsAndGoesOnThere)
{
    ModelCache cache(host());
    CertifyOptions asked = options("llama-gqa", "whole");
    (void)pipeline::certify(asked, cache, RunContext());
    asked.out = m_folder / "run";
    const fs::path moved = m_folder / "moved";
    std::stop_source stop;
    const RunContext context(stop.get_token(), [&](const Progress& event) {
        if (event.stage == "replay" && event.done > 0 && !fs::exists(moved)) {
            fs::rename(asked.out, moved);
            stop.request_stop();
        }
    });
    try {
        (void)pipeline::certify(asked, cache, context);
        ADD_FAILURE() << "nobody noticed";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("moved to " + moved.string()));
        EXPECT_EQ(error.exitCode(), ExitCode::Interrupted);
    }
    EXPECT_FALSE(fs::exists(asked.out));
    asked.out = moved;
    asked.resume = true;
    (void)pipeline::certify(asked, cache, RunContext());
    EXPECT_EQ(filesOf(moved), filesOf(m_folder / "whole"));
}

TEST_F(Certify, ResumingWithOtherOptionsIsRefused)
{
    ModelCache cache(host());
    CertifyOptions asked = options("llama-gqa", "run");
    asked.blocks = "0";
    (void)pipeline::certify(asked, cache, RunContext());
    EXPECT_THROW((void)pipeline::certify(asked, cache, RunContext()), UsageError); // without --resume
    asked.resume = true;
    asked.replayDtype = DType::F32;
    std::set<std::string> stages;
    const RunContext context({}, [&](const Progress& progress) { stages.insert(progress.stage); });
    ModelCache empty(host());
    EXPECT_THROW((void)pipeline::certify(asked, empty, context), UsageError);
    EXPECT_FALSE(stages.contains("load")) << "weights were loaded before it was refused";
}

TEST_F(Certify, AFinishedRunMayGainBlocksAndPrompts)
{
    ModelCache cache(host());
    CertifyOptions asked = options("llama-gqa", "run");
    asked.blocks = "1";
    const Json first = pipeline::certify(asked, cache, RunContext());
    asked.resume = true;
    asked.blocks = "0-2";
    const Json more = pipeline::certify(asked, cache, RunContext());
    EXPECT_EQ(more.at("blocks").size(), 3U);
    EXPECT_EQ(more.at("blocks").at(1), first.at("blocks").at(0));
    asked.prompts.content = std::string(threePrompts) + R"({"id": "d", "token_ids": [100, 101, 102, 103]})";
    asked.prompts.name = "three";
    const Json longer = pipeline::certify(asked, cache, RunContext());
    EXPECT_EQ(longer.at("blocks").at(1).at("tokens"), 35);
    const Verdict verdict = verify(asked.out, 3, "llama-gqa");
    EXPECT_EQ(verdict.state, CheckState::Verified) << failedChecks(verdict);
}

TEST_F(Certify, ADryRunSaysWhatItWouldDoAndDoesNothing)
{
    ModelCache cache(host());
    CertifyOptions asked = options("llama-gqa", "run");
    asked.dryRun = true;
    const Json result = pipeline::certify(asked, cache, RunContext());
    EXPECT_EQ(result.at("cells"), 9);
    EXPECT_EQ(result.at("tokens"), 31);
    EXPECT_GT(result.at("flops"), 0.0);
    EXPECT_FALSE(fs::exists(asked.out));
}

TEST_F(Certify, OptionsThatMakeNoSenseAreRefusedBeforeAnythingIsWritten)
{
    ModelCache cache(host());
    for (const char* blocks : {"", "3", "2-1", "0,", "x", "-1", "0-99"}) {
        CertifyOptions asked = options("llama-gqa", "run");
        asked.blocks = blocks;
        EXPECT_THROW((void)pipeline::certify(asked, cache, RunContext()), UsageError) << blocks;
    }
    CertifyOptions surrogate = options("llama-gqa", "run");
    surrogate.surrogate = "low-rank:0";
    EXPECT_THROW((void)pipeline::certify(surrogate, cache, RunContext()), UsageError);
    CertifyOptions heldout = options("llama-gqa", "run");
    heldout.prompts.content = R"({"id": "never", "token_ids": [9, 9, 9], "split": "heldout"})";
    EXPECT_THROW((void)pipeline::certify(heldout, cache, RunContext()), UsageError);
    // Before the weights are hashed, which takes long.
    const RunContext unhashed({}, [](const Progress& progress) { EXPECT_NE(progress.stage, "hash"); });
    CertifyOptions device = options("llama-gqa", "run");
    device.model.device = "cuda:42";
    EXPECT_THROW((void)pipeline::certify(device, cache, unhashed), UnsupportedError);
    EXPECT_FALSE(fs::exists(m_folder / "run"));
    std::ofstream(m_folder / "file") << "not a folder";
    EXPECT_THROW((void)pipeline::certify(options("llama-gqa", "file"), cache, unhashed), UsageError);
    EXPECT_THROW((void)pipeline::certify(options("llama-gqa", "file/run"), cache, unhashed), FileError);
}

TEST_F(Certify, AStreamedModelGivesTheSameBytesAndReadsEveryBlockOnce)
{
    ModelCache cache(host());
    const Json whole = pipeline::certify(options("llama-gqa", "whole"), cache, RunContext());
    EXPECT_EQ(whole.at("work").at("residency"), "whole");
    CertifyOptions asked = options("llama-gqa", "streamed");
    asked.model.memory = 1;
    ModelCache cold(host());
    const Json streamed = pipeline::certify(asked, cold, RunContext());
    EXPECT_EQ(streamed.at("work").at("residency"), "one_block");
    EXPECT_EQ(streamed.at("work").at("memory_budget_bytes"), 1);
    EXPECT_EQ(filesOf(m_folder / "whole"), filesOf(m_folder / "streamed"));
    // Surrogates are made from the bytes that were read for the baseline: more of them cost no reading.
    CertifyOptions one = options("llama-gqa", "one");
    one.model.memory = 1;
    one.blocks = "0";
    ModelCache another(host());
    const Json single = pipeline::certify(one, another, RunContext());
    EXPECT_EQ(single.at("work").at("weight_bytes"), streamed.at("work").at("weight_bytes"));
    std::uint64_t blocks = 0;
    std::uint64_t others = 0;
    const auto model = openModel(asked.model.model);
    for (const artifact::TensorEntry& tensor : model->tensors())
        (tensor.name.find(".layers.") != std::string::npos ? blocks : others) += tensor.end - tensor.begin;
    EXPECT_GE(streamed.at("work").at("weight_bytes").get<std::uint64_t>(), blocks);
    // The head once, the rows of the embedding that are looked up, and two panels for the self-test.
    EXPECT_LE(streamed.at("work").at("weight_bytes").get<std::uint64_t>(), blocks + 3 * others);
}

// A copy of a fixture whose block 1 has an enormous down projection: its output leaves fp16's range.
fs::path overflowingModel(const fs::path& folder)
{
    fs::create_directories(folder);
    for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"})
        fs::copy(fixtureModel("llama-gqa") / name, folder / name);
    std::string bytes = readWholeFile(fixtureModel("llama-gqa") / "model.safetensors", 64U << 20U);
    const auto file = artifact::SafetensorsFile::open(fixtureModel("llama-gqa") / "model.safetensors");
    const artifact::TensorEntry* down = file.find("model.layers.1.mlp.down_proj.weight");
    EXPECT_NE(down, nullptr);
    for (std::uint64_t at = down->begin; at < down->end; at += 4) {
        float value = 0;
        std::memcpy(&value, bytes.data() + at, sizeof(value));
        value *= 3e6F;
        std::memcpy(bytes.data() + at, &value, sizeof(value));
    }
    std::ofstream(folder / "model.safetensors", std::ios::binary) << bytes;
    return folder;
}

TEST_F(Certify, ABaselineThatIsNotFiniteEndsItsBlocksWithAFindingAndTheOthersGoOn)
{
    CertifyOptions asked = options("llama-gqa", "run");
    asked.model.model = overflowingModel(m_folder / "model").string();
    asked.model.dtype = DType::F16;
    asked.loss = LossMode::None;
    ModelCache cache(host());
    const Json result = pipeline::certify(asked, cache, RunContext());
    ASSERT_EQ(result.at("blocks").size(), 1U);
    EXPECT_EQ(result.at("blocks").at(0).at("block"), 0);
    ASSERT_EQ(result.at("findings").size(), 2U);
    EXPECT_EQ(result.at("findings").at(0).at("block"), 1);
    EXPECT_EQ(result.at("findings").at(0).at("code"), "non_finite_baseline");
    EXPECT_THAT(result.at("findings").at(0).at("where").get<std::string>(), testing::StartsWith("prompt 0, token "));
    EXPECT_FALSE(fs::exists(asked.out / "block_01"));
    EXPECT_TRUE(fs::exists(asked.out / "SHA256SUMS"));
    const Verdict verdict = verify(asked.out, 1, "llama-gqa");
    EXPECT_THAT(verdict.sentence, testing::HasSubstr("without 2 blocks that could not be measured"));
    const auto counted = std::find_if(verdict.checks.begin(), verdict.checks.end(),
                                      [](const Check& check) { return check.id == "consistency.blocks"; });
    ASSERT_NE(counted, verdict.checks.end());
    EXPECT_EQ(counted->issuer, "3 blocks");
    EXPECT_EQ(counted->recomputed, "1 certificate, 2 not measured");
}

TEST_F(Certify, ProgressGoesThroughTheDocumentedStagesAndNeverBackwards)
{
    std::vector<std::string> stages;
    std::map<std::string, std::int64_t> last;
    std::mutex mutex;
    std::vector<Json> cells;
    std::vector<Json> losses;
    std::vector<Json> blocks;
    const RunContext context({}, [&](const Progress& progress) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (std::find(stages.begin(), stages.end(), progress.stage) == stages.end())
            stages.push_back(progress.stage);
        EXPECT_GE(progress.done, last[progress.stage]);
        EXPECT_LE(progress.done, progress.total);
        last[progress.stage] = progress.done;
        if (progress.detail.empty())
            return;
        const Json detail = Json::parse(progress.detail);
        if (!detail.contains("cell"))
            blocks.push_back(detail.at("block_result"));
        else if (detail.at("cell").contains("error"))
            cells.push_back(detail.at("cell"));
        else
            losses.push_back(detail.at("cell"));
    });
    ModelCache cache(host());
    CertifyOptions asked = options("llama-gqa", "run");
    const Json result = pipeline::certify(asked, cache, context);
    EXPECT_THAT(stages, testing::ElementsAre("open", "hash", "load", "replay", "loss", "write"));
    EXPECT_EQ(last["replay"], 9);
    EXPECT_EQ(last["write"], 3);
    ASSERT_EQ(cells.size(), 9U);
    ASSERT_EQ(losses.size(), 9U);
    EXPECT_EQ(Json(blocks), result.at("blocks"));
    for (std::size_t i = 0; i < cells.size(); ++i) {
        EXPECT_EQ(cells[i].at("block"), losses[i].at("block"));
        EXPECT_EQ(cells[i].at("prompt"), losses[i].at("prompt"));
        EXPECT_EQ(cells[i].at("error").size(), cells[i].at("relative").size());
        EXPECT_EQ(cells[i].at("error").size(), losses[i].at("loss_difference").size());
        EXPECT_TRUE(losses[i].at("loss_difference").at(0).is_null());
    }
}

TEST_F(Certify, AWarmCacheLoadsOnceAndAgainWhenTheFileHasChanged)
{
    const fs::path folder = m_folder / "model";
    fs::copy(fixtureModel("llama-gqa"), folder);
    ModelCache cache(host());
    int loads = 0;
    const RunContext context({}, [&](const Progress& progress) { loads += progress.stage == "load" ? 1 : 0; });
    pipeline::EvaluateOptions asked;
    asked.model.model = folder.string();
    asked.prompts.content = threePrompts;
    const Json first = pipeline::evaluate(asked, cache, context);
    const int once = loads;
    EXPECT_GT(once, 0);
    EXPECT_EQ(pipeline::evaluate(asked, cache, context), first);
    EXPECT_EQ(loads, once);
    fs::last_write_time(folder / "model.safetensors", fs::file_time_type::clock::now() + std::chrono::seconds(5));
    EXPECT_EQ(pipeline::evaluate(asked, cache, context), first);
    EXPECT_EQ(loads, 2 * once);
}

TEST_F(Certify, EvaluateGivesAsManyNumbersAsTokens)
{
    ModelCache cache(host());
    pipeline::EvaluateOptions asked;
    asked.model.model = fixtureModel("llama-gqa").string();
    asked.prompts.content = threePrompts;
    const Json result = pipeline::evaluate(asked, cache, RunContext());
    ASSERT_EQ(result.at("prompts").size(), 4U);
    double sum = 0;
    int predicted = 0;
    for (const Json& prompt : result.at("prompts")) {
        EXPECT_EQ(prompt.at("nll").size(), prompt.at("token_ids").size());
        EXPECT_EQ(prompt.at("top1").size(), prompt.at("token_ids").size());
        EXPECT_TRUE(prompt.at("nll").at(0).is_null());
        for (std::size_t t = 1; t < prompt.at("nll").size(); ++t, ++predicted)
            sum += prompt.at("nll").at(t).get<double>();
    }
    EXPECT_EQ(result.at("mean_nll"), sum / predicted);
    EXPECT_EQ(result.at("perplexity"), std::exp(sum / predicted));
}

TEST_F(Certify, TheDoctorIsContentWithThisMachineAndTheReferenceLogits)
{
    ModelCache cache(host());
    pipeline::DoctorOptions asked;
    asked.model = fixtureModel("llama-gqa").string();
    asked.reference = testData() / "models" / "llama-gqa" / "expected.safetensors";
    const Json result = pipeline::doctor(asked, cache, RunContext());
    EXPECT_TRUE(result.at("engine").at("batch_invariant").get<bool>());
    for (const Json& check : result.at("checks"))
        EXPECT_TRUE(check.at("ok").get<bool>()) << check.dump();
    // Another model's logits are told apart.
    asked.reference = testData() / "models" / "llama-bf16" / "expected.safetensors";
    asked.model = fixtureModel("llama-f16").string();
    const Json other = pipeline::doctor(asked, cache, RunContext());
    EXPECT_FALSE(other.at("checks").back().at("ok").get<bool>());
}

}
}
