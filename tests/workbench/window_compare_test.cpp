// The pages that set runs side by side, with scripted programs behind the window: claims compared, charts, exports.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/compare_view.h"
#include "app/workbench/pages/coverage_view.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/map_view.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/shell/command_palette.h"
#include "tests/workbench/support/bench.h"
#include "widgets/block_table.h"
#include "widgets/chart_panel.h"
#include "widgets/coverage_strip.h"
#include "widgets/failure_table.h"
#include "widgets/figure_view.h"
#include "widgets/rail.h"
#include "widgets/segmented_control.h"
#include "widgets/state_badge.h"
#include "widgets/token_heatmap.h"
#include "widgets/value_table.h"

#include <QAbstractButton>
#include <QApplication>
#include <QClipboard>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QLineEdit>
#include <QListWidget>
#include <QSignalSpy>
#include <QTest>
#include <QTimer>

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::once;
using testing::showScript;
using testing::steps;
using testing::waitUntil;
using testing::Workbench;

Json diffAnswer()
{
    const auto change = [](const char* kind, const char* code, Json block, Json prompt, Json a, Json b, Json delta) {
        return Json{
            {"kind", kind},      {"code", code},      {"block", std::move(block)}, {"prompt", std::move(prompt)},
            {"stitch", nullptr}, {"a", std::move(a)}, {"b", std::move(b)},         {"delta", std::move(delta)}};
    };
    Json changes = Json::array();
    changes.push_back(change("weaker", "epsilon", 2, nullptr, 0.01, 0.030000000000000002, 0.020000000000000004));
    changes.push_back(change("weaker", "prompt_missing", nullptr, "b", 2, nullptr, nullptr));
    changes.push_back(change("other", "surrogate", nullptr, nullptr, "exact", "quant:Q8_0", nullptr));
    const auto pair = [](double a, double b) { return Json{{"a", a}, {"b", b}, {"delta", b - a}}; };
    Json cells = Json::array();
    cells.push_back({{"block", 2},
                     {"prompt", 0},
                     {"prompt_b", 0},
                     {"id", "a"},
                     {"tokens", 3},
                     {"metrics", {{"epsilon", pair(0.01, 0.03)}, {"activation_coverage", pair(1, 0.5)}}}});
    return {{"schema", "blockcert.diff/1"},
            {"result", "weaker"},
            {"tolerance", 0},
            {"weaker", 2},
            {"stronger", 0},
            {"other", 1},
            {"changes", changes},
            {"prompts",
             {{"common", 1},
              {"only_a", Json::array({{{"prompt", 1}, {"id", "b"}, {"tokens", 2}}})},
              {"only_b", Json::array()}}},
            {"blocks", Json::array()},
            {"cells", cells},
            {"stitches", Json::array()},
            {"a", Json::object()},
            {"b", Json::object()}};
}

// A window that compares two runs, up to the answer of `diff`.
class Compared {
public:
    explicit Compared(const Json& diffSteps, const Json& show = showScript())
        : bench(engineScript(), script(diffSteps, show))
    {
        bench.start();
        bench.drop(bench.makeRunFolder(u"a.blockcert"_s, true));
        EXPECT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
        emit bench.window->openPage().compareWanted(bench.makeRunFolder(u"b.blockcert"_s, true));
        EXPECT_TRUE(waitUntil([&] {
            return bench.session->diff.get().state != Loadable<RunDiff>::State::Empty &&
                   !bench.session->diff.get().isLoading();
        }));
    }

    [[nodiscard]] CompareView& view() const { return *bench.window->findChild<CompareView*>(); }

    [[nodiscard]] widgets::ValueTable& table(const QString& name) const
    {
        for (widgets::ValueTable* table : view().findChildren<widgets::ValueTable*>())
            if (table->accessibleName().startsWith(name))
                return *table;
        ADD_FAILURE() << "no table " << name.toStdString();
        return *view().findChild<widgets::ValueTable*>();
    }

    Workbench bench;

private:
    static Json script(const Json& diffSteps, Json tool)
    {
        tool["diff"] = once(diffSteps);
        return tool;
    }
};

std::string textAt(const QAbstractItemModel& model, int row, int column)
{
    return model.index(row, column).data().toString().toStdString();
}

}

