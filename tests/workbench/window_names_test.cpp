// Names from outside that hold control characters and marks of direction: no text of the window shows them as they are.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/experiments_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/report_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/shell/command_palette.h"
#include "app/workbench/shell/drawer.h"
#include "tests/workbench/support/bench.h"
#include "widgets/number_text.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAction>
#include <QComboBox>
#include <QCoreApplication>
#include <QDialog>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QMenu>
#include <QTextDocument>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::once;
using testing::steps;
using testing::waitUntil;
using testing::Workbench;

// What a name may hold that turns the text round it or hides in it.
const QString mark = u"\u202e\u200b"_s;

// The answer with the mark in every name and sentence that comes from a model, a prompt file or a run.
Json hostile(Json value)
{
    static const std::set<std::string> named{"model",  "name",  "id",      "file",     "path",   "container", "role",
                                             "piece",  "where", "title",   "sentence", "detail", "how",       "issuer",
                                             "kind_x", "stage", "command", "message",  "created"};
    static const std::set<std::string> lists{"problems",     "warnings", "says", "not_checked",
                                             "does_not_say", "edits",    "notes"};
    const std::string inserted = mark.toStdString();
    if (value.is_object()) {
        for (auto& [key, member] : value.items()) {
            if (member.is_string() && named.contains(key))
                member = "a" + inserted + member.get<std::string>();
            else if (member.is_array() && lists.contains(key))
                for (Json& text : member)
                    text = text.is_string() ? Json("a" + inserted + text.get<std::string>()) : hostile(text);
            else
                member = hostile(member);
        }
    } else if (value.is_array()) {
        for (Json& member : value)
            member = hostile(member);
    }
    return value;
}

bool isUnsafe(const QString& text)
{
    return text != widgets::shownText(text);
}

// Every text that the widgets show or tell, except what somebody types or edits.
std::string unsafeTexts(const QWidget& window)
{
    QStringList found;
    const auto look = [&found](const QObject& where, const char* what, const QString& text) {
        if (isUnsafe(text))
            found << u"%1 %2 of %3: %4"_s.arg(
                QString::fromLatin1(where.metaObject()->className()), QString::fromLatin1(what),
                where.parent() ? QString::fromLatin1(where.parent()->metaObject()->className()) : QString(),
                widgets::shownText(text));
    };
    QList<const QWidget*> widgets{&window};
    for (const QWidget* widget : window.findChildren<QWidget*>())
        widgets << widget;
    for (const QWidget* widget : widgets) {
        look(*widget, "tool tip", widget->toolTip());
        look(*widget, "accessible name", widget->accessibleName());
        look(*widget, "accessible description", widget->accessibleDescription());
        look(*widget, "title", widget->windowTitle());
        for (const QAction* action : widget->actions())
            look(*widget, "action", action->text());
        if (const auto* label = qobject_cast<const QLabel*>(widget))
            look(*label, "text", label->text());
        if (const auto* button = qobject_cast<const QAbstractButton*>(widget))
            look(*button, "text", button->text());
        if (const auto* box = qobject_cast<const QComboBox*>(widget))
            for (int i = 0; i < box->count(); ++i)
                look(*box, "choice", box->itemText(i));
        const auto* view = qobject_cast<const QAbstractItemView*>(widget);
        if (!view || !view->model())
            continue;
        const std::function<void(const QModelIndex&)> walk = [&](const QModelIndex& parent) {
            for (int row = 0; row < std::min(100, view->model()->rowCount(parent)); ++row)
                for (int column = 0; column < view->model()->columnCount(parent); ++column) {
                    const QModelIndex index = view->model()->index(row, column, parent);
                    for (const int role : {int(Qt::DisplayRole), int(Qt::ToolTipRole), int(Qt::AccessibleTextRole)})
                        look(*view, "cell", index.data(role).toString());
                    if (column == 0)
                        walk(index);
                }
        };
        walk({});
    }
    found.removeDuplicates();
    return found.join(u'\n').toStdString();
}

