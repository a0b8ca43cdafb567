#include "widgets/table_export.h"

#include "widgets/number_text.h"
#include "widgets/values.h"

#include <QAbstractItemModel>
#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <memory>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(TableExport)
};

constexpr std::size_t mostPainted = 60;
constexpr double rowHeight = 22;
constexpr double padding = 10;
constexpr double widest = 320; // of a column; longer texts are shortened in the picture alone

struct Content {
    QStringList columns;
    std::vector<bool> isNumber;     // [column]
    std::vector<QStringList> shown; // [row][column]
    std::vector<QStringList> exact;
    std::vector<double> widths; // of the columns in the picture
};

QString exactOf(const QModelIndex& index, const QString& shown)
{
    const QVariant value = index.data(Qt::UserRole);
    if (value.typeId() != QMetaType::Double)
        return shown;
    return isMissing(value.toDouble()) ? QString() : exactNumber(value.toDouble());
}

void read(const QAbstractItemModel& model, const QModelIndex& parent, Content& content)
{
    for (int row = 0; row < model.rowCount(parent); ++row) {
        QStringList shown;
        QStringList exact;
        for (int column = 0; column < content.columns.size(); ++column) {
            const QModelIndex index = model.index(row, column, parent);
            shown << index.data().toString();
            exact << (content.isNumber[static_cast<std::size_t>(column)] ? exactOf(index, shown.back()) : shown.back());
        }
        content.shown.push_back(shown);
        content.exact.push_back(exact);
        read(model, model.index(row, 0, parent), content);
    }
}

QFont fontOf(bool isNumber)
{
    return isNumber ? fixedFont(TextSize::Secondary) : textFont(TextSize::Secondary);
}

void paint(QPainter& painter, const Content& content)
{
    const Tokens& tokens = printTokens();
    const auto line = [&](double y, const QStringList& texts, bool isHeader) {
        double x = 0;
        for (std::size_t column = 0; column < content.widths.size(); ++column) {
            const QFont font =
                isHeader ? textFont(TextSize::Secondary, TextWeight::Strong) : fontOf(content.isNumber[column]);
            const QRectF cell = QRectF(x, y, content.widths[column], rowHeight).adjusted(padding, 0, -padding, 0);
            painter.setFont(font);
            painter.setPen(tokens.text);
            painter.drawText(
                cell, Qt::AlignVCenter | (content.isNumber[column] ? Qt::AlignRight : Qt::AlignLeft),
                QFontMetricsF(font).elidedText(texts[static_cast<qsizetype>(column)], Qt::ElideRight, cell.width()));
            x += content.widths[column];
        }
        painter.fillRect(QRectF(0, y + rowHeight - 1, x, 1), isHeader ? tokens.secondary : tokens.line);
    };
    line(0, content.columns, true);
    for (std::size_t row = 0; row < std::min(mostPainted, content.shown.size()); ++row)
        line(rowHeight * static_cast<double>(row + 1), content.shown[row], false);
}

}

ViewExport tableExport(const QAbstractItemModel& model, const QString& title)
{
    auto content = std::make_shared<Content>();
    for (int column = 0; column < model.columnCount(); ++column) {
        QString name = model.headerData(column, Qt::Horizontal).toString();
        for (const QChar arrow : {QChar(u'↑'), QChar(u'↓')}) // which the header has for the order
            name.remove(arrow);
        content->columns << name.trimmed();
        const QVariant alignment =
            model.rowCount() > 0 ? model.index(0, column).data(Qt::TextAlignmentRole) : QVariant();
        content->isNumber.push_back((alignment.toInt() & Qt::AlignRight) != 0);
    }
    read(model, {}, *content);
    double width = 0;
    for (std::size_t column = 0; column < content->isNumber.size(); ++column) {
        const QFontMetricsF header(textFont(TextSize::Secondary, TextWeight::Strong));
        const QFontMetricsF cell(fontOf(content->isNumber[column]));
        double most = header.horizontalAdvance(content->columns[static_cast<qsizetype>(column)]);
        for (std::size_t row = 0; row < std::min(mostPainted, content->shown.size()); ++row)
            most = std::max(most, cell.horizontalAdvance(content->shown[row][static_cast<qsizetype>(column)]));
        content->widths.push_back(std::min(widest, std::ceil(most)) + 2 * padding);
        width += content->widths.back();
    }
    const auto rows = content->shown.size();
    ViewExport view;
    for (const QChar c : title.isEmpty() ? QStringLiteral("table") : title.toLower().simplified())
        if (c.isLetterOrNumber() || c == u' ')
            view.name += c == u' ' ? QChar(u'-') : c;
    view.title = title.isEmpty() ? Text::tr("Table") : title;
    view.caption = rows > mostPainted ? Text::tr("The first %1 of %2 rows, in the order of the window; exported as CSV "
                                                 "the table has all of them.")
                                            .arg(mostPainted)
                                            .arg(rows)
                                      : QString();
    view.size = QSizeF(std::max(width, 320.0), rowHeight * static_cast<double>(std::min(mostPainted, rows) + 1));
    view.paint = [content](QPainter& painter, bool) { paint(painter, *content); };
    view.table = [content] { return ExportTable{content->columns, content->exact}; };
    return view;
}

}