TEST(CompareWindow, ListsWhatBClaimsLessOfAtFullPrecision)
{
    // Exit code 1 says that something is weaker; it is an answer and no fault.
    const Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}));
    ASSERT_TRUE(compared.bench.session->diff.get().isReady());
    compared.view().showPart(CompareView::Claims);
    const QAbstractItemModel& changes = *compared.table(u"What changed"_s).model();
    ASSERT_EQ(changes.rowCount(), 2) << "the weaker ones first";
    EXPECT_EQ(textAt(changes, 0, 1), "block 2");
    EXPECT_EQ(textAt(changes, 0, 3), "0.030000000000000002");
    EXPECT_EQ(textAt(changes, 0, 4), "+0.020000000000000004");
    EXPECT_EQ(textAt(changes, 1, 1), "prompt b");
    QString words;
    for (const QLabel* label : compared.view().findChildren<QLabel*>())
        words += label->text() + u'\n';
    EXPECT_TRUE(words.contains(u"Surrogate: exact in A, quant:Q8_0 in B"_s)) << words.toStdString();
    EXPECT_TRUE(words.contains(u"B claims less than A in 2 points"_s)) << words.toStdString();
}

// B's errors are a thousand times A's, and its certificates are of another model.
Json twoRuns()
{
    Json other = testing::showAnswer("other", true);
    other["command"] = "blockcert certify other";
    for (Json& cell : other["cells"])
        for (Json& error : cell["error"])
            error = error.get<double>() * 1000;
    for (Json& certificate : other["certificates"])
        certificate["subject"]["model"] = "othermodel";
    Json scenarios = Json::array();
    scenarios.push_back(steps({Json{{"json", testing::showAnswer("run", true)}}}));
    scenarios.push_back(steps({Json{{"json", other}}}));
    return {{"show", scenarios}};
}

void choose(ExplorePage& page, const QString& side)
{
    ASSERT_TRUE(waitUntil([&] {
        for (QAbstractButton* button : page.findChildren<QAbstractButton*>())
            if (button->text() == side && button->isVisible()) {
                button->click();
                return true;
            }
        return false;
    })) << side.toStdString();
}

TEST(CompareWindow, EverythingSpeaksOfTheShownSide)
{
    Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}), twoRuns());
    ExplorePage& page = compared.bench.window->explorePage();
    auto* map = page.findChild<MapView*>()->findChild<widgets::TokenHeatmap*>();
    const double ownHigh = widgets::ErrorScale::fitted(*page.map(), widgets::Metric::Error).high();
    page.showView(ExplorePage::Map);
    page.select({1, 0, 0});
    ASSERT_TRUE(waitUntil([&] { return map->scale().high() > ownHigh; })) << "one range for both, from the first";
    const widgets::ErrorScale shared = map->scale();
    EXPECT_EQ(page.shownSide(), ExplorePage::Side::A);
    EXPECT_TRUE(testing::wordsOf(page).contains(u"A, run: "_s)) << testing::wordsOf(page).toStdString();
    EXPECT_TRUE(testing::wordsOf(page).contains(u"Error by token and block · A, run"_s));

    choose(page, u"B"_s);
    EXPECT_EQ(page.shownMap()->run, u"other"_s);
    EXPECT_EQ(map->map(), page.shownMap());
    EXPECT_TRUE(map->scale().sameRange(shared)) << "the same colour is the same number";
    EXPECT_TRUE(page.shownRun()->path.endsWith(u"b.blockcert"_s));
    const QString words = testing::wordsOf(page);
    EXPECT_TRUE(words.contains(u"B, other: "_s) && !words.contains(u"A, run: "_s)) << words.toStdString();
    EXPECT_TRUE(words.contains(u"Error by token and block · B, other"_s));
    emit page.certificateWanted(1);
    EXPECT_TRUE(testing::wordsOf(*compared.bench.window->findChild<CertificatePage*>()).contains(u"othermodel"_s));
    compared.bench.window->showPage(MainWindow::Explore);
    compared.bench.command(u"Copy as command"_s);
    EXPECT_EQ(QGuiApplication::clipboard()->text(), u"blockcert certify other"_s);

    page.showView(ExplorePage::Coverage);
    auto* coverage = page.findChild<CoverageView*>();
    EXPECT_TRUE(waitUntil([&] { return testing::wordsOf(*coverage).contains(u"15 of 15 tokens"_s); }))
        << testing::wordsOf(*coverage).toStdString();
    page.showView(ExplorePage::Failures);
    EXPECT_EQ(page.shownSide(), ExplorePage::Side::A);
    EXPECT_TRUE(testing::wordsOf(page).contains(u"Failures are listed of A"_s));

    page.showView(ExplorePage::Map);
    choose(page, u"Δ"_s);
    EXPECT_TRUE(map->scale().isDiverging());
    EXPECT_FALSE(map->scale().hasThreshold());
    EXPECT_TRUE(testing::wordsOf(*page.side()).contains(u"B − A"_s)) << testing::wordsOf(*page.side()).toStdString();
    EXPECT_FALSE(testing::wordsOf(*page.side()).contains(u"τ"_s));
    compared.bench.command(u"Copy as command"_s);
    EXPECT_TRUE(QGuiApplication::clipboard()->text().startsWith(u"blockcert diff "_s));
}

