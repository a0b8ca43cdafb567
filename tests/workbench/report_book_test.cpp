// The report of the window: frozen views, their order and notes, the way back, marks of age, and what is written.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/report_page.h"
#include "app/workbench/session/report_book.h"
#include "app/workbench/session/report_parts.h"
#include "app/workbench/session/report_text.h"
#include "engine/report/html.h"
#include "tests/workbench/support/bench.h"

#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QFile>
#include <QImage>
#include <QListWidget>
#include <QScrollBar>
#include <QStandardItemModel>
#include <QTextBlock>
#include <QTextBrowser>
#include <QTextDocument>
#include <QTextLayout>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::press;
using testing::showScript;
using testing::waitUntil;
using testing::Workbench;

ReportItem item(const QString& title)
{
    return {title,
            {},
            {{u"/runs/a.blockcert"_s, u"a"_s, QString(64, u'd')}},
            u"2026-01-01T00:00:00Z"_s,
            {report::Paragraph{"numbers"}},
            {}};
}

QStringList titlesOf(const ReportBook& book)
{
    QStringList titles;
    for (const ReportItem& one : book.items())
        titles << one.title;
    return titles;
}

std::string htmlOf(const ReportBook& book, bool stale = false)
{
    return report::writeHtml(book.document(u"2026-01-01T00:00:00Z"_s, [stale](const ReportSource&) { return stale; }));
}

TEST(ReportBook, KeepsTheOrderOfTheUserAndEveryStepBack)
{
    ReportBook book;
    for (const QString& title : {u"one"_s, u"two"_s, u"three"_s})
        book.add(item(title));
    book.move(2, -1);
    EXPECT_EQ(titlesOf(book), (QStringList{u"one"_s, u"three"_s, u"two"_s}));
    book.move(0, -1); // there is nothing above it
    book.remove(1);
    EXPECT_EQ(titlesOf(book), (QStringList{u"one"_s, u"two"_s}));
    book.undo();
    book.undo();
    EXPECT_EQ(titlesOf(book), (QStringList{u"one"_s, u"two"_s, u"three"_s}));
    book.redo();
    EXPECT_EQ(titlesOf(book), (QStringList{u"one"_s, u"three"_s, u"two"_s}));
    book.add(item(u"four"_s));
    EXPECT_FALSE(book.canRedo());
}

TEST(ReportBook, ANoteIsOneStepHoweverManyLettersItHas)
{
    ReportBook book;
    book.add(item(u"one"_s));
    for (const QString& note : {u"S"_s, u"Se"_s, u"See"_s})
        book.setNote(0, note);
    EXPECT_EQ(book.items()[0].note, u"See"_s);
    book.undo();
    EXPECT_EQ(book.items()[0].note, QString());
    EXPECT_EQ(book.items().size(), 1U);
}

TEST(ReportBook, SaysWhereEachViewComesFromAndWhetherItsRunHasChanged)
{
    ReportBook book;
    book.add(item(u"<b>map</b>"_s));
    book.setNote(0, u"first line\n<i>second</i>"_s);
    const std::string html = htmlOf(book);
    EXPECT_NE(html.find(std::string(64, 'd')), std::string::npos);
    EXPECT_NE(html.find("&lt;b&gt;map&lt;/b&gt;"), std::string::npos);
    EXPECT_NE(html.find("first line\n&lt;i&gt;second&lt;/i&gt;"), std::string::npos);
    EXPECT_EQ(html.find("is another one by now"), std::string::npos);
    EXPECT_NE(htmlOf(book, true).find("is another one by now"), std::string::npos);
}

TEST(ReportParts, ATableKeepsItsFirstRowsAndSaysWhatIsLeftOut)
{
    QStandardItemModel model(5, 2);
    model.setHorizontalHeaderLabels({u"name"_s, u"value"_s});
    for (int row = 0; row < 5; ++row) {
        model.setItem(row, 0, new QStandardItem(u"row %1"_s.arg(row)));
        auto* number = new QStandardItem(QString::number(row));
        number->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        model.setItem(row, 1, number);
    }
    const report::Table table = tableOf(model, u"caption"_s, 3);
    EXPECT_EQ(table.rows.size(), 3U);
    EXPECT_EQ(table.columns[0].kind, report::ColumnKind::Text);
    EXPECT_EQ(table.columns[1].kind, report::ColumnKind::Number);
    EXPECT_NE(table.leftOut.find("2 more"), std::string::npos);
    EXPECT_TRUE(tableOf(model, {}, 5).leftOut.empty());
}

