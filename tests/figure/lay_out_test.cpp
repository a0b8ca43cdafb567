// Where things lie: nothing outside the page, no text upon text, and every value where its axis says.
#include "engine/figure/lay_out.h"
#include "engine/figure/text_width.h"
#include "tests/figure/sample_figures.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace blockcert::figure {
namespace {

struct Extent {
    double left = 0, top = 0, right = 0, bottom = 0;
};

// Around a text, turned ones included.
Extent extentOf(const TextShape& text)
{
    const double width = textWidth(text.text, text.size, text.strong);
    const double begin = text.anchor == Anchor::Start ? 0 : text.anchor == Anchor::Middle ? -width / 2 : -width;
    const double angle = text.turned * std::numbers::pi / 180;
    Extent extent{1e9, 1e9, -1e9, -1e9};
    for (const double x : {begin, begin + width})
        for (const double y : {-0.8 * text.size, 0.25 * text.size}) {
            const double px = text.at.x + x * std::cos(angle) - y * std::sin(angle);
            const double py = text.at.y + x * std::sin(angle) + y * std::cos(angle);
            extent = {std::min(extent.left, px), std::min(extent.top, py), std::max(extent.right, px),
                      std::max(extent.bottom, py)};
        }
    return extent;
}

std::vector<TextShape> textsOf(const Drawing& drawing)
{
    std::vector<TextShape> texts;
    for (const Shape& shape : drawing.shapes)
        if (const auto* text = std::get_if<TextShape>(&shape))
            texts.push_back(*text);
    return texts;
}

std::vector<Place> placesOf(const Shape& shape)
{
    if (const auto* line = std::get_if<LineShape>(&shape))
        return line->points;
    if (const auto* area = std::get_if<AreaShape>(&shape))
        return area->points;
    if (const auto* disc = std::get_if<DiscShape>(&shape))
        return {disc->centre};
    return {};
}

void expectInsideAndApart(const Figure& figure)
{
    const Drawing drawing = layOut(figure);
    for (const Shape& shape : drawing.shapes)
        for (const Place& place : placesOf(shape)) {
            EXPECT_TRUE(std::isfinite(place.x) && std::isfinite(place.y));
            EXPECT_GE(place.x, -0.01);
            EXPECT_LE(place.x, drawing.width + 0.01);
            EXPECT_GE(place.y, -0.01);
            EXPECT_LE(place.y, drawing.height + 0.01);
        }
    const auto texts = textsOf(drawing);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const Extent a = extentOf(texts[i]);
        EXPECT_GE(a.left, -0.5) << texts[i].text;
        EXPECT_LE(a.right, drawing.width + 0.5) << texts[i].text;
        EXPECT_GE(a.top, -0.5) << texts[i].text;
        EXPECT_LE(a.bottom, drawing.height + 0.5) << texts[i].text;
        for (std::size_t j = 0; j < i; ++j) {
            if (texts[i].turned != 0 && texts[j].turned == texts[i].turned)
                continue; // parallel turned labels: their upright boxes overlap, they do not
            const Extent b = extentOf(texts[j]);
            const bool apart =
                a.left >= b.right - 1 || b.left >= a.right - 1 || a.top >= b.bottom - 1 || b.top >= a.bottom - 1;
            const bool exponent = texts[i].size != texts[j].size && std::abs(a.left - b.right) < 2;
            EXPECT_TRUE(apart || exponent) << texts[i].text << " lies upon " << texts[j].text;
        }
    }
}

TEST(LayOut, KeepsEverythingOnThePageAndTextsApart)
{
    expectInsideAndApart(test::curvesAndBars());
    expectInsideAndApart(test::cells());
}

TEST(LayOut, HoldsWithManyPanelsLongNamesAndManyCategories)
{
    Figure figure = test::curvesAndBars();
    figure.columns = 3;
    figure.title = std::string(300, 'W');
    figure.scope = "a scope of many words, again and again and again and again and again and again and again and again";
    figure.panels.push_back(figure.panels[1]);
    figure.panels.push_back(figure.panels[0]);
    figure.panels[2].x.categories = {};
    for (int i = 0; i < 80; ++i)
        figure.panels[2].x.categories.push_back("category " + std::to_string(i));
    for (int i = 0; i < 20; ++i)
        figure.panels[3].series.push_back({"a series of a long name " + std::to_string(i), Mark::Markers, {{1, 1e-3}}});
    expectInsideAndApart(figure);
}