// Δ stays chosen from view to view: strips mark what changes, charts draw both curves, the table subtracts; where there
// is no difference the page says so and keeps the switch.
TEST(CompareWindow, TheDifferenceIsInEveryView)
{
    Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}), twoRuns());
    ExplorePage& page = compared.bench.window->explorePage();
    page.showView(ExplorePage::Map);
    choose(page, u"Δ"_s);
    auto* table = page.findChild<widgets::BlockTable*>();
    const QAbstractItemModel& blocks = *table->model();
    EXPECT_TRUE(blocks.headerData(widgets::BlockTableModel::Epsilon, Qt::Horizontal).toString().startsWith(u"Δ ε"_s));
    EXPECT_EQ(textAt(blocks, 0, widgets::BlockTableModel::Epsilon), "0") << "the two certificates state the same";
    EXPECT_TRUE(textAt(blocks, 0, widgets::BlockTableModel::Worst).starts_with("prompt "));
    EXPECT_TRUE(testing::wordsOf(page).contains(u"B − A of what the certificates state"_s));

    page.showView(ExplorePage::Coverage);
    EXPECT_EQ(page.shownSide(), ExplorePage::Side::Change);
    auto* coverage = page.findChild<CoverageView*>();
    ASSERT_TRUE(waitUntil([&] { return testing::wordsOf(*coverage).contains(u"covered in A only"_s); }))
        << testing::wordsOf(*coverage).toStdString();
    ASSERT_TRUE(coverage->exported());
    EXPECT_TRUE(coverage->exported()->name.contains(u"difference"_s));

    page.showView(ExplorePage::Failures);
    EXPECT_EQ(page.shownSide(), ExplorePage::Side::A);
    EXPECT_TRUE(testing::wordsOf(page).contains(u"a difference is held against no threshold, so it has none"_s));
    QAbstractButton* change = nullptr;
    for (QAbstractButton* button : page.findChildren<QAbstractButton*>())
        if (button->text() == u"Δ"_s && button->isVisible())
            change = button;
    ASSERT_TRUE(change) << "the switch stays";
    EXPECT_FALSE(change->isEnabled());

    page.showView(ExplorePage::Charts);
    EXPECT_EQ(page.shownSide(), ExplorePage::Side::Change) << "and what it was set to";
    auto* charts = page.findChild<widgets::ChartPanel*>();
    ASSERT_TRUE(waitUntil([&] {
        const auto& figure = charts->view().figure();
        return figure && figure->panels[0].series.size() == 2 && figure->panels[0].series[1].name == "B";
    }));
    const auto send = [&compared] {
        const std::size_t before = compared.bench.session->report.items().size();
        compared.bench.command(u"Send this view to the report"_s);
        EXPECT_TRUE(waitUntil([&] { return compared.bench.session->report.items().size() > before; }));
        return compared.bench.session->report.items().back();
    };
    page.showView(ExplorePage::Coverage);
    EXPECT_EQ(send().runs.size(), 2U);
    compared.bench.session->report.setExported();
}

