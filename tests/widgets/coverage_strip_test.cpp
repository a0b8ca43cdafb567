#include "widgets/coverage_export.h"
#include "widgets/coverage_painter.h"
#include "widgets/coverage_rows.h"
#include "widgets/coverage_strip.h"
#include "widgets/gallery/samples.h"
#include "widgets/theme.h"

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

// Counts straight from the cells, without the code under test.
CoverageCounts countedByHand(const TokenMap& map, std::size_t column)
{
    CoverageCounts counts;
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
        for (std::size_t token = 0; token < map.prompts[prompt].tokens.size(); ++token) {
            const MapCell* cell = map.cell(column, prompt);
            if (cell == nullptr)
                ++counts.notMeasured;
            else if (cell->error[token] <= map.thresholds.tauAct)
                ++counts.covered;
            else
                ++counts.uncovered;
        }
    return counts;
}

class CoverageStripTest : public testing::Test {
protected:
    CoverageStripTest()
    {
        strip.resize(900, 700);
        strip.setMap(map, std::make_shared<CoverageRows>(coverageRows(*map)));
        strip.show();
    }

    std::shared_ptr<const TokenMap> map = samples::tokenMap();
    CoverageStrip strip;
};

}

TEST(CoverageRows, CountWhatTheCellsSay)
{
    const auto map = samples::tokenMap();
    const CoverageRows rows = coverageRows(*map);
    ASSERT_EQ(rows.rows.size(), map->blocks.size());
    std::int64_t uncovered = 0;
    for (std::size_t column = 0; column < map->blocks.size(); ++column) {
        EXPECT_EQ(rows.rows[column].counts, countedByHand(*map, column)) << column;
        uncovered += rows.rows[column].counts.uncovered;
    }
    EXPECT_GE(uncovered, 1);
    const int place = rows.placeOf(4, 0);
    EXPECT_EQ(rows.rows[11].tokens[static_cast<std::size_t>(place)], TokenCoverage::Uncovered);
    EXPECT_EQ(rows.rows[29].tokens[static_cast<std::size_t>(rows.placeOf(7, 1))], TokenCoverage::NotMeasured);
    EXPECT_EQ(rows.placeOf(4, 9999), -1);
}

TEST(CoverageRows, OfTwoRunsTheySayWhichTokensChangeTheirSide)
{
    TokenMap a;
    a.blocks = {0, 1};
    a.prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(5)});
    const auto cellOf = [](std::vector<double> errors) {
        auto cell = std::make_shared<MapCell>();
        cell->error = std::move(errors);
        return cell;
    };
    TokenMap b = a;
    a.cells = {cellOf({1e-3, 1e-3, 1, 1, missing}), cellOf({1e-3, 1e-3, 1e-3, 1e-3, 1e-3})};
    b.cells = {cellOf({1e-3, 1, 1e-3, 1, 1e-3}), nullptr};
    const auto rows = std::make_shared<const CoverageRows>(coverageChanges(a, b));
    using enum TokenCoverage;
    EXPECT_EQ(rows->rows[0].tokens, (std::vector{Covered, OnlyInA, OnlyInB, Uncovered, NotMeasured}));
    EXPECT_EQ(rows->rows[0].counts.measured(), 4);
    EXPECT_EQ(rows->rows[0].counts.change(), 0);
    EXPECT_EQ(rows->rows[1].counts.notMeasured, 5);
    EXPECT_TRUE(isMissing(rows->rows[1].counts.change()));
    EXPECT_EQ(worse(Uncovered, OnlyInB), OnlyInB) << "a change is not hidden by what stays";

    const auto change = std::make_shared<TokenMap>(a);
    CoverageStrip strip;
    strip.resize(900, 200);
    strip.setMap(change, rows);
    EXPECT_EQ(strip.rowSentence(0),
              QStringLiteral("Block 0: B − A of the coverage is 0; of 4 tokens 1 are covered in A "
                             "only, 1 in B only, 1 in both, 1 in neither"));
    ASSERT_TRUE(strip.visitUncovered(true));
    EXPECT_EQ(strip.current(), (CellKey{0, 0, 1})) << "N visits what changes";
    ASSERT_TRUE(strip.visitUncovered(true));
    EXPECT_EQ(strip.current(), (CellKey{0, 0, 2}));

    const ViewExport view = coverageExport(change, rows);
    const ExportTable table = view.table();
    EXPECT_EQ(table.rows[1].back(), QStringLiteral("covered in A only"));
    EXPECT_EQ(table.rows[2].back(), QStringLiteral("covered in B only"));
    EXPECT_TRUE(exportBytes(view, ExportFormat::Csv).contains("# tau: 0.01\n")) << "A's threshold";
    // Up in one, down in the other: shape says it as well as colour.
    QImage picture(900, 28, QImage::Format_RGB32);
    picture.fill(lightTokens().window);
    QPainter painter(&picture);
    const CoverageLanes lanes = CoverageLanes::measure(rows.get(), 900);
    paintCoverageRow(painter, *rows, rows->rows[0], lanes, 0, lightTokens(), false);
    painter.end();
    const QRectF at = lanes.strip(0);
    const auto colour = [&](int place, double y) {
        return QColor(picture.pixel(qRound(at.left() + lanes.placeLeft(place) + 3), qRound(y)));
    };
    EXPECT_NE(colour(1, at.top() + 2), lightTokens().window);
    EXPECT_EQ(colour(1, at.bottom() - 3), lightTokens().window);
    EXPECT_EQ(colour(2, at.top() + 2), lightTokens().window);
    EXPECT_NE(colour(2, at.bottom() - 3), lightTokens().window);
    EXPECT_NE(colour(1, at.top() + 2), colour(2, at.bottom() - 3));
}

