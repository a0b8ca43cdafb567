// The files of a run, damaged, exchanged, removed and forged, with and without everything resealed afterwards.
#include "engine/base/error.h"
#include "tests/certificate/tiny_run.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace blockcert::certificate {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::IsEmpty;
using testing_support::TemporaryFolder;

class Artifacts : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        s_folder = new TemporaryFolder;
        tiny::Options options;
        options.texts = {"the quick", "a", "brown fox"};
        tiny::write(tiny::make(options), honest());
    }

    static void TearDownTestSuite() { delete s_folder; }

    static fs::path honest() { return s_folder->path() / "run"; }

    static TemporaryFolder* s_folder;
};

TemporaryFolder* Artifacts::s_folder = nullptr;

const std::vector<std::string> allFiles = {"run.json",           "block_00/certificate.json", "block_00/ir.h5",
                                           "block_00/probes.h5", "block_01/certificate.json", "block_01/ir.h5",
                                           "block_01/probes.h5"};

TEST_F(Artifacts, AreNoticedWhenAnyByteOfAnyFileChanges)
{
    TamperedRun run(honest());
    for (const std::string& file : allFiles) {
        const std::string original = run.text(file);
        const std::size_t step = original.size() / 12 + 1;
        for (std::size_t at = 0; at < original.size(); at += step) {
            std::string changed = original;
            changed[at] = static_cast<char>(changed[at] ^ 0x01);
            run.setText(file, changed);
            const Verdict verdict = run.verify();
            EXPECT_EQ(verdict.exitCode, 1) << file << " byte " << at;
            EXPECT_THAT(failedIds(verdict), Contains("sums.sha256")) << file << " byte " << at;
        }
        run.setText(file, original);
    }
}

TEST_F(Artifacts, AreNoticedWhenAnyByteOfTheListChanges)
{
    TamperedRun run(honest());
    const std::string original = run.text("SHA256SUMS");
    for (std::size_t at = 0; at < original.size(); at += 7) {
        std::string changed = original;
        changed[at] = static_cast<char>(changed[at] ^ 0x01);
        run.setText("SHA256SUMS", changed);
        const Verdict verdict = run.verify(1);
        EXPECT_EQ(verdict.state, CheckState::Failed) << at;
        EXPECT_THAT(failedIds(verdict), AnyOf(Contains("structure.sums"), Contains("sums.sha256"))) << at;
    }
}

TEST_F(Artifacts, AreNoticedWhenCutOrLengthened)
{
    for (const char* file : {"block_00/ir.h5", "block_01/probes.h5"}) {
        TamperedRun run(honest());
        const std::string original = run.text(file);
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, original.size() / 2, original.size() - 1}) {
            run.setText(file, original.substr(0, size));
            EXPECT_THAT(failedIds(run.verify()), Contains("artifact.sha256")) << file << " " << size;
        }
        run.setText(file, original + "x");
        EXPECT_THAT(failedIds(run.verify()), Contains("artifact.sha256")) << file;
    }
}

// Before anything is read: a file may claim any length.
TEST_F(Artifacts, HaveTheirSizesComparedAtLevelZero)
{
    for (const char* file : {"block_00/ir.h5", "block_01/probes.h5"}) {
        TamperedRun run(honest());
        EXPECT_THAT(failedIds(run.verify(0)), IsEmpty());
        run.setText(file, run.text(file) + "x");
        EXPECT_THAT(failedIds(run.verify(0)), Contains("artifact.size")) << file;
        fs::resize_file(run.path() / file, std::uintmax_t{1} << 42U); // sparse: hashing it would take an hour
        EXPECT_THAT(failedIds(run.verify(1)), Contains("artifact.sha256")) << file;
        fs::remove(run.path() / file);
        EXPECT_THAT(failedIds(run.verify(0)), Contains("artifact.size")) << file;
    }
}