// A is verified, B is not: what is of both carries neither's word alone, on the page and in the report.
TEST(CompareWindow, WhatIsOfBothSaysOfBothHowFarTheyWereChecked)
{
    const Json both = twoRuns();
    Workbench bench(engineScript(), Json{{"show", once(both["show"][0])}});
    bench.start();
    bench.drop(bench.makeRunFolder(u"a.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    Json other = once(both["show"][1]); // from now on, whoever asks
    other[0][0]["json"]["digest"] = std::string(64, 'e');
    bench.tool().rewrite(
        Json{{"show", other}, {"diff", once(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}))}}.dump());
    emit bench.window->openPage().compareWanted(bench.makeRunFolder(u"b.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->other.run().isReady() && bench.session->diff.get().isReady(); }));
    ExplorePage& page = bench.window->explorePage();
    const RunView a = *bench.session->run.run().value;
    const RunView b = *bench.session->other.run().value;
    ASSERT_NE(a.digest, b.digest);
    widgets::VerdictView verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 3;
    verdict.sentence = u"Verified at level 3 on these 5 tokens."_s;
    verdict.digest = a.digest;
    bench.session->verdicts.note(a.path, verdict);
    const auto badge = [&page] {
        for (const auto* one : page.findChildren<widgets::StateBadge*>())
            if (one->isVisibleTo(&page))
                return one->accessibleName().toStdString();
        return std::string();
    };
    page.showView(ExplorePage::Compare);
    EXPECT_EQ(badge(), "A verified at level 3 · B not verified");
    page.showView(ExplorePage::Map);
    EXPECT_EQ(badge(), "Verified at level 3");
    choose(page, u"Δ"_s);
    EXPECT_EQ(badge(), "A verified at level 3 · B not verified");

    const auto send = [&bench](std::size_t at) {
        bench.command(u"Send this view to the report"_s);
        EXPECT_TRUE(waitUntil([&] { return bench.session->report.items().size() == at + 1; }));
        return bench.session->report.items().back();
    };
    const auto check = [&](const ReportItem& item) {
        ASSERT_EQ(item.runs.size(), 2U);
        EXPECT_EQ(item.runs[0].digest, a.digest);
        EXPECT_EQ(item.runs[1].digest, b.digest);
        EXPECT_EQ(std::get<report::Statement>(item.parts[0]).standing, report::Standing::Verified);
        EXPECT_EQ(std::get<report::Statement>(item.parts[1]).standing, report::Standing::Claimed);
        EXPECT_TRUE(std::get<report::Statement>(item.parts[1]).sentence.starts_with("B, other: "));
    };
    check(send(0)); // the difference
    page.showView(ExplorePage::Compare);
    bench.window->findChild<CompareView*>()->showPart(CompareView::Chart);
    const ReportItem chart = send(1);
    check(chart);
    EXPECT_TRUE(std::any_of(chart.parts.begin(), chart.parts.end(), [](const report::Part& part) {
        return std::holds_alternative<figure::Figure>(part);
    })) << "the chart that is in view";
    const report::Document document =
        bench.session->report.document(u"now"_s, [](const ReportSource&) { return false; });
    QString commands;
    for (const report::Part& part : document.sections.back().parts)
        if (const auto* list = std::get_if<report::Commands>(&part))
            for (const std::string& line : list->lines)
                commands += QString::fromStdString(line) + u'\n';
    EXPECT_TRUE(commands.contains(b.digest) && commands.contains(u"blockcert verify b.blockcert\n"_s))
        << commands.toStdString();
    bench.session->report.setExported();
}

TEST(CompareWindow, ARestartBringsBackB)
{
    Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}), twoRuns());
    Workbench& bench = compared.bench;
    const QString a = bench.session->run.path();
    const QString b = bench.session->other.path();
    bench.stop();
    bench.tool().rewrite(twoRuns().dump());
    bench.start();
    bench.window->restorePlace();
    EXPECT_TRUE(waitUntil([&] { return bench.session->run.run().isReady() && bench.session->other.run().isReady(); }));
    EXPECT_EQ(bench.session->run.path(), a);
    EXPECT_EQ(bench.session->other.path(), b);
}

TEST(CompareWindow, VerifyAimsAtTheNewAAfterASwap)
{
    const Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}), twoRuns());
    emit compared.view().swapWanted();
    EXPECT_TRUE(compared.bench.session->run.path().endsWith(u"b.blockcert"_s));
    EXPECT_EQ(compared.bench.session->verdict.request().path, compared.bench.session->run.path());
}

