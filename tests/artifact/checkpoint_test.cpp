#include "engine/artifact/gguf.h"
#include "engine/artifact/weight_loader.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/base/strict_json.h"
#include "tests/artifact/model_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <functional>
#include <limits>
#include <stop_token>

namespace blockcert::artifact {
namespace {

using test::model;
using test::TemporaryFolder;
using test::valuesOf;
using testing::HasSubstr;

constexpr std::array allModels = {"gpt2",
                                  "gpt2-bare",
                                  "gpt2-inverse-layer",
                                  "gpt2-upcast",
                                  "gpt2-gguf-f32",
                                  "llama-gqa",
                                  "llama-mqa-untied",
                                  "llama-sharded",
                                  "llama-bf16",
                                  "llama-f16",
                                  "llama-f64",
                                  "llama-unaligned",
                                  "llama-bias",
                                  "llama3-rope-old",
                                  "llama3-rope-new",
                                  "llama-linear-rope",
                                  "llama-gguf-f32",
                                  "llama-gguf-f16",
                                  "llama-gguf-q8_0",
                                  "llama-gguf-rope-freqs",
                                  "llama-gguf-split"};

class TinyModels : public testing::TestWithParam<const char*> {};

// Names, transposition, the split of c_attn, un-permuted heads, dequantisation and widening, all at once: the values
// have the digests of what transformers holds after loading the same file.
TEST_P(TinyModels, GiveEveryWeightAsTransformersHoldsIt)
{
    const Json digests = parseStrictJson(test::readFile(model("weights.json")), "weights.json").at(GetParam());
    const Checkpoint checkpoint = Checkpoint::open(model(GetParam()));
    EXPECT_TRUE(checkpoint.warnings().empty());
    std::size_t compared = 0;
    HostTensor tensor;
    for (const auto& [name, digest] : digests.items()) {
        const std::size_t dot = name.find('.');
        const bool inBlock = std::isdigit(static_cast<unsigned char>(name.front())) != 0;
        const auto reference = inBlock ? checkpoint.blockWeight({std::stoi(name.substr(0, dot))}, name.substr(dot + 1))
                                       : checkpoint.modelWeight(name);
        ASSERT_TRUE(reference) << name;
        checkpoint.load(castTo(*reference, DType::F32), tensor);
        EXPECT_EQ(sha256Of(tensor.bytes).substr(0, 16), digest.get<std::string>()) << name;
        EXPECT_EQ(tensor.elementCount() * 4, static_cast<std::int64_t>(tensor.bytes.size())) << name;
        compared += inBlock ? 1 : 0;
    }
    std::size_t roles = 0;
    for (std::int32_t layer = 0; layer < checkpoint.config().layers; ++layer)
        roles += checkpoint.blockRoles({layer}).size();
    EXPECT_EQ(compared, roles);
}

INSTANTIATE_TEST_SUITE_P(All, TinyModels, testing::ValuesIn(allModels), [](const auto& test) {
    std::string name = test.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(Checkpoint, GivesShapesInTheContractsOrientation)
{
    const Checkpoint llama = Checkpoint::open(model("llama-mqa-untied"));
    HostTensor tensor;
    llama.load(*llama.blockWeight({0}, "k.weight"), tensor);
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{12, 32}));
    llama.load(*llama.blockWeight({1}, "o.weight"), tensor);
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{32, 48}));
    const Checkpoint gpt2 = Checkpoint::open(model("gpt2"));
    gpt2.load(*gpt2.blockWeight({2}, "up.weight"), tensor);
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{128, 32}));
    gpt2.load(*gpt2.blockWeight({2}, "v.bias"), tensor);
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{32}));
    EXPECT_FALSE(gpt2.blockWeight({0}, "gate.weight"));
    EXPECT_FALSE(llama.modelWeight("position_embedding.weight"));
}