class Names : public ::testing::Test {
protected:
    void open()
    {
        Json engine = engineScript();
        for (auto& [method, scenarios] : engine.items())
            scenarios = hostile(scenarios);
        Json show = hostile(testing::showAnswer("run", true));
        show["problems"] = Json::array({"a" + mark.toStdString() + ": is no file of a run."});
        show["stitches"] =
            Json::array({{{"name", "stitch" + mark.toStdString()}, {"blocks", {0}}, {"certified", true}}});
        Json tool = Json::object();
        tool["show"] = once(steps({Json{{"json", show}}}));
        tool["verify"] = once(steps({Json{{"json", {{"verdict", hostile(testing::verdictAnswer("run", "failed"))}}}}}));
        bench = std::make_unique<Workbench>(engine, tool);
        bench->start();
        ASSERT_TRUE(bench->openModel());
        run = bench->makeRunFolder(u"given%1.blockcert"_s.arg(mark), true);
        unfinished = bench->makeRunFolder(u"half%1.blockcert"_s.arg(mark), false);
        bench->window->openRun(run);
        ASSERT_TRUE(waitUntil([&] { return bench->session->run.run().isReady(); }));
    }

    std::unique_ptr<Workbench> bench;
    QString run;
    QString unfinished;
};

TEST_F(Names, OfModelsRunsAndPromptsStandOnEveryPageWithWhatCannotBeSeenAsCodes)
{
    open();
    MainWindow& window = *bench->window;
    emit window.verifyPage().verifyWanted(bench->session->verdict.request());
    ASSERT_TRUE(waitUntil([&] { return bench->session->verdict.verdict().isReady(); }));
    for (const auto page : {MainWindow::Open, MainWindow::Run, MainWindow::Explore, MainWindow::Verify,
                            MainWindow::Stitch, MainWindow::Experiments, MainWindow::Edit}) {
        window.showPage(page);
        QCoreApplication::processEvents();
        EXPECT_EQ(unsafeTexts(window), "") << "page " << page;
    }
    window.showPage(MainWindow::Explore);
    for (const auto view : {ExplorePage::Map, ExplorePage::Coverage, ExplorePage::Failures, ExplorePage::Charts}) {
        window.explorePage().showView(view);
        QCoreApplication::processEvents();
        EXPECT_EQ(unsafeTexts(window), "") << "view " << view;
    }
    EXPECT_TRUE(testing::wordsOf(window.verifyPage()).contains(u"given\\u202e\\u200b"_s));
}

TEST_F(Names, OfFoldersStandInListsJobsAndNotices)
{
    open();
    MainWindow& window = *bench->window;
    ASSERT_TRUE(waitUntil([&] {
        return testing::wordsOf(window.runPage()).contains(u"half\\u202e"_s) ||
               testing::wordsOf(*window.runPage().side()).contains(u"half\\u202e"_s);
    }));
    window.checkFolder(bench->runFolder());
    ASSERT_TRUE(waitUntil([&] { return window.verifyPage().showsTable(); }));
    EXPECT_EQ(unsafeTexts(window), "");
    window.openPath(bench->runFolder() + u"/nothing"_s + mark);
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(window.openPage()).contains(u"nothing\\u202e"_s); }));
    EXPECT_EQ(unsafeTexts(window), "");
    bench->session->board.addProblem(u"a%1b is not there."_s.arg(mark));
    bench->command(u"Show problems"_s);
    EXPECT_EQ(unsafeTexts(window), "");
    bench->command(u"Search everything"_s);
    EXPECT_EQ(unsafeTexts(window), "");
}

TEST_F(Names, OfWhatWasSentToTheReport)
{
    open();
    MainWindow& window = *bench->window;
    window.showPage(MainWindow::Explore);
    bench->command(u"Send this view to the report"_s);
    ASSERT_TRUE(waitUntil([&] { return bench->session->report.items().size() == 1; }));
    window.showPage(MainWindow::Report);
    EXPECT_EQ(unsafeTexts(window), "");
    bench->session->report.setExported();
}

}
}