TEST(ExploreWindow, TheMapHasTheKeysAfterACommandThatGoesThere)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"a.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ExplorePage& page = bench.window->explorePage();
    auto* view = page.findChild<MapView*>();
    auto* map = view->findChild<widgets::TokenHeatmap*>();
    auto* rail = bench.window->findChild<widgets::Rail*>();
    rail->setFocus();
    bench.command(u"Explore: map"_s);
    EXPECT_EQ(bench.window->focusWidget(), map);
    rail->setFocus();
    bench.command(u"Search everything"_s);
    auto* palette = bench.window->findChild<CommandPalette*>();
    ASSERT_TRUE(palette);
    palette->findChild<QLineEdit*>()->setText(u"Go to block 1"_s);
    QTest::keyClick(palette->findChild<QLineEdit*>(), Qt::Key_Return);
    EXPECT_EQ(bench.window->focusWidget(), map);
    view->setMetric(widgets::Metric::Margin);
    page.stepToUncovered(1);
    EXPECT_TRUE(testing::wordsOf(*view).contains(u"There is no next one"_s)) << "not silent where there is none";
}

// A shared range is another range of the same kind of scale: coverage stays coverage, with 1 at the good end.
TEST(CompareWindow, KeepsTheKindOfScaleOfTheMap)
{
    const Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}));
    auto* view = compared.bench.window->explorePage().findChild<MapView*>();
    auto* map = view->findChild<widgets::TokenHeatmap*>();
    ASSERT_TRUE(map && waitUntil([&] { return map->map() != nullptr; }));
    compared.bench.window->explorePage().showView(ExplorePage::Map);
    const std::shared_ptr<const widgets::TokenMap> own = map->map();
    ASSERT_TRUE(waitUntil([&] {
        for (QAbstractButton* button : compared.bench.window->explorePage().findChildren<QAbstractButton*>())
            if (button->text() == u"B"_s && button->isVisible())
                button->click();
        return map->map() != own;
    }));
    view->setMetric(widgets::Metric::Coverage);
    EXPECT_TRUE(map->scale().isCoverage());
    EXPECT_TRUE(map->scale().isWithin(1));
    EXPECT_FALSE(map->scale().isWithin(0));
    view->setMetric(widgets::Metric::Margin);
    EXPECT_EQ(map->scale().striking(), widgets::Striking::Small);
    view->setMetric(widgets::Metric::Error);
    EXPECT_TRUE(map->scale().hasThreshold());
}

TEST(CompareWindow, AChosenPromptBecomesTheSelection)
{
    const Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}));
    compared.view().showPart(CompareView::Prompts);
    widgets::ValueTable& cells = compared.table(u"A and B, block and prompt"_s);
    ASSERT_EQ(cells.model()->rowCount(), 1);
    cells.setCurrentIndex(cells.model()->index(0, 0));
    EXPECT_EQ(compared.bench.window->explorePage().selection(), (widgets::CellKey{2, 0, 0}));
}

TEST(CompareWindow, SaysWhyTheClaimsCouldNotBeCompared)
{
    const Compared compared(steps({Json{{"log", "blockcert: run.json is of schema 9."}}, Json{{"exit", 4}}}));
    EXPECT_FALSE(compared.bench.session->diff.get().isReady());
    QString words;
    for (const QLabel* label : compared.view().findChildren<QLabel*>())
        words += label->text() + u'\n';
    EXPECT_TRUE(words.contains(u"schema 9"_s)) << words.toStdString();
}

TEST(CompareWindow, ExportsTheChartWithTheTableThatIsShown)
{
    const Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}));
    QObject::disconnect(&compared.view(), &CompareView::exportWanted, nullptr, nullptr); // no dialog here
    QSignalSpy exported(&compared.view(), &CompareView::exportWanted);
    compared.view().showPart(CompareView::Claims);
    for (QAbstractButton* button : compared.view().findChildren<QAbstractButton*>())
        if (button->text() == u"Export…"_s)
            button->click();
    ASSERT_EQ(exported.count(), 1);
    const auto view = exported[0][0].value<widgets::ViewExport>();
    const QByteArray csv = widgets::exportBytes(view, widgets::ExportFormat::Csv);
    EXPECT_TRUE(csv.contains("+0.020000000000000004") || csv.contains("0.020000000000000004")) << csv.toStdString();
    EXPECT_TRUE(widgets::exportBytes(view, widgets::ExportFormat::Svg).contains("<svg"));
}

