#include "widgets/error_legend.h"
#include "widgets/gallery/samples.h"
#include "widgets/heatmap_controls.h"
#include "widgets/segmented_control.h"
#include "widgets/token_heatmap.h"

#include <QComboBox>
#include <QMenu>
#include <QPushButton>
#include <QSignalSpy>
#include <QStandardItemModel>
#include <QTest>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace blockcert::widgets {

namespace {

class ControlsTest : public testing::Test {
protected:
    ControlsTest()
    {
        heatmap.resize(900, 600);
        heatmap.setMap(samples::tokenMap());
        controls.refreshMetrics();
        controls.resize(controls.sizeHint());
        controls.show();
    }

    void choose(const QString& text)
    {
        const QList<QAction*> actions = controls.menu()->actions();
        const auto found =
            std::find_if(actions.begin(), actions.end(), [&](const QAction* action) { return action->text() == text; });
        ASSERT_NE(found, actions.end()) << text.toStdString();
        (*found)->trigger();
    }

    TokenHeatmap heatmap;
    HeatmapControls controls{heatmap};
};

}

TEST_F(ControlsTest, WhatTheMenuSaysTheMapDoes)
{
    choose(QStringLiteral("Every prompt is a row"));
    EXPECT_EQ(heatmap.view().unit, RowUnit::Prompts);
    choose(QStringLiteral("Rows with the most striking first"));
    EXPECT_EQ(heatmap.view().rowOrder, RowOrder::Value);
    choose(QStringLiteral("Blocks with the most striking first"));
    EXPECT_EQ(heatmap.view().columnOrder, ColumnOrder::Value);
    choose(QStringLiteral("Several tokens: their mean"));
    EXPECT_EQ(heatmap.view().aggregate, Aggregate::Mean);
    choose(QStringLiteral("Linear colours"));
    EXPECT_EQ(heatmap.scaleKind(), ScaleKind::Linear);
    choose(QStringLiteral("One ramp, no break at τ"));
    EXPECT_TRUE(heatmap.hasPlainColours());
    QSignalSpy exported(&controls, &HeatmapControls::exportRequested);
    choose(QStringLiteral("Export this view…"));
    EXPECT_EQ(exported.count(), 1);
}

TEST_F(ControlsTest, TheMenuFollowsTheMap)
{
    heatmap.setPrompt(4);
    HeatmapLayout view = heatmap.view();
    view.rowOrder = RowOrder::Tag;
    heatmap.setView(view);
    for (const QAction* action : controls.menu()->actions()) {
        if (action->text() == QStringLiteral("Prompts by tag")) {
            EXPECT_TRUE(action->isChecked());
        }
    }
}

TEST_F(ControlsTest, WhereThereIsNoRoomTheMetricsAreAList)
{
    auto* list = controls.findChild<QComboBox*>();
    auto* segments = controls.findChild<SegmentedControl*>();
    EXPECT_TRUE(segments->isVisible());
    EXPECT_FALSE(list->isVisible());
    controls.resize(controls.minimumSizeHint());
    EXPECT_FALSE(segments->isVisible());
    EXPECT_TRUE(list->isVisible());
    QSignalSpy chosen(&controls, &HeatmapControls::metricChosen);
    list->setFocus();
    QTest::keyClick(list, Qt::Key_Down);
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(heatmap.metric(), chosen[0][0].value<Metric>());
}

TEST_F(ControlsTest, AMetricThatWasNeverMeasuredIsOff)
{
    auto map = std::make_shared<TokenMap>(*samples::tokenMap());
    for (auto& cell : map->cells)
        if (cell) {
            auto without = std::make_shared<MapCell>(*cell);
            without->kl.clear();
            cell = without;
        }
    heatmap.setMap(map);
    controls.refreshMetrics();
    const auto* items = qobject_cast<QStandardItemModel*>(controls.findChild<QComboBox*>()->model());
    ASSERT_NE(items, nullptr);
    EXPECT_FALSE(items->item(static_cast<int>(Metric::Kl))->isEnabled());
    EXPECT_TRUE(items->item(static_cast<int>(Metric::Error))->isEnabled());
}

TEST(ErrorLegend, DraggingAnEndChangesTheRangeWhenItIsLetGo)
{
    ErrorLegend legend;
    legend.resize(700, 48);
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 1);
    legend.setScale(scale, Metric::Error);
    legend.show();
    const QRectF bar = legendBar(legend.rect(), scale);
    QSignalSpy chosen(&legend, &ErrorLegend::rangeChosen);
    const QPoint from(qRound(bar.left()), qRound(bar.center().y()));
    const QPoint to(qRound(bar.left() + bar.width() / 6), from.y());
    QTest::mousePress(&legend, Qt::LeftButton, {}, from);
    QTest::mouseMove(&legend, to);
    EXPECT_EQ(chosen.count(), 0) << "not while it is dragged";
    QTest::mouseRelease(&legend, Qt::LeftButton, {}, to);
    ASSERT_EQ(chosen.count(), 1);
    // A sixth of the bar is a third of the way from 1e-5 to 1e-2: one decade, within the pixel the pointer stands on.
    EXPECT_NEAR(std::log10(chosen[0][0].toDouble()), -4, 0.02);
    EXPECT_EQ(chosen[0][1].toDouble(), 1);
    QTest::mousePress(&legend, Qt::LeftButton, {}, QPoint(qRound(bar.right()), from.y()));
    QTest::mouseMove(&legend, QPoint(qRound(bar.left()), from.y()));
    QTest::mouseRelease(&legend, Qt::LeftButton, {}, QPoint(qRound(bar.left()), from.y()));
    EXPECT_GT(chosen.back()[1].toDouble(), 1e-2) << "the upper end stays above τ";
    QSignalSpy reset(&legend, &ErrorLegend::rangeReset);
    QTest::mouseDClick(&legend, Qt::LeftButton, {}, from);
    EXPECT_EQ(reset.count(), 1);
}

TEST(ErrorLegend, TheRangeCanBeChangedWithoutAPointer)
{
    ErrorLegend legend;
    legend.resize(700, 48);
    legend.setScale(ErrorScale::anchored(1e-5, 1e-2, 1), Metric::Error);
    legend.show();
    QSignalSpy chosen(&legend, &ErrorLegend::rangeChosen);
    QTest::keyClick(&legend, Qt::Key_Left);
    QTest::keyClick(&legend, Qt::Key_Right, Qt::ShiftModifier);
    ASSERT_EQ(chosen.count(), 2);
    EXPECT_LT(chosen[0][0].toDouble(), 1e-5);
    EXPECT_GT(chosen[1][1].toDouble(), 1);
    legend.setScale(ErrorScale::coverage(0.94), Metric::Coverage);
    QTest::keyClick(&legend, Qt::Key_Left);
    EXPECT_EQ(chosen.count(), 2) << "a share has its range";
}

}
