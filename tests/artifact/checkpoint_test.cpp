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
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <stop_token>

namespace blockcert::artifact {
namespace {

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

std::filesystem::path model(const std::string& name)
{
    return test::testData() / "models" / name;
}

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

// --- files that are wrong --------------------------------------------------------------------------------------

// A copy of a tiny model that a test may spoil.
class Copies : public testing::Test {
protected:
    void copy(const std::string& name)
    {
        for (const auto& entry : std::filesystem::directory_iterator(model(name))) {
            if (entry.path().filename() != "expected.safetensors")
                m_folder.write(entry.path().filename().string(), test::readFile(entry.path()));
        }
    }

    Json json(const std::string& file) { return Json::parse(test::readFile(m_folder.path() / file)); }

    void write(const std::string& file, const Json& json) { m_folder.write(file, json.dump()); }

    template <class Fault>
    std::string refusal()
    {
        return test::messageOf<Fault>([&] { (void)Checkpoint::open(m_folder.path()); });
    }

    // Rewrites model.safetensors with a changed header; `change` gets the header and the data.
    void rewrite(const std::function<void(Json&, std::string&)>& change)
    {
        const std::string bytes = test::readFile(m_folder.path() / "model.safetensors");
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), sizeof length);
        Json header = Json::parse(bytes.substr(8, length));
        std::string data = bytes.substr(8 + length);
        change(header, data);
        m_folder.write("model.safetensors", test::safetensorsBytes(header.dump(), data));
    }

    static void append(Json& header, std::string& data, const std::string& name, std::int64_t elements)
    {
        const std::size_t begin = data.size();
        data.append(static_cast<std::size_t>(elements) * 4, '\0');
        header[name] = {{"dtype", "F32"}, {"shape", {elements}}, {"data_offsets", {begin, data.size()}}};
    }

    TemporaryFolder m_folder;
};

TEST_F(Copies, WithoutConfigAreRefused)
{
    copy("llama-gqa");
    std::filesystem::remove(m_folder.path() / "config.json");
    EXPECT_THAT(refusal<FileError>(), HasSubstr("config.json"));
}

TEST_F(Copies, WithADuplicateConfigKeyAreRefused)
{
    copy("llama-gqa");
    m_folder.write("config.json", R"({"model_type": "llama", "model_type": "llama"})");
    EXPECT_THROW((void)Checkpoint::open(m_folder.path()), FormatError);
}

TEST_F(Copies, WhoseShapesDisagreeWithTheConfigAreRefused)
{
    copy("llama-gqa");
    Json config = json("config.json");
    config["intermediate_size"] = 65;
    write("config.json", config);
    EXPECT_THAT(refusal<ShapeError>(), HasSubstr("[64, 32]; the configuration says [65, 32]"));
}

TEST_F(Copies, WithoutATensorAreRefusedByItsName)
{
    copy("llama-gqa");
    Json config = json("config.json");
    config["num_hidden_layers"] = 4;
    write("config.json", config);
    EXPECT_THAT(refusal<FormatError>(), HasSubstr("\"model.layers.3.input_layernorm.weight\""));
}

TEST_F(Copies, WithAnUnknownTensorInABlockAreRefused)
{
    copy("llama-gqa");
    rewrite([](Json& header, std::string& data) { append(header, data, "model.layers.1.self_attn.q_norm.weight", 8); });
    EXPECT_THAT(refusal<UnsupportedError>(), HasSubstr("q_norm"));
}

TEST_F(Copies, WithTensorsOutsideTheModelAreWarnedAbout)
{
    copy("llama-gqa");
    rewrite([](Json& header, std::string& data) {
        append(header, data, "score.weight", 8);
        append(header, data, "model.layers.0.self_attn.rotary_emb.inv_freq", 4); // a known buffer: no warning
    });
    EXPECT_THAT(Checkpoint::open(m_folder.path()).warnings(), testing::ElementsAre(HasSubstr("score.weight")));
}

TEST_F(Copies, WithTheEmbeddingUnderTwoNamesAreRefused)
{
    copy("llama-gqa");
    rewrite([](Json& header, std::string& data) { append(header, data, "embed_tokens.weight", 8); });
    EXPECT_THAT(refusal<FormatError>(), HasSubstr("with and without"));
}