TEST(ReportText, BecomesAPdfWithEveryPart)
{
    ReportBook book;
    ReportItem one = item(u"map"_s);
    one.parts = {report::Statement{report::Standing::Claimed, "Nothing was recomputed."},
                 report::Table{"", {{"block"}, {"error", report::ColumnKind::Number}}, {{{"29"}, {"0.002"}}}, {}},
                 report::Bullets{{"a", "b"}}};
    book.add(one);
    const report::Document document = book.document(u"now"_s, [](const ReportSource&) { return false; });
    const std::unique_ptr<QTextDocument> text = textOf(document, 600);
    for (const QString& word : {u"map"_s, u"claimed, not verified here"_s, u"0.002"_s, QString(64, u'd'),
                                u"blockcert verify a.blockcert"_s, u"sha256sum -c SHA256SUMS"_s})
        EXPECT_TRUE(text->toPlainText().contains(word)) << word.toStdString();
    const QByteArray pdf = pdfOf(document);
    EXPECT_TRUE(pdf.startsWith("%PDF-"));
    EXPECT_GT(pdf.size(), 2000);
}

TEST(ReportText, NoPictureIsHigherThanAPage)
{
    QImage high(300, 2400, QImage::Format_RGB32);
    high.fill(Qt::red);
    QByteArray png;
    QBuffer buffer(&png);
    ASSERT_TRUE(buffer.open(QIODevice::WriteOnly) && high.save(&buffer, "PNG"));
    ReportBook book;
    ReportItem one = item(u"map"_s);
    one.parts = {report::Picture{"image/png", png.toBase64().toStdString(), 300, 2400, "map"}};
    book.add(one);
    const report::Document document = book.document(u"now"_s, [](const ReportSource&) { return false; });
    const auto heightOfPicture = [&document](double page) {
        const std::unique_ptr<QTextDocument> text = textOf(document, 600, page);
        for (QTextBlock block = text->begin(); block.isValid(); block = block.next())
            for (auto part = block.begin(); !part.atEnd(); ++part)
                if (const QTextImageFormat format = part.fragment().charFormat().toImageFormat(); format.isValid())
                    return format.height();
        return 0.0;
    };
    EXPECT_DOUBLE_EQ(heightOfPicture(0), 2400) << "in the window there are no pages";
    EXPECT_LT(heightOfPicture(800), 800);
    EXPECT_GT(heightOfPicture(800), 700) << "a whole page is its own";
}

TEST(ReportText, PicturesHaveThePixelsThatTheScreenShows)
{
    QImage fine(1200, 800, QImage::Format_RGB32);
    for (int x = 0; x < fine.width(); ++x)
        for (int y = 0; y < fine.height(); ++y)
            fine.setPixelColor(x, y, x % 2 == 0 ? Qt::black : Qt::white);
    QByteArray png;
    QBuffer buffer(&png);
    ASSERT_TRUE(buffer.open(QIODevice::WriteOnly) && fine.save(&buffer, "PNG"));
    ReportBook book;
    ReportItem one = item(u"map"_s);
    one.parts = {report::Picture{"image/png", png.toBase64().toStdString(), 600, 400, "map"}};
    book.add(one);
    const report::Document document = book.document(u"now"_s, [](const ReportSource&) { return false; });
    const auto picture = [&document](double ratio) {
        const std::unique_ptr<QTextDocument> text = textOf(document, 300, 0, ratio);
        for (QTextBlock block = text->begin(); block.isValid(); block = block.next())
            for (auto part = block.begin(); !part.atEnd(); ++part)
                if (const QTextImageFormat format = part.fragment().charFormat().toImageFormat(); format.isValid())
                    return text->resource(QTextDocument::ImageResource, format.name()).value<QImage>();
        return QImage();
    };
    EXPECT_EQ(picture(0).width(), 1200) << "on paper all of them";
    EXPECT_EQ(picture(2).width(), 600);
    ASSERT_EQ(picture(1).width(), 300);
    EXPECT_NEAR(picture(1).pixelColor(150, 100).red(), 127, 8) << "lines are blended and none is left out";
}

