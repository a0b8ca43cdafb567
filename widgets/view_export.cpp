#include "widgets/view_export.h"

#include "widgets/number_text.h"

#include <QBuffer>
#include <QCoreApplication>
#include <QFontMetricsF>
#include <QImage>
#include <QPainter>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(ViewExport)
};

constexpr double edge = 16;
constexpr int pixelRatio = 2; // of PNG: sharp on paper and on dense screens

// Title and scope above the picture, caption below it.
struct Page {
    QSizeF size;
    QRectF title;
    QRectF scope;
    QRectF picture;
    QRectF caption;
};

constexpr int captionFlags = Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap;

Page layPage(const ViewExport& view)
{
    Page page;
    if (view.isComplete) {
        page.size = view.size;
        page.picture = QRectF(QPointF(), view.size);
        return page;
    }
    const double width = view.size.width();
    double y = edge;
    const auto take = [&](double height, double after) {
        const QRectF rect(edge, y, width, height);
        y += height + after;
        return rect;
    };
    if (!view.title.isEmpty())
        page.title = take(QFontMetricsF(textFont(TextSize::Title, TextWeight::Strong)).height(), 2);
    if (!view.scope.isEmpty())
        page.scope = take(QFontMetricsF(textFont(TextSize::Secondary)).height(), space::medium);
    page.picture = take(view.size.height(), space::medium);
    if (!view.caption.isEmpty()) {
        const QFontMetricsF metrics(textFont(TextSize::Secondary));
        const double height = metrics.boundingRect(QRectF(0, 0, width, 1e6), captionFlags, view.caption).height();
        page.caption = take(std::ceil(height), 0);
    }
    page.size = QSizeF(std::ceil(width + 2 * edge), std::ceil(y + edge));
    return page;
}

void paintPage(QPainter& painter, const ViewExport& view, const Page& page, bool shapes)
{
    const Tokens& tokens = printTokens();
    painter.fillRect(QRectF(QPointF(), page.size), tokens.window);
    painter.setPen(tokens.text);
    if (!page.title.isNull()) {
        const QFont font = textFont(TextSize::Title, TextWeight::Strong);
        painter.setFont(font);
        painter.drawText(page.title, Qt::AlignLeft | Qt::AlignVCenter,
                         QFontMetricsF(font).elidedText(view.title, Qt::ElideRight, page.title.width()));
    }
    if (!page.scope.isNull()) {
        const QFont font = textFont(TextSize::Secondary);
        painter.setFont(font);
        painter.setPen(tokens.secondary);
        painter.drawText(page.scope, Qt::AlignLeft | Qt::AlignVCenter,
                         QFontMetricsF(font).elidedText(view.scope, Qt::ElideRight, page.scope.width()));
    }
    if (!page.caption.isNull()) {
        painter.setFont(textFont(TextSize::Secondary));
        painter.setPen(tokens.secondary);
        painter.drawText(page.caption, captionFlags, view.caption);
    }
    painter.save();
    painter.translate(page.picture.topLeft());
    view.paint(painter, shapes);
    painter.restore();
}

QString describe(const ViewExport& view)
{
    QStringList lines;
    for (const QString& line : {view.scope, view.caption})
        if (!line.isEmpty())
            lines << line;
    for (const auto& [name, value] : view.metadata)
        lines << QStringLiteral("%1: %2").arg(name, value);
    return lines.join(u'\n');
}

// XML 1.0 has no place for most control characters, however they are written.
QString xmlSafe(const QString& text)
{
    QString safe;
    for (const QChar c : text)
        safe += c.unicode() < 0x20 && c != u'\n' && c != u'\t' ? QChar(QChar::ReplacementCharacter) : c;
    return safe.toHtmlEscaped();
}

QByteArray svgBytes(const ViewExport& view)
{
    if (view.svg)
        return view.svg();
    const Page page = layPage(view);
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setResolution(96);
    generator.setSize(page.size.toSize());
    generator.setViewBox(QRectF(QPointF(), page.size));
    QPainter painter(&generator);
    paintPage(painter, view, page, true);
    painter.end();
    buffer.close();
    // The generator neither escapes title and description nor leaves them out, so they are replaced here.
    const auto drop = [&](const QByteArray& open, const QByteArray& close) {
        const qsizetype from = bytes.indexOf(open);
        const qsizetype to = from < 0 ? -1 : bytes.indexOf(close, from);
        if (to >= 0)
            bytes.remove(from, to + close.size() - from);
    };
    drop("<title>", "</title>");
    drop("<desc>", "</desc>");
    QString head = QStringLiteral("<title>%1</title>\n<desc>%2</desc>\n<metadata>\n")
                       .arg(xmlSafe(view.title), xmlSafe(describe(view)));
    for (const auto& [name, value] : view.metadata)
        head += QStringLiteral("<entry name=\"%1\">%2</entry>\n").arg(xmlSafe(name), xmlSafe(value));
    head += QStringLiteral("</metadata>\n");
    const qsizetype root = bytes.indexOf("<svg");
    const qsizetype end = root < 0 ? -1 : bytes.indexOf('>', root);
    if (end >= 0)
        bytes.insert(end + 1, '\n' + head.toUtf8());
    return bytes;
}