TEST(CoverageRows, TheRelativeMeasureDecidesWhereThePolicySaysSo)
{
    TokenMap map;
    map.blocks = {0};
    map.thresholds.relativeDecides = true;
    map.prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(3)});
    auto cell = std::make_shared<MapCell>();
    cell->error = {5, 1e-9, 2};
    cell->relative = {1e-6, 1e-4, missing};
    cell->outputNorm = {5e6, 1e-5, 0};
    map.cells = {cell};
    const CoverageRows rows = coverageRows(map);
    EXPECT_EQ(rows.rows[0].tokens,
              (std::vector<TokenCoverage>{TokenCoverage::Covered, TokenCoverage::Uncovered, TokenCoverage::Uncovered}))
        << "an output of norm 0 is covered by no relative threshold";
}

TEST(CoverageRows, UndecidedTokensAreNeitherCoveredNorUncovered)
{
    const auto map = samples::tokenMap();
    const CoverageRows rows = coverageRows(*map, {{11, 4, 0}, {29, 7, 1}, {99, 0, 0}});
    const CoverageCounts plain = coverageRows(*map).rows[11].counts;
    EXPECT_EQ(rows.rows[11].counts.undecided, 1);
    EXPECT_EQ(rows.rows[11].counts.uncovered, plain.uncovered - 1);
    EXPECT_EQ(rows.rows[11].counts.measured(), plain.measured());
    EXPECT_EQ(rows.rows[29].counts.undecided, 0) << "what was not measured cannot be undecided";
}

TEST_F(CoverageStripTest, AClickOnAMarkChoosesItsToken)
{
    QSignalSpy chosen(&strip, &CoverageStrip::tokenChosen);
    for (const CellKey& key : {CellKey{11, 4, 0}, CellKey{3, 0, 2}, CellKey{20, 9, 5}}) {
        const auto point = strip.pointOf(key);
        ASSERT_TRUE(point);
        QTest::mouseClick(strip.viewport(), Qt::LeftButton, {}, point->toPoint());
        EXPECT_EQ(chosen.back()[0].value<CellKey>(), key);
        EXPECT_EQ(strip.current(), key);
    }
}

