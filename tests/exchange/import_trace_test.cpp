// Traces that transformers recorded (tests/data/traces), certified, verified, and forged in every way a file can be.

#include "engine/artifact/checkpoint.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/policy_file.h"
#include "engine/certificate/verify.h"
#include "engine/exchange/import_run.h"
#include "engine/exchange/trace_file.h"
#include "engine/protocol/run_listing.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/exchange/safetensors_writer.h"
#include "tests/support/temporary_folder.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <sys/wait.h>

namespace blockcert::exchange {
namespace {

namespace fs = std::filesystem;
using test::LooseFile;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

fs::path testData()
{
    return std::getenv("BLOCKCERT_TEST_DATA");
}

fs::path readerChild()
{
    return fs::path(std::getenv("BLOCKCERT_BIN")) / "archive_reader_child";
}

class ImportTrace : public testing::Test {
protected:
    [[nodiscard]] fs::path folder() const { return m_folder.path(); }

    [[nodiscard]] ImportOptions options(const std::string& name, const std::string& run) const
    {
        ImportOptions made;
        made.file = testData() / "traces" / (name + ".safetensors");
        made.model = (testData() / "models" / name).string();
        made.out = folder() / run;
        made.threads = 2;
        made.childProgram = readerChild();
        made.created = "2026-01-02T03:04:05Z";
        made.commandLine = "blockcert import trace …";
        made.toolVersion = "0.1.0";
        made.toolBuild = "test";
        return made;
    }

    [[nodiscard]] Verdict verify(const fs::path& run, int level) const
    {
        certificate::VerifyOptions how;
        how.level = level;
        how.childProgram = readerChild();
        how.threads = 2;
        return certificate::verify(run, how, RunContext());
    }

    // The sentence with which a forged trace of llama-gqa is refused; nothing may have been written.
    std::string refusal(const std::function<void(LooseFile&)>& forge)
    {
        LooseFile file = LooseFile::read(testData() / "traces/llama-gqa.safetensors");
        forge(file);
        ImportOptions asked = options("llama-gqa", "refused");
        asked.file = folder() / "forged.safetensors";
        file.write(asked.file);
        return refusal(asked);
    }

    std::string refusal(const ImportOptions& asked)
    {
        try {
            static_cast<void>(importTrace(asked, RunContext()));
        } catch (const Error& error) {
            EXPECT_TRUE(asked.resume || asked.out.filename() == "taken" || !fs::exists(asked.out)) << error.what();
            return error.what();
        }
        return "accepted";
    }

