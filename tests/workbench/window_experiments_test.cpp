// The Experiments page: specifications, grids, the queue, what lies in a folder, and a pinned one.
#include "app/workbench/pages/experiments_page.h"
#include "tests/workbench/support/bench.h"
#include "widgets/empty_state.h"
#include "widgets/svg_view.h"
#include "widgets/theme.h"
#include "widgets/value_table.h"

#include <QAbstractButton>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

#include <gtest/gtest.h>

#include <map>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::once;
using testing::result;
using testing::showScript;
using testing::steps;
using testing::waitUntil;
using testing::Workbench;

Json listing(const char* kind, double epsilon)
{
    const Json row = {{"block", 0}, {"epsilon", epsilon}};
    const std::string command =
        std::string("blockcert experiment ") + kind + " demo --prompts base --dtype bf16 --out x";
    return {{"out", "x"},
            {"complete", true},
            {"request", Json::object()},
            {"problems", Json::array()},
            {"figures", Json::array({{{"file", "figure.svg"},
                                      {"title", "Errors"},
                                      {"caption", "By block"},
                                      {"svg", "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'/>"}}})},
            {"result",
             {{"experiment", kind},
              {"title", "Block sweep"},
              {"headline", "All is well."},
              {"subject", {{"model", "Demo"}}},
              {"command", command},
              {"notes", Json::array()},
              {"tables", Json::array({{{"name", "table"},
                                       {"title", "Blocks"},
                                       {"columns", Json::array({{{"key", "block"}, {"title", "block"}},
                                                                {{"key", "epsilon"}, {"title", "eps"}}})},
                                       {"rows", Json::array({row})}}})}}}};
}

void makeFolder(const QString& path)
{
    QDir().mkpath(path);
    for (const QString& name : {u"request.json"_s, u"SHA256SUMS"_s}) {
        QFile file(path + u'/' + name);
        ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    }
}

void press(QWidget& widget, const QString& text)
{
    for (QAbstractButton* button : widget.findChildren<QAbstractButton*>())
        if (button->text() == text) {
            button->click();
            return;
        }
    ADD_FAILURE() << "no button " << text.toStdString();
}

}

TEST(ExperimentSpec, IsTheCommandThatWouldRunIt)
{
    ExperimentSpec spec;
    spec.kind = u"low-rank"_s;
    spec.model = u"demo"_s;
    spec.ranks = u"8,16"_s;
    spec.noise = u"0.5"_s; // is of ablations
    spec.out = u"/tmp/x"_s;
    EXPECT_EQ(experimentCommand(spec),
              u"blockcert experiment low-rank demo --dtype fp32 --loss exact --ranks 8,16 --out /tmp/x"_s);
    const Json parameters = experimentParameters(spec, true);
    EXPECT_EQ(parameters.at("ranks"), "8,16");
    EXPECT_EQ(parameters.at("resume"), true);
    EXPECT_FALSE(parameters.contains("noise"));
    spec.model.clear();
    EXPECT_FALSE(obstacleOf(spec).isEmpty());
}

TEST(ExperimentSpec, AGridHasAFolderOfItsOwnForEachCombinationAndALimit)
{
    ExperimentSpec spec;
    spec.model = u"demo"_s;
    const auto grid =
        gridOf(spec, {{u"dtype"_s, u"fp32 | bf16"_s}, {u"prompts"_s, u"base|stress|base"_s}}, u"/nowhere"_s, {});
    ASSERT_TRUE(grid.has_value());
    ASSERT_EQ(grid->size(), 4U) << "a value that is named twice is one";
    QStringList folders;
    for (const ExperimentSpec& one : *grid) {
        EXPECT_FALSE(folders.contains(one.out)) << one.out.toStdString();
        folders << one.out;
    }
    QStringList many;
    for (int i = 0; i < 30; ++i)
        many << QString::number(i);
    EXPECT_FALSE(gridOf(spec, {{u"blocks"_s, many.join(u'|')}}, u"/nowhere"_s, {}).has_value());
}

TEST(ExperimentTables, StandBesideThePinnedOneWithDifferences)
{
    const ExperimentEntry one = experimentOf(listing("blocks", 0.25));
    const ExperimentEntry pinned = experimentOf(listing("blocks", 0.2));
    const auto rows = besidePinned(*one.tables[0].second, *pinned.tables[0].second);
    ASSERT_EQ(rows->columns.size(), 3U);
    EXPECT_DOUBLE_EQ(rows->rows[0][2].number, 0.25 - 0.2);
    EXPECT_EQ(one.spec.dtype, u"bf16"_s) << "read from its command";
    EXPECT_EQ(one.spec.model, u"demo"_s);
}

