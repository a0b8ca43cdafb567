// Stacks of edits that come from files, and that outlive the window.
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "app/workbench/session/edit_words.h"
#include "app/workbench/session/saved_lab.h"
#include "tests/workbench/support/bench.h"

#include <QFile>
#include <QFileInfo>

#include <gtest/gtest.h>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::once;
using testing::result;
using testing::steps;
using testing::waitUntil;
using testing::wordsOf;
using testing::Workbench;

EditStep stepWith(EditOperation operation, double strength)
{
    EditStep step;
    step.block = 1;
    step.operation = operation;
    step.strength = strength;
    return step;
}

EditStack everyOperation()
{
    EditStack stack;
    for (const EditOperation operation : allEditOperations) {
        EditStep step = stepWith(operation, hasStrength(operation) ? -0.5 : 0);
        step.head = needsHead(operation) ? 3 : 0;
        if (needsFile(operation)) {
            step.file = u"/p/t.npz"_s;
            const bool isRank = operation == EditOperation::RankK;
            (isRank ? step.matrix : step.target) = isRank ? u"down"_s : u"mlp"_s;
            step.tensors = isRank ? QStringList{u"0.u"_s, u"0.v"_s} : QStringList{u"1.direction"_s};
        }
        stack.push_back(step);
    }
    return stack;
}

Json refusal(const char* sentence)
{
    return {{"error", {{"code", -32000}, {"message", sentence}, {"data", {{"exit_code", 3}, {"kind", "format"}}}}}};
}

Json patchScript(const Json& answers)
{
    Json script = engineScript();
    script["read_patch"] = answers;
    script["edit_effect"] = once(steps({refusal("Not measured in this test.")}));
    return script;
}

Json patchAnswer()
{
    return {{"path", "/p/mild.patch.json"},
            {"sha256", std::string(64, 'a')},
            {"edits", {"one", "two"}},
            {"steps", Json::array({{{"block", 1}, {"scale_mlp", -0.25}},
                                   {{"block", 2},
                                    {"rank_k", "/p/mild.patch.tensors.npz"},
                                    {"matrix", "down"},
                                    {"strength", 1.0},
                                    {"u", "1.u"},
                                    {"v", "1.v"}}})}};
}

QString made(const QString& path)
{
    QFile file(path);
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
    file.write("{}");
    return path;
}

}

TEST(EditWords, MakeTheSameStepAgain)
{
    for (const EditStep& step : everyOperation()) {
        const std::optional<EditStep> again = stepOfWords(wordsOf(step));
        ASSERT_TRUE(again) << wordsOf(step);
        EXPECT_EQ(*again, step) << wordsOf(step);
    }
    for (const char* wrong :
         {"{}", "[]", "3", R"({"block": 1})", R"({"block": -1, "scale_mlp": 1})", R"({"block": 1, "scale_mlp": "x"})",
          R"({"block": 1, "zero": "head"})", R"({"block": 1, "zero": "residual"})", R"({"scale_mlp": 1})"})
        EXPECT_FALSE(stepOfWords(Json::parse(wrong))) << wrong;
    EXPECT_FALSE(editOptions({everyOperation().back()})) << "options name no tensors";
}

TEST(SavedLab, IsReadBackOrNotAtAll)
{
    for (const char* wrong : {"", "{", "[]", "{}", R"({"schema": "blockcert.lab/2", "stacks": [[], []]})",
                              R"({"schema": "blockcert.lab/1", "stacks": [[{"block": 1}]]})",
                              R"({"schema": "blockcert.lab/1", "stacks": [3]})"})
        EXPECT_FALSE(savedLabOf(wrong)) << wrong;
    const std::optional<SavedLab> bare = savedLabOf(R"({"schema": "blockcert.lab/1", "max_new": 99999999})");
    ASSERT_TRUE(bare);
    EXPECT_TRUE(bare->isEmpty());
    EXPECT_EQ(bare->settings.prompts, u"refusal"_s);
    EXPECT_EQ(bare->settings.maxNew, 512);
}