    testing_support::TemporaryFolder m_folder;
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

TEST_F(ImportTrace, CertifiesOurCopyAgainstWhatTransformersComputed)
{
    for (const std::string name : {"llama-gqa", "gpt2"}) {
        const Json result = importTrace(options(name, name), RunContext());
        ASSERT_EQ(result.at("blocks").size(), 3U);
        for (const Json& block : result.at("blocks")) {
            // fp32 sums of width 32 to 128 on values of order 1 to 10: about 1e-6 off, never 0.
            EXPECT_GT(block.at("epsilon"), 0) << name;
            EXPECT_LT(block.at("epsilon"), 2e-5) << name;
            EXPECT_EQ(block.at("activation_coverage"), 1);
            EXPECT_EQ(block.at("path_coverage"), 1);
            EXPECT_EQ(block.at("loss_coverage"), nullptr);
            EXPECT_EQ(block.at("certified"), false) << "without losses nothing is";
        }
        for (const int level : {1, 2, 3, 4}) {
            const Verdict verdict = verify(folder() / name, level);
            EXPECT_EQ(verdict.state, CheckState::WeakerThanPolicy) << name << level << problems(verdict);
            EXPECT_EQ(verdict.exitCode, 6);
        }
        const Verdict whole = verify(folder() / name, 4);
        const auto has = [&](const char* id) {
            return std::ranges::any_of(whole.checks, [&](const Check& check) {
                return check.id == id && check.state == CheckState::Verified;
            });
        };
        EXPECT_TRUE(has("model.states") && has("model.embedding") && has("chain.input") && has("model.ir"));
        EXPECT_TRUE(has("model.tokens")) << "one prompt states its text";
    }
}

TEST_F(ImportTrace, CopesWithoutTheSublayers)
{
    importTrace(options("llama-bf16", "run"), RunContext());
    for (const int level : {3, 4}) {
        const Verdict verdict = verify(folder() / "run", level);
        EXPECT_EQ(verdict.exitCode, 6) << problems(verdict);
        for (const Check& check : verdict.checks)
            EXPECT_NE(check.id, "replay.error_mlp");
    }
    protocol::ShowOptions show;
    show.tokens = true;
    show.childProgram = readerChild();
    const Json listing = protocol::showRun(folder() / "run", show, RunContext());
    EXPECT_THAT(listing.at("problems"), IsEmpty());
    ASSERT_EQ(listing.at("cells").size(), 2U);
    EXPECT_EQ(listing.at("cells")[0].at("error_attn"), nullptr);
    EXPECT_EQ(listing.at("manifest").at("request").at("imported").at("runtime"), "transformers");
}

TEST_F(ImportTrace, AgreesWithNumPy)
{
    for (const std::string name : {"llama-gqa", "llama-bf16", "gpt2"}) {
        ImportOptions asked = options(name, name);
        asked.embedWeights = true;
        importTrace(asked, RunContext());
        const std::string command = std::string("/usr/bin/python3 '") + std::getenv("BLOCKCERT_SOURCE") +
                                    "/docs/replay_block.py' '" + (folder() / name).string() + "' 1";
        EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 0) << name;
    }
}

TEST_F(ImportTrace, IsCertifiedByTheRelativeMeasureButForItsLosses)
{
    ImportOptions asked = options("llama-bf16", "run");
    asked.policy = [](Policy policy) {
        EXPECT_EQ(policy.tauRel, 2e-2) << "the default of bf16";
        policy.measure = ErrorMeasure::RelativeL2;
        return policy;
    };
    const Json block = importTrace(asked, RunContext()).at("blocks")[0];
    EXPECT_EQ(block.at("relative").at("coverage"), 1);
    ASSERT_EQ(block.at("findings").size(), 1U);
    EXPECT_EQ(block.at("findings")[0].at("code"), "loss_coverage_missing");
}

TEST_F(ImportTrace, GivesTheSameBytesWhenItWasStoppedAndResumed)
{
    ImportOptions asked = options("llama-gqa", "whole");
    importTrace(asked, RunContext());
    asked.out = folder() / "broken";
    std::stop_source stop;
    int cells = 0;
    EXPECT_THROW(importTrace(asked, RunContext(stop.get_token(),
                                               [&](const Progress& progress) {
                                                   if (progress.stage == "replay" && ++cells == 3)
                                                       stop.request_stop();
                                               })),
                 Cancelled);
    EXPECT_FALSE(fs::exists(asked.out / "SHA256SUMS"));
    asked.resume = true;
    EXPECT_EQ(importTrace(asked, RunContext()).at("blocks").size(), 3U);
    EXPECT_EQ(readWholeFile(asked.out / "SHA256SUMS", 1 << 20), readWholeFile(folder() / "whole/SHA256SUMS", 1 << 20));
    EXPECT_NO_THROW(importTrace(asked, RunContext())) << "nothing is left to do";
    asked.file = testData() / "traces/gpt2.safetensors";
    EXPECT_THAT(refusal(asked), HasSubstr("not")) << "another trace";
}

TEST_F(ImportTrace, KeepsHowManyTokensTheRecorderCutOff)
{
    LooseFile file = LooseFile::read(testData() / "traces/llama-gqa.safetensors");
    file.metadata["prompt0.text"] += " quick";
    ImportOptions asked = options("llama-gqa", "run");
    asked.file = folder() / "cut.safetensors";
    file.write(asked.file);
    EXPECT_THAT(refusal(asked), HasSubstr("cut without saying so"));
    const auto tokenizer = tokenizer::Tokenizer::of(artifact::Checkpoint::open(asked.model));
    const auto kept = file.tensors["prompt0.token_ids"].shape[0];
    const auto all = static_cast<std::int64_t>(
        tokenizer.encode(file.metadata["prompt0.text"], tokenizer::SpecialTokens::Add).size());
    file.metadata["prompt0.truncated"] = std::to_string(all - kept);
    file.write(asked.file);
    importTrace(asked, RunContext());
    protocol::ShowOptions show;
    show.childProgram = readerChild();
    const Json listing = protocol::showRun(folder() / "run", show, RunContext());
    EXPECT_EQ(listing.at("certificates")[0].at("prompts").at("items")[0].at("truncated_tokens"), all - kept);
    EXPECT_THAT(listing.at("notes").dump(),
                HasSubstr("1 prompt was longer than " + std::to_string(kept) + " tokens and lost"));
    for (const int level : {3, 4})
        EXPECT_EQ(verify(folder() / "run", level).exitCode, 6) << problems(verify(folder() / "run", level));
    for (const char* wrong : {"0", "-1", "x", "07", "99999999999999999999"})
        EXPECT_THAT(refusal([&](LooseFile& f) { f.metadata["prompt1.truncated"] = wrong; }),
                    HasSubstr("no number of tokens"))
            << wrong;
}

TEST_F(ImportTrace, RefusesTracesThatAreNotWhole)
{
    EXPECT_THAT(refusal([](LooseFile& f) { f.metadata.erase("format"); }), HasSubstr("no format"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.metadata["format"] = "blockcert.trace/2"; }), HasSubstr("this version"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.metadata.erase("runtime"); }), HasSubstr("does not name the runtime"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors.erase("prompt1.block02.output"); }),
                HasSubstr("prompt1.block02.output is missing"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors.erase("prompt0.block00.mlp_output"); }),
                HasSubstr("prompt0.block00.mlp_output is missing"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors.erase("prompt0.block00.attention_output"); }),
                HasSubstr("or of none"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors.erase("prompt1.token_ids"); }),
                HasSubstr("prompt1.token_ids is missing"));
    EXPECT_THAT(refusal([](LooseFile& f) {
                    std::erase_if(f.tensors, [](const auto& t) { return t.first.starts_with("prompt0."); });
                }),
                HasSubstr("numbered 0, 1, 2"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors.erase("prompt1.mask"); }), HasSubstr("prompt1.mask is missing"));
    EXPECT_THAT(refusal([](LooseFile& f) {
                    f.tensors.erase("prompt0.mask");
                    f.tensors.erase("prompt1.mask");
                }),
                HasSubstr("does not say \"causal\""));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors.clear(); }), HasSubstr("no prompt"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.metadata["prompt1.id"] = f.metadata["prompt0.id"] = "p"; }),
                HasSubstr("the prompts 0 and 1 have one id, \"p\""));
    EXPECT_THAT(refusal([](LooseFile& f) { f.metadata["attention"] = "sliding"; }), HasSubstr("attention"));
    for (const char* name : {"prompt0.block3.input", "prompt00.token_ids", "prompt-1.token_ids",
                             "prompt0.block00.query", "weights", "prompt0.block1024.input"})
        EXPECT_THAT(refusal([&](LooseFile& f) { f.tensors[name] = f.tensors["prompt0.block00.input"]; }),
                    HasSubstr("has no place in a trace"))
            << name;
}