TEST(Checkpoint, ListsRolesInTheContractsOrder)
{
    EXPECT_THAT(Checkpoint::open(model("llama-gqa")).blockRoles({0}),
                testing::ElementsAre("attn_norm.weight", "q.weight", "k.weight", "v.weight", "o.weight",
                                     "mlp_norm.weight", "gate.weight", "up.weight", "down.weight"));
    EXPECT_THAT(Checkpoint::open(model("gpt2")).blockRoles({0}),
                testing::ElementsAre("attn_norm.weight", "attn_norm.bias", "q.weight", "q.bias", "k.weight", "k.bias",
                                     "v.weight", "v.bias", "o.weight", "o.bias", "mlp_norm.weight", "mlp_norm.bias",
                                     "up.weight", "up.bias", "down.weight", "down.bias"));
}

TEST(Checkpoint, CountsTiedParametersOnce)
{
    // 288·32 embedding, 32 final norm; per block 2·32 norms, 32·32·2 + 16·32·2 attention, 3·64·32 MLP.
    constexpr std::int64_t block = 64 + 2 * 1024 + 2 * 512 + 3 * 2048;
    EXPECT_EQ(Checkpoint::open(model("llama-gqa")).parameterCount(), 288 * 32 + 32 + 3 * block);
    EXPECT_EQ(Checkpoint::open(model("llama-sharded")).parameterCount(), 2 * 288 * 32 + 32 + 2 * block);
    EXPECT_EQ(Checkpoint::open(model("llama-gguf-f32")).parameterCount(), 288 * 32 + 32 + 2 * block);
}

TEST(Checkpoint, ReadsRopeDivisorsFromTheFile)
{
    const TransformerConfig config = Checkpoint::open(model("llama-gguf-rope-freqs")).config();
    EXPECT_EQ(config.ropeScaling.kind, RopeScaling::Kind::Divisors);
    ASSERT_EQ(config.ropeDivisors.size(), 4U);
    EXPECT_EQ(config.ropeDivisors.front(), 1.0F);
    EXPECT_EQ(config.ropeDivisors.back(), 8.0F);
}

TEST(Checkpoint, GivesTheSameConfigDigestForBothSpellingsOfRope)
{
    EXPECT_EQ(Checkpoint::open(model("llama3-rope-old")).configSha256(),
              Checkpoint::open(model("llama3-rope-new")).configSha256());
}

TEST(Checkpoint, SaysWhereItsFilesAre)
{
    const Checkpoint folder = Checkpoint::open(model("llama-sharded"));
    EXPECT_EQ(folder.files().size(), 3U);
    EXPECT_EQ(folder.folder(), model("llama-sharded"));
    EXPECT_EQ(folder.name(), "llama-sharded");
    EXPECT_EQ(folder.gguf(), nullptr);
    const Checkpoint index = Checkpoint::open(model("llama-sharded") / "model.safetensors.index.json");
    EXPECT_EQ(index.tensors().size(), folder.tensors().size());
    const Checkpoint file = Checkpoint::open(model("llama-gguf-f32") / "tiny.gguf");
    EXPECT_EQ(file.container(), Container::Gguf);
    EXPECT_TRUE(file.folder().empty());
    ASSERT_NE(file.gguf(), nullptr);
    EXPECT_EQ(file.gguf()->strings("tokenizer.ggml.tokens")->size(), 288U);
}

TEST(Checkpoint, HashesAllFilesAndReportsEveryByteOnce)
{
    Checkpoint checkpoint = Checkpoint::open(model("llama-sharded"));
    EXPECT_TRUE(checkpoint.modelWeight("lm_head.weight")->fileSha256.empty());
    std::int64_t done = 0;
    std::int64_t total = 0;
    checkpoint.hashFiles(RunContext({}, [&](const Progress& progress) {
        EXPECT_EQ(progress.stage, "hash");
        EXPECT_GT(progress.done, done);
        done = progress.done;
        total = progress.total;
    }));
    std::int64_t size = 0;
    for (const WeightFile& file : checkpoint.files()) {
        EXPECT_EQ(file.sha256, sha256Of(test::readFile(file.path)));
        size += static_cast<std::int64_t>(file.size);
    }
    EXPECT_EQ(done, size);
    EXPECT_EQ(total, size);
    EXPECT_EQ(checkpoint.modelWeight("lm_head.weight")->fileSha256.size(), 64U);
}