TEST_F(Artifacts, OfADamagedBlockLeaveNothingUnsaid)
{
    TamperedRun run(honest());
    std::string changed = run.text("block_01/ir.h5");
    changed.back() = static_cast<char>(changed.back() ^ 0x01);
    run.setText("block_01/ir.h5", changed);
    for (const int level : {1, 3})
        EXPECT_THAT(run.verify(level).notChecked, Contains("trace, token ids, values, metrics and coverages (block 1)"))
            << level;
}

TEST_F(Artifacts, ThatAreNoArchivesAreMalformedEvenWhenResealed)
{
    for (const std::string part : {"ir", "probes"}) {
        TamperedRun run(honest());
        const std::string file = "block_00/" + part + ".h5";
        const std::string original = run.text(file);
        for (const std::string& text : {std::string(), std::string("x"), original.substr(0, original.size() / 2),
                                        std::string(original.size(), '\0')}) {
            run.setText(file, text);
            run.resealFilesOnly("block_00");
            const Verdict verdict = run.verify();
            EXPECT_THAT(failedIds(verdict), Contains("structure." + part));
            EXPECT_EQ(verdict.exitCode, 3) << problemsOf(verdict);
        }
    }
}

TEST_F(Artifacts, AreNoticedByTheirTensorsWhenTheFileDigestsAreForged)
{
    // Flips bytes all over an archive and reseals files and list, but not the tensors' digests. A byte that HDF5
    // does not use may change without changing any tensor; every other one has to be found.
    for (const char* file : {"block_00/ir.h5", "block_00/probes.h5"}) {
        TamperedRun run(honest());
        const std::string original = run.text(file);
        std::size_t found = 0;
        std::size_t tried = 0;
        for (std::size_t at = 0; at < original.size(); at += original.size() / 60 + 1) {
            std::string changed = original;
            changed[at] = static_cast<char>(changed[at] ^ 0x40);
            run.setText(file, changed);
            run.resealFilesOnly("block_00");
            const Verdict verdict = run.verify();
            ++tried;
            if (verdict.exitCode == 0)
                continue;
            ++found;
            EXPECT_THAT(failedIds(verdict), AnyOf(Contains("tensor.sha256"), Contains("structure.ir"),
                                                  Contains("structure.probes"), Contains("structure.values")))
                << file << " byte " << at << "\n"
                << problemsOf(verdict);
        }
        EXPECT_GT(found * 10, tried * 9) << file; // tensors fill these files
    }
}

// Changes one number of a tensor so that it stays finite: the exponent's lowest bit of an F64 or F32, 1 of an integer.
void nudge(HostTensor& tensor, std::size_t element)
{
    const auto size = static_cast<std::size_t>(storageBlock(tensor.dtype).bytes);
    std::byte* at = tensor.bytes.data() + element * size;
    if (tensor.dtype == DType::F64 || tensor.dtype == DType::F32)
        at[size - 2] ^= std::byte{0x08}; // F32: a high mantissa bit, F64: likewise
    else
        at[0] ^= std::byte{1};
}

struct Forgery {
    const char* tensor;
    std::size_t element;
    std::vector<const char*> ids; // none: nobody can recompute it below level 4
};