TEST_F(Copies, WithATiedHeadThatRepeatsTheEmbeddingAreRead)
{
    copy("llama-gqa");
    rewrite([](Json& header, std::string& data) {
        const Json entry = header["model.embed_tokens.weight"];
        const std::size_t begin = data.size();
        const std::size_t from = entry["data_offsets"][0];
        const std::size_t to = entry["data_offsets"][1];
        data += data.substr(from, to - from);
        header["lm_head.weight"] = {
            {"dtype", "F32"}, {"shape", entry["shape"]}, {"data_offsets", {begin, data.size()}}};
    });
    EXPECT_TRUE(Checkpoint::open(m_folder.path()).warnings().empty());
    rewrite([](Json&, std::string& data) { data.back() = static_cast<char>(data.back() ^ 1); });
    EXPECT_THAT(refusal<FormatError>(), HasSubstr("lm_head"));
}

TEST_F(Copies, WithIntegerWeightsAreRefused)
{
    copy("llama-gqa");
    rewrite([](Json& header, std::string&) { header["model.norm.weight"]["dtype"] = "I32"; });
    EXPECT_THAT(refusal<UnsupportedError>(), HasSubstr("I32"));
}

TEST_F(Copies, ThatChangeWhileOpenAreRefused)
{
    copy("llama-gqa");
    const Checkpoint checkpoint = Checkpoint::open(m_folder.path());
    HostTensor tensor;
    checkpoint.load(*checkpoint.modelWeight("final_norm.weight"), tensor);
    const auto path = m_folder.path() / "model.safetensors";
    std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(2));
    EXPECT_THROW(checkpoint.load(*checkpoint.modelWeight("final_norm.weight"), tensor), FileError);
}

TEST_F(Copies, ReplacedByRenameKeepTheirContent)
{
    copy("llama-gqa");
    const Checkpoint checkpoint = Checkpoint::open(m_folder.path());
    HostTensor before;
    checkpoint.load(*checkpoint.modelWeight("final_norm.weight"), before);
    m_folder.write("new", "x");
    std::filesystem::rename(m_folder.path() / "new", m_folder.path() / "model.safetensors");
    HostTensor after;
    checkpoint.load(*checkpoint.modelWeight("final_norm.weight"), after);
    EXPECT_EQ(before, after);
}

// --- sharded models --------------------------------------------------------------------------------------------

constexpr const char* indexFile = "model.safetensors.index.json";

TEST_F(Copies, WhoseIndexNamesFilesElsewhereAreRefused)
{
    copy("llama-sharded");
    const Json good = json(indexFile);
    for (const std::string& name : {std::string("../model.safetensors"), std::string("/etc/passwd"),
                                    std::string("a/b.safetensors"), std::string("a\\b"), std::string(".."),
                                    std::string("."), std::string(), std::string("a\0b", 3), std::string(300, 'a')}) {
        Json index = good;
        index["weight_map"]["lm_head.weight"] = name;
        write(indexFile, index);
        EXPECT_THAT(refusal<FormatError>(), HasSubstr("plain file name")) << name;
    }
}

TEST_F(Copies, WhoseIndexNamesAMissingShardAreRefused)
{
    copy("llama-sharded");
    std::filesystem::remove(m_folder.path() / "model-00002-of-00003.safetensors");
    EXPECT_THAT(refusal<FileError>(), HasSubstr("model-00002-of-00003"));
}

TEST_F(Copies, WhoseIndexNamesTheWrongShardAreRefused)
{
    copy("llama-sharded");
    Json index = json(indexFile);
    const std::string right = index["weight_map"]["lm_head.weight"];
    index["weight_map"]["lm_head.weight"] = right == "model-00001-of-00003.safetensors"
                                                ? "model-00002-of-00003.safetensors"
                                                : "model-00001-of-00003.safetensors";
    write(indexFile, index);
    EXPECT_THAT(refusal<FormatError>(), HasSubstr("lm_head.weight"));
}

