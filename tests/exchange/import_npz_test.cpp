// Blocks that came out as .npz and come back in, changed by NumPy on the way or not.

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"
#include "engine/certificate/verify.h"
#include "engine/exchange/export_npz.h"
#include "engine/exchange/import_run.h"
#include "engine/exchange/npz_file.h"
#include "tests/certificate/tiny_run.h"
#include "tests/support/temporary_folder.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

namespace blockcert::exchange {
namespace {

namespace fs = std::filesystem;
namespace tiny = certificate::tiny;
using testing::HasSubstr;
using testing::IsEmpty;
using Arrays = std::map<std::string, HostTensor>;

class ImportNpz : public testing::Test {
protected:
    // A run of the model as .npz files.
    void makeArrays(const std::string& model, DType dtype)
    {
        tiny::Options options;
        options.model = model;
        options.dtype = dtype;
        options.loss = LossMode::None;
        tiny::write(tiny::make(options), run());
        ExportNpzOptions how;
        how.childProgram = tiny::readerChild();
        how.out = arrays();
        static_cast<void>(exportNpz(run(), how, RunContext()));
        m_model = model;
    }

    [[nodiscard]] fs::path run() const { return m_folder.path() / "run"; }

    [[nodiscard]] fs::path arrays() const { return m_folder.path() / "arrays"; }

    [[nodiscard]] ImportOptions options(const fs::path& file) const
    {
        ImportOptions made;
        made.file = file;
        made.model = tiny::modelPath(m_model).string();
        made.out = m_folder.path() / "back";
        made.threads = 2;
        made.childProgram = tiny::readerChild();
        made.created = "2026-01-02T03:04:05Z";
        made.toolVersion = "0.1.0";
        made.toolBuild = "test";
        return made;
    }

    [[nodiscard]] Verdict verify(int level) const
    {
        certificate::VerifyOptions how;
        how.level = level;
        how.childProgram = tiny::readerChild();
        how.threads = 2;
        return certificate::verify(m_folder.path() / "back", how, RunContext());
    }

    // Block 1 alone, forged, and the sentence with which it is refused.
    std::string refusal(const std::function<void(Arrays&)>& forge)
    {
        const NpzFile file(arrays() / "block_01.npz");
        Arrays loose;
        for (const std::string& name : file.names())
            loose[name] = file.read(name);
        forge(loose);
        writeNpz(m_folder.path() / "forged.npz", loose);
        try {
            static_cast<void>(importNpz(options(m_folder.path() / "forged.npz"), RunContext()));
        } catch (const Error& error) {
            EXPECT_FALSE(fs::exists(m_folder.path() / "back")) << error.what();
            return error.what();
        }
        return "accepted";
    }