// Run is the primary button of the page; what leads out of the empty page is none beside it.
TEST(ExperimentsWindow, HasOnePrimaryButton)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.window->showPage(MainWindow::Experiments);
    ExperimentsPage& page = bench.window->experimentsPage();
    auto* way = page.findChild<widgets::WayButton*>();
    ASSERT_TRUE(way && way->isVisible());
    const QImage picture = way->grab().toImage();
    EXPECT_NE(picture.pixelColor(8, picture.height() / 2), widgets::tokensOf(page).accent);
    int primary = 0;
    for (const QWidget* side : {static_cast<const QWidget*>(&page), static_cast<const QWidget*>(page.side())})
        for (const auto* button : side->findChildren<QPushButton*>())
            primary += button->property("role").toString() == u"primary"_s && button->isVisible() ? 1 : 0;
    EXPECT_EQ(primary, 1);
}

TEST(ExperimentsWindow, ShowsWhatLiesInTheFolderAndDuplicatesIt)
{
    Json tool = showScript();
    tool["show"] = once(steps({Json{{"json", listing("thresholds", 0.1)}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    const QString folder = bench.runFolder() + u"/experiments"_s;
    makeFolder(folder + u"/first"_s);
    bench.session->experiments.setFolder(folder + u"/."_s);
    bench.window->showPage(MainWindow::Experiments);
    ExperimentsPage& page = bench.window->experimentsPage();
    ASSERT_TRUE(waitUntil([&] {
        return bench.session->experiments.entries().size() == 1 && bench.session->experiments.entries()[0].isRead;
    }));
    QString words;
    for (const QLabel* label : page.findChildren<QLabel*>())
        words += label->text();
    EXPECT_TRUE(words.contains(u"All is well."_s)) << words.toStdString();
    press(page, u"Duplicate and vary"_s);
    EXPECT_EQ(page.spec().kind, u"thresholds"_s);
    EXPECT_EQ(page.spec().prompts, u"base"_s);
    EXPECT_NE(page.spec().out, bench.session->experiments.entries()[0].path);
    for (QComboBox* box : page.findChildren<QComboBox*>())
        if (const int figure = box->findText(u"Figure: Errors"_s); figure >= 0) {
            box->setCurrentIndex(figure);
            emit box->activated(figure);
        }
    EXPECT_EQ(page.findChild<widgets::SvgView*>()->accessibleName(), u"Errors"_s);

    bench.command(u"Send this view to the report"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->report.items().size() == 1; }));
    const ReportItem sent = bench.session->report.items()[0];
    std::map<std::size_t, int> kinds;
    for (const report::Part& part : sent.parts)
        ++kinds[part.index()];
    EXPECT_EQ(kinds[report::Part(report::Picture()).index()], 1);
    EXPECT_GE(kinds[report::Part(report::Table()).index()], 1) << "its tables come with it";
    EXPECT_EQ(kinds[report::Part(report::Commands()).index()], 1);
    EXPECT_TRUE(sent.runs.empty()) << "an experiment is no run";
    bench.session->report.setExported();
}

TEST(ExperimentsWindow, QueuesWhatIsAskedForAndSaysWhatWentWrong)
{
    Json script = engineScript();
    script["experiment"] = once(steps({Json{
        {"error",
         {{"code", -32000}, {"message", "The disk is full."}, {"data", {{"exit_code", 7}, {"kind", "resource"}}}}}}}));
    Workbench bench(script, showScript());
    bench.start();
    ExperimentsPage& page = bench.window->experimentsPage();
    ExperimentSpec spec;
    spec.model = u"demo"_s;
    page.setSpec(spec);
    bench.window->showPage(MainWindow::Experiments);
    emit page.runWanted(page.spec(), false);
    ASSERT_EQ(bench.session->experiments.jobs().size(), 1U);
    ASSERT_TRUE(waitUntil([&] { return bench.session->experiments.jobs().empty(); }));
    EXPECT_TRUE(bench.session->experiments.problem().contains(u"disk is full"_s));
}

}