TEST(ChartsWindow, DrawsTheChartsOfTheOpenedRunAndFollowsTheBlock)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"a.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Charts);
    auto* charts = page.findChild<widgets::ChartPanel*>();
    ASSERT_TRUE(waitUntil([&] { return charts->view().figure() != nullptr; }));
    page.select({1, 0, 0});
    ASSERT_TRUE(waitUntil([&] { return charts->view().figure()->panels[0].series.size() == 3; }))
        << "all, the least covered, and the chosen block";
    QObject::disconnect(&page, &ExplorePage::viewExportWanted, nullptr, nullptr); // no dialog here
    QSignalSpy exported(&page, &ExplorePage::viewExportWanted);
    emit charts->blockChosen(2);
    EXPECT_EQ(page.selection().block, 2);
    for (QAbstractButton* button : charts->findChildren<QAbstractButton*>())
        if (button->text() == u"Export…"_s)
            button->click();
    EXPECT_EQ(exported.count(), 1);
}

TEST(CoverageWindow, IsExportedWithEveryToken)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"a.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Coverage);
    QObject::disconnect(&page, &ExplorePage::viewExportWanted, nullptr, nullptr); // no dialog here
    QSignalSpy exported(&page, &ExplorePage::viewExportWanted);
    auto* coverage = page.findChild<CoverageView*>();
    ASSERT_TRUE(waitUntil([&] {
        for (QAbstractButton* button : coverage->findChildren<QAbstractButton*>())
            if (button->text() == u"Export…"_s && button->isEnabled())
                button->click();
        return exported.count() > 0;
    }));
    const auto view = exported[0][0].value<widgets::ViewExport>();
    EXPECT_EQ(view.table().rows.size(), 15U) << "three blocks, five tokens";
}

TEST(CompareWindow, AnExportedDifferenceNamesItsRunsAndBothNumbers)
{
    Compared compared(steps({Json{{"json", diffAnswer()}}, Json{{"exit", 1}}}), twoRuns());
    ExplorePage& page = compared.bench.window->explorePage();
    const RunView a = *compared.bench.session->run.run().value;
    const RunView b = *compared.bench.session->other.run().value;
    page.showView(ExplorePage::Map);
    EXPECT_TRUE(widgets::exportBytes(*page.exported(), widgets::ExportFormat::Csv)
                    .contains("# run_digest: " + a.digest.toUtf8() + '\n'));
    choose(page, u"Δ"_s);
    const std::optional<widgets::ViewExport> view = page.exported();
    ASSERT_TRUE(view);
    const QByteArray csv = widgets::exportBytes(*view, widgets::ExportFormat::Csv);
    const auto has = [&csv](const QByteArray& line) { return csv.contains("# " + line + '\n'); };
    EXPECT_TRUE(has("a_run_digest: " + a.digest.toUtf8())) << csv.toStdString();
    EXPECT_TRUE(has("b_run_digest: " + b.digest.toUtf8()));
    EXPECT_TRUE(has("a_tau_act: 0.01") && has("b_tau_act: 0.01"));
    EXPECT_FALSE(csv.contains("–")) << "a difference has no threshold, so none is named";
    const widgets::ExportTable table = view->table();
    EXPECT_FALSE(table.columns.contains(u"within_threshold"_s));
    const auto column = [&table](const QString& name) { return table.columns.indexOf(name); };
    ASSERT_GE(column(u"covered_b"_s), 0);
    int compares = 0;
    for (const QStringList& row : table.rows) {
        if (row[column(u"value"_s)].isEmpty())
            continue;
        ++compares;
        const double inA = row[column(u"value_a"_s)].toDouble();
        const double inB = row[column(u"value_b"_s)].toDouble();
        EXPECT_EQ(row[column(u"value"_s)].toDouble(), inB - inA);
        EXPECT_EQ(row[column(u"covered_a"_s)], inA <= a.map->thresholds.tauAct ? u"1"_s : u"0"_s);
        EXPECT_EQ(row[column(u"covered_b"_s)], inB <= a.map->thresholds.tauAct ? u"1"_s : u"0"_s);
    }
    EXPECT_GT(compares, 0);

    page.showView(ExplorePage::Charts);
    auto* charts = page.findChild<widgets::ChartPanel*>();
    ASSERT_TRUE(waitUntil([&] {
        return charts->view().figure() && charts->view().figure()->panels[0].series.size() == 2 &&
               charts->view().figure()->panels[0].series[1].name == "B";
    }));
    const QByteArray svg = widgets::exportBytes(*page.exported(), widgets::ExportFormat::Svg);
    EXPECT_TRUE(svg.contains(a.digest.toUtf8()) && svg.contains(b.digest.toUtf8()));
    page.showView(ExplorePage::Compare);
    EXPECT_TRUE(widgets::exportBytes(*page.exported(), widgets::ExportFormat::Csv).contains(b.digest.toUtf8()));
}

