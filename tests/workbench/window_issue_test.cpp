// What the Edit lab makes of a stack: certificates, checkpoints and commands.
#include "app/workbench/pages/edit_dialog.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_side.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "tests/workbench/support/bench.h"
#include "tests/workbench/support/edit_answers.h"

#include <QAbstractButton>
#include <QClipboard>
#include <QDir>
#include <QGuiApplication>

#include <gtest/gtest.h>

#include <algorithm>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::press;
using testing::result;
using testing::steps;
using testing::waitUntil;
using testing::wordsOf;

}

TEST(EditWindow, WritesThePatchAndCertifiesIt)
{
    Json script = editScript(steps({result(effectAnswer())}));
    script["write_patch"] = once(steps({result({{"path", "/p/x.patch.json"}, {"sha256", "aa"}, {"edits", {"one"}}})}));
    script["edit"] = once(steps({result({{"run", "/p/x.blockcert"},
                                         {"name", "abc"},
                                         {"already", false},
                                         {"epsilon_edit", 4.5},
                                         {"edits", {"block 1: MLP x 0.5"}}})}));
    script["export_model"] =
        once(steps({result({{"out", "/p/x-model"}, {"difference", {{"largest", 0.0125}, {"largest_norm", 800.0}}}})}));
    Workbench bench(script);
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    EditSlots& edits = bench.session->editLab.edits();
    edits.setStrength(edits.current(), 0.5, false);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    press(*page.side(), u"Certify…"_s);
    auto* dialog = bench.window->findChild<CertifyDialog*>();
    ASSERT_TRUE(dialog);
    EXPECT_TRUE(dialog->request().out.startsWith(bench.runFolder()));
    const QString out = dialog->request().out;
    dialog->accept();
    ASSERT_TRUE(waitUntil([&] { return bench.session->editIssue.get().isReady(); }));
    EXPECT_EQ(bench.asked("write_patch").front()["edits"], Json::parse(R"([{"block":1,"scale_mlp":0.5}])"));
    const Json certified = bench.asked("edit").front();
    EXPECT_EQ(certified["patch"], "/p/x.patch.json");
    EXPECT_EQ(certified["out"], out.toStdString());
    EXPECT_EQ(certified["prompts"], "refusal");
    EXPECT_FALSE(certified.contains("edits"));
    EXPECT_EQ(Workbench::noticeOn(*page.side()),
              u"block 1: MLP x 0.5: certified as abc in /p/x.blockcert, by the run's word; Check recomputes it."_s);
    // Beside the numbers of another edit it says that it is not theirs.
    edits.setStrength(edits.current(), 0.75, false);
    EXPECT_TRUE(Workbench::noticeOn(*page.side()).contains(u"The stack above is another one now"_s));
    const auto links = page.side()->findChildren<QAbstractButton*>();
    EXPECT_TRUE(std::ranges::any_of(
        links, [](const auto* link) { return link->accessibleName() == u"Check block 1: MLP x 0.5"_s; }));
    edits.setStrength(edits.current(), 0.5, false);
    EXPECT_FALSE(Workbench::noticeOn(*page.side()).contains(u"another one"_s));
    press(*page.side(), u"Export model…"_s);
    auto* checkpoint = bench.window->findChild<CheckpointDialog*>();
    ASSERT_TRUE(checkpoint);
    checkpoint->accept();
    ASSERT_TRUE(waitUntil([&] { return bench.session->editExport.get().isReady(); }));
    EXPECT_EQ(bench.asked("export_model").front()["edit"], "abc");
    EXPECT_TRUE(Workbench::noticeOn(*page.side()).startsWith(u"block 1: MLP x 0.5: the edited model is in"_s));
    EXPECT_TRUE(Workbench::noticeOn(*page.side()).contains(u"by at most 0.0125, where the largest is 800 long"_s))
        << Workbench::noticeOn(*page.side()).toStdString();
    // Another state of the stack has no certificate, so no checkpoint either.
    edits.setStrength(edits.current(), 0.25, false);
    for (const QAbstractButton* button : page.side()->findChildren<QAbstractButton*>())
        EXPECT_FALSE(button->text() == u"Export model…"_s && button->isEnabled());
}

// Certificates that were issued before the window was closed, or killed, are there again, and so is what they allow.
TEST(EditWindow, CertificatesAreRememberedAndCanBeExportedAfterARestart)
{
    Json script = editScript(steps({result(effectAnswer())}));
    script["open"].push_back(script["open"][0]);
    script["tokenize"].push_back(script["tokenize"][0]);
    script["write_patch"] = once(steps({result({{"path", "/p/x.patch.json"}, {"sha256", "aa"}, {"edits", {"one"}}})}));
    Workbench bench(script);
    const QString run = bench.runFolder() + u"/x.blockcert"_s;
    QDir().mkpath(run);
    script["edit"] = once(steps({result({{"run", run.toStdString()},
                                         {"name", "abc"},
                                         {"already", false},
                                         {"epsilon_edit", 4.5},
                                         {"edits", {"block 1: MLP x 0.5"}}})}));
    bench.engine().rewrite(script.dump());
    openLab(bench);
    bench.window->editPage().stackView().addStep(EditOperation::ScaleMlp);
    EditSlots& edits = bench.session->editLab.edits();
    edits.setStrength(edits.current(), 0.5, false);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    press(*bench.window->editPage().side(), u"Certify…"_s);
    bench.window->findChild<CertifyDialog*>()->accept();
    ASSERT_TRUE(waitUntil([&] { return bench.session->editIssue.get().isReady(); }));
    ASSERT_TRUE(waitUntil([&] { return bench.session->preferences.savedLab().contains("x.blockcert"); }));
    bench.window.reset();
    bench.session.reset();
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Edit);
    const auto buttonNamed = [&](const QString& text) {
        for (QAbstractButton* button : bench.window->editPage().side()->findChildren<QAbstractButton*>())
            if (button->text() == text || button->accessibleName() == text)
                return button;
        return static_cast<QAbstractButton*>(nullptr);
    };
    ASSERT_TRUE(buttonNamed(u"Check block 1: MLP x 0.5"_s));
    EXPECT_TRUE(waitUntil([&] { return buttonNamed(u"Export model…"_s)->isEnabled(); })) << "the stack is as it was";
}

TEST(EditWindow, CopiesTheCommandThatDoesTheSame)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    bench.command(u"Copy as command"_s);
    const QString command = QGuiApplication::clipboard()->text();
    EXPECT_TRUE(command.startsWith(u"blockcert edit /models/tiny --block 1 --scale-mlp 1 --prompts refusal -o "_s))
        << command.toStdString();
}

}
