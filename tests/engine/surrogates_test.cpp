// Every family of surrogates and every ablation, certified and verified on tiny models, against NumPy.
#include "engine/artifact/tensor_archive.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/strict_json.h"
#include "engine/certificate/verify.h"
#include "engine/model/parallel_tasks.h"
#include "engine/pipeline/pipeline.h"
#include "engine/surrogate/surrogate_text.h"
#include "tests/engine/model_fixture.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using pipeline::CertifyOptions;
using pipeline::ModelCache;
using testing::Contains;
using testing::HasSubstr;

fs::path readerChild()
{
    const char* folder = std::getenv("BLOCKCERT_BIN"); // NOLINT(concurrency-mt-unsafe)
    return fs::path(folder == nullptr ? "." : folder) / "archive_reader_child";
}

Json readJson(const fs::path& path)
{
    JsonLimits limits;
    return parseStrictJson(readWholeFile(path, limits.bytes), path.string(), limits);
}

const Json& reference()
{
    static const Json json = readJson(testData() / "surrogate" / "reference.json");
    return json;
}

std::string promptLines()
{
    std::string lines;
    for (const Json& ids : reference().at("token_ids"))
        lines += Json{{"id", std::to_string(lines.size())}, {"token_ids", ids}}.dump() + "\n";
    return lines;
}

class Surrogates : public testing::Test {
protected:
    Surrogates()
    {
        std::string pattern = (fs::temp_directory_path() / "blockcert-surrogates-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
    }

    ~Surrogates() override { fs::remove_all(m_folder); }

    Surrogates(const Surrogates&) = delete;
    Surrogates& operator=(const Surrogates&) = delete;

    // `text` is an ablation where there is such a one, else a family.
    [[nodiscard]] CertifyOptions options(const std::string& model, const std::string& text) const
    {
        CertifyOptions made;
        made.model.model = fixtureModel(model).string();
        made.prompts.content = promptLines();
        made.prompts.name = "reference";
        made.blocks = "1";
        made.out = m_folder / "run";
        made.created = "2026-01-02T03:04:05Z";
        made.commandLine = "blockcert certify …";
        try {
            (void)surrogate::parseAblation(text);
            made.ablation = text;
        } catch (const UsageError&) {
            made.surrogate = text;
        }
        return made;
    }

    Json certify(const CertifyOptions& asked) const
    {
        pipeline::Host host;
        host.toolVersion = "0.1.0";
        host.toolBuild = "test";
        host.childProgram = readerChild();
        ModelCache cache(host);
        return pipeline::certify(asked, cache, RunContext());
    }

    [[nodiscard]] Verdict verify(int level, const fs::path& surrogateModel = {}) const
    {
        certificate::VerifyOptions how;
        how.level = level;
        how.surrogateModel = surrogateModel;
        how.childProgram = readerChild();
        how.threads = 2;
        return certificate::verify(m_folder / "run", how, RunContext());
    }

    [[nodiscard]] Json certificate() const { return readJson(m_folder / "run" / "block_01" / "certificate.json"); }

    [[nodiscard]] std::vector<double> probes(const std::string& dataset) const
    {
        const auto archive = artifact::openOwnArchive(m_folder / "run" / "block_01" / "probes.h5");
        const HostTensor tensor = archive->readAll(dataset);
        std::vector<double> values(static_cast<std::size_t>(tensor.elementCount()));
        std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
        return values;
    }

    fs::path m_folder;
};

std::string problems(const Verdict& verdict)
{
    std::string text = verdict.sentence;
    for (const Check& check : verdict.checks)
        if (check.state == CheckState::Failed || (check.required && check.state == CheckState::NotChecked))
            text += "\n" + check.id + " " + check.where + ": " + check.issuer + " / " + check.recomputed + " " +
                    check.detail;
    return text;
}

const Check* checkOf(const Verdict& verdict, const std::string& id)
{
    for (const Check& check : verdict.checks)
        if (check.id == id)
            return &check;
    return nullptr;
}

std::map<std::string, double> distancesOf(const Json& certificate)
{
    std::map<std::string, double> distances;
    for (const Json& weight : certificate.at("surrogate").at("distances"))
        distances[weight.at("name")] = weight.at("distance").at("value");
    return distances;
}

// Both prompts' numbers one after the other, as probes.h5 has them.
std::vector<double> referenceNumbers(const std::string& surrogate, const char* what)
{
    std::vector<double> numbers;
    for (const Json& prompt : reference().at("surrogates").at(surrogate).at("prompts"))
        for (const Json& number : prompt.at(what))
            numbers.push_back(number);
    return numbers;
}

class Reference : public Surrogates, public testing::WithParamInterface<const char*> {};

TEST_P(Reference, DistancesErrorsAndLossesAreNumPys)
{
    certify(options("llama-gqa", GetParam()));
    std::map<std::string, double> expected;
    for (const auto& [name, value] : reference().at("surrogates").at(GetParam()).at("distances").items())
        expected[name] = value;
    std::map<std::string, double> found = distancesOf(certificate());
    std::erase_if(found, [](const auto& weight) { return weight.second == 0; }); // matrices below the rank asked for
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [name, distance] : expected)
        EXPECT_NEAR(found.at(name), distance, 1e-6 * distance) << name; // Ŵ is rounded to fp32 on both sides