// Answers the next dialog for a file with this path, once it is there.
void answerFileDialog(QObject& context, const QString& path)
{
    auto* timer = new QTimer(&context);
    QObject::connect(timer, &QTimer::timeout, timer, [timer, path] {
        for (QWidget* widget : QApplication::topLevelWidgets())
            if (auto* dialog = qobject_cast<QFileDialog*>(widget); dialog && dialog->isVisible()) {
                timer->deleteLater();
                dialog->findChild<QLineEdit*>(u"fileNameEdit"_s)->setText(path);
                static_cast<QDialog*>(dialog)->done(QDialog::Accepted);
                return;
            }
    });
    timer->start(20);
}

TEST(ExportWindow, IsFoundByNameByRightClickAndOnThePage)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    const QString folder = bench.makeRunFolder(u"a.blockcert"_s, true);
    bench.drop(folder);
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Map);
    bench.command(u"Search everything"_s);
    auto* palette = bench.window->findChild<CommandPalette*>();
    ASSERT_TRUE(palette);
    palette->findChild<QLineEdit*>()->setText(u"export"_s);
    QStringList found;
    auto* list = palette->findChild<QListWidget*>();
    for (int row = 0; row < list->count(); ++row)
        found << list->item(row)->text();
    EXPECT_TRUE(found.contains(u"Export this view as…"_s)) << found.join(u", "_s).toStdString();
    palette->close();

    const auto offers = [](const QWidget& view) {
        QStringList texts;
        for (const QAction* action : view.actions())
            texts << action->text();
        return view.contextMenuPolicy() == Qt::ActionsContextMenu ? texts : QStringList();
    };
    EXPECT_TRUE(offers(*page.findChild<widgets::TokenHeatmap*>()).contains(u"Export this view as…"_s));
    EXPECT_TRUE(offers(*page.findChild<widgets::CoverageStrip*>()).contains(u"Export this view as…"_s));
    EXPECT_TRUE(offers(*page.findChild<widgets::FigureView*>()).contains(u"Export this view as…"_s));
    EXPECT_TRUE(offers(*page.findChild<widgets::FailureTable*>()).contains(u"Export this table as…"_s));
    const auto* blocks = page.findChild<widgets::BlockTable*>();
    EXPECT_TRUE(offers(*blocks).contains(u"Export this table as…"_s));
    EXPECT_TRUE(offers(*blocks).contains(u"Show the certificate of this block"_s)) << "what was there stays";
    const auto* mapView = page.findChild<MapView*>();
    EXPECT_TRUE(std::ranges::any_of(mapView->findChildren<QAbstractButton*>(), [](const QAbstractButton* button) {
        return button->text() == u"Export…"_s && button->isVisible();
    }));

    const QString map = QFileInfo(folder).absolutePath() + u"/map.csv"_s;
    answerFileDialog(*bench.window, map);
    bench.command(u"Export this view as…"_s);
    ASSERT_TRUE(waitUntil([&] { return QFileInfo::exists(map); }));
    const QString table = QFileInfo(folder).absolutePath() + u"/blocks.csv"_s;
    answerFileDialog(*bench.window, table);
    for (QAction* action : blocks->actions())
        if (action->text() == u"Export this table as…"_s)
            action->trigger();
    ASSERT_TRUE(waitUntil([&] { return QFileInfo::exists(table); }));
    QFile file(table);
    ASSERT_TRUE(file.open(QIODevice::ReadOnly));
    const QByteArray csv = file.readAll();
    EXPECT_TRUE(csv.contains("Block,ε,MAE,Activation")) << csv.toStdString();
    EXPECT_EQ(csv.count('\n'), 3 + 1 + 3) << "title, scope and digest, a header, three blocks";
    EXPECT_TRUE(csv.contains("# run_digest: " + bench.session->run.run().value->digest.toUtf8()));
}

}