    testing_support::TemporaryFolder m_folder;
    std::string m_model;
};

Json certificateAt(const fs::path& run, const std::string& block)
{
    return parseStrictJson(readWholeFile(run / block / "certificate.json", 1 << 22), "certificate");
}

TEST_F(ImportNpz, GivesBackAnExportedBlockWithTheSameNumbers)
{
    for (const auto& [model, dtype] :
         {std::pair("llama-gqa", DType::F32), std::pair("gpt2", DType::F32), std::pair("llama-bf16", DType::BF16)}) {
        for (const fs::path& path : {run(), arrays(), m_folder.path() / "back"})
            fs::remove_all(path);
        makeArrays(model, dtype);
        const Json result = importNpz(options(arrays()), RunContext());
        EXPECT_EQ(result.at("blocks").size(), 2U);
        for (const std::string block : {"block_00", "block_01"}) {
            const Json before = certificateAt(run(), block);
            const Json after = certificateAt(m_folder.path() / "back", block);
            EXPECT_EQ(after.at("metrics").at("l2"), before.at("metrics").at("l2")) << model;
            EXPECT_EQ(after.at("baseline").at("dtype"), before.at("baseline").at("dtype"));
            EXPECT_EQ(after.at("baseline").at("imported").at("runtime"), "blockcert");
            // Weights, mask and tables have the digests they had; so have the recorded rows.
            for (const std::size_t artifact : {0U, 1U})
                for (const Json& tensor : before.at("artifacts")[artifact].at("tensors"))
                    if (tensor.at("name") != "program") {
                        EXPECT_THAT(after.at("artifacts")[artifact].at("tensors"), testing::Contains(tensor)) << model;
                    }
        }
        EXPECT_THAT(certificate::failedIds(verify(3)), IsEmpty());
        EXPECT_THAT(certificate::failedIds(verify(4)), IsEmpty()) << model;
    }
}

TEST_F(ImportNpz, MeasuresWeightsThatSomebodyChanged)
{
    makeArrays("llama-gqa", DType::F32);
    const double before = certificateAt(run(), "block_01").at("metrics").at("l2").at("epsilon").at("value");
    EXPECT_EQ(refusal([](Arrays& a) { std::memset(a["W_v"].bytes.data(), 0, a["W_v"].bytes.size()); }), "accepted");
    const double after =
        certificateAt(m_folder.path() / "back", "block_01").at("metrics").at("l2").at("epsilon").at("value");
    EXPECT_GT(after, 1000 * before);
    EXPECT_THAT(certificate::failedIds(verify(3)), IsEmpty()) << "an honest certificate of a poor copy";
}

TEST_F(ImportNpz, RefusesArraysThatAreNotABlocks)
{
    makeArrays("llama-gqa", DType::F32);
    for (const char* name : {"W_q", "norm_2", "inputs", "outputs", "token_ids", "mask", "cos", "layer"})
        EXPECT_THAT(refusal([&](Arrays& a) { a.erase(name); }), HasSubstr("no array " + std::string(name))) << name;
    EXPECT_THAT(refusal([](Arrays& a) { a["W_x"] = a["W_q"]; }), HasSubstr("none of a block's"));
    EXPECT_THAT(refusal([](Arrays& a) { a["b_q"] = a["norm_1"]; }), HasSubstr("no place in a block of this model"));
    EXPECT_THAT(refusal([](Arrays& a) { a["W_o"].shape = {16, 64}; }), HasSubstr("W_o is [16, 64]"));
    EXPECT_THAT(refusal([](Arrays& a) { a["W_o"].dtype = DType::I32; }), HasSubstr("W_o holds I32, not floats"));
    EXPECT_THAT(refusal([](Arrays& a) { a["num_heads"].bytes[0] = std::byte{7}; }), HasSubstr("num_heads is 7"));
    EXPECT_THAT(refusal([](Arrays& a) { a["norm_eps"].bytes[6] = std::byte{0}; }), HasSubstr("norm_eps is"));
    EXPECT_THAT(refusal([](Arrays& a) { a["mask"].bytes[1] = std::byte{9}; }), HasSubstr("neither 0 nor 1"));
    EXPECT_THAT(refusal([](Arrays& a) {
                    a["outputs"].shape = {1, a["outputs"].elementCount()};
                }),
                HasSubstr("outputs must hold floats"));
    EXPECT_THAT(refusal([](Arrays& a) { std::memset(a["W_1"].bytes.data() + 8, 0xFF, 4); }), HasSubstr("not finite"));
    EXPECT_THAT(refusal([](Arrays& a) { std::memset(a["inputs"].bytes.data(), 0xFF, 4); }), HasSubstr("row 0"));
    EXPECT_THAT(refusal([](Arrays& a) { std::memset(a["prompt_offset"].bytes.data() + 8, 0, 8); }),
                HasSubstr("must rise from 0"));
    EXPECT_THAT(refusal([](Arrays& a) { std::memset(a["token_ids"].bytes.data() + 3, 0x7F, 1); }),
                HasSubstr("outside the model's vocabulary"));
    EXPECT_THAT(refusal([](Arrays& a) { std::memset(a["position_ids"].bytes.data(), 1, 1); }),
                HasSubstr("position_ids must be"));
    EXPECT_THAT(refusal([](Arrays& a) { a["dtype"].bytes[1] = std::byte{'9'}; }), HasSubstr("\"F92\""));
    EXPECT_THAT(refusal([](Arrays& a) {
                    a["dtype"] = {DType::U8, {3}, {std::byte{'F'}, std::byte{'1'}, std::byte{'6'}}};
                }),
                HasSubstr("does not have"));
    EXPECT_THAT(refusal([](Arrays& a) { a.erase("attention_outputs"); }), HasSubstr("mlp_outputs is there"));
}

TEST_F(ImportNpz, RefusesFilesThatDoNotBelongTogether)
{
    makeArrays("llama-gqa", DType::F32);
    fs::copy_file(arrays() / "block_01.npz", arrays() / "again.npz");
    EXPECT_THROW(static_cast<void>(importNpz(options(arrays()), RunContext())), FormatError);
    fs::remove(arrays() / "again.npz");
    EXPECT_THAT(refusal([](Arrays& a) {
                    a.erase("prompt_offset");
                    a.erase("position_ids");
                }),
                HasSubstr("tokens wide"))
        << "one long prompt needs a wider mask";
}

}
}