TEST_F(CoverageStripTest, NGoesFromOneUncoveredTokenToTheNextAndPBack)
{
    std::vector<CellKey> expected; // in reading order: block by block, prompt by prompt
    for (std::size_t column = 0; column < map->blocks.size(); ++column)
        for (std::size_t prompt = 0; prompt < map->prompts.size(); ++prompt)
            if (const MapCell* cell = map->cell(column, prompt))
                for (std::size_t token = 0; token < cell->error.size(); ++token)
                    if (cell->error[token] > map->thresholds.tauAct)
                        expected.push_back({map->blocks[column], static_cast<int>(prompt), static_cast<int>(token)});
    ASSERT_FALSE(expected.empty());
    for (const CellKey& key : expected) {
        QTest::keyClick(&strip, Qt::Key_N);
        EXPECT_EQ(strip.current(), key);
    }
    QTest::keyClick(&strip, Qt::Key_N);
    EXPECT_EQ(strip.current(), expected.front()) << "round and round";
    QTest::keyClick(&strip, Qt::Key_P);
    EXPECT_EQ(strip.current(), expected.back());
}

TEST_F(CoverageStripTest, SharedPixelsShowAndChooseWhatIsNotCovered)
{
    auto large = std::make_shared<TokenMap>();
    large->blocks = {0};
    large->prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(20000)});
    auto cell = std::make_shared<MapCell>();
    cell->error.assign(20000, 1e-4);
    cell->error[12345] = 1;
    large->cells = {cell};
    strip.setMap(large, std::make_shared<CoverageRows>(coverageRows(*large)));
    const auto point = strip.pointOf({0, 0, 12345});
    ASSERT_TRUE(point);
    EXPECT_EQ(strip.tokenAt({std::floor(point->x()) + 0.5, point->y()}), (CellKey{0, 0, 12345}));
    const QImage image = strip.viewport()->grab().toImage();
    int warm = 0;
    const int y = static_cast<int>(strip.stripRect(0).top()) + 3; // above the low marks of covered tokens
    for (int x = 0; x < image.width(); ++x)
        warm += image.pixelColor(x, y) == tokensOf(strip).warm[2] ? 1 : 0;
    EXPECT_GE(warm, 1);
    EXPECT_LE(warm, 3);
}

TEST(CoverageExport, HasALineForEveryTokenOfEveryBlock)
{
    const auto map = samples::tokenMap();
    const auto rows = std::make_shared<const CoverageRows>(coverageRows(*map, {{11, 4, 0}}));
    const ViewExport view = coverageExport(map, rows);
    QStringList lines = QString::fromUtf8(exportBytes(view, ExportFormat::Csv)).split(u'\n', Qt::SkipEmptyParts);
    lines.removeIf([](const QString& line) { return line.startsWith(u'#'); });
    // A piece may hold a line break, so records are counted by their last field.
    const auto records = std::count_if(lines.begin(), lines.end(), [](const QString& line) {
        return line.endsWith(QStringLiteral("covered")) || line.endsWith(QStringLiteral(",undecided")) ||
               line.endsWith(QStringLiteral(",not measured"));
    });
    EXPECT_EQ(records, static_cast<std::ptrdiff_t>(rows->places.size() * rows->rows.size()));
    EXPECT_EQ(lines.filter(QStringLiteral(",undecided")).size(), 1);
    EXPECT_EQ(lines.filter(QStringLiteral(",not measured")).size(),
              static_cast<qsizetype>(map->prompts[7].tokens.size()));
    const QImage image = QImage::fromData(exportBytes(view, ExportFormat::Png), "PNG");
    EXPECT_GT(image.height(), 2 * 30 * 28) << "thirty rows at two pixels each";
}

TEST_F(CoverageStripTest, WordsSayWhatTheStripShows)
{
    const std::string words = strip.rowSentence(29).toStdString();
    EXPECT_NE(words.find("Block 29: "), std::string::npos) << words;
    EXPECT_NE(words.find("not measured"), std::string::npos) << words;
    strip.setMap(nullptr, nullptr);
    QTest::keyClick(&strip, Qt::Key_N);
    EXPECT_FALSE(strip.current().isValid());
    EXPECT_FALSE(strip.grab().isNull());
}

}
