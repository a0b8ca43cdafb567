// The whole road of an edit on a tiny model: issued, verified, forged, exported.
#include "engine/base/atomic_file.h"
#include "engine/base/sha256.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_lock.h"
#include "engine/certificate/verify.h"
#include "engine/exchange/npz_file.h"
#include "engine/pipeline/edit/edit.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/values/refusal.h"
#include "tests/engine/edit_fixture.h"
#include "tests/engine/edit_verb_fixture.h"
#include "tests/engine/model_fixture.h"
#include "tests/tampering/forged_fields.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <sys/resource.h>

namespace blockcert::test {
namespace {

using certificate::failedIds;
using certificate::problemsOf;
using certificate::TamperedRun;
using testing::Contains;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST_F(EditVerb, IssuesACertificateThatEveryLevelVerifies)
{
    for (const std::string name : {"llama-gqa", "gpt2"}) {
        const fs::path run = m_folder.path() / name;
        const Json result = edit(options(name, run));
        EXPECT_GT(result.at("epsilon_edit"), 0.0);
        EXPECT_GT(result.at("final_deviation").at("pre_norm"), 0.0);
        EXPECT_EQ(result.at("touched").size(), name == "gpt2" ? 2U : 1U);
        EXPECT_EQ(result.at("evaluation").at("rows").size(), 2U);
        EXPECT_FALSE(result.at("already").get<bool>());
        EXPECT_TRUE(edit(options(name, run)).at("already").get<bool>());
        const TamperedRun copy(run);
        for (const int level : {1, 2, 3, 4}) {
            const Verdict verdict = copy.verify(level);
            EXPECT_TRUE(failedIds(verdict).empty()) << problemsOf(verdict);
            EXPECT_EQ(verdict.scope.edits.size(), 1U);
        }
        // A second edit stands beside the first.
        pipeline::EditOptions other = options(name, run);
        other.patch.scaleMlp.reset();
        other.patch.scaleAttention = 0.5;
        other.patch.head = 1;
        other.name = "head";
        EXPECT_EQ(edit(other).at("path"), "edits/head/certificate.json");
        EXPECT_EQ(TamperedRun(run).verify(3).scope.edits.size(), 2U);
    }
}

TEST_F(EditVerb, ForgingAnyFieldOfTheCertificateIsFound)
{
    pipeline::EditOptions labelled = options("llama-gqa", m_folder.path() / "run");
    labelled.name = "e";
    labelled.labels = m_folder.path() / "labels.csv";
    writeFileAtomically(labelled.labels, "prompt,side,annotator,label\np1,before,anna,answer\np2,after,anna,refuse\n");
    (void)edit(labelled);
    const std::vector<certificate::Expectation> table = {
        {"/created", {}},
        {"/command", {}},
        {"/environment/", {}},
        {"/tool/version", {}},
        {"/tool/build", {}},
        {"/schema", {"another version"}},
        {"/kind", {"structure.edit"}},
        {"/name", {"consistency.folder"}},
        {"/tool/name", {"structure.edit"}},
        {"/artifacts/0/tensors/", {"tensor.sha256", "structure.edit"}},
        {"/artifacts/0/path", {"consistency.edit"}},
        {"/artifacts/0/role", {"structure.edit"}},
        {"/artifacts/", {"artifact.sha256"}},
        {"/baseline/", {"structure.edit", "consistency.edit", "consistency.manifest"}},
        {"/replay/", {"structure.edit"}}, // its dtype is told: TheToleranceOfTheLocalErrorIsSaid
        {"/patch/schema", {"another version"}},
        {"/patch/model/name", {}}, // for people
        {"/patch/model/", {"consistency.edit", "structure.edit"}},
        {"/patch/", {"edit.receipt", "edit.error", "structure.edit"}},
        {"/blocks/0/block", {"structure.edit"}},
        {"/blocks/0/certificate", {"consistency.edit"}},
        {"/blocks/", {"edit.blocks"}},
        {"/subject/layers", {"consistency.edit", "structure.edit", "structure.effect"}},
        {"/subject/files/0/sha256", {"consistency.edit"}},
        {"/subject/", {"consistency.manifest", "structure.edit"}},
        {"/prompts/count", {"structure.edit"}},
        {"/prompts/tokens", {"structure.edit"}},
        {"/prompts/", {"consistency.manifest", "structure.edit"}},
        {"/heldout_prompts/token_ids_sha256", {"consistency.tokens"}},
        {"/heldout_prompts/items/0/tokens", {"structure.effect", "structure.edit"}},
        {"/heldout_prompts/items/0/truncated_tokens", {"consistency.edit", "structure.edit"}},
        {"/heldout_prompts/template_sha256", {"structure.edit"}},
        {"/heldout_prompts/items/0/id", {"consistency.edit", "structure.edit"}},
        {"/heldout_prompts/count", {"structure.edit"}},
        {"/heldout_prompts/tokens", {"structure.edit"}},
        {"/heldout_prompts/bundled", {"edit.heldout"}},
        {"/heldout_prompts/", {}}, // their names and texts; the ids are digested
        {"/touched/0/tensor", {"edit.receipt"}},
        {"/touched/", {"edit.receipt", "structure.edit"}},
        {"/effect/", {"edit.effect", "structure.edit", "consistency.edit"}},
        {"/evaluation/condition/", {"consistency.edit", "structure.edit"}},
        {"/evaluation/labels_sha256", {}}, // and whether the file named the texts: the issuer's word
        {"/evaluation/labels_bound", {}},
        {"/evaluation/max_new", {"consistency.tokens"}},
        {"/evaluation/markers/name", {"edit.markers"}},
        {"/evaluation/markers/version", {"edit.markers"}},
        {"/evaluation/markers/sha256", {}}, // then the lists are the issuer's own, which is said
        {"/evaluation/markers/", {"edit.markers", "structure.edit", "edit.evaluation"}},
        {"/evaluation/rows/0/id", {"consistency.manifest"}},
        {"/evaluation/rows/1/id", {"consistency.manifest"}},
        {"/evaluation/rows/0/label", {"consistency.manifest"}},
        {"/evaluation/rows/1/label", {"consistency.manifest"}},
        {"/evaluation/rows/0/before/text", {}}, // level 4
        {"/evaluation/rows/1/before/text", {}},
        {"/evaluation/rows/0/after/text", {}},
        {"/evaluation/rows/1/after/text", {}},
        {"/evaluation/rows/", {"structure.edit", "consistency.tokens", "edit.labels", "edit.judgements"}},
        {"/evaluation/human/", {"edit.labels", "structure.edit"}},
        {"/evaluation/", {"edit.evaluation", "structure.edit"}},
    };
    certificate::forgeEverything(m_folder.path() / "run", "edits/e/certificate.json", table, 100);
}

Check checkOf(const Verdict& verdict, const std::string& id)
{
    for (const Check& check : verdict.checks)
        if (check.id == id)
            return check;
    ADD_FAILURE() << "no row " << id;
    return {};
}

// The dtype of the replay is the issuer's choice and decides how closely the local error is compared: both are said.
TEST_F(EditVerb, TheToleranceOfTheLocalErrorIsSaid)
{
    pipeline::EditOptions named = options("llama-gqa", m_folder.path() / "run");
    named.name = "e";
    (void)edit(named);
    TamperedRun run(m_folder.path() / "run");
    Json json = run.json("edits/e/certificate.json");
    ASSERT_EQ(json["replay"]["dtype"], "F64");
    const auto said = [](const Verdict& verdict) {
        std::string notes;
        for (const std::string& note : verdict.doesNotSay)
            notes += note + "\n";
        const Check row = checkOf(verdict, "edit.tolerance");
        return row.issuer + "; " + row.recomputed + "\n" + notes;
    };
    const Verdict honest = run.verify(3);
    EXPECT_THAT(said(honest), HasSubstr("F64 replay; 1e-10\n"));
    EXPECT_THAT(said(honest), Not(HasSubstr("replay in F32")));
    const Check error = checkOf(honest, "edit.error");
    EXPECT_EQ(error.state, CheckState::Verified);
    EXPECT_NEAR(std::stod(error.issuer), std::stod(error.recomputed), 1e-9 * std::stod(error.issuer));
    json["replay"]["dtype"] = "F32";
    run.setJson("edits/e/certificate.json", json);
    run.resum();
    EXPECT_THAT(said(run.verify(3)), HasSubstr("F32 replay; 1e-05\n"));
    EXPECT_THAT(said(run.verify(3)), HasSubstr("The local errors of edit e are from a replay in F32"));
}

// A judgement follows from the text and the lists: a wrong one is a comparison that came out wrong, no malformed file.
TEST_F(EditVerb, AForgedJudgementIsAFailedCheck)
{
    pipeline::EditOptions named = options("llama-gqa", m_folder.path() / "run");
    named.name = "e";
    (void)edit(named);
    TamperedRun run(m_folder.path() / "run");
    Json json = run.json("edits/e/certificate.json");
    Json& judgement = json["evaluation"]["rows"][0]["after"]["judgement"];
    judgement = judgement == "refusal" ? "answer" : "refusal";
    run.setJson("edits/e/certificate.json", json);
    run.resum();
    for (const int level : {0, 3}) {
        const Verdict verdict = run.verify(level);
        EXPECT_THAT(failedIds(verdict), Contains("edit.judgements"));
        EXPECT_EQ(verdict.exitCode, 1) << problemsOf(verdict);
    }
}

// File and certificate forged together, every digest made to fit: what level 3 cannot see, level 4 does.
TEST_F(EditVerb, ForgingTheRecordedNumbersIsFoundByReplayOrByTheModel)
{
    pipeline::EditOptions named = options("llama-gqa", m_folder.path() / "run");
    named.name = "e";
    (void)edit(named);
    const auto forged = [&](const char* dataset, const std::function<void(HostTensor&)>& change) {
        auto run = std::make_unique<TamperedRun>(m_folder.path() / "run");
        run->changeTensor("edits/e/effect.h5", dataset, change);
        run->reseal("edits/e");
        return run;
    };
    const auto larger = [](HostTensor& tensor) {
        for (std::size_t at = 0; at < tensor.bytes.size(); at += 8) {
            double value = 0;
            std::memcpy(&value, &tensor.bytes[at], 8);
            value *= 1.5;
            std::memcpy(&tensor.bytes[at], &value, 8);
        }
    };
    const auto error = forged("error", larger);
    EXPECT_THAT(failedIds(error->verify(3)), Contains("edit.error")) << problemsOf(error->verify(3));
    EXPECT_THAT(failedIds(error->verify(3)), Contains("edit.effect"));
    const Check found = checkOf(error->verify(3), "edit.error");
    EXPECT_NEAR(std::stod(found.issuer), 1.5 * std::stod(found.recomputed), 1e-9 * std::stod(found.issuer));
    EXPECT_THAT(found.detail, ContainsRegex("recorded local error is [0-9.e-]+, the replay gives [0-9.e-]+: "));
    for (const auto& [dataset, id] :
         {std::pair{"layer_deviation", "edit.effect"}, std::pair{"final_deviation_post", "edit.effect"},
          std::pair{"heldout_loss_edited", "edit.effect"}, std::pair{"heldout_kl", "edit.effect"}})
        EXPECT_THAT(failedIds(forged(dataset, larger)->verify(3)), Contains(id)) << dataset;
    EXPECT_THAT(failedIds(forged("completion_margin_after", larger)->verify(4)), Contains("edit.model_margins"));
    const auto otherToken = forged("completion_id_after", [](HostTensor& tensor) { tensor.bytes[0] ^= std::byte{1}; });
    EXPECT_TRUE(failedIds(otherToken->verify(3)).empty()) << problemsOf(otherToken->verify(3));
    EXPECT_THAT(failedIds(otherToken->verify(4)), Contains("edit.model_completions"));
    // A completion that is said to have met the end of the model's context, which is far away: so one may be cut short.
    TamperedRun cut(m_folder.path() / "run");
    Json claimed = cut.json("edits/e/certificate.json");
    ASSERT_EQ(claimed["evaluation"]["rows"][0]["after"]["end"], "length");
    claimed["evaluation"]["rows"][0]["after"]["end"] = "context";
    cut.setJson("edits/e/certificate.json", claimed);
    cut.changeTensor("edits/e/effect.h5", "completion_end_after", [](HostTensor& tensor) {
        const auto end = static_cast<std::int32_t>(CompletionEnd::Context);
        std::memcpy(tensor.bytes.data(), &end, sizeof(end));
    });
    cut.reseal("edits/e");
    EXPECT_TRUE(failedIds(cut.verify(3)).empty()) << problemsOf(cut.verify(3));
    EXPECT_THAT(failedIds(cut.verify(4)), Contains("edit.texts")) << problemsOf(cut.verify(4));
    // Held-out prompts whose texts are others than what was fed, and a set that is called bundled and is not.
    for (const char* lie : {"rendered", "bundled"}) {
        TamperedRun other(m_folder.path() / "run");
        Json changed = other.json("edits/e/certificate.json");
        Json& heldout = changed["heldout_prompts"];
        if (lie == std::string("rendered"))
            heldout["items"][0]["rendered"] = "something else";
        else
            heldout["bundled"] = true;
        heldout["name"] = "stress";
        other.setJson("edits/e/certificate.json", changed);
        other.resum();
        if (lie == std::string("bundled")) { // which needs no model to be seen
            EXPECT_THAT(failedIds(other.verify(1)), Contains("edit.heldout")) << problemsOf(other.verify(1));
        } else {
            EXPECT_THAT(failedIds(other.verify(4)), Contains("edit.heldout_tokens")) << problemsOf(other.verify(4));
        }
    }
    // A text that the ids do not decode to, judged and counted as it stands.
    TamperedRun text(m_folder.path() / "run");
    Json json = text.json("edits/e/certificate.json");
    json["evaluation"]["rows"][0]["after"]["text"] = "something else";
    text.setJson("edits/e/certificate.json", json);
    text.resum();
    EXPECT_THAT(failedIds(text.verify(4)), Contains("edit.texts")) << problemsOf(text.verify(4));
}

TEST_F(EditVerb, IsExportedAsACheckpointThatDoesTheSame)
{
    for (const std::string name : {"llama-gqa", "gpt2"}) {
        const fs::path run = m_folder.path() / name;
        (void)edit(options(name, run));
        pipeline::ExportEditOptions exporting;
        exporting.run = run;
        exporting.out = m_folder.path() / (name + "-edited");
        pipeline::ModelCache cache(host());
        const Json result = pipeline::exportEdit(exporting, cache, RunContext());
        // α·(W x) against (α·W)·x: a rounding of each product in fp32.
        EXPECT_LT(result.at("difference").at("largest").get<double>(),
                  1e-5 * result.at("difference").at("largest_norm").get<double>())
            << name;
        EXPECT_EQ(result.at("edited_tensors").size(), name == "gpt2" ? 2U : 1U);
        const auto original = openModel(fixtureModel(name));
        const auto written = openModel(exporting.out);
        EXPECT_EQ(written->config(), original->config());
        HostTensor before;
        HostTensor after;
        original->load(*original->blockWeight({1}, "down.weight"), before);
        written->load(*written->blockWeight({1}, "down.weight"), after);
        float first = 0;
        float scaled = 0;
        std::memcpy(&first, before.bytes.data(), 4);
        std::memcpy(&scaled, after.bytes.data(), 4);
        EXPECT_EQ(scaled, 0.25F * first);
        original->load(*original->blockWeight({1}, "k.weight"), before);
        written->load(*written->blockWeight({1}, "k.weight"), after);
        EXPECT_EQ(after, before);
        const tokenizer::Tokenizer own = tokenizer::Tokenizer::of(*original);
        EXPECT_EQ(tokenizer::Tokenizer::of(*written).encode("a brown fox", tokenizer::SpecialTokens::Add),
                  own.encode("a brown fox", tokenizer::SpecialTokens::Add));
        EXPECT_THROW((void)pipeline::exportEdit(exporting, cache, RunContext()), UsageError) << "the folder is full";
    }
}

TEST_F(EditVerb, APatchFileIsReadBackAsTheStepsItWasWrittenFrom)
{
    const TransformerConfig config = openModel(fixtureModel("llama-gqa"))->config();
    exchange::writeNpz(m_folder.path() / "v.npz", {{"direction", numbers({config.dModel}, 1)}});
    exchange::writeNpz(m_folder.path() / "uv.npz",
                       {{"u", numbers({config.dModel, 2}, 1)}, {"v", numbers({config.dFf, 2}, 1)}});
    pipeline::WritePatchOptions writing;
    writing.model.model = fixtureModel("llama-gqa").string();
    writing.out = m_folder.path() / "stack.patch.json";
    writing.edits.resize(4);
    for (pipeline::PatchOptions& step : writing.edits)
        step.block = 1;
    writing.edits[0].rankK = m_folder.path() / "uv.npz";
    writing.edits[0].matrix = "down";
    writing.edits[1].zero = "head";
    writing.edits[1].head = 1;
    writing.edits[2].scaleMlp = -0.25;
    writing.edits[3].direction = m_folder.path() / "v.npz";
    writing.edits[3].scaleDirection = 2;
    pipeline::ModelCache cache(host());
    const Json written = pipeline::writePatch(writing, cache, RunContext());
    const Json read = pipeline::readPatch({writing.model, writing.out}, cache, RunContext());
    EXPECT_EQ(read.at("sha256"), written.at("sha256"));
    EXPECT_EQ(read.at("edits"), written.at("edits"));
    const std::string tensors = (m_folder.path() / "stack.patch.tensors.npz").string();
    EXPECT_EQ(
        read.at("steps"),
        Json({{{"block", 1}, {"rank_k", tensors}, {"matrix", "down"}, {"strength", 1.0}, {"u", "0.u"}, {"v", "0.v"}},
              {{"block", 1}, {"head", 1}, {"zero", "head"}},
              {{"block", 1}, {"scale_mlp", -0.25}},
              {{"block", 1},
               {"direction", tensors},
               {"tensor", "3.direction"},
               {"target", "residual"},
               {"scale_direction", 2.0}}}));
    // Steps that name their tensors are the same patch again.
    writing.edits[0].rankK = writing.edits[3].direction = tensors;
    writing.edits[0].u = "0.u";
    writing.edits[0].v = "0.v";
    writing.edits[3].tensor = "3.direction";
    EXPECT_EQ(pipeline::writePatch(writing, cache, RunContext()).at("sha256"), written.at("sha256"));
    pipeline::ReadPatchOptions other{writing.model, writing.out};
    other.model.model = fixtureModel("gpt2").string();
    EXPECT_THROW((void)pipeline::readPatch(other, cache, RunContext()), FormatError);
}

// A limit of the file's size stands for a full disk: both are met in the middle of the weights.
TEST_F(EditVerb, AnExportThatMeetsAFullDiskLeavesNothing)
{
    (void)edit(options("llama-gqa", m_folder.path() / "run"));
    pipeline::ExportEditOptions exporting;
    exporting.run = m_folder.path() / "run";
    exporting.out = m_folder.path() / "edited";
    pipeline::ModelCache cache(host());
    const auto refusal = [&]() -> std::string {
        rlimit before{};
        ::getrlimit(RLIMIT_FSIZE, &before);
        const auto handler = ::signal(SIGXFSZ, SIG_IGN);
        const rlimit small{20000, before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
        std::string sentence;
        try {
            (void)pipeline::exportEdit(exporting, cache, RunContext());
        } catch (const ResourceError& error) {
            sentence = error.what();
        }
        ::setrlimit(RLIMIT_FSIZE, &before);
        ::signal(SIGXFSZ, handler);
        return sentence;
    };
    EXPECT_THAT(refusal(), HasSubstr("Cannot write " + (exporting.out / "model.safetensors").string()));
    EXPECT_FALSE(fs::exists(exporting.out));
    fs::create_directory(exporting.out); // one's own stays, and stays empty
    EXPECT_THAT(refusal(), HasSubstr("Cannot write"));
    EXPECT_TRUE(fs::is_empty(exporting.out));
    // Stopped in the middle.
    std::stop_source stop;
    const RunContext stopping(stop.get_token(), [&](const Progress& progress) {
        if (progress.stage == "export" && progress.done == 3)
            stop.request_stop();
    });
    EXPECT_THROW((void)pipeline::exportEdit(exporting, cache, stopping), Cancelled);
    EXPECT_TRUE(fs::is_empty(exporting.out));
    EXPECT_EQ(pipeline::exportEdit(exporting, cache, RunContext()).at("edited_tensors").size(), 1U);
}

TEST_F(EditVerb, IsNotExportedWhereNoWeightCanExpressIt)
{
    const TransformerConfig config = openModel(fixtureModel("llama-gqa"))->config();
    pipeline::EditOptions steering = options("llama-gqa", m_folder.path() / "run");
    steering.patch = {};
    steering.patch.block = 1;
    steering.patch.direction = m_folder.path() / "v.npz";
    steering.patch.addDirection = 2;
    exchange::writeNpz(steering.patch.direction, {{"direction", numbers({config.dModel}, 1)}});
    (void)edit(steering);
    pipeline::ExportEditOptions exporting;
    exporting.run = steering.out;
    exporting.out = m_folder.path() / "edited";
    pipeline::ModelCache cache(host());
    EXPECT_THROW((void)pipeline::exportEdit(exporting, cache, RunContext()), UsageError);
    EXPECT_FALSE(fs::exists(exporting.out));
}

}
}