TEST_F(Copies, WhoseIndexNamesATensorThatIsNowhereAreRefused)
{
    copy("llama-sharded");
    Json index = json(indexFile);
    index["weight_map"]["ghost"] = "model-00001-of-00003.safetensors";
    write(indexFile, index);
    EXPECT_THAT(refusal<FormatError>(), HasSubstr("ghost"));
}

TEST_F(Copies, WhoseIndexLeavesOutATensorOfTheModelAreRefused)
{
    copy("llama-sharded");
    Json index = json(indexFile);
    index["weight_map"].erase("lm_head.weight");
    write(indexFile, index);
    EXPECT_THAT(refusal<FormatError>(), HasSubstr("lm_head.weight"));
}

TEST_F(Copies, WhoseIndexStatesAnotherSizeAreWarnedAbout)
{
    copy("llama-sharded");
    Json index = json(indexFile);
    index["metadata"]["total_size"] = 1;
    write(indexFile, index);
    EXPECT_THAT(Checkpoint::open(m_folder.path()).warnings(), testing::ElementsAre(HasSubstr("total_size")));
}

TEST_F(Copies, WhoseIndexIsNotAnIndexAreRefused)
{
    copy("llama-sharded");
    for (const char* text :
         {"[]", "{}", "null", R"({"weight_map": []})", R"({"weight_map": {"a": 1}})", "{\"weight_map\": "}) {
        m_folder.write(indexFile, text);
        EXPECT_THROW((void)Checkpoint::open(m_folder.path()), FormatError) << text;
    }
}

TEST_F(Copies, WithATensorInTwoShardsAreRefused)
{
    copy("llama-sharded");
    const Json index = json(indexFile);
    std::string other = "model-00001-of-00003.safetensors";
    if (index["weight_map"]["model.norm.weight"] == other)
        other = "model-00002-of-00003.safetensors";
    const std::string bytes = test::readFile(m_folder.path() / other);
    std::filesystem::rename(m_folder.path() / other, m_folder.path() / "model.safetensors");
    rewrite([](Json& header, std::string& data) { append(header, data, "model.norm.weight", 32); });
    std::filesystem::rename(m_folder.path() / "model.safetensors", m_folder.path() / other);
    EXPECT_THAT(refusal<FormatError>(), HasSubstr("model.norm.weight"));
}

// --- what is no model ------------------------------------------------------------------------------------------

TEST_F(Copies, OfPickleFilesAreRefusedWithAWayOut)
{
    m_folder.write("pytorch_model.bin", "x");
    m_folder.write("config.json", "{}");
    EXPECT_THAT(refusal<UnsupportedError>(), HasSubstr("save_pretrained"));
}

TEST_F(Copies, OfPickleFilesUnderAnotherNameAreRefused)
{
    const auto zip = m_folder.write("model.safetensors", "PK\x03\x04 and the rest of a zip");
    EXPECT_THROW((void)Checkpoint::open(zip), UnsupportedError);
    const auto pickle = m_folder.write("other.safetensors", "\x80\x02}q\x01(X");
    EXPECT_THROW((void)Checkpoint::open(pickle), UnsupportedError);
}

TEST_F(Copies, OfNothingAreRefused)
{
    EXPECT_THAT(refusal<FileError>(), HasSubstr("holds no model"));
    EXPECT_THROW((void)Checkpoint::open(m_folder.path() / "missing"), FileError);
}

TEST_F(Copies, OfTwoGgufModelsAskWhichOne)
{
    m_folder.write("a.gguf", "GGUF");
    m_folder.write("b.gguf", "GGUF");
    EXPECT_THAT(refusal<UsageError>(), HasSubstr("2 GGUF models"));
}

TEST_F(Copies, OfAGgufAreNeverOpenedWhenTruncated)
{
    const auto path = m_folder.write("m.gguf", test::readFile(model("llama-gguf-q8_0") / "tiny.gguf"));
    std::uintmax_t length = Checkpoint::open(path).tensors().back().end;
    // Steps through the data, every byte of the header: within one tensor's data all lengths take the same path.
    while (length > 0) {
        length -= length < 16'384 ? 1 : std::min<std::uintmax_t>(499, length - 16'383);
        std::filesystem::resize_file(path, length);
        EXPECT_THROW((void)Checkpoint::open(path), FormatError) << length;
    }
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
