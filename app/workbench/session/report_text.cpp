#include "app/workbench/session/report_text.h"

#include "engine/figure/figure_text.h"
#include "engine/figure/lay_out.h"
#include "widgets/figure_view.h"
#include "widgets/theme.h"
#include "widgets/view_export.h"

#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QFontMetricsF>
#include <QImage>
#include <QPainter>
#include <QPdfWriter>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>
#include <QTextLayout>
#include <QTextTable>
#include <QUrl>
#include <QWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr double finer = 3; // pictures have so many pixels for each of the page's
constexpr double belowPicture = 8;
constexpr int keptWithNext = QTextFormat::UserProperty + 1; // of a block: it says what comes below it
constexpr int mostMonospace = 11;                           // pixels

QString safe(const std::string& text)
{
    return QString::fromStdString(figure::drawable(text));
}

// A command in pieces of at most so many characters: parted between words, with what makes a shell go on reading. What
// is longer than a page is wide would break where it likes, and its second half be another command when it is pasted.
QStringList foldedCommand(const QString& line, int most)
{
    if (line.size() <= most || line.startsWith(u'#'))
        return {line};
    QStringList pieces;
    QString piece;
    const QString indent = u"    "_s;
    QChar quote;
    qsizetype space = -1; // the last one in the piece that no quote encloses
    for (const QChar c : line) {
        if (!quote.isNull())
            quote = c == quote ? QChar() : quote;
        else if (c == u'\'' || c == u'"')
            quote = c;
        else if (c == u' ' && piece.size() > indent.size())
            space = piece.size();
        piece += c;
        if (piece.size() > most - 2 && space > 0) {
            pieces << piece.left(space) + u" \\"_s;
            piece = indent + piece.mid(space + 1);
            space = -1;
        }
    }
    return pieces << piece;
}

QColor colourOf(report::Tone tone)
{
    const widgets::Tokens& tokens = widgets::printTokens();
    switch (tone) {
    case report::Tone::Quiet: return tokens.secondary;
    case report::Tone::Good: return tokens.verified.ink;
    case report::Tone::Bad: return tokens.failed.ink;
    case report::Tone::Warning: return tokens.weaker.ink;
    case report::Tone::Plain: break;
    }
    return tokens.text;
}

widgets::Tint tintOf(report::Standing standing)
{
    const widgets::Tokens& tokens = widgets::printTokens();
    switch (standing) {
    case report::Standing::Verified: return tokens.verified;
    case report::Standing::Failed: return tokens.failed;
    case report::Standing::WeakerThanPolicy: return tokens.weaker;
    default: return tokens.notChecked;
    }
}

// Appends part after part at the end of a document.
class TextWriter {
public:
    TextWriter(QTextDocument& document, double width, double height, double screenRatio)
        : m_document(document)
        , m_cursor(&document)
        , m_width(width)
        , m_height(height > 0 ? height - belowPicture - 1 : QWIDGETSIZE_MAX)
        , m_screenRatio(screenRatio)
    {
    }

    void heading(const QString& text, int pixels, const QString& anchor = {})
    {
        QTextCharFormat format = plain(widgets::printTokens().text, pixels);
        format.setFontWeight(QFont::DemiBold);
        if (!anchor.isEmpty()) {
            format.setAnchor(true);
            format.setAnchorNames({anchor});
        }
        paragraph(text, format, m_isEmpty ? 0 : pixels * 1.2, 6, 0, true);
    }

    // What a section says of itself stands with what it is about.
    void preface(const report::Part& part)
    {
        m_isPreface = true;
        std::visit(*this, part);
        m_isPreface = false;
    }

    void operator()(const report::Paragraph& part) { paragraph(safe(part.text), plain(colourOf(part.tone)), 0, 8); }

    void operator()(const report::Bullets& part)
    {
        for (const std::string& sentence : part.sentences)
            paragraph(u"•  "_s + safe(sentence), plain(colourOf(part.tone)), 0, 3, 14);
    }

