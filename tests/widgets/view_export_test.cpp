#include "widgets/gallery/samples.h"
#include "widgets/heatmap_export.h"
#include "widgets/token_heatmap.h"
#include "widgets/view_export.h"

#include <QDir>
#include <QImage>
#include <QPainter>
#include <QSet>
#include <QTemporaryDir>
#include <QThread>
#include <QXmlStreamReader>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace blockcert::widgets {

namespace {

ViewExport sample()
{
    ViewExport view;
    view.name = QStringLiteral("sample");
    view.title = QStringLiteral("Errors <& more>");
    view.scope = QStringLiteral("one prompt");
    view.caption = QStringLiteral("What the picture shows.");
    view.metadata = {{QStringLiteral("model"), QStringLiteral("m\"1\"\x01")}};
    view.size = QSizeF(200, 100);
    view.paint = [](QPainter& painter, bool) { painter.fillRect(QRectF(10, 10, 50, 50), Qt::red); };
    view.table = [] {
        return ExportTable{{QStringLiteral("piece"), QStringLiteral("value")},
                           {{QStringLiteral("a, \"b\""), QStringLiteral("-1.5")},
                            {QStringLiteral("=SUM(A1)"), QStringLiteral("+2e-3")},
                            {QStringLiteral("line\nbreak"), QString()}}};
    };
    return view;
}

// Everything the reader sees: elements by name with their text; fails on anything that is not well-formed.
std::vector<std::pair<QString, QString>> elementsOf(const QByteArray& svg)
{
    std::vector<std::pair<QString, QString>> elements;
    QXmlStreamReader reader(svg);
    while (!reader.atEnd()) {
        if (reader.readNext() == QXmlStreamReader::StartElement)
            elements.emplace_back(reader.name().toString(), QString());
        else if (reader.isCharacters() && !elements.empty() && elements.back().second.isEmpty())
            elements.back().second = reader.text().toString();
    }
    EXPECT_FALSE(reader.hasError()) << reader.errorString().toStdString();
    return elements;
}

QString textOf(const std::vector<std::pair<QString, QString>>& elements, const QString& name)
{
    for (const auto& [element, text] : elements)
        if (element == name)
            return text;
    return {};
}

std::unique_ptr<TokenHeatmap> heatmap()
{
    auto map = std::make_unique<TokenHeatmap>();
    map->resize(900, 600);
    map->setMap(samples::tokenMap());
    map->setPrompt(4);
    return map;
}

// The lines of a CSV that are no comments.
QStringList linesOf(const QByteArray& csv)
{
    QStringList lines = QString::fromUtf8(csv).split(u'\n', Qt::SkipEmptyParts);
    lines.removeIf([](const QString& line) { return line.startsWith(u'#'); });
    return lines;
}

}

TEST(ViewExport, SvgIsWellFormedAndSaysWhatItShows)
{
    const auto elements = elementsOf(exportBytes(sample(), ExportFormat::Svg));
    EXPECT_EQ(textOf(elements, QStringLiteral("title")).toStdString(), "Errors <& more>");
    EXPECT_NE(textOf(elements, QStringLiteral("desc")).indexOf(QStringLiteral("What the picture shows.")), -1);
    EXPECT_EQ(textOf(elements, QStringLiteral("entry")).toStdString(), "m\"1\"\uFFFD");
    EXPECT_EQ(std::count_if(elements.begin(), elements.end(),
                            [](const auto& element) { return element.first == QStringLiteral("title"); }),
              1);
}

TEST(ViewExport, PngCarriesCaptionAndMetadata)
{
    const QImage image = QImage::fromData(exportBytes(sample(), ExportFormat::Png), "PNG");
    ASSERT_FALSE(image.isNull());
    EXPECT_GE(image.width(), 2 * 200) << "two pixels for each CSS pixel";
    EXPECT_EQ(image.text(QStringLiteral("Title")).toStdString(), "Errors <& more>");
    EXPECT_NE(image.text(QStringLiteral("Description")).indexOf(QStringLiteral("What the picture shows.")), -1);
    EXPECT_FALSE(image.text(QStringLiteral("model")).isEmpty());
    EXPECT_EQ(image.pixelColor(0, 0), QColor(Qt::white)) << "figures are printed on white";
}

TEST(ViewExport, PdfIsOnePageWithItsTitle)
{
    const QByteArray pdf = exportBytes(sample(), ExportFormat::Pdf);
    EXPECT_TRUE(pdf.startsWith("%PDF-"));
    EXPECT_EQ(pdf.count("/Type /Page\n"), 1);
    EXPECT_NE(pdf.indexOf("Errors &lt;&amp; more&gt;"), -1) << "in the document's metadata";
}

TEST(ViewExport, CsvQuotesFieldsAndDisarmsFormulas)
{
    const QString csv = QString::fromUtf8(exportBytes(sample(), ExportFormat::Csv));
    EXPECT_EQ(csv.toStdString(), "# title: Errors <& more>\n"
                                 "# scope: one prompt\n"
                                 "# caption: What the picture shows.\n"
                                 "# model: m\"1\"\x01\n"
                                 "piece,value\n"
                                 "\"a, \"\"b\"\"\",-1.5\n"
                                 "'=SUM(A1),+2e-3\n"
                                 "\"line\nbreak\",\n");
}

