#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/strict_json.h"
#include "engine/ir/block_ir_codec.h"
#include "tests/ir/small_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <unistd.h>

namespace blockcert::ir {

namespace {

using artifact::ArchiveWriter;
using artifact::openOwnArchive;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::string someDigest(64, 'a');

WeightReference someReference()
{
    using Kind = WeightTransform::Kind;
    return {"model.safetensors",
            someDigest,
            "h.0.attn.c_attn.weight",
            800,
            800 + 24 * 72 * 2,
            DType::F16,
            {24, 72},
            {{Kind::Transpose, 0, 0, DType::F32},
             {Kind::Rows, 24, 48, DType::F32},
             {Kind::UnpermuteHeads, 4, 0, DType::F32},
             {Kind::Cast, 0, 0, DType::BF16}}};
}

BlockProgram programWithReference()
{
    BlockProgram program = randomBlock(smallGpt2(), 5, 1).program;
    program.weights.at("k.weight").reference = someReference();
    return program;
}

class ScratchArchive {
public:
    ScratchArchive()
        : m_path(std::filesystem::temp_directory_path() / ("blockcert-ir-" + std::to_string(::getpid()) + ".h5"))
    {
        std::filesystem::remove(m_path);
    }

    ScratchArchive(const ScratchArchive&) = delete;
    ScratchArchive& operator=(const ScratchArchive&) = delete;