TEST_F(Artifacts, OfTheTraceAreRecomputedWhenEverythingIsResealed)
{
    const std::vector<Forgery> forgeries = {
        {"prompt_offset", 1, {"structure.probes"}},
        {"token_id", 2, {"consistency.tokens"}},
        {"position", 2, {"consistency.positions"}},
        {"mask", 1, {"metrics.path_coverage"}},
        {"input", 40, {"replay.error"}},
        {"output", 40, {"replay.error", "replay.output_norm"}},
        {"attention_output", 40, {"replay.error_attn"}},
        {"mlp_output", 40, {"replay.error_mlp"}},
        {"error", 3, {"replay.error", "metrics.arithmetic"}},
        {"error_attn", 3, {"replay.error_attn"}},
        {"error_mlp", 3, {"replay.error_mlp"}},
        {"output_norm", 3, {"replay.output_norm"}},
        {"attention_margin", 5, {"replay.attention_margin"}},
        {"loss_base", 2, {"loss.arithmetic"}},
        {"loss_stitched", 2, {"loss.arithmetic"}},
        {"top_id_base", 2, {}},
        {"top_id_stitched", 2, {}},
        {"top_logit_base", 2, {}},
        {"top_logit_stitched", 2, {}},
    };
    for (const Forgery& forgery : forgeries) {
        TamperedRun run(honest());
        run.changeTensor("block_01/probes.h5", forgery.tensor,
                         [&](HostTensor& tensor) { nudge(tensor, forgery.element); });
        run.reseal("block_01");
        const Verdict verdict = run.verify();
        for (const char* id : forgery.ids)
            EXPECT_THAT(failedIds(verdict), Contains(id)) << forgery.tensor << "\n" << problemsOf(verdict);
        if (forgery.ids.empty()) {
            EXPECT_EQ(verdict.exitCode, 0) << forgery.tensor << "\n" << problemsOf(verdict);
        }
    }
}

TEST_F(Artifacts, OfAnEstimateAreRecomputedWhenEverythingIsResealed)
{
    tiny::Options options;
    options.loss = LossMode::FirstOrder;
    const TemporaryFolder folder;
    tiny::write(tiny::make(options), folder.path() / "run");
    EXPECT_EQ(TamperedRun(folder.path() / "run").verify().exitCode, 6); // never certified
    const std::vector<Forgery> forgeries = {{"gradient", 40, {"replay.first_order"}},
                                            {"first_order", 3, {"replay.first_order", "loss.arithmetic"}},
                                            {"loss_base", 2, {"loss.arithmetic"}}};
    for (const Forgery& forgery : forgeries) {
        TamperedRun run(folder.path() / "run");
        run.changeTensor("block_01/probes.h5", forgery.tensor, [&](HostTensor& tensor) {
            const auto count = static_cast<std::size_t>(tensor.elementCount());
            for (std::size_t i = forgery.element; i < std::min(count, 10 * forgery.element); ++i)
                nudge(tensor, i); // several: where surrogate and model agree in an element, its slope says nothing
        });
        run.reseal("block_01");
        const Verdict verdict = run.verify();
        for (const char* id : forgery.ids)
            EXPECT_THAT(failedIds(verdict), Contains(id)) << forgery.tensor << "\n" << problemsOf(verdict);
    }
}

TEST_F(Artifacts, OfTheSurrogateAreReplayedWhenEverythingIsResealed)
{
    const std::vector<Forgery> forgeries = {
        {"mask", 5, {"metrics.path_coverage", "replay.error"}},
        {"rope_cos", 9, {"replay.error"}},
        {"rope_sin", 9, {"replay.error"}},
        {"weight/q.weight", 9, {"replay.weights"}},
        {"weight/down.weight", 9, {"replay.weights"}},
        {"weight/mlp_norm.weight", 9, {"replay.weights"}},
    };
    for (const Forgery& forgery : forgeries) {
        TamperedRun run(honest());
        run.changeTensor("block_00/ir.h5", forgery.tensor, [&](HostTensor& tensor) { nudge(tensor, forgery.element); });
        run.reseal("block_00");
        const Verdict verdict = run.verify();
        for (const char* id : forgery.ids)
            EXPECT_THAT(failedIds(verdict), Contains(id)) << forgery.tensor << "\n" << problemsOf(verdict);
    }
}