QByteArray pdfBytes(const ViewExport& view)
{
    const Page page = layPage(view);
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter writer(&buffer);
    writer.setTitle(view.title);
    writer.setCreator(QStringLiteral("BlockCert Workbench"));
    writer.setResolution(96);
    // A page is as large as the picture; 96 pixels are 72 points.
    writer.setPageSize(QPageSize(page.size * 0.75, QPageSize::Point, {}, QPageSize::ExactMatch));
    writer.setPageMargins(QMarginsF());
    writer.setDocumentXmpMetadata(
        QStringLiteral("<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
                       "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
                       "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
                       "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
                       "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">%1</rdf:li></rdf:Alt></dc:title>"
                       "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">%2</rdf:li></rdf:Alt></dc:description>"
                       "</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>")
            .arg(xmlSafe(view.title), xmlSafe(describe(view)))
            .toUtf8());
    QPainter painter(&writer);
    paintPage(painter, view, page, true);
    painter.end();
    buffer.close();
    return bytes;
}

QByteArray pngBytes(const ViewExport& view)
{
    const Page page = layPage(view);
    QImage image((page.size * pixelRatio).toSize(), QImage::Format_RGB32);
    image.setDevicePixelRatio(pixelRatio);
    image.fill(printTokens().window);
    QPainter painter(&image);
    paintPage(painter, view, page, false);
    painter.end();
    image.setText(QStringLiteral("Title"), view.title);
    image.setText(QStringLiteral("Description"), describe(view));
    for (const auto& [name, value] : view.metadata)
        image.setText(name, value);
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    image.save(&buffer, "PNG");
    return bytes;
}

// RFC 4180. A spreadsheet takes text that begins like a formula for one, so such text gets an apostrophe; numbers
// stay as they are.
QString csvField(const QString& text)
{
    QString field = text;
    bool isNumber = false;
    text.toDouble(&isNumber);
    if (!isNumber && !text.isEmpty() && QStringLiteral("=+-@\t\r").contains(text.front()))
        field.prepend(u'\'');
    const bool quoted = std::any_of(field.begin(), field.end(),
                                    [](QChar c) { return c == u',' || c == u'"' || c == u'\n' || c == u'\r'; });
    return quoted ? u'"' + field.replace(u'"', QStringLiteral("\"\"")) + u'"' : field;
}

QByteArray csvBytes(const ViewExport& view)
{
    QString text;
    // What the numbers are, as comments that readers of tables can skip.
    const auto comment = [&](const QString& name, const QString& value) {
        if (!value.isEmpty())
            text += QStringLiteral("# %1: %2\n").arg(name, QString(value).replace(u'\n', u' ').replace(u'\r', u' '));
    };
    comment(QStringLiteral("title"), view.title);
    comment(QStringLiteral("scope"), view.scope);
    comment(QStringLiteral("caption"), view.caption);
    for (const auto& [name, value] : view.metadata)
        comment(name, value);
    const ExportTable table = view.table ? view.table() : ExportTable();
    const auto line = [&](const QStringList& fields) {
        for (qsizetype i = 0; i < fields.size(); ++i)
            text += (i > 0 ? QStringLiteral(",") : QString()) + csvField(fields[i]);
        text += u'\n';
    };
    line(table.columns);
    for (const QStringList& row : table.rows)
        line(row);
    return text.toUtf8();
}

}

const Tokens& printTokens()
{
    static const Tokens tokens = [] {
        Tokens print = lightTokens();
        print.window = Qt::white;
        return print;
    }();
    return tokens;
}

std::optional<ExportFormat> exportFormatOf(const QString& path)
{
    const QString suffix = path.section(u'.', -1).toLower();
    if (suffix == QStringLiteral("svg"))
        return ExportFormat::Svg;
    if (suffix == QStringLiteral("pdf"))
        return ExportFormat::Pdf;
    if (suffix == QStringLiteral("png"))
        return ExportFormat::Png;
    if (suffix == QStringLiteral("csv"))
        return ExportFormat::Csv;
    return std::nullopt;
}

QStringList exportFilters()
{
    return {Text::tr("SVG, shapes (*.svg)"), Text::tr("PDF (*.pdf)"), Text::tr("PNG, pixels (*.png)"),
            Text::tr("CSV, every number (*.csv)")};
}

QByteArray exportBytes(const ViewExport& view, ExportFormat format)
{
    switch (format) {
    case ExportFormat::Svg: return svgBytes(view);
    case ExportFormat::Pdf: return pdfBytes(view);
    case ExportFormat::Png: return pngBytes(view);
    case ExportFormat::Csv: return csvBytes(view);
    }
    return {};
}

QString writeExport(const ViewExport& view, const QString& path, ExportFormat format)
{
    const QByteArray bytes = exportBytes(view, format);
    if (bytes.isEmpty())
        return Text::tr("The picture is too large to be written as %1; choose PDF, or show fewer rows.").arg(path);
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
        return Text::tr("%1 could not be written: %2. Choose another folder.").arg(path, file.errorString());
    return {};
}

}
