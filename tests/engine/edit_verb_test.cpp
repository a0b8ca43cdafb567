// The whole road of an edit on a tiny model: issued, verified, forged, exported, swept.
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
#include "tests/engine/model_fixture.h"
#include "tests/tampering/forged_fields.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using certificate::failedIds;
using certificate::problemsOf;
using certificate::TamperedRun;
using testing::Contains;
using testing::HasSubstr;
using testing_support::TemporaryFolder;

fs::path readerChild()
{
    const char* folder = std::getenv("BLOCKCERT_BIN"); // NOLINT(concurrency-mt-unsafe)
    return fs::path(folder == nullptr ? "." : folder) / "archive_reader_child";
}

constexpr const char* promptFile = R"({"id": "p1", "text": "the quick", "label": "answer"}
{"id": "p2", "text": "a brown fox", "label": "refuse"}
)";

class EditVerb : public testing::Test {
protected:
    static pipeline::EditOptions options(const std::string& name, const fs::path& out)
    {
        pipeline::EditOptions options;
        options.model.model = fixtureModel(name).string();
        options.prompts.content = promptFile;
        options.heldout.content = "{\"id\": \"h\", \"text\": \"over the lazy dog\"}\n";
        options.heldout.name = "heldout";
        options.refusal.maxNew = 5;
        options.patch.block = 1;
        options.patch.scaleMlp = 0.25;
        options.out = out;
        options.created = "2026-01-02T03:04:05Z";
        options.commandLine = "blockcert edit";
        return options;
    }

    static pipeline::Host host()
    {
        pipeline::Host host;
        host.toolVersion = "0";
        host.toolBuild = "test";
        host.childProgram = readerChild();
        return host;
    }

    static Json edit(const pipeline::EditOptions& options)
    {
        pipeline::ModelCache cache(host());
        return pipeline::edit(options, cache, RunContext());
    }

    static std::string refusal(const pipeline::EditOptions& options, ExitCode code)
    {
        try {
            (void)edit(options);
        } catch (const Error& error) {
            EXPECT_EQ(error.exitCode(), code) << error.what();
            return error.what();
        }
        ADD_FAILURE() << "it was not refused";
        return "";
    }

    TemporaryFolder m_folder;
};

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

TEST_F(EditVerb, RefusesAnEditThatChangesNothing)
{
    pipeline::EditOptions same = options("llama-gqa", m_folder.path() / "run");
    same.patch.scaleMlp = 1;
    EXPECT_THAT(refusal(same, ExitCode::CheckFailed), HasSubstr("changes nothing"));
    EXPECT_FALSE(fs::exists(m_folder.path() / "run"));
}

TEST_F(EditVerb, RefusesAPatchForAnotherModelInOneSentence)
{
    const Json result = edit(options("llama-gqa", m_folder.path() / "run"));
    writeFileAtomically(m_folder.path() / "patch.json", writeJson(result.at("patch")));
    pipeline::EditOptions fromFile = options("llama-gqa", m_folder.path() / "run");
    fromFile.patch = {};
    fromFile.patch.file = m_folder.path() / "patch.json";
    EXPECT_TRUE(edit(fromFile).at("already").get<bool>()) << "the same patch from a file is the same edit";
    pipeline::EditOptions other = options("gpt2", m_folder.path() / "other");
    other.patch = fromFile.patch;
    EXPECT_THAT(refusal(other, ExitCode::InputUnreadable), HasSubstr("another model"));
}