TEST(ViewExport, AFileAppearsWholeOrASentenceSaysWhy)
{
    QTemporaryDir folder;
    const QString path = folder.filePath(QStringLiteral("a.svg"));
    EXPECT_EQ(writeExport(sample(), path, ExportFormat::Svg).toStdString(), "");
    EXPECT_TRUE(QFile::exists(path));
    const QString nowhere = folder.filePath(QStringLiteral("missing/a.svg"));
    const std::string sentence = writeExport(sample(), nowhere, ExportFormat::Svg).toStdString();
    EXPECT_NE(sentence.find("could not be written"), std::string::npos) << sentence;
    EXPECT_EQ(QDir(folder.path()).entryList(QDir::Files).size(), 1) << "nothing half-written is left";
    EXPECT_EQ(exportFormatOf(QStringLiteral("x.PDF")), ExportFormat::Pdf);
    EXPECT_EQ(exportFormatOf(QStringLiteral("x.docx")), std::nullopt);
    EXPECT_EQ(exportFilters().size(), 4);
}

TEST(HeatmapExport, TheTableHoldsEveryCellWithAllDigits)
{
    const auto map = heatmap();
    const QStringList lines = linesOf(exportBytes(heatmapExport(*map), ExportFormat::Csv));
    const auto tokens = static_cast<qsizetype>(map->map()->prompts[4].tokens.size());
    ASSERT_EQ(lines.size(), 1 + tokens * 30);
    EXPECT_EQ(lines[0].toStdString(), "block,prompt,prompt_id,token,token_id,piece,value,within_threshold");
    EXPECT_TRUE(lines[1 + 11].startsWith(QStringLiteral("11,4,s4,0,"))) << lines[12].toStdString();
    EXPECT_TRUE(lines[1 + 11].endsWith(QStringLiteral(",Review,0.014217093,0"))) << lines[12].toStdString();
}

TEST(HeatmapExport, ASelectionIsExportedAlone)
{
    const auto map = heatmap();
    map->select(GridRange{{2, 3}, {4, 6}});
    const ViewExport view = heatmapExport(*map);
    map->setMap(nullptr); // the export has its own copy
    EXPECT_EQ(linesOf(exportBytes(view, ExportFormat::Csv)).size(), 1 + 3 * 4);
}

TEST(HeatmapExport, WhatWasNotMeasuredIsEmptyAndNotZero)
{
    const auto map = heatmap();
    map->setPrompt(7);
    const QStringList lines = linesOf(exportBytes(heatmapExport(*map), ExportFormat::Csv));
    int empty = 0;
    for (const QString& line : lines)
        empty += line.startsWith(QStringLiteral("29,7,")) && line.endsWith(QStringLiteral(",,")) ? 1 : 0;
    EXPECT_EQ(empty, static_cast<int>(map->map()->prompts[7].tokens.size()));
}

TEST(HeatmapExport, SvgDrawsSmallMapsAsShapesAndIsWrittenInAnotherThread)
{
    const auto map = heatmap();
    const ViewExport view = heatmapExport(*map);
    QByteArray svg;
    const std::unique_ptr<QThread> thread(QThread::create([&] { svg = exportBytes(view, ExportFormat::Svg); }));
    thread->start();
    ASSERT_TRUE(thread->wait(20'000));
    const auto elements = elementsOf(svg);
    int shapes = 0;
    for (const auto& [element, text] : elements) {
        shapes += element == QStringLiteral("rect") || element == QStringLiteral("path") ? 1 : 0;
        EXPECT_NE(element, QStringLiteral("image")) << "cells are shapes";
    }
    EXPECT_GE(shapes, 31 * 30);
    EXPECT_NE(textOf(elements, QStringLiteral("desc")).indexOf(QStringLiteral("above τ_act = 0.01")), -1);
}

TEST(HeatmapExport, ALongMapBecomesPagesThatEndWhereAPromptDoes)
{
    const auto map = heatmap();
    map->setPrompt(std::nullopt); // every prompt
    constexpr int most = 44;
    const std::vector<ViewExport> pages = heatmapPages(*map, most, 30);
    ASSERT_GT(pages.size(), 2U);
    qsizetype lines = 0;
    QSet<QString> seen;
    for (const ViewExport& page : pages) {
        const QStringList rows = linesOf(exportBytes(page, ExportFormat::Csv));
        lines += rows.size() - 1;
        EXPECT_LE(rows.size() - 1, most * 30);
        EXPECT_LT(page.size.height(), 44 * 18 + 400);
        QSet<QString> here;
        for (qsizetype row = 1; row < rows.size(); ++row)
            here.insert(rows[row].section(QLatin1Char(','), 1, 1));
        EXPECT_FALSE(here.intersects(seen)) << "a prompt stands on one page";
        seen.unite(here);
    }
    const QStringList first = linesOf(exportBytes(pages.front(), ExportFormat::Csv));
    EXPECT_LE(first.size() - 1, 30 * 30) << "below a title there is less room";
    EXPECT_EQ(lines, linesOf(exportBytes(heatmapExport(*map), ExportFormat::Csv)).size() - 1) << "and none is lost";
    map->setPrompt(4);
    EXPECT_EQ(heatmapPages(*map, most, most).size(), 1U);
    EXPECT_GT(heatmapPages(*map, 10, 10).size(), 1U) << "a prompt that is longer than a page is parted";
}

TEST(HeatmapExport, AnEmptyMapExportsAnEmptyPage)
{
    TokenHeatmap map;
    for (const ExportFormat format : {ExportFormat::Svg, ExportFormat::Pdf, ExportFormat::Png, ExportFormat::Csv})
        EXPECT_FALSE(exportBytes(heatmapExport(map), format).isEmpty());
}

}