TEST(Checkpoint, StopsHashingWhenCancelled)
{
    Checkpoint checkpoint = Checkpoint::open(model("llama-sharded"));
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(checkpoint.hashFiles(RunContext(stop.get_token(), {})), Cancelled);
    EXPECT_TRUE(checkpoint.files().front().sha256.empty());
}

TEST(Checkpoint, RefusesABlockItDoesNotHave)
{
    const Checkpoint checkpoint = Checkpoint::open(model("llama-gqa"));
    EXPECT_THROW((void)checkpoint.blockWeight({3}, "q.weight"), UsageError);
    EXPECT_THROW((void)checkpoint.blockWeight({-1}, "q.weight"), UsageError);
}

// --- references from elsewhere (a certificate's ir.h5 is hostile input) ----------------------------------------

class References : public testing::Test {
protected:
    Checkpoint m_checkpoint = Checkpoint::open(model("llama-gguf-q8_0"));
    WeightReference m_reference = *m_checkpoint.blockWeight({0}, "q.weight");
    HostTensor m_tensor;

    template <class Fault>
    void expectRefused()
    {
        EXPECT_THROW(m_checkpoint.load(m_reference, m_tensor), Fault);
    }
};

TEST_F(References, AreRefusedWhenTheyPointElsewhere)
{
    const WeightReference good = m_reference;
    for (const auto& spoil : std::vector<std::function<void(WeightReference&)>>{
             [](WeightReference& r) { r.begin += 34; },
             [](WeightReference& r) { r.end = ~std::uint64_t{0}; },
             [](WeightReference& r) {
                 r.storedShape = {1, 1024};
             },
             [](WeightReference& r) { r.storedDtype = DType::F32; },
             [](WeightReference& r) { r.file = "other.gguf"; },
             [](WeightReference& r) { r.file = "../tiny.gguf"; },
             [](WeightReference& r) { r.tensor = "blk.9.attn_q.weight"; },
         }) {
        m_reference = good;
        spoil(m_reference);
        expectRefused<FormatError>();
    }
}

TEST_F(References, AreRefusedWhenTheFilesDigestDiffers)
{
    m_checkpoint.hashFiles({});
    m_reference.fileSha256 = std::string(64, '0');
    expectRefused<FormatError>();
}

TEST_F(References, AreRefusedWhenTheirStepsMakeNoSense)
{
    using Kind = WeightTransform::Kind;
    const std::vector<std::vector<WeightTransform>> bad = {
        {{.kind = Kind::Rows, .begin = 0, .end = 33}},
        {{.kind = Kind::Rows, .begin = -1, .end = 4}},
        {{.kind = Kind::Rows, .begin = 5, .end = 4}},
        {{.kind = Kind::UnpermuteHeads, .begin = 0}},
        {{.kind = Kind::UnpermuteHeads, .begin = 5}},
        {{.kind = Kind::UnpermuteHeads, .begin = 32}},
        {{.kind = Kind::UnpermuteHeads, .begin = std::numeric_limits<std::int64_t>::min()}},
        {{.kind = Kind::Transpose}, {.kind = Kind::Rows, .begin = 0, .end = 4}, {.kind = Kind::Transpose}},
        {{.kind = Kind::Transpose}, {.kind = Kind::UnpermuteHeads, .begin = 4}, {.kind = Kind::Transpose}},
    };
    for (std::size_t i = 0; i < bad.size(); ++i) {
        m_reference.transforms = bad[i];
        EXPECT_THROW(m_checkpoint.load(m_reference, m_tensor), ShapeError) << i;
    }
    m_reference.transforms = {{.kind = Kind::Cast, .dtype = DType::Q4_0}};
    expectRefused<UnsupportedError>();
}