TEST_F(EditVerb, TakesFactorsFromAFileAndRefusesThoseThatDoNotFit)
{
    const TransformerConfig config = openModel(fixtureModel("llama-gqa"))->config();
    const fs::path file = m_folder.path() / "factors.npz";
    pipeline::EditOptions product = options("llama-gqa", m_folder.path() / "run");
    product.patch = {};
    product.patch.block = 1;
    product.patch.rankK = file;
    product.patch.matrix = "down";
    const HostTensor u = numbers({config.dModel, 2}, 1);
    exchange::writeNpz(file, {{"u", u}, {"v", numbers({config.dFf, 3}, 1)}});
    EXPECT_THAT(refusal(product, ExitCode::InputUnreadable), HasSubstr("the same k for U and V"));
    HostTensor bad = numbers({config.dFf, 2}, 1);
    const double nan = NAN;
    std::memcpy(&bad.bytes[8], &nan, 8);
    exchange::writeNpz(file, {{"u", u}, {"v", bad}});
    EXPECT_THAT(refusal(product, ExitCode::CheckFailed), HasSubstr("NaN or an infinity at element 1"));
    EXPECT_FALSE(fs::exists(m_folder.path() / "run"));
    exchange::writeNpz(file, {{"u", u}, {"v", numbers({config.dFf, 2}, 1)}});
    const Json result = edit(product);
    EXPECT_EQ(result.at("touched").size(), 1U);
    const TamperedRun copy(m_folder.path() / "run");
    EXPECT_TRUE(failedIds(copy.verify(4)).empty()) << problemsOf(copy.verify(4));
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
        {"/replay/", {"structure.edit"}},
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
        {"/heldout_prompts/", {}}, // their names and texts; the ids are digested
        {"/touched/0/tensor", {"edit.receipt"}},
        {"/touched/", {"edit.receipt", "structure.edit"}},
        {"/effect/", {"edit.effect", "structure.edit", "consistency.edit"}},
        {"/evaluation/condition/", {"consistency.edit", "structure.edit"}},
        {"/evaluation/labels_sha256", {}},
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
        {"/evaluation/rows/", {"structure.edit", "consistency.tokens", "edit.labels"}},
        {"/evaluation/human/", {"edit.labels", "structure.edit"}},
        {"/evaluation/", {"edit.evaluation", "structure.edit"}},
    };
    certificate::forgeEverything(m_folder.path() / "run", "edits/e/certificate.json", table, 100);
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
        EXPECT_THAT(failedIds(other.verify(4)), Contains("edit.heldout_tokens")) << lie << problemsOf(other.verify(4));
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

TEST_F(EditVerb, FindsTheTensorOfADirectionOrSaysWhatItsFileHolds)
{
    const TransformerConfig config = openModel(fixtureModel("llama-gqa"))->config();
    pipeline::EditOptions steering = options("llama-gqa", m_folder.path() / "run");
    steering.patch = {};
    steering.patch.block = 1;
    steering.patch.addDirection = 2;
    steering.patch.direction = m_folder.path() / "several.npz";
    exchange::writeNpz(steering.patch.direction,
                       {{"mean", numbers({config.dModel}, 1)}, {"first", numbers({config.dModel}, 2)}});
    EXPECT_THAT(refusal(steering, ExitCode::Usage),
                HasSubstr("holds no tensor \"direction\" but first, mean: rename one, or keep one alone"));
    steering.patch.direction = m_folder.path() / "alone.npz";
    exchange::writeNpz(steering.patch.direction, {{"mean", numbers({config.dModel}, 1)}});
    EXPECT_EQ(edit(steering).at("patch").at("steps").at(0).at("direction"), "mean");

    pipeline::EditOptions factors = options("llama-gqa", m_folder.path() / "factors-run");
    factors.patch = {};
    factors.patch.block = 1;
    factors.patch.matrix = "down";
    factors.patch.rankK = m_folder.path() / "factors.npz";
    exchange::writeNpz(factors.patch.rankK,
                       {{"U", numbers({config.dModel, 2}, 1)}, {"V", numbers({config.dFf, 2}, 2)}});
    EXPECT_EQ(edit(factors).at("patch").at("steps").at(0).at("v"), "V");
}

TEST_F(EditVerb, RefusesBrokenTextsBeforeItComputesAnything)
{
    const auto run = m_folder.path() / "run";
    const auto written = [&](const std::string& name, const std::string& text) {
        writeFileAtomically(m_folder.path() / name, text);
        return m_folder.path() / name;
    };
    pipeline::EditOptions labels = options("llama-gqa", run);
    const std::string header = "prompt,side,annotator,label\n";
    for (const std::string& text : {std::string(), header + "nobody,before,anna,answer\n",
                                    header + "p1,before,anna,nice\n", header + "p1,before"}) {
        labels.labels = written("labels.csv", text);
        EXPECT_THAT(refusal(labels, ExitCode::InputUnreadable), HasSubstr("labels.csv")) << text;
    }
    labels.labels = m_folder.path();
    EXPECT_THAT(refusal(labels, ExitCode::InputUnreadable), HasSubstr("not a regular file"));
    pipeline::EditOptions condition = options("llama-gqa", run);
    condition.refusal.condition = (m_folder.path() / "missing.json").string();
    EXPECT_THAT(refusal(condition, ExitCode::InputUnreadable), HasSubstr("Cannot open"));
    condition.refusal.condition = written("newer.json", R"({"schema": "blockcert.preamble/2"})").string();
    EXPECT_THAT(refusal(condition, ExitCode::Unsupported), HasSubstr("use a newer blockcert"));
    condition.refusal.condition = "sistem";
    EXPECT_THAT(refusal(condition, ExitCode::Usage), HasSubstr("\"sistem\""));
    EXPECT_FALSE(fs::exists(run));
}