    void operator()(const report::Statement& part)
    {
        const widgets::Tint tint = tintOf(part.standing);
        QTextCharFormat word = plain(tint.ink);
        word.setFontWeight(QFont::DemiBold);
        QTextBlockFormat block;
        block.setBackground(tint.fill);
        block.setTopMargin(4);
        block.setBottomMargin(10);
        block.setProperty(keptWithNext, m_isPreface);
        begin(block);
        m_cursor.insertText(safe(report::standingWord(part.standing)) + u": "_s, word);
        m_cursor.insertText(safe(part.sentence), plain(widgets::printTokens().text));
    }

    void operator()(const report::Facts& part)
    {
        if (part.rows.empty())
            return;
        QTextTable* table = newTable(static_cast<int>(part.rows.size()), 2, 0);
        for (int row = 0; row < table->rows(); ++row) {
            const auto& [name, value] = part.rows[static_cast<std::size_t>(row)];
            table->cellAt(row, 0).firstCursorPosition().insertText(safe(name),
                                                                   plain(colourOf(report::Tone::Quiet), 12));
            table->cellAt(row, 1).firstCursorPosition().insertText(safe(value), plain(widgets::printTokens().text, 12));
        }
        end();
    }

    void operator()(const report::Table& part)
    {
        if (part.columns.empty())
            return;
        if (!part.caption.empty())
            paragraph(safe(part.caption), plain(colourOf(report::Tone::Quiet), 12), 4, 2, 0, true);
        const int columns = static_cast<int>(part.columns.size());
        QTextTable* table = newTable(static_cast<int>(part.rows.size()) + 1, columns, 1);
        const auto put = [&](int row, int column, const std::string& text, QTextCharFormat format) {
            const report::ColumnKind kind = part.columns[static_cast<std::size_t>(column)].kind;
            if (row > 0 && kind != report::ColumnKind::Text)
                format.setFontFamilies({u"DejaVu Sans Mono"_s, u"monospace"_s});
            QTextCursor cell = table->cellAt(row, column).firstCursorPosition();
            QTextBlockFormat block;
            block.setAlignment(kind == report::ColumnKind::Number ? Qt::AlignRight : Qt::AlignLeft);
            cell.setBlockFormat(block);
            cell.insertText(safe(text), format);
        };
        QTextCharFormat head = plain(colourOf(report::Tone::Quiet), 11);
        head.setFontWeight(QFont::DemiBold);
        for (int column = 0; column < columns; ++column)
            put(0, column, part.columns[static_cast<std::size_t>(column)].title, head);
        for (std::size_t row = 0; row < part.rows.size(); ++row)
            for (int column = 0; column < std::min(columns, static_cast<int>(part.rows[row].size())); ++column) {
                const report::Cell& cell = part.rows[row][static_cast<std::size_t>(column)];
                put(static_cast<int>(row) + 1, column, cell.text, plain(colourOf(cell.tone), 11));
            }
        end();
        if (!part.leftOut.empty())
            paragraph(safe(part.leftOut), plain(colourOf(report::Tone::Quiet), 12), 0, 8);
    }

    void operator()(const figure::Figure& part)
    {
        figure::Figure fitted = part;
        fitted.width = m_width;
        const figure::Drawing drawing = figure::layOut(fitted);
        QImage image(QSizeF(drawing.width * finer, drawing.height * finer).toSize(), QImage::Format_RGB32);
        image.fill(Qt::white);
        QPainter painter(&image);
        painter.scale(finer, finer);
        widgets::paintDrawing(painter, drawing, widgets::printTokens(), Qt::white);
        painter.end();
        insert(image, drawing.width, drawing.height);
    }

    void operator()(const report::Picture& part)
    {
        const QImage image = QImage::fromData(QByteArray::fromBase64(QByteArray::fromStdString(part.base64)), "PNG");
        if (image.isNull() || part.width <= 0)
            return;
        const double scale = std::min(1.0, m_width / part.width);
        insert(image, part.width * scale, part.height * scale);
    }

