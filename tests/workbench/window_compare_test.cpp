// The pages that set runs side by side, with scripted programs behind the window: claims compared, charts, exports.
#include "app/workbench/pages/compare_view.h"
#include "app/workbench/pages/coverage_view.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/map_view.h"
#include "app/workbench/pages/open_page.h"
#include "tests/workbench/support/bench.h"
#include "widgets/chart_panel.h"
#include "widgets/figure_view.h"
#include "widgets/segmented_control.h"
#include "widgets/token_heatmap.h"
#include "widgets/value_table.h"

#include <QAbstractButton>
#include <QSignalSpy>

#include <gtest/gtest.h>

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
    explicit Compared(const Json& diffSteps)
        : bench(engineScript(), script(diffSteps))
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
    static Json script(const Json& diffSteps)
    {
        Json tool = showScript();
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

}
