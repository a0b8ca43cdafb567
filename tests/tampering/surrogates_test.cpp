// What could be forged about a surrogate that is no exact copy: every field of it, its artifacts, its losses.
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "tests/certificate/tiny_run.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

namespace blockcert::certificate {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::TemporaryFolder;

constexpr const char* certificateFile = "block_01/certificate.json";

tiny::Options optionsOf(SurrogateChoice surrogate, Ablation ablation = {})
{
    tiny::Options options;
    options.blocks = {1};
    options.texts = {"the quick", "a"};
    options.surrogate = surrogate;
    options.ablation = ablation;
    options.seed = 5;
    return options;
}

constexpr SurrogateChoice lowRank{.family = SurrogateFamily::LowRank, .rank = 20, .matrices = MatrixGroup::All};
constexpr SurrogateChoice quantised{.family = SurrogateFamily::Quantised, .dtype = DType::Q8_0};
constexpr Ablation noise{Ablation::Kind::NoiseQuery, 0.25};

tiny::Options otherCheckpoint()
{
    tiny::Options options = optionsOf({.family = SurrogateFamily::Checkpoint});
    options.model = "llama-bf16";
    options.otherModel = "llama-linear-rope";
    return options;
}

Verdict verdictOn(const tiny::Material& material, int level)
{
    const TemporaryFolder folder;
    tiny::write(material, folder.path() / "run");
    return TamperedRun(folder.path() / "run").verify(level);
}

const Check* checkOf(const Verdict& verdict, const std::string& id)
{
    for (const Check& check : verdict.checks)
        if (check.id == id)
            return &check;
    return nullptr;
}

TEST(SurrogateForgery, HasHonestRunsToStartFrom)
{
    std::vector<tiny::Options> all = {optionsOf(lowRank), optionsOf(lowRank, noise), optionsOf(quantised),
                                      optionsOf({}, noise), otherCheckpoint()};
    for (const Ablation::Kind kind : {Ablation::Kind::DropRope, Ablation::Kind::InvertMask, Ablation::Kind::ZeroValues})
        all.push_back(optionsOf({}, {kind, 0}));
    for (tiny::Options options : all)
        for (const bool embed : {true, false}) {
            options.embed = embed;
            const tiny::Material material = tiny::make(options);
            for (const int level : {3, 4}) {
                const Verdict verdict = verdictOn(material, level);
                EXPECT_THAT(failedIds(verdict), IsEmpty()) << problemsOf(verdict);
                EXPECT_EQ(verdict.exitCode, 6) << problemsOf(verdict); // no such block is certified
            }
        }
}

void forEachLeaf(const Json& json, const Json::json_pointer& at,
                 const std::function<void(const Json::json_pointer&)>& see)
{
    const bool number = json.is_object() && json.size() == 2 && json.contains("hex");
    if (!json.is_structured() || json.empty() || number)
        return see(at);
    for (const auto& [key, value] : json.items())
        forEachLeaf(value, json.is_array() ? at / static_cast<std::size_t>(std::stoul(key)) : at / key, see);
}

std::vector<Json> forgeries(const Json& leaf)
{
    if (leaf.is_object() && leaf.contains("hex")) {
        const double value = leaf["value"];
        return {certifiedNumber(std::nextafter(value, 1e300)), certifiedNumber(value == 0 ? 0.5 : value * 1.001)};
    }
    if (leaf.is_number_integer())
        return {leaf.get<std::int64_t>() + 1, leaf.get<std::int64_t>() - 1};
    if (leaf.is_string()) {
        std::string changed = leaf;
        changed.back() = changed.back() == '0' ? '1' : '0';
        return {changed};
    }
    if (leaf.is_boolean())
        return {!leaf.get<bool>()};
    return {leaf.is_null() ? certifiedNumber(1.0) : Json::array({1})};
}

// Forges every leaf of `surrogate` in the certificate and, where it stands there too, in run.json.
void forgeEveryField(const tiny::Options& options, int level, const std::function<bool(const std::string&)>& free)
{
    const TemporaryFolder folder;
    tiny::write(tiny::make(options), folder.path() / "run");
    TamperedRun run(folder.path() / "run");
    const Json certificate = run.json(certificateFile);
    const Json manifest = run.json("run.json");
    int forged = 0;
    forEachLeaf(certificate["surrogate"], Json::json_pointer("/surrogate"), [&](const Json::json_pointer& at) {
        const std::string path = at.to_string();
        for (const Json& forgery : forgeries(certificate[at])) {
            Json changed = certificate;
            changed[at] = forgery;
            Json changedRun = manifest;
            const auto also = [&](const std::string& from, const std::string& to) {
                if (!path.starts_with(from))
                    return;
                const Json::json_pointer place(to + path.substr(from.size()));
                if (manifest.contains(place))
                    changedRun[place] = forgery;
            };
            also("/surrogate/family", "/request/surrogate/family");
            also("/surrogate/parameters", "/request/surrogate/parameters");
            also("/surrogate/ablation", "/request/ablation");
            also("/surrogate/seed", "/request/seed");
            also("/surrogate/weights", "/request/weights");
            also("/surrogate/embedded", "/request/embed_weights");
            also("/surrogate/model", "/surrogate_model");
            run.setJson(certificateFile, changed);
            run.setJson("run.json", changedRun);
            run.resum();
            ++forged;
            int exitCode = 3; // what no reader accepts
            std::string problems;
            try {
                const Verdict verdict = run.verify(level);
                exitCode = verdict.exitCode;
                problems = problemsOf(verdict);
            } catch (const Error&) {
            }
            // The last bit of a scale is lost where noise is rounded to fp32: the same surrogate.
            if (path == "/surrogate/ablation/scale" && forgery == forgeries(certificate[at])[0])
                continue;
            if (free(path))
                EXPECT_EQ(exitCode, 6) << path << " = " << forgery.dump() << "\n" << problems;
            else
                EXPECT_NE(exitCode, 6) << path << " = " << forgery.dump() << "\n" << problems;
        }
    });
    EXPECT_GT(forged, 10);
}

TEST(SurrogateForgery, OfAnyFieldOfLowRankIsFoundAtLevelFour)
{
    forgeEveryField(optionsOf(lowRank), 4, [](const std::string& path) {
        return path == "/surrogate/seed"; // nothing is drawn
    });
}

TEST(SurrogateForgery, OfAnyFieldOfNoiseIsFoundAtLevelFour)
{
    forgeEveryField(optionsOf({}, noise), 4, [](const std::string&) { return false; });
}

TEST(SurrogateForgery, OfAnyFieldOfAQuantisationIsFoundAtLevelFour)
{
    forgeEveryField(optionsOf(quantised), 4, [](const std::string& path) { return path == "/surrogate/seed"; });
}

TEST(SurrogateForgery, OfAnyFieldOfAnotherCheckpointIsFoundAtLevelFour)
{
    forgeEveryField(otherCheckpoint(), 4, [](const std::string& path) {
        // Names are the issuer's words, of files and models alike.
        return path == "/surrogate/seed" || path == "/surrogate/model/model" || path == "/surrogate/model/files/0/name";
    });
}

TEST(SurrogateForgery, OfRanksAndNormsIsFoundWithoutAModel)
{
    const TemporaryFolder folder;
    tiny::write(tiny::make(optionsOf(lowRank)), folder.path() / "run");
    TamperedRun run(folder.path() / "run");
    const Json honest = run.json(certificateFile);
    const auto expectRefused = [&](const std::function<void(Json&)>& forge, const char* sentence) {
        Json json = honest;
        forge(json["surrogate"]["distances"]);
        run.setJson(certificateFile, json);
        run.resum();
        const Verdict verdict = run.verify(1);
        EXPECT_THAT(failedIds(verdict), Contains("structure.ir"));
        EXPECT_THAT(problemsOf(verdict), HasSubstr(sentence));
    };
    const auto scaled = [](Json& number, double factor) {
        number = certifiedNumber(number["value"].get<double>() * factor);
    };
    expectRefused([&](Json& list) { scaled(list[0]["distance"], 1.00001); }, "the singular values beyond its rank");
    expectRefused([&](Json& list) { scaled(list[0]["norm"], 1.00001); }, "its singular values make it");
    expectRefused([](Json& list) { list[0]["rank"] = 19; }, "another rank");
    expectRefused([](Json& list) { list[0]["rank"] = nullptr; }, "another rank");
    expectRefused([](Json& list) { list.erase(0); }, "states no rank");
    expectRefused([](Json& list) { list[0]["name"] = "attn_norm.weight"; }, "attn_norm.weight");
    expectRefused([](Json& list) { list[0]["name"] = "a"; }, "which the program does not have");
}

TEST(SurrogateForgery, OfASpectrumIsFoundWithoutAModel)
{
    const TemporaryFolder folder;
    tiny::write(tiny::make(optionsOf(lowRank)), folder.path() / "run");
    const auto expectRefused = [&](const std::function<void(double*)>& forge, const char* sentence) {
        TamperedRun run(folder.path() / "run");
        run.changeTensor("block_01/ir.h5", "spectrum/q.weight", [&](HostTensor& tensor) {
            std::vector<double> values(static_cast<std::size_t>(tensor.elementCount()));
            std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
            forge(values.data());
            std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
        });
        run.reseal("block_01");
        const Verdict verdict = run.verify(1);
        EXPECT_THAT(failedIds(verdict), Contains("structure.ir"));
        EXPECT_THAT(problemsOf(verdict), HasSubstr(sentence));
    };
    expectRefused([](double* values) { values[0] *= 1.001; }, "its singular values make it");
    expectRefused([](double* values) { std::swap(values[0], values[31]); }, "not falling");
    expectRefused([](double* values) { values[31] = -values[31]; }, "not falling");
    expectRefused([](double* values) { values[0] = std::nan(""); }, "not falling");
    // Equal sums, but more of it within the rank.
    expectRefused(
        [](double* values) {
            values[0] = std::sqrt(values[0] * values[0] + values[31] * values[31]);
            values[31] = 0;
        },
        "the singular values beyond its rank");
}

float& floatAt(HostTensor& tensor, std::size_t element)
{
    return *reinterpret_cast<float*>(tensor.bytes.data() + 4 * element);
}

// An issuer who changes a weight, replays with it and states its distance, but cannot change what it was made from.
tiny::Material withChangedWeight(const tiny::Options& options, const std::string& name, std::size_t element, float by)
{
    tiny::Material material = tiny::make(options);
    ir::BlockIr& ir = material.irs[0];
    floatAt(ir.weights.at(name), element) += by;
    ir.program.weights.at(name).sha256 = sha256OfTensor(ir.weights.at(name));
    for (CellRecord& cell : material.cells[0])
        tiny::replay(cell, ir);
    return material;
}

TEST(SurrogateForgery, OfARebuildableWeightIsFoundBitForBit)
{
    for (const tiny::Options& options : {optionsOf(quantised), otherCheckpoint(), optionsOf({}, noise)}) {
        const tiny::Material material = withChangedWeight(options, "q.weight", 7, 1e-6F);
        EXPECT_THAT(failedIds(verdictOn(material, 4)), Contains("model.ir"));
    }
    const tiny::Material values =
        withChangedWeight(optionsOf({}, {Ablation::Kind::ZeroValues, 0}), "v.weight", 3, 1e-6F);
    EXPECT_THAT(failedIds(verdictOn(values, 4)), Contains("model.ir"));
}

TEST(SurrogateForgery, OfAFittedWeightIsFoundByItsDistanceAndItsRank)
{
    // One element in a row that is zero otherwise: the matrix gains a rank, and the distance is no longer the stated
    // one.
    tiny::Material honestMaterial = tiny::make(optionsOf(lowRank));
    HostTensor& query = honestMaterial.irs[0].weights.at("q.weight");
    std::size_t zeroRow = 0;
    while (floatAt(query, 32 * zeroRow) != 0)
        ++zeroRow;
    const tiny::Material material = withChangedWeight(optionsOf(lowRank), "q.weight", 32 * zeroRow + 3, 0.5F);
    const Verdict verdict = verdictOn(material, 4);
    EXPECT_THAT(failedIds(verdict), Contains("model.distances"));
    EXPECT_THAT(failedIds(verdict), Contains("model.rank")) << problemsOf(verdict);
    // A rank that holds is no green row about where the weight came from.
    const Verdict honest = verdictOn(honestMaterial, 4);
    ASSERT_NE(checkOf(honest, "model.fit"), nullptr);
    EXPECT_EQ(checkOf(honest, "model.fit")->state, CheckState::NotChecked);
    EXPECT_THAT(honest.notChecked, Contains("origin of the fitted weights (block 1)"));
}

TEST(SurrogateForgery, OfAnUnreducedWeightOfALowRankSurrogateIsFound)
{
    const tiny::Material material = withChangedWeight(optionsOf(lowRank), "k.weight", 3, 0.01F); // 16 rows: never cut
    EXPECT_THAT(failedIds(verdictOn(material, 4)), Contains("model.ir"));
}

TEST(SurrogateForgery, OfTablesThatAnAblationLeavesAloneIsFound)
{
    tiny::Material mask = tiny::make(optionsOf({}, {Ablation::Kind::InvertMask, 0}));
    mask.irs[0].mask.bytes[0] = std::byte{1};
    for (CellRecord& cell : mask.cells[0])
        tiny::replay(cell, mask.irs[0]);
    EXPECT_THAT(failedIds(verdictOn(mask, 4)), Contains("model.ir"));
    tiny::Material tables = tiny::make(optionsOf({}, {Ablation::Kind::DropRope, 0}));
    floatAt(tables.irs[0].ropeSin, 1) = 0.25F;
    for (CellRecord& cell : tables.cells[0])
        tiny::replay(cell, tables.irs[0]);
    EXPECT_THAT(failedIds(verdictOn(tables, 4)), Contains("model.ir"));
}

TEST(SurrogateForgery, OfLossesWithTheSurrogateInPlaceIsFoundForEveryFamily)
{
    for (const tiny::Options& options : {optionsOf(lowRank), optionsOf(quantised), optionsOf({}, noise),
                                         optionsOf({}, {Ablation::Kind::InvertMask, 0}),
                                         optionsOf({}, {Ablation::Kind::DropRope, 0}), otherCheckpoint()}) {
        // Better than they are: the baseline's own.
        tiny::Material material = tiny::make(options);
        for (CellRecord& cell : material.cells[0])
            cell.lossStitched = cell.lossBase;
        EXPECT_THAT(failedIds(verdictOn(material, 4)), Contains("model.loss_stitched"));
        tiny::Material tops = tiny::make(options);
        for (CellRecord& cell : tops.cells[0]) {
            cell.topIdStitched = cell.topIdBase;
            cell.topLogitStitched = cell.topLogitBase;
        }
        EXPECT_THAT(failedIds(verdictOn(tops, 4)), Contains("model.top_stitched"));
    }
}

TEST(SurrogateForgery, OfLossesWithGivenWeightsInPlaceIsFound)
{
    // Weights from somebody's files: they are what is stored, and so are the losses that the model has with them.
    tiny::Material material = tiny::make(optionsOf(quantised));
    material.manifest.request.surrogate = {.family = SurrogateFamily::Given};
    material.weights[0].clear();
    const Verdict honest = verdictOn(material, 4);
    EXPECT_EQ(honest.exitCode, 6) << problemsOf(honest);
    ASSERT_NE(checkOf(honest, "model.loss_stitched"), nullptr);
    EXPECT_EQ(checkOf(honest, "model.loss_stitched")->state, CheckState::Verified);
    for (CellRecord& cell : material.cells[0])
        cell.lossStitched = cell.lossBase;
    EXPECT_THAT(failedIds(verdictOn(material, 4)), Contains("model.loss_stitched"));
}

TEST(SurrogateForgery, OfAnAblationUnderTheNameOfAnExactCopyIsFound)
{
    for (const Ablation::Kind kind : {Ablation::Kind::DropRope, Ablation::Kind::InvertMask, Ablation::Kind::ZeroValues,
                                      Ablation::Kind::NoiseQuery}) {
        tiny::Material material = tiny::make(optionsOf({}, {kind, kind == Ablation::Kind::NoiseQuery ? 0.25 : 0}));
        material.manifest.request.ablation = {};
        material.weights[0].clear();
        const Verdict verdict = verdictOn(material, 4);
        EXPECT_THAT(failedIds(verdict), Contains("model.ir")) << problemsOf(verdict);
    }
}

// Its own program contradicts the name, which no model is needed to see.
TEST(SurrogateForgery, OfAQuantisationUnderTheNameOfAnExactCopyIsFoundByItsProgram)
{
    tiny::Options options = optionsOf(quantised);
    options.embed = false;
    tiny::Material renamed = tiny::make(options);
    renamed.manifest.request.surrogate = {};
    renamed.weights[0].clear();
    EXPECT_THAT(failedIds(verdictOn(renamed, 1)), Contains("structure.ir"));

    tiny::Material other = tiny::make(options);
    other.manifest.request.surrogate.dtype = DType::Q4_0;
    EXPECT_THAT(failedIds(verdictOn(other, 1)), Contains("structure.ir"));
}

TEST(SurrogateForgery, OfWeightsFromAFileThatIsNeitherModelsIsRefused)
{
    tiny::Options options = otherCheckpoint();
    options.embed = false;
    tiny::Material material = tiny::make(options);
    material.irs[0].program.weights.at("q.weight").reference->fileSha256 = material.manifest.subject.files[0].sha256;
    const Verdict verdict = verdictOn(material, 3);
    EXPECT_THAT(failedIds(verdict), Contains("replay.weights")) << problemsOf(verdict);
}

}
}