TEST_F(References, ApplyEveryStepInOrder)
{
    using Kind = WeightTransform::Kind;
    m_reference.transforms = {};
    HostTensor whole;
    m_checkpoint.load(m_reference, whole);
    const auto all = valuesOf<float>(whole);
    m_reference.transforms = {{.kind = Kind::Rows, .begin = 8, .end = 24},
                              {.kind = Kind::Transpose},
                              {.kind = Kind::Rows, .begin = 3, .end = 5},
                              {.kind = Kind::Cast, .dtype = DType::BF16},
                              {.kind = Kind::Cast, .dtype = DType::F64}};
    m_checkpoint.load(m_reference, m_tensor);
    ASSERT_EQ(m_tensor.shape, (std::vector<std::int64_t>{2, 16}));
    ASSERT_EQ(m_tensor.dtype, DType::F64);
    const auto part = valuesOf<double>(m_tensor);
    for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t j = 0; j < 16; ++j) {
            const float value = all[(8 + j) * 32 + 3 + i];
            EXPECT_NEAR(part[i * 16 + j], static_cast<double>(value), std::abs(static_cast<double>(value)) * 0x1p-8);
        }
    }
}

TEST_F(References, ReadRowsOfAQuantisedVectorInsideABlock)
{
    test::GgufFields fields;
    fields.tensors = {{"v", {64}, 8, 68, {}}};
    std::string bytes = fields.bytes();
    const std::size_t data = bytes.size() - 96;
    for (std::size_t block = 0; block < 2; ++block) {
        bytes[data + 34 * block + 1] = 0x3C; // d = 1
        for (std::size_t i = 0; i < 32; ++i)
            bytes[data + 34 * block + 2 + i] = static_cast<char>(32 * block + i);
    }
    const TemporaryFolder folder;
    const GgufFile file = GgufFile::open(folder.write("v.gguf", bytes));
    const TensorEntry& entry = file.tensors().front();
    const WeightReference reference{.file = "v.gguf",
                                    .fileSha256 = {},
                                    .tensor = "v",
                                    .begin = entry.begin,
                                    .end = entry.end,
                                    .storedDtype = entry.dtype,
                                    .storedShape = entry.shape,
                                    .transforms = {{.kind = WeightTransform::Kind::Rows, .begin = 30, .end = 35}}};
    loadWeight(reference, *file.inputs().front(), m_tensor);
    EXPECT_EQ(valuesOf<float>(m_tensor), (std::vector<float>{30, 31, 32, 33, 34}));
}

TEST_F(References, KeepTheBuffersCapacity)
{
    HostTensor buffer;
    m_checkpoint.load(*m_checkpoint.modelWeight("token_embedding.weight"), buffer);
    const std::byte* place = buffer.bytes.data();
    m_checkpoint.load(m_reference, buffer);
    EXPECT_EQ(buffer.bytes.data(), place);
    EXPECT_EQ(buffer.bytes.size(), 32U * 32U * 4U);
}

TEST(DemoModel, OpensAsTheModelItIs)
{
    const char* path = std::getenv("BLOCKCERT_DEMO_MODEL"); // NOLINT(concurrency-mt-unsafe)
    if (path == nullptr || !std::filesystem::exists(path))
        GTEST_SKIP() << "the demo model is not set up";
    const Checkpoint checkpoint = Checkpoint::open(path);
    EXPECT_EQ(checkpoint.config().layers, 30);
    EXPECT_EQ(checkpoint.config().kvHeads, 3);
    EXPECT_EQ(checkpoint.config().ropeTheta, 1e5);
    EXPECT_EQ(checkpoint.config().eos, (std::vector<TokenId>{2}));
    EXPECT_EQ(checkpoint.parameterCount(), 134'515'008);
    EXPECT_TRUE(checkpoint.warnings().empty());
}

}
}