std::vector<TextShape> textsAmong(const Figure& figure, const std::vector<std::string>& names)
{
    std::vector<TextShape> found;
    for (const TextShape& text : textsOf(layOut(figure)))
        if (std::ranges::find(names, text.text) != names.end())
            found.push_back(text);
    return found;
}

TEST(LayOut, BreaksNamesIntoLinesBeforeItTurnsThem)
{
    Figure figure = test::curvesAndBars();
    figure.columns = 1;
    figure.width = 400;
    figure.panels = {{"bars", {}, {}, {{"s", Mark::Bars, {{0, 1}, {1, 2}, {2, 3}, {3, 1}, {4, 2}}}}}};
    figure.panels[0].x.categories = {"extract the chosen blocks", "noise-wq:0.01", "invert-mask", "exact",
                                     "with exact loss coverage"};
    expectInsideAndApart(figure);
    for (const TextShape& text : textsOf(layOut(figure)))
        EXPECT_EQ(text.turned, 0) << text.text;
    const std::vector<std::string>& names = figure.panels[0].x.categories;
    EXPECT_EQ(textsAmong(figure, {names[0], names[4]}).size(), 0U) << "too wide for one line";
    EXPECT_EQ(textsAmong(figure, {"coverage"}).size(), 1U);
}

TEST(LayOut, TurnsNamesThatCannotBeBrokenAndKeepsThemOnThePage)
{
    Figure figure = test::curvesAndBars();
    figure.columns = 1;
    figure.width = 400;
    figure.panels = {{"bars", {}, {}, {{"s", Mark::Bars, {{0, 1}, {1, 2}, {2, 3}}}}}};
    figure.panels[0].x.categories = {"an_unbreakable_name_of_a_run", "another_unbreakable_name", "c"};
    expectInsideAndApart(figure);
    EXPECT_NE(textsAmong(figure, {"another_unbreakable_name", "c"}).front().turned, 0);
}

TEST(LayOut, SurvivesEmptyPanelsAndNumbersThatAreNone)
{
    Figure figure;
    figure.panels.resize(3);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    figure.panels[1].series = {{"s", Mark::LineMarkers, {{0, nan}, {infinity, 1.0}, {1, infinity}, {2, -infinity}}}};
    figure.panels[2].y.scale = Scale::Log;
    figure.panels[2].series = {{"t", Mark::LineMarkers, {{0, 0.0}, {1, -1.0}}}};
    expectInsideAndApart(figure);
    EXPECT_FALSE(layOut({}).shapes.empty());
}

// Two points of known values: the distance between their markers is the distance of the values on the log axis.
TEST(LayOut, PutsValuesWhereTheLogAxisSays)
{
    Figure figure;
    Panel panel;
    panel.y.scale = Scale::Log;
    panel.y.lower = 1e-4;
    panel.y.upper = 1;
    panel.series = {{"s", Mark::Markers, {{0, 1e-4}, {1, 1e-3}, {2, 1.0}}}};
    figure.panels = {panel};
    std::vector<Place> centres;
    const Drawing drawing = layOut(figure);
    for (const Shape& shape : drawing.shapes)
        if (const auto* disc = std::get_if<DiscShape>(&shape))
            centres.push_back(disc->centre);
    ASSERT_EQ(centres.size(), 4U); // the first lies in the legend
    EXPECT_NEAR((centres[1].y - centres[2].y) / (centres[1].y - centres[3].y), 0.25, 1e-9);
    EXPECT_NEAR((centres[2].x - centres[1].x) / (centres[3].x - centres[1].x), 0.5, 1e-9);
}

