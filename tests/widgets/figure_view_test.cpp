#include "engine/figure/svg.h"
#include "widgets/chart_figures.h"
#include "widgets/figure_view.h"
#include "widgets/gallery/samples.h"

#include <QApplication>
#include <QImage>
#include <QPainter>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace blockcert::widgets {

namespace {

std::shared_ptr<const figure::Figure> small()
{
    auto figure = std::make_shared<figure::Figure>();
    figure->title = "A title";
    figure->panels.resize(1);
    figure->panels[0].x.label = "block";
    figure->panels[0].y.label = "error";
    figure->panels[0].y.scale = figure::Scale::Log;
    figure->panels[0].series = {{"one", figure::Mark::LineMarkers, {{0, 1e-3}, {1, 1e-2}, {2, {}}, {3, 1e-1}}},
                                {"two", figure::Mark::LineMarkers, {{0, 2e-1}, {1, 3e-1}, {3, 4e-1}}}};
    return figure;
}

double luminance(const QColor& colour)
{
    const auto channel = [](double value) {
        return value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * channel(colour.redF()) + 0.7152 * channel(colour.greenF()) + 0.0722 * channel(colour.blueF());
}

double contrast(const QColor& a, const QColor& b)
{
    const double one = luminance(a);
    const double other = luminance(b);
    return (std::max(one, other) + 0.05) / (std::min(one, other) + 0.05);
}

// The lowest row of an image that is not white, for text painted on the base line 40.
int lowestInk(const std::string& text)
{
    QImage image(200, 80, QImage::Format_RGB32);
    image.fill(Qt::white);
    figure::Drawing drawing;
    drawing.shapes.emplace_back(figure::TextShape{{20, 40}, text, 24});
    QPainter painter(&image);
    paintDrawing(painter, drawing, printTokens(), Qt::white);
    painter.end();
    int lowest = -1;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            if (image.pixelColor(x, y).lightness() < 128)
                lowest = y;
    return lowest;
}

}

TEST(FigureView, SetsSubscriptsLowAsTheWrittenFigureDoes)
{
    EXPECT_LE(lowestInk("WH"), 40);
    EXPECT_GT(lowestInk("W_H"), 42);
    EXPECT_EQ(lowestInk("W_H = 1"), lowestInk("W_H"));
}

TEST(FigureView, ANormBesideAnAxisIsTwoLinesAndNoGreyBox)
{
    QImage image(60, 60, QImage::Format_RGB32);
    image.fill(Qt::white);
    figure::Drawing drawing;
    figure::TextShape text{{30, 30}, "‖", 11};
    text.turned = -90;
    drawing.shapes.emplace_back(text);
    QPainter painter(&image);
    paintDrawing(painter, drawing, printTokens(), Qt::white);
    painter.end();
    std::vector<int> darkest; // of every row that has ink and those between
    for (int y = 0; y < image.height(); ++y) {
        int lightness = 255;
        for (int x = 0; x < image.width(); ++x)
            lightness = std::min(lightness, image.pixelColor(x, y).lightness());
        darkest.push_back(lightness);
    }
    const auto isInk = [](int lightness) { return lightness < 200; };
    const auto first = std::ranges::find_if(darkest, isInk);
    ASSERT_NE(first, darkest.end());
    const auto gap = std::find_if_not(first, darkest.end(), isInk);
    EXPECT_NE(std::find_if(gap, darkest.end(), isInk), darkest.end()) << "one block of ink";
}

TEST(FigureView, EveryMeasurementIsAMarkWhereItsMarkerIs)
{
    FigureView view;
    view.resize(600, 400);
    view.setFigure(small());
    ASSERT_EQ(view.drawing().marks.size(), 6U) << "a missing y is no mark";
    for (const figure::DataMark& mark : view.drawing().marks) {
        EXPECT_GT(mark.at.x, 0);
        EXPECT_LT(mark.at.x, view.width());
        EXPECT_GT(mark.at.y, 0);
        EXPECT_LT(mark.at.y, view.height());
    }
    // On a log axis equal ratios are equal distances.
    const auto& marks = view.drawing().marks;
    EXPECT_NEAR(marks[0].at.y - marks[1].at.y, marks[1].at.y - marks[2].at.y, 1e-6); // three logarithms
}

TEST(FigureView, ThePointerAndTheKeysTellTheNumbersWithAllDigits)
{
    FigureView view;
    view.resize(600, 400);
    view.setFigure(small());
    view.show();
    const figure::Place at = view.drawing().marks[1].at;
    QSignalSpy chosen(&view, &FigureView::pointChosen);
    QTest::mouseClick(&view, Qt::LeftButton, {}, QPoint(qRound(at.x), qRound(at.y)));
    EXPECT_EQ(view.currentText().toStdString(), "one: 1 → 0.01");
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(chosen[0][1].toDouble(), 1e-2);
    QTest::keyClick(&view, Qt::Key_Right);
    EXPECT_EQ(view.currentText().toStdString(), "one: 3 → 0.1");
    QTest::keyClick(&view, Qt::Key_Up);
    EXPECT_EQ(view.currentText().toStdString(), "two: 3 → 0.4");
    QTest::keyClick(&view, Qt::Key_Right);
    EXPECT_EQ(view.currentText().toStdString(), "two: 3 → 0.4") << "the end of the series";
    QTest::keyClick(&view, Qt::Key_Escape);
    EXPECT_EQ(view.currentText().toStdString(), "");
}

TEST(FigureView, TheSvgIsTheOneThatRunsWrite)
{
    const auto figure = small();
    EXPECT_EQ(exportBytes(figureExport(*figure), ExportFormat::Svg).toStdString(), figure::writeSvg(*figure));
    const QString csv = QString::fromUtf8(exportBytes(figureExport(*figure), ExportFormat::Csv));
    EXPECT_NE(csv.indexOf(QStringLiteral("\n,one,0,0.001,,\n")), -1) << csv.toStdString();
    EXPECT_NE(csv.indexOf(QStringLiteral("\n,one,2,,,\n")), -1) << "missing is empty";
    EXPECT_TRUE(exportBytes(figureExport(*figure), ExportFormat::Pdf).startsWith("%PDF-"));
    EXPECT_FALSE(QImage::fromData(exportBytes(figureExport(*figure), ExportFormat::Png), "PNG").isNull());
}

TEST(FigureView, SeriesAreReadableInBothAppearances)
{
    for (const Tokens* tokens : {&lightTokens(), &darkTokens()})
        for (int series = 0; series < 8; ++series)
            EXPECT_GE(contrast(inkColour({figure::Ink::Series, series}, *tokens, tokens->window), tokens->window), 4.5)
                << (tokens->dark ? "dark " : "light ") << series;
}

TEST(FigureView, FollowsItsSizeAndPaintsNothingWithoutAFigure)
{
    FigureView view;
    view.resize(500, 300);
    view.show();
    EXPECT_FALSE(view.grab().isNull());
    view.setFigure(std::make_shared<figure::Figure>(chartFigure(*samples::tokenMap(), Chart::ErrorQuantiles)), false);
    EXPECT_NEAR(view.drawing().width, 500, 1);
    EXPECT_NEAR(view.drawing().height, 300, 2);
    view.resize(900, 500);
    EXPECT_NEAR(view.drawing().width, 900, 1);
    EXPECT_NEAR(view.drawing().height, 500, 2);
}

}