    // The baseline computes in fp32 where NumPy does in double: some 1e-6 of states of norm 6, through two more blocks.
    const std::vector<double> errors = referenceNumbers(GetParam(), "error");
    const std::vector<double> error = probes("error");
    ASSERT_EQ(error.size(), errors.size());
    for (std::size_t t = 0; t < errors.size(); ++t)
        EXPECT_NEAR(error[t], errors[t], 5e-5) << t;
    const std::vector<double> losses = referenceNumbers(GetParam(), "losses");
    const std::vector<double> loss = probes("loss_stitched");
    ASSERT_EQ(loss.size(), losses.size());
    for (std::size_t t = 0; t < losses.size(); ++t)
        EXPECT_NEAR(loss[t], losses[t], 5e-5) << t;
}

TEST_P(Reference, TheRunIsVerifiedAtLevelsThreeAndFour)
{
    certify(options("llama-gqa", GetParam()));
    EXPECT_FALSE(certificate().at("verdict").at("certified").get<bool>());
    const Verdict third = verify(3);
    EXPECT_EQ(third.state, CheckState::WeakerThanPolicy) << problems(third); // the numbers hold
    EXPECT_EQ(third.exitCode, 6);
    const Verdict fourth = verify(4);
    EXPECT_EQ(fourth.state, CheckState::WeakerThanPolicy) << problems(fourth);
    for (const char* id : {"model.ir", "model.distances", "model.loss_stitched", "model.top_stitched"}) {
        ASSERT_NE(checkOf(fourth, id), nullptr) << id;
        EXPECT_EQ(checkOf(fourth, id)->state, CheckState::Verified) << id;
    }
    const bool fitted = std::string(GetParam()).starts_with("low-rank");
    EXPECT_EQ(checkOf(fourth, "model.rank") != nullptr, fitted);
    ASSERT_EQ(checkOf(fourth, "model.fit") != nullptr, fitted);
    if (fitted) {
        EXPECT_EQ(checkOf(fourth, "model.fit")->state, CheckState::NotChecked);
    }
}

INSTANTIATE_TEST_SUITE_P(All, Reference,
                         testing::Values("low-rank:4:attn", "low-rank:9:mlp", "low-rank:20:all", "quant:Q8_0",
                                         "quant:Q5_1", "quant:Q4_0", "quant:Q4_1", "drop-rope", "invert-mask",
                                         "zero-wv"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::ranges::replace_if(
                                 name, [](char c) { return c == ':' || c == '-'; }, '_');
                             return name;
                         });

TEST_F(Surrogates, OfLowRankStateTheirRanksAndTheSpectraThatNumPyFinds)
{
    certify(options("llama-gqa", "low-rank:20:all"));
    std::map<std::string, std::int64_t> ranks;
    const Json made = certificate();
    for (const Json& weight : made.at("surrogate").at("distances"))
        ranks[weight.at("name")] = weight.at("rank");
    // k and v have 16 rows: their rank is cut to that, and they stay as they are.
    const std::map<std::string, std::int64_t> expected = {{"q.weight", 20},   {"k.weight", 16},    {"v.weight", 16},
                                                          {"o.weight", 20},   {"gate.weight", 20}, {"up.weight", 20},
                                                          {"down.weight", 20}};
    EXPECT_EQ(ranks, expected);
    EXPECT_EQ(distancesOf(certificate()).at("k.weight"), 0);

    const auto archive = artifact::openOwnArchive(m_folder / "run" / "block_01" / "ir.h5");
    for (const auto& [name, values] : reference().at("spectra").items()) {
        const HostTensor spectrum = archive->readAll("spectrum/" + name);
        ASSERT_EQ(spectrum.dtype, DType::F64);
        ASSERT_EQ(spectrum.shape, std::vector<std::int64_t>{static_cast<std::int64_t>(values.size())});
        for (std::size_t i = 0; i < values.size(); ++i) {
            double found = 0;
            std::memcpy(&found, spectrum.bytes.data() + 8 * i, 8);
            EXPECT_NEAR(found, values[i].get<double>(), 1e-12 * values[0].get<double>()) << name << " " << i;
        }
    }
    EXPECT_EQ(archive->find("weight/k.weight"), nullptr); // by reference, as ever
    EXPECT_NE(archive->find("weight/q.weight"), nullptr);
}

