// What is no edit, or cannot be read, is refused in one sentence before anything is computed for it.
#include "engine/base/atomic_file.h"
#include "engine/base/sha256.h"
#include "engine/exchange/npz_file.h"
#include "tests/engine/edit_fixture.h"
#include "tests/engine/edit_verb_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sys/stat.h>
#include <tuple>

namespace blockcert::test {
namespace {

using certificate::failedIds;
using certificate::problemsOf;
using certificate::TamperedRun;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST_F(EditVerb, RefusesAnEditThatChangesNothingWithTheReason)
{
    const TransformerConfig config = openModel(fixtureModel("llama-gqa"))->config();
    const fs::path run = m_folder.path() / "run";
    const auto edited = [&](const std::function<void(pipeline::PatchOptions&)>& change) {
        pipeline::EditOptions options = EditVerb::options("llama-gqa", run);
        options.patch = {};
        options.patch.block = 1;
        change(options.patch);
        return options;
    };
    EXPECT_THAT(refusal(edited([](auto& patch) { patch.scaleMlp = 1; }), ExitCode::CheckFailed),
                HasSubstr("changes nothing: every weight keeps its bytes (block 1: MLP output scaled by 1)"));
    // The weights are fp32, whose neighbours of 1 are 6e-8 away; and the strength is not called 1.
    EXPECT_THAT(refusal(edited([](auto& patch) { patch.scaleMlp = 1 + 1e-12; }), ExitCode::CheckFailed),
                HasSubstr("every weight keeps its bytes (block 1: MLP output scaled by 1.000000000001)"));
    const fs::path factors = m_folder.path() / "factors.npz";
    const auto product = [&](double strength) {
        return edited([&](auto& patch) {
            patch.rankK = factors;
            patch.matrix = "down";
            patch.strength = strength;
        });
    };
    exchange::writeNpz(factors, {{"u", numbers({config.dModel, 2}, 0)}, {"v", numbers({config.dFf, 2}, 1)}});
    EXPECT_THAT(refusal(product(1), ExitCode::CheckFailed), HasSubstr("every weight keeps its bytes"));
    exchange::writeNpz(factors, {{"u", numbers({config.dModel, 2}, 1)}, {"v", numbers({config.dFf, 2}, 1)}});
    EXPECT_THAT(refusal(product(0), ExitCode::CheckFailed), HasSubstr("every weight keeps its bytes"));
    EXPECT_THAT(refusal(product(1e-30), ExitCode::CheckFailed),
                HasSubstr("every weight keeps its bytes (block 1: 1e-30 times u"));
    EXPECT_FALSE(fs::exists(run)) << "nothing was computed for them";
    // A new bias of 1e-14 is no 0, and still far below the last digit of any state in fp32.
    const fs::path direction = m_folder.path() / "direction.npz";
    exchange::writeNpz(direction, {{"direction", numbers({config.dModel}, 1)}});
    const pipeline::EditOptions weak = edited([&](auto& patch) {
        patch.direction = direction;
        patch.addDirection = 1e-14;
    });
    EXPECT_THAT(refusal(weak, ExitCode::CheckFailed),
                HasSubstr("1 tensor differs, but no state, held-out loss or completion of the F32 model does (block 1: "
                          "1e-14 times the direction direction added to the block output)"));
    EXPECT_FALSE(fs::exists(run)) << "what is refused leaves no run behind";
    exchange::writeNpz(direction, {{"direction", numbers({config.dModel}, 0)}});
    EXPECT_THAT(refusal(weak, ExitCode::CheckFailed), HasSubstr("is zero everywhere: it has no direction"));
}

TEST_F(EditVerb, LeavesNoRunBehindForANameOrNumbersThatAreNone)
{
    pipeline::EditOptions named = options("llama-gqa", m_folder.path() / "run");
    named.name = "../x";
    EXPECT_THAT(refusal(named, ExitCode::Usage), HasSubstr("--name ../x"));
    pipeline::EditOptions large = options("llama-gqa", m_folder.path() / "run");
    large.patch.scaleMlp = 1e60; // no number of fp32
    EXPECT_THAT(refusal(large, ExitCode::CheckFailed), HasSubstr("not finite"));
    EXPECT_FALSE(fs::exists(m_folder.path() / "run"));
    // In a run that is there it is refused as well, and the run is left as it is.
    (void)edit(options("llama-gqa", m_folder.path() / "run"));
    EXPECT_THAT(refusal(large, ExitCode::CheckFailed), HasSubstr("not finite"));
    EXPECT_EQ(std::distance(fs::directory_iterator(m_folder.path() / "run" / "edits"), {}), 1);
}

// Every recorded number of the native model made that of the unedited one, every digest made to fit.
TEST_F(EditVerb, VerificationFailsACertificateOfAnEditThatChangesNothing)
{
    pipeline::EditOptions named = options("llama-gqa", m_folder.path() / "run");
    named.name = "e";
    (void)edit(named);
    TamperedRun run(m_folder.path() / "run");
    EXPECT_TRUE(failedIds(run.verify(2)).empty()) << problemsOf(run.verify(2));
    const std::string file = "edits/e/effect.h5";
    const auto clear = [](HostTensor& tensor) { std::fill(tensor.bytes.begin(), tensor.bytes.end(), std::byte{0}); };
    run.changeTensor(file, "layer_deviation", clear);
    run.changeTensor(file, "final_deviation_post", clear);
    for (const auto& [from, to] :
         {std::pair{"heldout_loss_base", "heldout_loss_edited"}, std::pair{"heldout_top_base", "heldout_top_edited"},
          std::pair{"completion_id_before", "completion_id_after"},
          std::pair{"completion_margin_before", "completion_margin_after"}}) {
        std::vector<std::byte> bytes;
        run.changeTensor(file, from, [&](HostTensor& tensor) { bytes = tensor.bytes; });
        run.changeTensor(file, to, [&](HostTensor& tensor) { tensor.bytes = bytes; });
    }
    run.reseal("edits/e");
    EXPECT_THAT(failedIds(run.verify(2)), Contains("edit.changes")) << problemsOf(run.verify(2));
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
    EXPECT_THAT(refusal(product, ExitCode::InputUnreadable), HasSubstr("NaN or an infinity at element 1"));
    EXPECT_FALSE(fs::exists(m_folder.path() / "run"));
    exchange::writeNpz(file, {{"u", u}, {"v", numbers({config.dFf, 2}, 1)}});
    const Json result = edit(product);
    EXPECT_EQ(result.at("touched").size(), 1U);
    const TamperedRun copy(m_folder.path() / "run");
    EXPECT_TRUE(failedIds(copy.verify(4)).empty()) << problemsOf(copy.verify(4));
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

// Files of tensors as a disk, a pipe or an enemy may give them: one sentence each, and nothing waits.
TEST_F(EditVerb, RefusesBrokenTensorFilesInOneSentence)
{
    pipeline::EditOptions steering = options("llama-gqa", m_folder.path() / "run");
    steering.patch = {};
    steering.patch.block = 1;
    steering.patch.addDirection = 2;
    const TransformerConfig config = openModel(fixtureModel("llama-gqa"))->config();
    const fs::path whole = m_folder.path() / "whole.npz";
    exchange::writeNpz(whole, {{"direction", numbers({config.dModel}, 1)}});
    const std::string bytes = readWholeFile(whole, 1U << 20U);
    const std::string hugeHeader("\0\0\0\0\0\0\0\x10{}", 10);
    for (const auto& [name, content, sentence] :
         {std::tuple{"cut.npz", bytes.substr(0, bytes.size() / 2), "not a whole zip file"},
          std::tuple{"empty.npz", std::string(), "not a whole zip file"},
          std::tuple{"text.npz", std::string("hello"), "not a whole zip file"},
          std::tuple{"empty.safetensors", std::string(), "at least 8 bytes"},
          std::tuple{"huge.safetensors", hugeHeader, "the file is truncated or not safetensors"}}) {
        steering.patch.direction = m_folder.path() / name;
        writeFileAtomically(steering.patch.direction, content);
        EXPECT_THAT(refusal(steering, ExitCode::InputUnreadable), HasSubstr(sentence)) << name;
    }
    for (const char* name : {"pipe.npz", "pipe.safetensors"}) {
        steering.patch.direction = m_folder.path() / name;
        ASSERT_EQ(::mkfifo(steering.patch.direction.c_str(), 0600), 0);
        EXPECT_THAT(refusal(steering, ExitCode::InputUnreadable), HasSubstr("not a regular file")) << name;
    }
    HostTensor whole32{DType::I32, {config.dModel}, {}};
    whole32.bytes.resize(static_cast<std::size_t>(config.dModel) * 4);
    steering.patch.direction = m_folder.path() / "int.npz";
    exchange::writeNpz(steering.patch.direction, {{"direction", whole32}});
    EXPECT_THAT(refusal(steering, ExitCode::InputUnreadable), HasSubstr("numbers are needed"));
    EXPECT_FALSE(fs::exists(m_folder.path() / "run"));
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

// Labels of one edit's completions are none of another's, and a file that does not say which is told as such.
TEST_F(EditVerb, TakesLabelsOfTheTextsThatItRecordsAlone)
{
    pipeline::EditOptions read = options("llama-gqa", m_folder.path() / "read");
    read.patch.scaleMlp = -20; // far enough to say something else
    const Json texts = edit(read);
    const auto textOf = [](const Json& result, std::size_t row, const char* side) {
        return result.at("evaluation").at("rows").at(row).at(side).at("text").get<std::string>();
    };
    const fs::path file = m_folder.path() / "labels.csv";
    const auto write = [&](bool withDigests) {
        std::string csv = std::string("prompt,side,annotator,label") + (withDigests ? ",text_sha256\n" : "\n");
        for (const std::size_t row : {0U, 1U})
            for (const char* side : {"before", "after"})
                csv += "p" + std::to_string(row + 1) + "," + side + ",anna,answer" +
                       (withDigests ? "," + sha256Of(std::string_view(textOf(texts, row, side))) : "") + "\n";
        writeFileAtomically(file, csv);
    };
    write(true);
    pipeline::EditOptions other = options("llama-gqa", m_folder.path() / "other");
    other.patch.scaleMlp = 0;
    other.labels = file;
    EXPECT_THAT(refusal(other, ExitCode::InputUnreadable), HasSubstr("anna labelled another text than the completion"));
    EXPECT_FALSE(fs::exists(other.out)) << "nothing was issued";
    const Json plain = edit([&] {
        pipeline::EditOptions without = other;
        without.labels.clear();
        return without;
    }());
    ASSERT_TRUE(textOf(plain, 0, "after") != textOf(texts, 0, "after") ||
                textOf(plain, 1, "after") != textOf(texts, 1, "after"));
    EXPECT_FALSE(plain.at("evaluation").contains("labels_bound"));
    EXPECT_THAT(refusal(other, ExitCode::InputUnreadable), HasSubstr("another text")) << "beside another edit as well";
    read.labels = file;
    EXPECT_TRUE(edit(read).at("evaluation").at("labels_bound").get<bool>());
    const auto notesOf = [](const fs::path& run) {
        const Verdict verdict = TamperedRun(run).verify(3);
        EXPECT_TRUE(failedIds(verdict).empty()) << problemsOf(verdict);
        std::string notes;
        for (const std::string& note : verdict.doesNotSay)
            notes += note + "\n";
        return notes;
    };
    EXPECT_THAT(notesOf(read.out), Not(HasSubstr("Nothing binds the human labels")));
    write(false);
    EXPECT_FALSE(edit(other).at("evaluation").at("labels_bound").get<bool>());
    EXPECT_THAT(notesOf(other.out), HasSubstr("Nothing binds the human labels of edit"));
}

// What the model's context cuts off no option brings back.
TEST_F(EditVerb, SaysWhatCutAPrompt)
{
    pipeline::EditOptions cut = options("llama-gqa", m_folder.path() / "run");
    std::string text = "the quick";
    for (int word = 0; word < 200; ++word)
        text += " brown fox";
    cut.prompts.content = R"({"id": "p1", "text": ")" + text + "\"}\n";
    cut.prompts.maxTokens = 4;
    EXPECT_THAT(refusal(cut, ExitCode::Usage), HasSubstr("the model's context ends at"));
    cut.prompts.maxTokens = 100000;
    const std::string sentence = refusal(cut, ExitCode::Usage);
    EXPECT_THAT(sentence, HasSubstr("the model's context ends at"));
    EXPECT_THAT(sentence, Not(HasSubstr("--max-tokens")));
    cut.prompts.content = promptFile;
    cut.prompts.maxTokens = 1;
    EXPECT_THAT(refusal(cut, ExitCode::Usage), HasSubstr("raise --max-tokens to "));
}

}
}