TEST(LayOut, NamesThePlaceOfEveryMeasurement)
{
    Figure figure;
    figure.panels.resize(2);
    figure.panels[0].series = {{"dots", Mark::Markers, {{0, 1.0}, {1, {}}, {2, 3.0}}}};
    figure.panels[1].x.categories = {"a", "b"};
    figure.panels[1].series = {{"first", Mark::Bars, {{0, 1.0}, {1, 2.0}}}, {"second", Mark::Bars, {{1, 4.0}}}};
    const Drawing drawing = layOut(figure);
    const std::vector<std::array<int, 3>> expected{{0, 0, 0}, {0, 0, 2}, {1, 0, 0}, {1, 0, 1}, {1, 1, 0}};
    ASSERT_EQ(drawing.marks.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_EQ((std::array{drawing.marks[i].panel, drawing.marks[i].series, drawing.marks[i].point}), expected[i]);
    // A dot is drawn exactly there.
    for (std::size_t i = 0; i < 2; ++i) {
        const auto isThere = [&](const Shape& shape) {
            const auto* disc = std::get_if<DiscShape>(&shape);
            return disc != nullptr && disc->centre == drawing.marks[i].at;
        };
        EXPECT_TRUE(std::ranges::any_of(drawing.shapes, isThere)) << i;
    }
    EXPECT_LT(drawing.marks[3].at.x, drawing.marks[4].at.x) << "bars of one name stand side by side";
    EXPECT_LT(drawing.marks[4].at.y, drawing.marks[3].at.y) << "the larger one is higher";
}

TEST(LayOut, BreaksTheLineWhereAValueIsMissing)
{
    Figure figure;
    Panel panel;
    panel.series = {{"s", Mark::LineMarkers, {{0, 1.0}, {1, 2.0}, {2, std::nullopt}, {3, 1.0}, {4, 2.0}, {5, 1.0}}}};
    figure.panels = {panel};
    std::vector<std::size_t> runs;
    const Drawing drawing = layOut(figure);
    for (const Shape& shape : drawing.shapes)
        if (const auto* line = std::get_if<LineShape>(&shape); line && line->paint.ink == Ink::Series)
            runs.push_back(line->points.size());
    EXPECT_THAT(runs, testing::ElementsAre(2, 2, 3)); // the legend's sample, and the two parts
}

TEST(LayOut, TurnsFromCoolToWarmExactlyAboveTheThreshold)
{
    Figure figure = test::cells();
    const Drawing drawing = layOut(figure);
    std::vector<Ink> inks;
    for (const Shape& shape : drawing.shapes)
        if (const auto* area = std::get_if<AreaShape>(&shape))
            if (inks.size() < 7)
                inks.push_back(area->fill.ink);
    // The page, then the six cells: 1e-4, the threshold itself, 1, missing, 2e-2, 9e-3.
    EXPECT_THAT(inks, testing::ElementsAre(Ink::Paper, Ink::Covered, Ink::Covered, Ink::Uncovered, Ink::Paper,
                                           Ink::Uncovered, Ink::Covered));
}

Figure twoPanels()
{
    Figure figure;
    figure.caption = "A caption.";
    figure.columns = 2;
    figure.panels.resize(2);
    figure.panels[0].title = "Error";
    figure.panels[0].series = {{"mean", Mark::LineMarkers, {{0, 1.0}, {1, 2.0}}},
                               {"block 7", Mark::LineMarkers, {{0, 5.0}, {1, 6.0}}}};
    figure.panels[1].title = "Coverage";
    figure.panels[1].y.lower = 0;
    figure.panels[1].y.upper = 1;
    figure.panels[1].series = {{"activation", Mark::LineMarkers, {{0, 1.0}, {1, 1.0}, {2, 0.5}}},
                               {"loss", Mark::LineMarkers, {{0, 1.0}, {1, 1.0}, {2, 0.5}}},
                               {"block 7", Mark::LineMarkers, {{0, 0.2}, {1, 0.2}}}};
    return figure;
}

TEST(LayOut, GivesEveryPanelTheLegendOfWhatItAloneHas)
{
    const Figure figure = twoPanels();
    expectInsideAndApart(figure);
    const auto place = [&](const std::string& name) {
        const std::vector<TextShape> found = textsAmong(figure, {name});
        EXPECT_EQ(found.size(), 1U) << name;
        return found.empty() ? Place() : found.front().at;
    };
    EXPECT_LT(place("block 7").y, place("Error").y) << "what both have stands above both";
    EXPECT_GT(place("mean").y, place("Error").y);
    EXPECT_LT(place("mean").x, place("Coverage").x);
    EXPECT_GT(place("activation").x, place("Coverage").x);
}

std::string wordsOf(const Drawing& drawing)
{
    std::string words;
    for (const TextShape& text : textsOf(drawing))
        words += text.text + " ";
    return words;
}

TEST(LayOut, DrawsNoMarkerUponAnotherOverCategories)
{
    Figure figure = twoPanels();
    figure.panels[1].x.categories = {"a", "b", "c"};
    const Drawing drawing = layOut(figure);
    for (const DataMark& a : drawing.marks)
        for (const DataMark& b : drawing.marks)
            EXPECT_TRUE(a == b || std::hypot(a.at.x - b.at.x, a.at.y - b.at.y) > 3) << a.series << " and " << b.series;
}

TEST(LayOut, SaysWhichCurvesAgreeAlsoWithoutACaption)
{
    Figure figure = twoPanels();
    for (const char* caption : {"A caption.", ""}) {
        figure.caption = caption;
        const std::string words = wordsOf(layOut(figure));
        EXPECT_THAT(words, testing::HasSubstr("Coinciding curves: activation and loss (panel Coverage)."));
        EXPECT_THAT(words, testing::Not(testing::HasSubstr("mean and")));
    }
}

TEST(LayOut, MovesNothingAlongAnAxisOfNumbers)
{
    const Drawing drawing = layOut(twoPanels());
    std::vector<Place> activation;
    std::vector<Place> loss;
    for (const DataMark& mark : drawing.marks)
        if (mark.panel == 1 && mark.series < 2)
            (mark.series == 0 ? activation : loss).push_back(mark.at);
    EXPECT_EQ(activation, loss);
    EXPECT_THAT(activation, testing::SizeIs(3));
}

// Lines of two colours in the data area, by their dash and where they begin in it.
TEST(LayOut, DrawsCurvesThatCoincideDashByDash)
{
    Figure figure;
    Panel panel;
    panel.series = {{"a", Mark::LineMarkers, {{0, 1.0}, {1, 1.0}, {2, 3.0}}},
                    {"b", Mark::LineMarkers, {{0, 1.0}, {1, 1.0}, {2, 2.0}}}};
    figure.panels = {panel};
    std::vector<LineShape> shared;
    std::vector<LineShape> alone;
    const Drawing drawing = layOut(figure);
    for (const Shape& shape : drawing.shapes)
        if (const auto* line = std::get_if<LineShape>(&shape); line && line->paint.ink == Ink::Series)
            (line->dash.size() == 2 && line->dash[0] == line->dash[1] ? shared : alone).push_back(*line);
    ASSERT_EQ(shared.size(), 2U);
    EXPECT_EQ(shared[0].points, shared[1].points);
    EXPECT_NE(shared[0].paint, shared[1].paint);
    EXPECT_DOUBLE_EQ(std::abs(shared[0].phase - shared[1].phase), shared[0].dash[0])
        << "one is drawn where the other is not";
    EXPECT_EQ(alone.size(), 4U) << "two samples of the legend, and where the curves part";
}

TEST(LayOut, ShowsTheMarkersOfCurvesThatCoincideInTurn)
{
    Figure figure;
    Panel panel;
    panel.series = {{"a", Mark::LineMarkers, {{0, 1.0}, {1, 1.0}, {2, 1.0}, {3, 1.0}}},
                    {"b", Mark::LineMarkers, {{0, 1.0}, {1, 1.0}, {2, 1.0}, {3, 1.0}}}};
    figure.panels = {panel};
    const auto discs = [&] {
        const Drawing drawing = layOut(figure);
        return std::ranges::count_if(drawing.shapes,
                                     [](const Shape& shape) { return std::holds_alternative<DiscShape>(shape); });
    };
    EXPECT_EQ(discs(), 1 + 2) << "the legend's, and every second place; squares have the others";
    for (Series& series : figure.panels[0].series)
        series.points.resize(1);
    EXPECT_EQ(discs(), 1 + 1) << "at a single place both are drawn";
}

TEST(LayOut, CountsMeasurementsThatStandUponEachOtherInsteadOfGrowing)
{
    Figure figure;
    Panel panel;
    panel.x.lower = panel.y.lower = 0;
    panel.x.upper = panel.y.upper = 1;
    panel.series = {{"a", Mark::Markers, std::vector<Point>(30, Point{1, 0.0})},
                    {"b", Mark::Markers, {{1, 0.0}, {1, 0.0}, {1, 0.0}, {0.5, 0.5}}},
                    {"c", Mark::Markers, {{1, 0.0}, {0, 1.0}, {0, 1.0}}}};
    figure.panels = {panel};
    const Drawing drawing = layOut(figure);
    std::size_t discs = 0;
    for (const Shape& shape : drawing.shapes)
        if (const auto* disc = std::get_if<DiscShape>(&shape)) {
            EXPECT_LT(disc->radius, 9);
            ++discs;
        }
    EXPECT_EQ(discs, 2U) << "the legend's, and one for thirty";
    EXPECT_EQ(drawing.marks.size(), 37U) << "each can still be pointed at";
    const std::vector<TextShape> counts = textsAmong(figure, {"×34", "×2", "×1"});
    ASSERT_EQ(counts.size(), 2U) << "none beside what stands alone";
    for (const TextShape& count : counts) {
        const bool isTop = count.text == "×2";
        EXPECT_EQ(count.anchor, isTop ? Anchor::Start : Anchor::End) << "inside the plot";
        EXPECT_EQ(count.at.y > drawing.marks[isTop ? 36 : 0].at.y, isTop) << "inside the plot";
    }
}

TEST(LayOut, DrawsStepsAtTheirExactPlaces)
{
    Figure figure;
    Panel panel;
    panel.y.lower = 0;
    panel.y.upper = 2;
    panel.series = {{"s", Mark::Steps, {{0, 0.0}, {1, 1.0}, {3, 2.0}, {4, 2.0}}},
                    {"t", Mark::Steps, {{0, 0.0}, {2, 2.0}, {4, 2.0}}}};
    figure.panels = {panel};
    std::vector<LineShape> lines;
    const Drawing drawing = layOut(figure);
    for (const Shape& shape : drawing.shapes) {
        EXPECT_FALSE(std::holds_alternative<DiscShape>(shape)) << "a step has no marker";
        if (const auto* line = std::get_if<LineShape>(&shape); line && line->paint == Paint{Ink::Series, 0, 0})
            lines.push_back(*line);
    }
    // Every part is level or upright: the legend's sample, then the curve.
    for (const LineShape& line : lines)
        for (std::size_t i = 1; i < line.points.size(); ++i)
            EXPECT_TRUE(line.points[i].x == line.points[i - 1].x || line.points[i].y == line.points[i - 1].y);
    const double left = drawing.marks[0].at.x;
    const double wide = drawing.marks[3].at.x - left;
    EXPECT_NEAR((drawing.marks[1].at.x - left) / wide, 0.25, 1e-9);
    EXPECT_NEAR((drawing.marks[2].at.x - left) / wide, 0.75, 1e-9);
    // Alone from the first step of s at 1 to the last one at 3, shared before and behind.
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_TRUE(lines[1].dash.size() == 2 && lines[2].dash.empty() && lines[3].dash.size() == 2);
    EXPECT_NEAR((lines[2].points.front().x - left) / wide, 0.25, 1e-9);
    EXPECT_NEAR((lines[2].points.back().x - left) / wide, 0.75, 1e-9);
}

TEST(LayOut, NamesTheAxisOfEveryPanelWithARangeOfItsOwn)
{
    Figure figure = twoPanels();
    for (Panel& panel : figure.panels)
        panel.y = {"seconds"};
    EXPECT_EQ(textsAmong(figure, {"seconds"}).size(), 1U);
    figure.sameRange = false;
    EXPECT_EQ(textsAmong(figure, {"seconds"}).size(), 2U);
}

TEST(LayOut, PutsNoTickBetweenWholePlaces)
{
    EXPECT_EQ(textsAmong(twoPanels(), {"0.5", "1.5"}).size(), 0U) << "x is 0, 1, 2";
}

TEST(LayOut, TellsNamesApartThatDifferAtTheirEnd)
{
    Figure figure = test::cells();
    figure.panels[0].heat->rows = {"a prompt of a very long name, the first one",
                                   "a prompt of a very long name, the last one"};
    std::vector<std::string> found;
    for (const TextShape& text : textsOf(layOut(figure)))
        if (text.text.starts_with("a prompt"))
            found.push_back(text.text);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found[0].ends_with("first one") && found[1].ends_with("last one")) << found[0];
}

TEST(LayOut, NoTwoSeriesLookAlike)
{
    Figure figure;
    Panel panel;
    for (int i = 0; i < 40; ++i)
        panel.series.push_back({"s" + std::to_string(i), Mark::LineMarkers, {{0, 1.0 * i}, {1, 1.0 * i}}});
    figure.panels = {panel};
    const Drawing drawing = layOut(figure);
    std::vector<std::pair<int, std::vector<double>>> looks; // of the legend's samples
    for (const Shape& shape : drawing.shapes)
        if (const auto* line = std::get_if<LineShape>(&shape); line && line->paint.ink == Ink::Series)
            looks.emplace_back(line->paint.index, line->dash);
    ASSERT_EQ(looks.size(), 80U);
    for (std::size_t i = 0; i < 40; ++i)
        for (std::size_t j = 0; j < i; ++j)
            EXPECT_NE(looks[i], looks[j]);
}

}
}