TEST_F(Surrogates, OfAGpt2ModelAreDecomposedAsOutputsByInputs)
{
    certify(options("gpt2", "low-rank:5:all"));
    const std::map<std::string, double> found = distancesOf(certificate());
    for (const auto& [name, distance] : reference().at("gpt2_distances").items())
        EXPECT_NEAR(found.at(name), distance.get<double>(), 1e-6 * distance.get<double>()) << name;
    const Verdict verdict = verify(4);
    EXPECT_EQ(verdict.exitCode, 6) << problems(verdict);
}

TEST_F(Surrogates, OfLowRankHaveTheSameBytesWhateverTheNumberOfThreads)
{
    std::map<int, std::string> bytes;
    for (const int threads : {1, 2, 3}) {
        CertifyOptions asked = options("llama-gqa", "low-rank:4:all");
        asked.model.threads = threads;
        certify(asked);
        bytes[threads] = readWholeFile(m_folder / "run" / "block_01" / "ir.h5", 64U << 20U);
        fs::remove_all(m_folder / "run");
    }
    EXPECT_EQ(bytes.at(1), bytes.at(2));
    EXPECT_EQ(bytes.at(1), bytes.at(3));
}

TEST_F(Surrogates, WithNoiseFollowTheirSeedAndAreRebuiltBitForBit)
{
    std::set<double> distances;
    for (const std::uint64_t seed : {0U, 1U}) {
        CertifyOptions asked = options("llama-gqa", "noise-wq:0.5");
        asked.seed = seed;
        certify(asked);
        const std::map<std::string, double> found = distancesOf(certificate());
        ASSERT_EQ(found.size(), 1U);
        // 1024 normal numbers of half of W_Q's standard deviation: within five standard errors, 11 %.
        const Json weight = certificate().at("surrogate").at("distances")[0];
        EXPECT_NEAR(found.at("q.weight") / weight.at("norm").at("value").get<double>(), 0.5, 0.06);
        distances.insert(found.at("q.weight"));
        const Verdict verdict = verify(4);
        EXPECT_EQ(verdict.exitCode, 6) << problems(verdict);
        EXPECT_EQ(checkOf(verdict, "model.fit"), nullptr);
        fs::remove_all(m_folder / "run");
    }
    EXPECT_EQ(distances.size(), 2U);
}

TEST_F(Surrogates, CanBeReducedAndAblatedAtOnce)
{
    CertifyOptions asked = options("llama-gqa", "low-rank:4:attn");
    for (const char* ablation : {"noise-wq", "zero-wv", "drop-rope", "invert-mask"}) {
        asked.ablation = ablation;
        certify(asked);
        const Verdict verdict = verify(4);
        EXPECT_EQ(verdict.exitCode, 6) << ablation << "\n" << problems(verdict);
        fs::remove_all(m_folder / "run");
    }
}

TEST_F(Surrogates, WithEmbeddedWeightsAreVerifiedAlike)
{
    for (const char* text : {"quant:Q4_0", "low-rank:4:attn", "zero-wv"}) {
        CertifyOptions asked = options("llama-gqa", text);
        asked.embedWeights = true;
        certify(asked);
        const Verdict verdict = verify(4);
        EXPECT_EQ(verdict.exitCode, 6) << text << "\n" << problems(verdict);
        fs::remove_all(m_folder / "run");
    }
}

TEST_F(Surrogates, OfHalfPrecisionBaselinesAreVerified)
{
    for (const char* text : {"quant:Q8_0", "low-rank:4:attn", "noise-wq"}) {
        CertifyOptions asked = options("llama-bf16", text);
        asked.model.dtype = DType::BF16;
        certify(asked);
        const Verdict third = verify(3);
        EXPECT_EQ(third.exitCode, 6) << text << "\n" << problems(third);
        const Verdict fourth = verify(4);
        EXPECT_TRUE(fourth.exitCode == 6 || fourth.exitCode == 5) << text << "\n" << problems(fourth);
        EXPECT_NE(fourth.state, CheckState::Failed) << text << "\n" << problems(fourth);
        fs::remove_all(m_folder / "run");
    }
}