// Replaces text inside ir.h5's program.
void changeProgram(TamperedRun& run, const std::string& from, const std::string& to)
{
    run.changeTensor("block_00/ir.h5", "program", [&](HostTensor& tensor) {
        std::string text(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
        const std::size_t at = text.find(from);
        ASSERT_NE(at, std::string::npos) << text;
        text.replace(at, from.size(), to);
        tensor.shape = {static_cast<std::int64_t>(text.size())};
        tensor.bytes.resize(text.size());
        std::memcpy(tensor.bytes.data(), text.data(), text.size());
    });
    run.reseal("block_00");
}

TEST_F(Artifacts, WithAnotherProgramAreReplayedOrRefused)
{
    TamperedRun skipped(honest());
    changeProgram(skipped, "silu", "gelu_new");
    EXPECT_THAT(failedIds(skipped.verify()), Contains("replay.error"));

    TamperedRun unknown(honest());
    changeProgram(unknown, "rms_norm", "rms_nrom");
    EXPECT_THAT(failedIds(unknown.verify()), Contains("structure.ir"));

    TamperedRun malformed(honest());
    changeProgram(malformed, "{", "[");
    EXPECT_THAT(failedIds(malformed.verify()), Contains("structure.ir"));
}

TEST_F(Artifacts, OfTwoBlocksCannotBeExchanged)
{
    for (const std::string part : {"ir.h5", "probes.h5"}) {
        TamperedRun run(honest());
        const std::string first = run.text("block_00/" + part);
        run.setText("block_00/" + part, run.text("block_01/" + part));
        run.setText("block_01/" + part, first);
        run.resum();
        EXPECT_THAT(failedIds(run.verify()), Contains("artifact.sha256"));
        run.reseal("block_00");
        run.reseal("block_01");
        EXPECT_THAT(failedIds(run.verify()), Contains(part == "ir.h5" ? "structure.ir" : "chain.input"));
    }
}

TEST_F(Artifacts, AndWholeBlocksCannotBeExchanged)
{
    TamperedRun run(honest());
    fs::rename(run.path() / "block_00", run.path() / "swap");
    fs::rename(run.path() / "block_01", run.path() / "block_00");
    fs::rename(run.path() / "swap", run.path() / "block_01");
    run.resum();
    EXPECT_THAT(failedIds(run.verify()), Contains("consistency.folder"));
}

TEST_F(Artifacts, ThatAreMissingFail)
{
    for (const std::string& file : allFiles) {
        TamperedRun run(honest());
        fs::remove(run.path() / file);
        if (file == "run.json") {
            EXPECT_THROW(static_cast<void>(run.verify()), FormatError); // not a run any more
            continue;
        }
        EXPECT_THAT(failedIds(run.verify()), AnyOf(Contains("sums.sha256"), Contains("artifact.sha256"))) << file;
        run.resum(); // and from the list too
        const Verdict verdict = run.verify();
        EXPECT_THAT(failedIds(verdict), AnyOf(Contains("consistency.blocks"), Contains("artifact.sha256"))) << file;
    }
}

TEST_F(Artifacts, CannotLoseTheirList)
{
    TamperedRun run(honest());
    fs::remove(run.path() / "SHA256SUMS");
    const Verdict verdict = run.verify();
    EXPECT_THAT(failedIds(verdict), Contains("sums.missing"));
    EXPECT_EQ(verdict.exitCode, 1);
    EXPECT_TRUE(verdict.sentence.starts_with("Failed at level 3.")) << verdict.sentence;
    // Who calls it unfinished as well gets no verdict: never a green one.
    Json json = run.json("run.json");
    json["state"]["complete"] = false;
    run.setJson("run.json", json);
    EXPECT_EQ(run.verify().exitCode, 5);
}

TEST_F(Artifacts, WhoseListIsDamagedAreUnreadableAndWhoseListIsWrongFail)
{
    TamperedRun run(honest());
    const std::string original = run.text("SHA256SUMS");
    for (const std::string& text :
         {std::string("not a list\n"), original.substr(0, original.size() - 20), "z" + original.substr(1)}) {
        run.setText("SHA256SUMS", text);
        const Verdict verdict = run.verify();
        EXPECT_EQ(verdict.state, CheckState::Failed);
        EXPECT_EQ(verdict.exitCode, 3) << text << "\n" << problemsOf(verdict);
        EXPECT_TRUE(verdict.sentence.starts_with("Unreadable at level 3.")) << verdict.sentence;
    }
    run.setText("SHA256SUMS", (original[0] == '0' ? "1" : "0") + original.substr(1));
    const Verdict verdict = run.verify();
    EXPECT_EQ(verdict.exitCode, 1) << problemsOf(verdict);
    EXPECT_TRUE(verdict.sentence.starts_with("Failed at level 3.")) << verdict.sentence;
}

// The rule of docs/run-directory.md, "Exit codes": 1 once a comparison came out wrong, 3 while there was none to make.
TEST_F(Artifacts, ThatAreMalformedFailWhereADigestSaysSoAndAreUnreadableWhereNoneDoes)
{
    for (const std::string file : {"block_00/certificate.json", "run.json"}) {
        for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("{}")}) {
            TamperedRun run(honest());
            run.setText(file, text);
            for (const int level : {1, 2, 3}) {
                const Verdict verdict = run.verify(level);
                EXPECT_EQ(verdict.exitCode, 1) << file << " " << text << "\n" << problemsOf(verdict);
                EXPECT_TRUE(verdict.sentence.starts_with("Failed at ")) << verdict.sentence;
            }
            if (file == "run.json") {
                EXPECT_THROW(run.verify(0), Error); // no digest is looked at, and there is no run
                run.resum();
                EXPECT_THROW(run.verify(), Error);
                continue;
            }
            EXPECT_EQ(run.verify(0).exitCode, 3) << text;
            run.resum();
            const Verdict verdict = run.verify();
            EXPECT_EQ(verdict.exitCode, 3) << text << "\n" << problemsOf(verdict);
            EXPECT_TRUE(verdict.sentence.starts_with("Unreadable at ")) << verdict.sentence;
        }
    }
}

