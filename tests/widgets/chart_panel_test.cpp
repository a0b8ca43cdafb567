#include "widgets/chart_panel.h"
#include "widgets/figure_view.h"
#include "widgets/gallery/samples.h"
#include "widgets/segmented_control.h"

#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <memory>

namespace blockcert::widgets {

namespace {

std::shared_ptr<const figure::Figure> figureOf(Chart chart)
{
    return std::make_shared<const figure::Figure>(chartFigure(*samples::tokenMap(), chart));
}

}

TEST(ChartPanel, AsksForWhatItShowsAndOnlyWhileItIsSeen)
{
    ChartPanel panel;
    panel.resize(700, 400);
    QSignalSpy wanted(&panel, &ChartPanel::figureWanted);
    panel.invalidate();
    EXPECT_EQ(wanted.count(), 0) << "nobody sees it";
    panel.show();
    ASSERT_EQ(wanted.count(), 1);
    EXPECT_EQ(wanted[0][0].value<Chart>(), Chart::CoverageByThreshold);
    panel.setBlock(11);
    EXPECT_EQ(wanted.count(), 2) << "the block is drawn beside the rest";
    panel.setChart(Chart::ErrorQuantiles);
    EXPECT_EQ(wanted.count(), 3);
    panel.setBlock(12);
    EXPECT_EQ(wanted.count(), 3) << "every block is there already";
    panel.invalidate();
    EXPECT_EQ(wanted.count(), 4);
}

TEST(ChartPanel, AnAnswerThatComesTooLateIsNotShown)
{
    ChartPanel panel;
    panel.resize(700, 400);
    panel.show();
    panel.setChart(Chart::ErrorQuantiles);
    panel.setFigure(Chart::CoverageByThreshold, -1, figureOf(Chart::CoverageByThreshold));
    EXPECT_EQ(panel.view().figure(), nullptr);
    const auto figure = figureOf(Chart::ErrorQuantiles);
    panel.setFigure(Chart::ErrorQuantiles, -1, figure);
    EXPECT_EQ(panel.view().figure(), figure);
}

TEST(ChartPanel, AClickOnAMeasurementChoosesItsBlock)
{
    ChartPanel panel;
    panel.resize(900, 500);
    panel.show();
    panel.setChart(Chart::MeanErrorByBlock);
    panel.setFigure(Chart::MeanErrorByBlock, -1, figureOf(Chart::MeanErrorByBlock));
    QSignalSpy chosen(&panel, &ChartPanel::blockChosen);
    auto* view = panel.findChild<FigureView*>();
    const figure::DataMark& mark = view->drawing().marks[11];
    QTest::mouseClick(view, Qt::LeftButton, {}, QPoint(qRound(mark.at.x), qRound(mark.at.y)));
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(chosen[0][0].toInt(), 11);
}

TEST(ChartPanel, WhatIsExportedIsWhatIsShown)
{
    ChartPanel panel;
    panel.resize(700, 400);
    panel.show();
    auto* button = panel.findChild<QPushButton*>(QString(), Qt::FindDirectChildrenOnly);
    ASSERT_NE(button, nullptr);
    EXPECT_FALSE(button->isEnabled()) << "there is nothing to export yet";
    panel.setFigure(Chart::CoverageByThreshold, -1, figureOf(Chart::CoverageByThreshold));
    QSignalSpy exported(&panel, &ChartPanel::exportRequested);
    QTest::mouseClick(button, Qt::LeftButton);
    ASSERT_EQ(exported.count(), 1);
    EXPECT_EQ(exported[0][0].value<ViewExport>().title.toStdString(), "Activation coverage by threshold");
}

}