TEST_F(EditVerb, SweepsMakeDamagedRowsAgain)
{
    pipeline::SweepOptions options;
    options.model.model = fixtureModel("llama-gqa").string();
    options.prompts.content = promptFile;
    options.blocks = "1";
    options.alphas = "0.5";
    options.maxNew = 3;
    options.out = m_folder.path() / "sweep";
    const auto run = [&] {
        pipeline::ModelCache cache(host());
        return pipeline::sweep(options, cache, RunContext());
    };
    // How much of a draft is kept depends on what there was to draft from.
    const auto rowsOf = [](const Json& result) {
        Json rows = result.at("rows");
        for (Json& row : rows) {
            row.erase("drafted");
            row.erase("accepted");
        }
        return rows;
    };
    const Json whole = run();
    options.resume = true;
    const fs::path file = options.out / whole.at("rows")[1].at("file").get<std::string>();
    const Json row = parseStrictJson(readWholeFile(file, 1U << 20U), "row");
    std::vector<std::string> damaged = {"", "{", "[]", "null", "3", "{}", writeJson(row).substr(0, 200)};
    for (const auto& [key, value] : row.items()) {
        Json other = row;
        other[key] = Json::array();
        if (key == "block" || key == "alpha" || key == "epsilon_edit" || key == "final_deviation" || key == "answer" ||
            key == "condition" || key == "empty" || key == "drafted")
            damaged.push_back(writeJson(other));
    }
    EXPECT_EQ(damaged.size(), 15U);
    for (const std::string& text : damaged) {
        writeFileAtomically(file, text);
        EXPECT_EQ(rowsOf(run()), rowsOf(whole)) << text;
    }
}

TEST_F(EditVerb, SweepsResumeAndKeepTheirRows)
{
    pipeline::SweepOptions options;
    options.model.model = fixtureModel("llama-gqa").string();
    options.prompts.content = promptFile;
    options.blocks = "0,2";
    options.alphas = "0:1:0.5";
    options.maxNew = 4;
    options.out = m_folder.path() / "sweep";
    std::vector<std::string> details;
    const auto run = [&](bool stopAfterThree) {
        std::stop_source stop;
        details.clear();
        const RunContext context(stop.get_token(), [&](const Progress& progress) {
            if (progress.stage == "sweep" && !progress.detail.empty()) {
                details.push_back(progress.detail);
                if (stopAfterThree && details.size() == 3)
                    stop.request_stop();
            }
        });
        pipeline::ModelCache cache(host());
        return pipeline::sweep(options, cache, context);
    };
    EXPECT_THROW(run(true), Cancelled);
    EXPECT_EQ(std::distance(fs::directory_iterator(options.out / "rows"), {}), 3);
    EXPECT_FALSE(fs::exists(options.out / "sweep.json"));
    EXPECT_THROW(run(false), UsageError) << "without --resume";
    options.resume = true;
    options.maxNew = 5;
    try {
        (void)run(false);
        ADD_FAILURE() << "another sweep";
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("was asked for with other max new;"));
    }
    options.maxNew = 4;
    {
        const certificate::RunLock other(options.out / certificate::lockPath);
        EXPECT_THROW(run(false), UsageError) << "while another process writes it";
    }
    const Json resumed = run(false);
    EXPECT_FALSE(fs::exists(options.out / ".work"));
    ASSERT_EQ(resumed.at("rows").size(), 7U);
    EXPECT_TRUE(resumed.at("rows")[0].at("block").is_null()) << "the baseline first";
    EXPECT_EQ(resumed.at("rows")[1].at("alpha"), 1.0);
    EXPECT_EQ(resumed.at("rows")[1].at("epsilon_edit"), 0.0);
    EXPECT_GT(resumed.at("rows")[3].at("epsilon_edit"), 0.0);
    EXPECT_TRUE(fs::exists(options.out / "sweep.csv"));
    options.resume = false;
    options.out = m_folder.path() / "whole";
    // How much of a draft is kept depends on what there was to draft from; what is chosen does not.
    const auto withoutDrafts = [](Json rows) {
        for (Json& row : rows) {
            row.erase("drafted");
            row.erase("accepted");
        }
        return rows;
    };
    EXPECT_EQ(withoutDrafts(run(false).at("rows")), withoutDrafts(resumed.at("rows")));
    for (const auto& entry : fs::directory_iterator(options.out / "rows")) {
        const auto texts = [](const fs::path& file) {
            return parseStrictJson(readWholeFile(file, 1U << 20U), file.string()).at("completions");
        };
        EXPECT_EQ(texts(entry.path()), texts(m_folder.path() / "sweep" / "rows" / entry.path().filename()));
    }
}

}
}