TEST_F(Artifacts, AreNeverReadThroughLinks)
{
    for (const std::string& file : allFiles) {
        TamperedRun run(honest());
        const fs::path elsewhere = run.path().parent_path() / "elsewhere";
        fs::copy_file(run.path() / file, elsewhere);
        fs::remove(run.path() / file);
        fs::create_symlink(elsewhere, run.path() / file);
        const Verdict verdict = run.verify();
        EXPECT_EQ(verdict.state, CheckState::Failed) << file;
        EXPECT_THAT(problemsOf(verdict), testing::HasSubstr("symbolic link")) << file;
    }
    TamperedRun run(honest());
    fs::rename(run.path() / "block_00", run.path().parent_path() / "outside");
    fs::create_directory_symlink(run.path().parent_path() / "outside", run.path() / "block_00");
    EXPECT_EQ(run.verify().state, CheckState::Failed);
}

TEST_F(Artifacts, CannotLieOutsideTheRun)
{
    for (const char* path :
         {"../elsewhere", "/etc/hostname", "block_00/../run.json", "./run.json", "block_00//ir.h5"}) {
        TamperedRun listed(honest());
        listed.setText("SHA256SUMS", std::string(64, 'a') + "  " + path + "\n" + listed.text("SHA256SUMS"));
        EXPECT_THAT(failedIds(listed.verify()), Contains("structure.sums")) << path;

        TamperedRun named(honest());
        Json json = named.json("block_00/certificate.json");
        json["artifacts"][0]["path"] = path;
        named.setJson("block_00/certificate.json", json);
        named.resum();
        EXPECT_THAT(failedIds(named.verify()), Contains("consistency.certificate")) << path;
    }
}

TEST_F(Artifacts, ThatNobodyListedAreToldAndNotRead)
{
    TamperedRun run(honest());
    run.setText("block_00/notes.txt", "mine");
    const Verdict verdict = run.verify();
    EXPECT_EQ(verdict.exitCode, 0);
    EXPECT_THAT(verdict.checks, Contains(testing::Field(&Check::id, "sums.unlisted")));
    EXPECT_THAT(problemsOf(verdict), testing::HasSubstr("block_00/notes.txt"));
}