TEST(ReportText, NoHeadingIsPartedFromWhatItIsOver)
{
    constexpr double height = 962.46; // A4, which is no whole number of pixels
    const QStringList titles{u"one"_s, u"two"_s, u"three"_s};
    int parted = 0;
    for (int tall = 150; tall <= 450; tall += 50) {
        QImage picture(600, tall, QImage::Format_RGB32);
        picture.fill(Qt::blue);
        QByteArray png;
        QBuffer buffer(&png);
        ASSERT_TRUE(buffer.open(QIODevice::WriteOnly) && picture.save(&buffer, "PNG"));
        const report::Picture part{"image/png", png.toBase64().toStdString(), 600, static_cast<double>(tall), "map"};
        ReportBook book;
        for (const QString& title : titles) {
            ReportItem one = item(title);
            one.scope = u"scope of "_s + title;
            one.parts = {report::Statement{report::Standing::Verified, "Verified."}, part, part};
            book.add(one);
        }
        const std::unique_ptr<QTextDocument> text =
            textOf(book.document(u"now"_s, [](const ReportSource&) { return false; }), 600, height);
        text->setPageSize(QSizeF(600, height));
        const auto isParted = [&text](const QString& title) { // from the picture under it
            (void)text->pageCount();
            const auto pageOf = [&text](const QTextBlock& block) { // of its first line
                const double top = text->documentLayout()->blockBoundingRect(block).top();
                return static_cast<int>((top + block.layout()->lineAt(0).y() + 1) / height); // 64ths of a pixel
            };
            QTextBlock block = text->begin();
            while (block.isValid() && block.text() != title)
                block = block.next();
            const QTextBlock heading = block;
            while (block.isValid() && !block.text().contains(QChar::ObjectReplacementCharacter))
                block = block.next();
            EXPECT_TRUE(block.isValid());
            return pageOf(heading) != pageOf(block);
        };
        parted += static_cast<int>(std::count_if(titles.begin(), titles.end(), isParted));
        keepHeadingsWithTheirParts(*text);
        EXPECT_TRUE(std::none_of(titles.begin(), titles.end(), isParted)) << tall;
    }
    EXPECT_GT(parted, 0) << "else there is nothing to mend here";
}

TEST(ReportText, ACommandThatIsCopiedFromThePageIsTheCommand)
{
    ReportBook book;
    ReportItem one = item(u"map"_s);
    one.runs[0].path = u"/runs/a run of a "_s + QString(80, u'n') + u".blockcert"_s;
    book.add(one);
    const std::unique_ptr<QTextDocument> text =
        textOf(book.document(u"now"_s, [](const ReportSource&) { return false; }), 600, 800);
    text->setPageSize(QSizeF(600, 800));
    (void)text->pageCount(); // lays it out
    QStringList commands;
    QString open;
    bool isThere = false;
    for (QTextBlock block = text->begin(); block.isValid(); block = block.next()) {
        isThere = isThere || block.text().startsWith(u"# "_s);
        if (!isThere)
            continue;
        // Else the viewer's line break comes along.
        ASSERT_EQ(block.layout()->lineCount(), 1) << block.text().toStdString();
        const bool goesOn = block.text().endsWith(u'\\');
        open += block.text().chopped(goesOn ? 1 : 0);
        if (!goesOn)
            commands << std::exchange(open, {}).simplified();
    }
    const QString folder = u"'a run of a "_s + QString(80, u'n') + u".blockcert'"_s;
    EXPECT_EQ(commands.value(0), u"# "_s + QString(64, u'd'));
    EXPECT_EQ(commands.value(1), u"sha256sum %1/SHA256SUMS"_s.arg(folder));
    EXPECT_EQ(commands.value(2), u"(cd %1 && sha256sum -c SHA256SUMS)"_s.arg(folder));
    EXPECT_EQ(commands.value(4), u"blockcert verify %1 --level 4 --model MODEL"_s.arg(folder));
}