TEST_F(ImportTrace, RefusesOtherShapesAndTypes)
{
    EXPECT_THAT(refusal([](LooseFile& f) {
                    f.tensors["prompt0.block01.output"].shape = {32, 16};
                }),
                HasSubstr("prompt0.block01.output is F32 [32, 16] where the trace needs F32 [16, 32]"));
    EXPECT_THAT(refusal([](LooseFile& f) {
                    HostTensor& tensor = f.tensors["prompt0.block01.output"];
                    tensor.dtype = DType::F64;
                    tensor.bytes.resize(tensor.bytes.size() * 2);
                }),
                HasSubstr("is F64"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors["prompt0.mask"].shape = {8, 32}; }), HasSubstr("BOOL [16, 16]"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors["prompt0.mask"].bytes[3] = std::byte{2}; }),
                HasSubstr("neither 0 nor 1"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors["prompt0.token_ids"].shape = {2, 8}; }), HasSubstr("rank 1"));
    EXPECT_THAT(refusal([](LooseFile& f) {
                    f.tensors["prompt0.token_ids"] = {DType::I64, {0}, {}};
                }),
                HasSubstr("0 elements"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.tensors["prompt0.position_ids"] = f.tensors["prompt0.token_ids"]; }),
                HasSubstr("must be 0, 1, 2"));
}

TEST_F(ImportTrace, RefusesValuesThatCannotBe)
{
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        EXPECT_THAT(refusal([&](LooseFile& f) {
                        std::memcpy(f.tensors["prompt1.block02.input"].bytes.data() + 4 * (5 * 32 + 7), &bad, 4);
                    }),
                    HasSubstr("prompt1.block02.input holds a value that is not finite at token 5"));
    const auto withId = [](std::int64_t id) {
        return [id](LooseFile& f) { std::memcpy(f.tensors["prompt1.token_ids"].bytes.data() + 8, &id, 8); };
    };
    EXPECT_THAT(refusal(withId(288)), HasSubstr("outside the model's vocabulary of 288"));
    EXPECT_THAT(refusal(withId(-1)), HasSubstr("no token id"));
    EXPECT_THAT(refusal(withId(std::int64_t{1} << 40)), HasSubstr("no token id"));
    EXPECT_THAT(refusal([](LooseFile& f) { f.metadata["prompt0.text"] = "the slow brown fox"; }),
                HasSubstr("another tokenizer"));
}