TEST_F(Surrogates, FromAnotherCheckpointAreCertifiedAndVerifiedWithBothModels)
{
    const fs::path other = fixtureModel("llama-linear-rope");
    certify(options("llama-bf16", "checkpoint:" + other.string()));
    const Json surrogate = certificate().at("surrogate");
    EXPECT_EQ(surrogate.at("family"), "checkpoint");
    EXPECT_EQ(surrogate.at("model").at("files").size(), 1U);
    EXPECT_FALSE(surrogate.at("distances").empty());
    EXPECT_EQ(surrogate.at("model").at("differences")[0], "rope_scaling is none here and linear by 2 there");
    const Verdict third = verify(3);
    EXPECT_EQ(third.exitCode, 6) << problems(third);
    const Verdict fourth = verify(4);
    EXPECT_EQ(fourth.exitCode, 6) << problems(fourth);
    for (const char* id :
         {"model.surrogate_files", "model.surrogate_config", "model.ir", "model.distances", "model.loss_stitched"})
        EXPECT_EQ(checkOf(fourth, id)->state, CheckState::Verified) << id;
}

TEST_F(Surrogates, FromAnotherCheckpointAreNotCheckedWithoutIt)
{
    const fs::path other = m_folder / "other";
    fs::copy(fixtureModel("llama-linear-rope"), other);
    certify(options("llama-bf16", "checkpoint:" + other.string()));
    fs::remove_all(other);
    const Verdict third = verify(3);
    EXPECT_EQ(third.exitCode, 5);
    EXPECT_THAT(problems(third), HasSubstr("--surrogate-model"));
    // Under another name and in another place it is the same checkpoint.
    EXPECT_EQ(verify(3, fixtureModel("llama-linear-rope")).exitCode, 6);
    EXPECT_EQ(verify(4, fixtureModel("llama-linear-rope")).exitCode, 6);
    // Another one of the same shape is not.
    EXPECT_EQ(verify(3, fixtureModel("llama-f16")).exitCode, 5);
    EXPECT_EQ(verify(4, fixtureModel("llama-f16")).exitCode, 5);
}

TEST_F(Surrogates, FromTheSameCheckpointAreExactCopies)
{
    CertifyOptions asked = options("llama-gqa", "checkpoint:" + fixtureModel("llama-gqa").string());
    certify(asked);
    EXPECT_TRUE(certificate().at("surrogate").at("distances").empty());
    EXPECT_TRUE(certificate().at("surrogate").at("model").at("differences").empty());
    EXPECT_EQ(verify(4).exitCode, 0);
}

TEST_F(Surrogates, OfAnotherSeedAblationOrFamilyDoNotResumeARun)
{
    CertifyOptions asked = options("llama-gqa", "noise-wq");
    certify(asked);
    asked.resume = true;
    const auto refusal = [&] {
        try {
            certify(asked);
        } catch (const UsageError& error) {
            return std::string(error.what());
        }
        return std::string("not refused");
    };
    asked.seed = 9;
    EXPECT_THAT(refusal(), HasSubstr("seed is 9 here and 0 in the run"));
    asked.seed = 0;
    asked.ablation = "noise-wq:0.02";
    EXPECT_THAT(refusal(), HasSubstr("ablation is noise-wq:0.02 here and noise-wq:0.01 in the run"));
    asked.ablation = "noise-wq";
    asked.surrogate = "quant:Q8_0";
    EXPECT_THAT(refusal(), HasSubstr("surrogate is quant:Q8_0 here and exact in the run"));
    asked.surrogate = "checkpoint:" + fixtureModel("llama-gqa").string();
    EXPECT_THAT(refusal(), HasSubstr("surrogate is checkpoint here and exact in the run"));
    asked.surrogate = "exact";
    EXPECT_EQ(refusal(), "not refused");
}

TEST_F(Surrogates, ThatMakeNoSenseAreRefusedInOneSentenceBeforeAnythingIsWritten)
{
    const std::string otherShape = "checkpoint:" + fixtureModel("gpt2").string();
    const std::string otherHeads = "checkpoint:" + fixtureModel("llama-mqa-untied").string();
    const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
        {"llama-gqa", "low-rank:0", "the rank cannot be \"0\""},
        {"llama-gqa", "low-rank:32:attn", "use a rank below 32"},
        {"llama-gqa", "low-rank:99999", "no matrix is reduced"},
        {"llama-gqa", "spline", "there is no such family"},
        {"llama-mqa-untied", "quant:Q8_0", "not whole storage blocks"},
        {"llama-gqa", otherShape, "the architecture is gpt2 there and llama here"},
        {"llama-gqa", otherHeads, "there and"},
        {"gpt2", "drop-rope", "no rotary position embeddings"},
    };
    for (const auto& [model, text, sentence] : cases) {
        try {
            certify(options(model, text));
            FAIL() << text;
        } catch (const UsageError& error) {
            EXPECT_THAT(error.what(), HasSubstr(sentence)) << text;
            EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
        }
        EXPECT_FALSE(fs::exists(m_folder / "run"));
    }
}

}
}