// The window is gone without a word, as when it is killed.
TEST(SavedLab, StacksComeBackAfterAKill)
{
    Json script = patchScript(once(steps({result(patchAnswer())})));
    script["open"].push_back(script["open"][0]);
    script["tokenize"].push_back(script["tokenize"][0]);
    Workbench bench(script);
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Edit);
    EditLab& lab = bench.session->editLab;
    EXPECT_TRUE(lab.edits().stack().empty());
    for (const EditStep& step : everyOperation())
        lab.edits().add(step);
    EditStep off = lab.edits().stack().front();
    off.isEnabled = false;
    lab.edits().change(off);
    lab.edits().copyToOther();
    lab.edits().setStrength(lab.edits().current(), 0.125, false);
    LabSettings settings = lab.settings();
    settings.condition = u"/p/own.json"_s;
    settings.maxNew = 7;
    lab.setSettings(settings);
    ASSERT_TRUE(waitUntil([&] {
        const auto saved = savedLabOf(bench.session->preferences.savedLab());
        return saved && saved->settings == lab.settings();
    }));
    const std::array<EditStack, 2> stacks{lab.edits().stack(0), lab.edits().stack(1)};
    settings = lab.settings();
    bench.window.reset();
    bench.session.reset();

    bench.start();
    ASSERT_TRUE(bench.openModel());
    EditLab& again = bench.session->editLab;
    EXPECT_EQ(again.edits().slot(), 1);
    EXPECT_EQ(again.settings(), settings);
    for (const int slot : {0, 1}) {
        ASSERT_EQ(again.edits().stack(slot).size(), stacks[static_cast<std::size_t>(slot)].size());
        for (std::size_t at = 0; at < again.edits().stack(slot).size(); ++at) {
            EditStep step = again.edits().stack(slot)[at];
            step.id = stacks[static_cast<std::size_t>(slot)][at].id; // new ones
            EXPECT_EQ(step, stacks[static_cast<std::size_t>(slot)][at]);
        }
    }
    EXPECT_FALSE(again.edits().undo().canUndo()) << "what was before the kill is not known";
}

TEST(PatchWindow, OpensAPatchInPlaceOfTheStackAndUndoBringsThatBack)
{
    Workbench bench(patchScript(once(steps({result(patchAnswer())}))));
    bench.start();
    ASSERT_TRUE(bench.openModel());
    EditSlots& edits = bench.session->editLab.edits();
    edits.add(stepWith(EditOperation::ScaleMlp, 0.5));
    const QString path = made(bench.runFolder() + u"/mild.patch.json"_s);
    bench.drop(path);
    ASSERT_TRUE(waitUntil([&] { return edits.stack().size() == 2; }));
    EXPECT_EQ(bench.window->page(), MainWindow::Edit);
    EXPECT_EQ(bench.asked("read_patch").front()["patch"], path.toStdString());
    EXPECT_EQ(bench.asked("read_patch").front()["model"], "/models/tiny");
    EXPECT_EQ(edits.stack()[0].strength, -0.25);
    EXPECT_EQ(edits.stack()[1].tensors, (QStringList{u"1.u"_s, u"1.v"_s}));
    ASSERT_EQ(bench.session->preferences.recentPatches().size(), 1);
    EXPECT_EQ(bench.session->preferences.recentPatches().front().path, u"/p/mild.patch.json"_s);
    edits.undo().undo();
    ASSERT_EQ(edits.stack().size(), 1U);
    EXPECT_EQ(edits.stack()[0].strength, 0.5);
}

TEST(PatchWindow, SaysInPlaceWhyAPatchIsNoneOfThisModel)
{
    Workbench bench(patchScript(
        Json::array({steps({refusal("The patch is for another model (big): the files of tiny have other digests.")}),
                     steps({result(patchAnswer())})})));
    bench.start();
    ASSERT_TRUE(bench.openModel());
    EditSlots& edits = bench.session->editLab.edits();
    bench.drop(made(bench.runFolder() + u"/other.json"_s));
    EditStackView& view = bench.window->editPage().stackView();
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(view).contains(u"for another model"_s); }));
    EXPECT_TRUE(edits.stack().empty());
    edits.add(stepWith(EditOperation::ScaleMlp, 0.5));
    EXPECT_TRUE(Workbench::noticeOn(view).isEmpty()) << "the stack is another one";
    emit view.patchWanted(bench.runFolder() + u"/other.json"_s); // as the list of recent ones does
    ASSERT_TRUE(waitUntil([&] { return edits.stack().size() == 2; }));
}

TEST(PatchWindow, APatchWaitsForTheModelThatItIsFor)
{
    Workbench bench(patchScript(once(steps({result(patchAnswer())}))));
    bench.start();
    bench.drop(made(bench.runFolder() + u"/mild.patch.json"_s));
    ASSERT_TRUE(waitUntil(
        [&] { return wordsOf(bench.window->editPage()).contains(u"Open the model that mild.patch.json is for"_s); }));
    EXPECT_TRUE(bench.asked("read_patch").empty());
    ASSERT_TRUE(bench.openModel());
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.edits().stack().size() == 2; }));
    EXPECT_EQ(bench.window->page(), MainWindow::Edit) << "opening a model shows another page";
}

}