TEST_F(Artifacts, WithJsonThatIsNotStrictAreMalformed)
{
    const std::string deep = std::string(100, '[') + std::string(100, ']');
    const std::vector<std::pair<std::string, std::string>> changes = {
        {"\"kind\": \"block\"", "\"kind\": \"block\", \"kind\": \"block\""},
        {"\"kind\": \"block\"", "\"kind\": \"block\", \"k\\u0069nd\": \"block\""},
        {"\"certified\": true", "\"certified\": NaN"},
        {"\"certified\": true", "\"certified\": 1e999"},
        {"\"certified\": true", "\"certified\": 123456789012345678901234567890"},
        {"\"certified\": true", "\"certified\": " + deep},
        {"\"certified\": true", "\"certified\": tru"},
        {"\"certified\": true", "\"certified\": true,"},
        {"\"kind\": \"block\"", "\"kind\": \"bl\xFF\xFEock\""},
        {"\"kind\": \"block\"", "\"kind\": \"block\", \"extra\": 1"},
    };
    for (const auto& [from, to] : changes) {
        TamperedRun run(honest());
        std::string text = run.text("block_00/certificate.json");
        ASSERT_NE(text.find(from), std::string::npos);
        run.setText("block_00/certificate.json", text.replace(text.find(from), from.size(), to));
        run.resum();
        const Verdict verdict = run.verify();
        EXPECT_THAT(failedIds(verdict), Contains("structure.certificate")) << to;
    }
    TamperedRun run(honest());
    run.setText("run.json", run.text("run.json") + "x");
    run.resum();
    EXPECT_THROW(static_cast<void>(run.verify()), FormatError);
}

TEST_F(Artifacts, OfANewerVersionAreUnsupportedRatherThanWrong)
{
    TamperedRun run(honest());
    Json json = run.json("block_00/certificate.json");
    json["schema"] = "blockcert.certificate/2";
    run.setJson("block_00/certificate.json", json);
    run.resum();
    EXPECT_THROW(static_cast<void>(run.verify()), UnsupportedError);
}

TEST_F(Artifacts, WithValuesThatAreNotFiniteAreMalformed)
{
    for (const char* tensor : {"error", "loss_base", "attention_margin", "output"}) {
        TamperedRun run(honest());
        run.changeTensor("block_00/probes.h5", tensor, [](HostTensor& values) {
            const auto size = static_cast<std::size_t>(storageBlock(values.dtype).bytes);
            for (std::size_t i = 0; i < size; ++i)
                values.bytes[i] = std::byte{0xFF};
        });
        run.reseal("block_00");
        EXPECT_THAT(failedIds(run.verify()), AnyOf(Contains("structure.values"), Contains("structure.probes")))
            << tensor;
    }
}

// No token has a probability above one, and no share of a loss is kept that a run never had.
TEST_F(Artifacts, WithLossesBelowZeroAreMalformed)
{
    for (const char* tensor : {"loss_base", "loss_stitched"}) {
        TamperedRun run(honest());
        run.changeTensor("block_00/probes.h5", tensor,
                         [](HostTensor& values) { values.bytes[sizeof(double) - 1] |= std::byte{0x80}; });
        run.reseal("block_00");
        EXPECT_THAT(failedIds(run.verify()), AnyOf(Contains("structure.values"), Contains("structure.probes")))
            << tensor;
    }
}

TEST_F(Artifacts, AreFoundAtLevelTwoInTheCellsThatAreDrawn)
{
    TamperedRun run(honest());
    run.changeTensor("block_01/probes.h5", "input", [](HostTensor& tensor) { nudge(tensor, 0); });
    run.reseal("block_01");
    // All six cells are drawn: the forged one is among them.
    EXPECT_THAT(failedIds(run.verify(2)), Contains("replay.error"));
}

}
}
