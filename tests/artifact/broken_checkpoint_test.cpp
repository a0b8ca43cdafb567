// Folders that are no models: what is wrong is found before a weight is read, and said by its name.
#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/base/strict_json.h"
#include "tests/artifact/model_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>

namespace blockcert::artifact {
namespace {

using test::model;
using test::TemporaryFolder;
using testing::HasSubstr;

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

TEST_F(Copies, WithMoreBlocksThanTheConfigurationCountsAreRefused)
{
    copy("llama-gqa");
    Json config = json("config.json");
    config["num_hidden_layers"] = 2;
    write("config.json", config);
    EXPECT_THAT(refusal<FormatError>(), testing::AllOf(HasSubstr("\"model.layers.2."), HasSubstr("there are 2")));
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

TEST_F(Copies, OfADownloadThatWasNotFinishedAreRefusedAsThat)
{
    m_folder.write("config.json", "{}");
    std::filesystem::create_symlink("../../blobs/gone", m_folder.path() / "model.safetensors");
    EXPECT_THAT(refusal<FileError>(), AllOf(HasSubstr("model.safetensors points to a file that is not there"),
                                            HasSubstr("fetch the model again")));
}

TEST_F(Copies, OfAJsonFileAskForTheFolder)
{
    const auto path = m_folder.write("config.json", R"({"model_type": "llama"})");
    EXPECT_THAT(test::messageOf<FormatError>([&] { (void)Checkpoint::open(path); }),
                HasSubstr("config.json is a JSON file and holds no weights; give the folder it lies in"));
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

}
}
