// .npz files both ways against NumPy, forged archives, and the tables of a run against Python's csv.

#include "engine/artifact/checkpoint.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/exchange/export_csv.h"
#include "engine/exchange/export_npz.h"
#include "engine/exchange/npy.h"
#include "engine/exchange/npz_file.h"
#include "engine/prompts/csv.h"
#include "engine/protocol/run_listing.h"
#include "tests/certificate/tiny_run.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <sys/wait.h>

namespace blockcert::exchange {
namespace {

namespace fs = std::filesystem;
namespace tiny = certificate::tiny;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

int python(const std::string& script, const std::string& arguments)
{
    const std::string path = std::string(std::getenv("BLOCKCERT_SOURCE")) + "/tests/exchange/" + script;
    return WEXITSTATUS(std::system(("/usr/bin/python3 '" + path + "' " + arguments).c_str()));
}

class Npz : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        s_folder = new testing_support::TemporaryFolder;
        ASSERT_EQ(python("make_npz.py", "'" + s_folder->path().string() + "'"), 0);
    }

    static void TearDownTestSuite()
    {
        delete s_folder;
        s_folder = nullptr;
    }

    [[nodiscard]] static fs::path made(const std::string& name) { return s_folder->path() / (name + ".npz"); }

    // Opening and reading everything, as an import would.
    static std::string refusal(const std::string& name, const NpzLimits& limits = {})
    {
        try {
            const NpzFile file(made(name), limits);
            for (const std::string& array : file.names())
                static_cast<void>(file.read(array));
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    }

    static testing_support::TemporaryFolder* s_folder;
};

testing_support::TemporaryFolder* Npz::s_folder = nullptr;

TEST_F(Npz, ReadsWhatNumPyWrites)
{
    for (const char* name : {"stored", "deflated", "zip64"}) {
        const NpzFile file(made(name));
        EXPECT_THAT(file.names(), UnorderedElementsAre("f8", "f4", "f2", "i8", "i4", "u1", "b1")) << name;
        const HostTensor wide = file.read("f8");
        EXPECT_EQ(wide.dtype, DType::F64);
        EXPECT_THAT(wide.shape, ElementsAre(2, 3));
        double last = 0;
        std::memcpy(&last, wide.bytes.data() + 40, 8);
        EXPECT_EQ(last, 5.0 / 7);
        EXPECT_EQ(file.read("f2").dtype, DType::F16);
        EXPECT_THAT(file.read("f2").shape, ElementsAre(1, 1, 2));
        const HostTensor scalar = file.read("i8");
        EXPECT_TRUE(scalar.shape.empty());
        std::int64_t number = 0;
        std::memcpy(&number, scalar.bytes.data(), 8);
        EXPECT_EQ(number, -5);
        EXPECT_THAT(file.read("i4").shape, ElementsAre(0, 4));
        EXPECT_EQ(file.read("b1").dtype, DType::Bool);
        EXPECT_EQ(file.read("u1").bytes[200], std::byte{200});
        EXPECT_FALSE(file.has("x"));
        EXPECT_THROW(static_cast<void>(file.read("x")), FormatError);
    }
}

TEST_F(Npz, RefusesForgedArchives)
{
    for (const char* name : {"parent", "absolute", "folder", "no-array"})
        EXPECT_THAT(refusal(name), HasSubstr("is no array's name")) << name;
    EXPECT_NE(refusal("twice"), "accepted");
    EXPECT_THAT(refusal("bomb"), HasSubstr("more than 100 times"));
    EXPECT_THAT(refusal("bzip2"), HasSubstr("compressed by method 12"));
    EXPECT_THAT(refusal("encrypted"), HasSubstr("encrypted"));
    EXPECT_THAT(refusal("damaged"), HasSubstr("is damaged"));
    EXPECT_THAT(refusal("short"), HasSubstr("not a whole zip file"));
    EXPECT_NE(refusal("lying"), "accepted");
    EXPECT_THAT(refusal("not-npy"), HasSubstr("not a NumPy array file"));
    EXPECT_THAT(refusal("version"), HasSubstr("version 4.0"));
    EXPECT_THROW(NpzFile(made("nothing")), FileError);
    EXPECT_THROW(NpzFile{made("nothing").parent_path()}, FileError);
}

TEST_F(Npz, RefusesForgedHeaders)
{
    EXPECT_THAT(refusal("header-fortran"), HasSubstr("Fortran order"));
    EXPECT_THAT(refusal("header-big-endian"), HasSubstr("\">f4\""));
    EXPECT_THAT(refusal("header-pickle"), HasSubstr("\"|O\""));
    EXPECT_THAT(refusal("header-records"), HasSubstr("records"));
    EXPECT_THAT(refusal("header-key-twice"), HasSubstr("unknown or repeated"));
    EXPECT_THAT(refusal("header-other-key"), HasSubstr("unknown or repeated"));
    EXPECT_THAT(refusal("header-huge"), HasSubstr("does not agree"));
    EXPECT_THAT(refusal("header-too-many"), HasSubstr("does not agree"));
    EXPECT_THAT(refusal("header-deep"), HasSubstr("dimensions"));
    for (const char* name : {"no-shape", "negative", "code", "trailing", "open"})
        EXPECT_THAT(refusal("header-" + std::string(name)), HasSubstr("the array's header")) << name;
}

TEST_F(Npz, KeepsItsLimits)
{
    NpzLimits limits;
    limits.members = 6;
    EXPECT_THAT(refusal("stored", limits), HasSubstr("the limit is 6"));
    limits = {};
    limits.memberBytes = 300;
    EXPECT_THAT(refusal("stored", limits), HasSubstr("the limit is 300"));
    limits = {};
    limits.totalBytes = 1000;
    EXPECT_THAT(refusal("stored", limits), HasSubstr("more than 1000 bytes in all"));
}

TEST_F(Npz, SurvivesAFileThatEndsAnywhere)
{
    const std::string whole = readWholeFile(made("deflated"), 1 << 20);
    for (std::size_t size = 0; size < whole.size(); size += 13) {
        writeFileAtomically(made("cut"), std::string_view(whole).substr(0, size));
        EXPECT_NE(refusal("cut"), "accepted") << size;
    }
}

TEST_F(Npz, GivesBackWhatItWrites)
{
    std::map<std::string, HostTensor> arrays;
    for (const std::string& name : NpzFile(made("stored")).names())
        arrays[name] = NpzFile(made("stored")).read(name);
    writeNpz(made("again"), arrays);
    const NpzFile again(made("again"));
    EXPECT_EQ(again.names().size(), arrays.size());
    for (const auto& [name, tensor] : arrays)
        EXPECT_EQ(again.read(name), tensor) << name;
    const std::string first = readWholeFile(made("again"), 1 << 20);
    writeNpz(made("again"), arrays);
    EXPECT_EQ(readWholeFile(made("again"), 1 << 20), first) << "equal arrays, equal bytes";
    const HostTensor brain{DType::BF16, {2}, {std::byte{0x80}, std::byte{0x3F}, std::byte{0x00}, std::byte{0xC0}}};
    const std::string npy = npyOf(brain);
    const HostTensor wide = tensorFromNpy(std::as_bytes(std::span(npy)), "brain");
    EXPECT_EQ(wide.dtype, DType::F32);
    float values[2];
    std::memcpy(values, wide.bytes.data(), 8);
    EXPECT_EQ(values[0], 1.0F);
    EXPECT_EQ(values[1], -2.0F);
}

TEST_F(Npz, ExportsARunAsNumPyReadsIt)
{
    for (const char* model : {"llama-gqa", "gpt2", "llama-bf16"}) {
        const testing_support::TemporaryFolder folder;
        tiny::Options options;
        options.model = model;
        options.dtype = std::string(model) == "llama-bf16" ? DType::BF16 : DType::F32;
        tiny::write(tiny::make(options), folder.path() / "run");
        ExportNpzOptions how;
        how.childProgram = tiny::readerChild();
        how.out = folder.path() / "arrays";
        const Json result = exportNpz(folder.path() / "run", how, RunContext());
        EXPECT_EQ(result.at("files").size(), 2U);
        EXPECT_EQ(python("check_npz.py", "'" + (folder.path() / "run").string() + "' '" + how.out.string() + "'"), 0)
            << model;
        how.out = folder.path() / "run" / "arrays";
        EXPECT_THROW(exportNpz(folder.path() / "run", how, RunContext()), UsageError);
    }
}

TEST(ExportCsv, HasARowForEveryTokenAndBlock)
{
    const testing_support::TemporaryFolder folder;
    tiny::Options options;
    options.texts = {"the quick brown fox", "=1+1", "a,\"b\"\nc"};
    const tiny::Material material = tiny::make(options);
    tiny::write(material, folder.path() / "run");
    protocol::ShowOptions show;
    show.tokens = true;
    show.childProgram = tiny::readerChild();
    const Json listing = protocol::showRun(folder.path() / "run", show, RunContext());

    const auto tokens = prompts::readCsv(tokensToCsv(listing), "tokens.csv");
    ASSERT_EQ(tokens.size(), 1 + 2 * static_cast<std::size_t>(material.manifest.prompts.tokenCount()));
    std::size_t at = 1;
    for (const auto& block : material.cells)
        for (const CellRecord& cell : block)
            for (std::size_t t = 0; t < cell.error.size(); ++t, ++at) {
                const auto& fields = tokens[at].fields;
                ASSERT_EQ(fields.size(), tokens[0].fields.size());
                EXPECT_EQ(fields[0], std::to_string(cell.block.value));
                EXPECT_EQ(fields[3], std::to_string(t));
                EXPECT_EQ(std::stod(fields[6]), cell.error[t]);
                const EncodedPrompt& prompt =
                    material.manifest.prompts.prompts[static_cast<std::size_t>(cell.prompt.value)];
                EXPECT_EQ(fields[4], std::to_string(prompt.tokenIds[t]));
                if (t == 0) {
                    EXPECT_TRUE(fields[13].empty()) << "the first token is not predicted";
                } else {
                    EXPECT_EQ(std::stod(fields[13]), cell.lossBase[t - 1]);
                }
            }
    const auto blocks = prompts::readCsv(blocksToCsv(listing), "blocks.csv");
    ASSERT_EQ(blocks.size(), 3U);
    EXPECT_EQ(std::stod(blocks[2].fields[3]), listing.at("blocks")[1].at("epsilon").get<double>());
}

}
}