    ~ScratchArchive() { std::filesystem::remove(m_path); }

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

TEST(ProgramCodec, GivesBackEveryFieldOfBothArchitectures)
{
    const BlockProgram llama = randomBlock(smallLlama(), 5, 1).program;
    EXPECT_EQ(readProgram(writeProgram(llama), "ir.h5"), llama);
    const BlockProgram gpt2 = programWithReference();
    EXPECT_EQ(readProgram(writeProgram(gpt2), "ir.h5"), gpt2);
}

TEST(ProgramCodec, WritesTheDocumentedFields)
{
    const Json json = parseStrictJson(writeProgram(programWithReference()), "program");
    EXPECT_EQ(json["schema"], "blockcert.program/1");
    EXPECT_EQ(json["layer"], 1);
    EXPECT_EQ(json["width"], 24);
    EXPECT_EQ(json["operations"][0], (Json{{"op", "layer_norm"},
                                           {"in", "x"},
                                           {"out", "attn_in"},
                                           {"weight", "attn_norm.weight"},
                                           {"bias", "attn_norm.bias"},
                                           {"epsilon", {{"value", 1e-5}, {"hex", toHexFloat(1e-5)}}}}));
    EXPECT_EQ(json["weights"]["k.weight"]["reference"]["transforms"],
              Json::parse(R"([{"kind": "transpose"}, {"kind": "rows", "begin": 24, "end": 48},
                              {"kind": "unpermute_heads", "heads": 4}, {"kind": "cast", "dtype": "BF16"}])"));
    EXPECT_FALSE(json["weights"]["q.weight"].contains("reference"));
}

struct Damage {
    std::string message;
    std::function<void(Json&)> change;
};

TEST(ProgramCodec, RefusesHostileProgramsWithTheFieldNamed)
{
    const std::vector<Damage> damages = {
        {"unknown field \"note\"", [](Json& j) { j["note"] = 1; }},
        {"operation 1: there is an unknown field \"note\"", [](Json& j) { j["operations"][0]["note"] = 1; }},
        {"there is an unknown field", [](Json& j) { j["operations"][0]["\x1b[31m"] = 1; }},
        {"weight 6, reference: there is an unknown field",
         [](Json& j) { j["weights"]["k.weight"]["reference"]["url"] = ""; }},
        {"the field \"layer\" is missing", [](Json& j) { j.erase("layer"); }},
        {"the field \"layer\" must be an integer", [](Json& j) { j["layer"] = -1; }},
        {"the field \"width\" must be an integer", [](Json& j) { j["width"] = 1.5; }},
        {"the field \"positions\" must be an integer", [](Json& j) { j["positions"] = 18446744073709551615U; }},
        {"\"operations\" must be a list", [](Json& j) { j["operations"] = Json::object(); }},
        {"operation 1: must be a JSON object", [](Json& j) { j["operations"][0] = 3; }},
        {"operation 1: the operation is none", [](Json& j) { j["operations"][0]["op"] = "exec"; }},
        {"operation 1: the field \"in\" must be a text", [](Json& j) { j["operations"][0]["in"] = 1; }},
        {"operation 1: the field \"in\" is not a name", [](Json& j) { j["operations"][0]["in"] = "a\nb"; }},
        {"operation 1: the field \"in\" is not a name",
         [](Json& j) { j["operations"][0]["in"] = std::string(300, 'a'); }},
        {"epsilon", [](Json& j) { j["operations"][0]["epsilon"] = 1e-5; }},
        {"epsilon", [](Json& j) { j["operations"][0]["epsilon"]["value"] = 2e-5; }},
        {"operation 12: the activation is neither", [](Json& j) { j["operations"][11]["kind"] = "relu"; }},
        {"program of block 1: operation 1 (layer_norm): reads h", [](Json& j) { j["operations"][0]["in"] = "h"; }},
        {"names no element type", [](Json& j) { j["weights"]["k.weight"]["dtype"] = "f32"; }},
        {"\"sha256\" is not a SHA-256", [](Json& j) { j["weights"]["k.weight"]["sha256"] = "abc"; }},
        {"\"sha256\" is not a SHA-256", [](Json& j) { j["weights"]["k.weight"]["sha256"] = std::string(64, 'A'); }},
        {"\"shape\" holds an extent", [](Json& j) { j["weights"]["k.weight"]["shape"][0] = -24; }},
        {"\"shape\" has 5 dimensions",
         [](Json& j) {
             j["weights"]["k.weight"]["shape"] = {1, 1, 1, 1, 1};
         }},
        {"name of a file", [](Json& j) { j["weights"]["k.weight"]["reference"]["file"] = "../secret"; }},
        {"name of a file", [](Json& j) { j["weights"]["k.weight"]["reference"]["file"] = ".."; }},
        {"ends before it begins", [](Json& j) { j["weights"]["k.weight"]["reference"]["end"] = 1; }},
        {"more than 16 transforms",
         [](Json& j) {
             for (int i = 0; i < 20; ++i)
                 j["weights"]["k.weight"]["reference"]["transforms"].push_back({{"kind", "transpose"}});
         }},
        {"the transform is none",
         [](Json& j) { j["weights"]["k.weight"]["reference"]["transforms"][0]["kind"] = "invert"; }},
        {"unknown field \"begin\"",
         [](Json& j) { j["weights"]["k.weight"]["reference"]["transforms"][0]["begin"] = 1; }},
        {"a cast leads to", [](Json& j) { j["weights"]["k.weight"]["reference"]["transforms"][3]["dtype"] = "Q8_0"; }},
        {"\"schema\" must be", [](Json& j) { j["schema"] = "other/1"; }},
    };
    const Json good = parseStrictJson(writeProgram(programWithReference()), "program");
    for (const Damage& damage : damages) {
        Json json = good;
        damage.change(json);
        EXPECT_THAT([&] { (void)readProgram(json.dump(), "ir.h5"); },
                    ThrowsMessage<FormatError>(testing::AllOf(HasSubstr("ir.h5"), HasSubstr(damage.message))));
    }
    for (const std::string text : {"", "[]", "null", "{\"schema\": \"blockcert.program/1\"", "\xff"})
        EXPECT_THROW((void)readProgram(text, "ir.h5"), FormatError) << text;
}

TEST(ProgramCodec, CallsANewerVersionUnsupported)
{
    Json json = parseStrictJson(writeProgram(programWithReference()), "program");
    json["schema"] = "blockcert.program/2";
    EXPECT_THROW((void)readProgram(json.dump(), "ir.h5"), UnsupportedError);
}

TEST(BlockArchive, GivesBackProgramMaskTablesAndEmbeddedWeights)
{
    const ScratchArchive scratch;
    BlockIr block = randomBlock(smallLlama(), 5, 7);
    block.program.weights.at("q.weight").reference = someReference();
    ArchiveWriter writer(scratch.path());
    writeBlockIr(block, writer);
    writer.close();

    const auto archive = openOwnArchive(scratch.path());
    EXPECT_EQ(archive->entries()[0].name, "program");
    EXPECT_EQ(archive->entries()[1].name, "mask");
    EXPECT_EQ(archive->entries()[2].name, "rope_cos");
    EXPECT_EQ(archive->entries()[3].name, "rope_sin");
    EXPECT_EQ(archive->entries()[4].name, "weight/attn_norm.weight");
    EXPECT_EQ(archive->find("weight/q.weight"), nullptr);
    const BlockIr again = readBlockIr(*archive, "ir.h5");
    EXPECT_EQ(again.program, block.program);
    EXPECT_EQ(again.mask, block.mask);
    EXPECT_EQ(again.ropeCos, block.ropeCos);
    EXPECT_EQ(again.ropeSin, block.ropeSin);
    EXPECT_EQ(again.weights.size(), block.weights.size() - 1);
    EXPECT_EQ(again.weights.at("k.weight"), block.weights.at("k.weight"));
    EXPECT_TRUE(wrongWeights(again).empty());
}

TEST(BlockArchive, RefusesTensorsThatDoNotFitTheProgram)
{
    const std::vector<std::pair<std::string, std::function<void(BlockIr&, ArchiveWriter&)>>> damages = {
        {"dataset mask is missing",
         [](BlockIr& b, ArchiveWriter& w) {
             const std::string text = writeProgram(b.program);
             w.add("program", tensorOf(DType::U8, {static_cast<std::int64_t>(text.size())},
                                       std::vector<std::uint8_t>(text.begin(), text.end())));
         }},
        {"dataset program is missing",
         [](BlockIr&, ArchiveWriter& w) { w.add("x", tensorOf<float>(DType::F32, {1}, {1})); }},
        {"dataset spare has no place",
         [](BlockIr& b, ArchiveWriter& w) {
             writeBlockIr(b, w);
             w.add("spare", tensorOf<float>(DType::F32, {1}, {1}));
         }},
        {"mask must be square",
         [](BlockIr& b, ArchiveWriter& w) {
             b.mask = tensorOf<std::uint8_t>(DType::U8, {1, 2}, {1, 1});
             writeBlockIr(b, w);
         }},
        {"mask holds 2 at element 3",
         [](BlockIr& b, ArchiveWriter& w) {
             b.mask.bytes[3] = std::byte{2};
             writeBlockIr(b, w);
         }},
        {"rope_cos is F32 [5, 3] where the program says F32 [6, 3]",
         [](BlockIr& b, ArchiveWriter& w) {
             b.program.positions = 6;
             writeBlockIr(b, w);
         }},
        {"weight/up.weight is F64 [1] where the program says F32 [45, 20]",
         [](BlockIr& b, ArchiveWriter& w) {
             b.weights["up.weight"] = tensorOf<double>(DType::F64, {1}, {1});
             writeBlockIr(b, w);
         }},
    };
    for (const auto& [message, damage] : damages) {
        const ScratchArchive scratch;
        BlockIr block = randomBlock(smallLlama(), 5, 7);
        ArchiveWriter writer(scratch.path());
        damage(block, writer);
        writer.close();
        const auto archive = openOwnArchive(scratch.path());
        EXPECT_THAT([&] { (void)readBlockIr(*archive, "ir.h5"); },
                    ThrowsMessage<FormatError>(
                        HasSubstr("ir.h5: dataset " + message.substr(message.find("dataset ") == 0 ? 8 : 0))));
    }
}

TEST(BlockArchive, NamesWeightsWhoseDigestIsAnother)
{
    BlockIr block = randomBlock(smallLlama(), 5, 7);
    EXPECT_TRUE(wrongWeights(block).empty());
    block.weights.at("v.weight").bytes[5] ^= std::byte{1};
    block.program.weights.at("o.weight").sha256 = someDigest;
    EXPECT_THAT(wrongWeights(block), testing::ElementsAre("o.weight", "v.weight"));
}

}

}