    void operator()(const report::Commands& part)
    {
        QTextCharFormat format = plain(widgets::printTokens().text, mostMonospace);
        format.setFontFamilies({u"DejaVu Sans Mono"_s, u"monospace"_s});
        QFont font(u"DejaVu Sans Mono"_s);
        font.setPixelSize(mostMonospace);
        const double character = std::max(1.0, QFontMetricsF(font).horizontalAdvance(u'0'));
        const int most = std::max(40, static_cast<int>(m_width / character) - 1);
        for (auto line = part.lines.begin(); line != part.lines.end(); ++line) {
            const QStringList pieces = foldedCommand(safe(*line), most);
            const bool isLast =
                line + 1 == part.lines.end() || (line + 1)->starts_with('#'); // of what belongs together
            for (qsizetype at = 0; at < pieces.size(); ++at) {
                // A name that is longer than a line is written smaller, so that it stays one.
                QTextCharFormat fitting = format;
                if (pieces[at].size() > most)
                    fitting.setProperty(QTextFormat::FontPixelSize,
                                        std::max<int>(4, static_cast<int>(mostMonospace * most / pieces[at].size())));
                const bool goesOn = at + 1 < pieces.size() || !isLast;
                paragraph(pieces[at], fitting, 0, at + 1 < pieces.size() ? 0 : 3, 0, goesOn);
            }
        }
    }

    void operator()(const report::Note& part)
    {
        QTextCharFormat format = plain(widgets::printTokens().text);
        format.setFontItalic(true);
        for (const QString& line : QString::fromStdString(part.text).split(u'\n'))
            paragraph(safe(line.toStdString()), format, 0, 4, 14);
    }

private:
    static QTextCharFormat plain(const QColor& colour, int pixels = 13)
    {
        QTextCharFormat format;
        format.setForeground(colour);
        format.setProperty(QTextFormat::FontPixelSize, pixels);
        return format;
    }

    void begin(const QTextBlockFormat& block)
    {
        m_cursor.movePosition(QTextCursor::End);
        if (m_isEmpty)
            m_cursor.setBlockFormat(block);
        else
            m_cursor.insertBlock(block);
        m_isEmpty = false;
    }

    void paragraph(const QString& text, const QTextCharFormat& format, double above, double below, double left = 0,
                   bool keepsWithNext = false)
    {
        QTextBlockFormat block;
        block.setProperty(keptWithNext, keepsWithNext || m_isPreface);
        block.setTopMargin(above);
        block.setBottomMargin(below);
        block.setLeftMargin(left);
        begin(block);
        m_cursor.insertText(text, format);
    }

    QTextTable* newTable(int rows, int columns, int headers)
    {
        QTextBlockFormat before; // which Qt puts before a table
        before.setProperty(keptWithNext, true);
        begin(before);
        QTextTableFormat format;
        format.setBorder(0);
        format.setCellPadding(3);
        format.setCellSpacing(0);
        format.setHeaderRowCount(headers);
        format.setBottomMargin(8);
        if (headers > 0)
            format.setWidth(QTextLength(QTextLength::PercentageLength, 100));
        return m_cursor.insertTable(rows, columns, format);
    }

    void end() { m_cursor.movePosition(QTextCursor::End); }

    void insert(const QImage& image, double width, double height)
    {
        const QUrl name(u"picture:%1"_s.arg(++m_pictures));
        QTextBlockFormat block;
        block.setBottomMargin(belowPicture);
        begin(block);
        const double scale = std::min(1.0, m_height / height);
        const QSize shown = (QSizeF(width, height) * scale * m_screenRatio).toSize();
        m_document.addResource(QTextDocument::ImageResource, name,
                               shown.isEmpty() ? image
                                               : image.scaled(shown, Qt::IgnoreAspectRatio, Qt::SmoothTransformation));
        QTextImageFormat format;
        format.setName(name.toString());
        format.setWidth(width * scale);
        format.setHeight(height * scale);
        m_cursor.insertImage(format);
    }

    QTextDocument& m_document;
    QTextCursor m_cursor;
    double m_width;
    double m_height;      // the most a picture may have
    double m_screenRatio; // 0: not for a screen
    int m_pictures = 0;
    bool m_isEmpty = true;
    bool m_isPreface = false;
};

}

QString sectionAnchor(std::size_t section)
{
    return u"section-%1"_s.arg(section);
}