TEST_F(ImportTrace, RefusesAnotherModelAndBlocksThatWereNotRecorded)
{
    ImportOptions asked = options("llama-gqa", "run");
    asked.blocks = "1,3";
    EXPECT_THAT(refusal(asked), HasSubstr("not within 0-2"));
    ImportOptions one = options("llama-bf16", "run");
    one.blocks = "0";
    EXPECT_THAT(refusal(one), HasSubstr("does not hold block 0"));
    ImportOptions shallow = options("llama-gqa", "run");
    shallow.model = (testData() / "models/llama-bf16").string(); // two blocks
    EXPECT_THAT(refusal(shallow), HasSubstr("the model has 2"));
    ImportOptions taken = options("llama-gqa", "taken");
    fs::create_directories(taken.out);
    writeFileAtomically(taken.out / "mine.txt", "x");
    EXPECT_THAT(refusal(taken), HasSubstr("not empty"));
}

TEST_F(ImportTrace, RefusesAFileThatEndsTooSoon)
{
    const std::string whole = readWholeFile(testData() / "traces/llama-bf16.safetensors", 1 << 20);
    for (std::size_t size = 0; size < whole.size(); size += 97) {
        ImportOptions asked = options("llama-bf16", "run");
        asked.file = folder() / "short.safetensors";
        writeFileAtomically(asked.file, std::string_view(whole).substr(0, size));
        EXPECT_NE(refusal(asked), "accepted") << size;
    }
}

TEST_F(ImportTrace, IsFoundOutWhenItsCertificateIsForged)
{
    importTrace(options("llama-gqa", "run"), RunContext());
    const std::string file = "block_01/certificate.json";
    const Json honest = certificate::TamperedRun(folder() / "run").json(file);
    const auto failed = [&](const std::function<void(Json&)>& forge) {
        certificate::TamperedRun run(folder() / "run");
        Json json = honest;
        forge(json["baseline"]);
        run.setJson(file, json);
        run.resum();
        return certificate::failedIds(run.verify());
    };
    const auto names = [&](const char* key, const Json& value) {
        return failed([&](Json& baseline) { baseline["imported"][key] = value; });
    };
    EXPECT_THAT(names("runtime", "mine"), testing::Contains("consistency.manifest"));
    EXPECT_THAT(names("version", "0"), testing::Contains("consistency.manifest"));
    EXPECT_THAT(names("trace_sha256", std::string(64, '0')), testing::Contains("consistency.manifest"));
    EXPECT_THAT(names("mask", "causal"), testing::Contains("consistency.manifest"));
    EXPECT_THAT(names("sublayers", false), testing::Contains("structure.probes"));
    EXPECT_THAT(names("mask", "none"), testing::Contains("structure.certificate"));
    EXPECT_THAT(names("runtime", ""), testing::Contains("structure.certificate"));
    EXPECT_THAT(failed([](Json& baseline) { baseline["runtime"] = "native"; }),
                testing::Contains("structure.certificate"));
    EXPECT_THAT(failed([](Json& baseline) {
                    baseline["runtime"] = "native";
                    baseline.erase("imported");
                }),
                testing::Contains("consistency.manifest"));
    EXPECT_THAT(failed([](Json& baseline) { baseline["loss"] = "exact"; }),
                testing::Contains("consistency.certificate"));
}

TEST_F(ImportTrace, FindsAStateThatIsNotTheModels)
{
    // A consistent trace of a model that computes something else: only level 4 can know.
    LooseFile file = LooseFile::read(testData() / "traces/llama-gqa.safetensors");
    for (auto& [name, tensor] : file.tensors)
        if (name.starts_with("prompt0.block02.input") || name.starts_with("prompt0.block01.output")) {
            float value = 0;
            std::memcpy(&value, tensor.bytes.data(), 4);
            value += 0.05F;
            std::memcpy(tensor.bytes.data(), &value, 4);
        }
    ImportOptions asked = options("llama-gqa", "run");
    asked.file = folder() / "forged.safetensors";
    file.write(asked.file);
    importTrace(asked, RunContext());
    EXPECT_THAT(certificate::failedIds(verify(folder() / "run", 3)), IsEmpty());
    EXPECT_THAT(certificate::failedIds(verify(folder() / "run", 4)), testing::Contains("model.states"));
}

}
}