TEST(ReportPage, TheChosenEntryOfTheOutlineIsScrolledToInThePreview)
{
    Workbench bench(engineScript());
    bench.start();
    bench.window->showPage(MainWindow::Report);
    const auto add = [&](const QString& title) {
        ReportItem one = item(title);
        for (int line = 0; line < 80; ++line)
            one.parts.emplace_back(report::Paragraph{"a line of " + title.toStdString()});
        bench.session->report.add(one);
    };
    for (const QString& title : {u"one"_s, u"two"_s, u"three"_s})
        add(title);
    auto& preview = *bench.window->reportPage().findChild<QTextBrowser*>();
    auto& outline = *bench.window->reportPage().findChild<QListWidget*>();
    const auto isAt = [&preview](const QString& title) {
        for (QTextBlock block = preview.document()->begin(); block.isValid(); block = block.next())
            if (block.text() == title)
                return std::abs(preview.document()->documentLayout()->blockBoundingRect(block).top() -
                                preview.verticalScrollBar()->value()) < 30; // the space above a heading
        return false;
    };
    EXPECT_TRUE(waitUntil([&] { return isAt(u"three"_s); })) << "what was just sent is what one looks at";
    outline.setCurrentRow(1);
    EXPECT_TRUE(isAt(u"two"_s));
    preview.verticalScrollBar()->setValue(0);
    emit outline.itemClicked(outline.currentItem());
    EXPECT_TRUE(isAt(u"two"_s)) << "also the entry that was current before";
    const int place = preview.verticalScrollBar()->value();
    bench.session->report.setNote(2, u"a note further below"_s);
    ASSERT_TRUE(waitUntil([&] { return preview.document()->toPlainText().contains(u"a note further below"_s); }));
    EXPECT_EQ(preview.verticalScrollBar()->value(), place) << "what is typed moves nothing";
    outline.setCurrentRow(1);
    press(bench.window->reportPage(), u"Up"_s);
    EXPECT_TRUE(waitUntil([&] {
        return isAt(u"two"_s) && preview.document()->toPlainText().indexOf(u"two"_s) <
                                     preview.document()->toPlainText().indexOf(u"one"_s);
    }));
    bench.session->report.setExported();
}

TEST(ReportPage, AViewIsFrozenWithItsRunsDigestAndExported)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    bench.command(u"Send this view to the report"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->report.items().size() == 1; }));
    const ReportItem sent = bench.session->report.items()[0];
    EXPECT_EQ(sent.runs.at(0).digest, bench.session->run.run().value->digest);
    bool hasPicture = false;
    bool hasTable = false;
    for (const report::Part& part : sent.parts) {
        hasPicture = hasPicture || std::holds_alternative<report::Picture>(part);
        hasTable = hasTable || std::holds_alternative<report::Table>(part);
    }
    EXPECT_TRUE(hasPicture);
    EXPECT_TRUE(hasTable);
    for (const QString& view : {u"Explore: coverage"_s, u"Explore: failures"_s}) {
        const std::size_t before = bench.session->report.items().size();
        bench.command(view);
        bench.command(u"Send this view to the report"_s);
        ASSERT_TRUE(waitUntil([&] { return bench.session->report.items().size() == before + 1; }))
            << view.toStdString();
    }
    bench.command(u"Go to Report"_s);
    EXPECT_EQ(bench.window->page(), MainWindow::Report);
    const auto& preview = *bench.window->reportPage().findChild<QTextBrowser*>();
    for (const QSize& size : {QSize(1440, 900), QSize(1000, 720)}) {
        bench.window->resize(size);
        EXPECT_TRUE(waitUntil([&] {
            return preview.document()->toPlainText().contains(sent.title) &&
                   preview.horizontalScrollBar()->maximum() == 0;
        })) << "nothing of it lies at the side: "
            << preview.horizontalScrollBar()->maximum() << " of " << preview.viewport()->width();
    }
    const QString html = bench.runFolder() + u"/report.html"_s;
    const QString pdf = bench.runFolder() + u"/report.pdf"_s;
    bench.window->writeReport(html, false);
    bench.window->writeReport(pdf, true);
    ASSERT_TRUE(waitUntil([&] { return QFile::exists(html) && QFile::exists(pdf); }));
    QFile file(html);
    ASSERT_TRUE(file.open(QIODevice::ReadOnly));
    const QByteArray page = file.readAll();
    EXPECT_TRUE(page.contains("claimed, not verified here"));
    EXPECT_TRUE(page.contains(sent.runs.at(0).digest.toUtf8()));
    EXPECT_TRUE(page.contains("data:image/png;base64,"));
    bench.session->report.setExported();
}

}
}