std::unique_ptr<QTextDocument> textOf(const report::Document& document, double width, double height, double screenRatio)
{
    auto text = std::make_unique<QTextDocument>();
    text->setDocumentMargin(0);
    text->setDefaultFont(widgets::textFont(widgets::TextSize::Body));
    text->setTextWidth(width);
    TextWriter writer(*text, width, height, screenRatio);
    writer.heading(safe(document.title), 22);
    writer(report::Paragraph{document.scope, report::Tone::Quiet});
    writer(report::Paragraph{"Written " + document.created + " by " + document.tool + ".", report::Tone::Quiet});
    for (std::size_t at = 0; at < document.sections.size(); ++at) {
        const report::Section& section = document.sections[at];
        writer.heading(safe(section.title), section.level == 1 ? 16 : 14, sectionAnchor(at));
        const auto isPreface = [](const report::Part& part) {
            return std::holds_alternative<report::Paragraph>(part) || std::holds_alternative<report::Statement>(part);
        };
        const auto body = std::find_if_not(section.parts.begin(), section.parts.end(), isPreface);
        for (auto part = section.parts.begin(); part != section.parts.end(); ++part) {
            if (part < body && body != section.parts.end())
                writer.preface(*part);
            else
                std::visit(writer, *part);
        }
    }
    return text;
}

void keepHeadingsWithTheirParts(QTextDocument& text)
{
    (void)text.pageCount(); // lays it out to its end
    const double page = text.pageSize().height();
    // Where its first line begins: what does not fit goes to the next page within its block.
    const auto topOf = [&text](const QTextBlock& block) {
        const QTextLayout* lines = block.layout();
        const double above = lines->lineCount() > 0 ? lines->lineAt(0).y() : 0;
        return text.documentLayout()->blockBoundingRect(block).top() + above;
    };
    // Qt lays out in 64ths of a pixel: what begins a page may begin that much before it.
    const auto pageOf = [&topOf, page](const QTextBlock& block) { return static_cast<int>((topOf(block) + 1) / page); };
    const auto isKept = [](const QTextBlock& block) { return block.blockFormat().boolProperty(keptWithNext); };
    for (QTextBlock block = text.begin(); block.isValid(); block = block.next()) {
        const QTextBlock first = block;
        while (block.isValid() && isKept(block))
            block = block.next();
        if (!block.isValid())
            break;
        // What is higher than the rest of any page would leave this one almost empty for nothing.
        const double above = topOf(first) - pageOf(first) * page;
        if (first == block || pageOf(first) == pageOf(block) || above < page / 4)
            continue;
        QTextBlockFormat format = first.blockFormat();
        format.setPageBreakPolicy(QTextFormat::PageBreak_AlwaysBefore);
        QTextCursor(first).setBlockFormat(format);
    }
}

QByteArray pdfOf(const report::Document& document)
{
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter pdf(&buffer);
    pdf.setPageSize(QPageSize(QPageSize::A4));
    pdf.setPageMargins(QMarginsF(18, 18, 18, 18), QPageLayout::Millimeter);
    pdf.setResolution(288); // three dots for each CSS pixel
    pdf.setTitle(QString::fromStdString(document.title));
    pdf.setCreator(u"BlockCert Workbench"_s);
    constexpr double scale = 3;
    constexpr double footer = 24;
    const QSizeF page = QSizeF(pdf.width(), pdf.height()) / scale; // in CSS pixels
    const std::unique_ptr<QTextDocument> text = textOf(document, page.width(), page.height() - footer);
    text->setPageSize(QSizeF(page.width(), page.height() - footer));
    keepHeadingsWithTheirParts(*text);
    QPainter painter(&pdf);
    painter.scale(scale, scale);
    const int pages = text->pageCount();
    for (int at = 0; at < pages; ++at) {
        if (at > 0)
            pdf.newPage();
        const QRectF part(0, at * text->pageSize().height(), page.width(), text->pageSize().height());
        painter.save();
        painter.translate(0, -part.top());
        QAbstractTextDocumentLayout::PaintContext context;
        context.clip = part;
        context.palette.setColor(QPalette::Text, widgets::printTokens().text);
        painter.setClipRect(part);
        text->documentLayout()->draw(&painter, context);
        painter.restore();
        painter.setPen(widgets::printTokens().secondary);
        QFont font = painter.font();
        font.setPixelSize(10);
        painter.setFont(font);
        painter.drawText(QRectF(0, page.height() - footer, page.width(), footer), Qt::AlignRight | Qt::AlignBottom,
                         u"%1 / %2"_s.arg(at + 1).arg(pages));
    }
    painter.end();
    buffer.close();
    return bytes;
}

}
