#include "widgets/check_list_delegate.h"

#include "widgets/check_list.h"
#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QFontMetrics>
#include <QPainter>
#include <QTreeView>

#include <algorithm>

namespace blockcert::widgets {

namespace {

constexpr int glyph = 16;
constexpr int groupHeight = 36;
constexpr int detailIndent = 34;

const CheckRow* checkAt(const QModelIndex& index)
{
    const auto* model = qobject_cast<const CheckListModel*>(index.model());
    return model == nullptr ? nullptr : model->checkOf(index);
}

// Numbers line up whole; digests are abbreviated as everywhere else.
QString shortened(const QString& text, int difference)
{
    const bool digest = text.size() == 64 && std::all_of(text.begin(), text.end(), [](QChar c) {
                            return c.isDigit() || (c >= u'a' && c <= u'f');
                        });
    return digest ? digestText(text, difference) : text;
}

}

QSize CheckListDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const int line = QFontMetrics(fixedFont(TextSize::Secondary)).height();
    switch (CheckListModel::kindOf(index)) {
    case CheckListModel::Kind::Group: return {0, std::max(groupHeight, line + 20)};
    case CheckListModel::Kind::Check: return {0, std::max(space::tableRow + 2, line + 12)};
    case CheckListModel::Kind::Detail: {
        const auto* view = qobject_cast<const QTreeView*>(option.widget);
        const int width = view != nullptr ? view->viewport()->width() : 600;
        const CheckRow* check = checkAt(index);
        return {0, check == nullptr ? line
                                    : layoutDetail(nullptr, QRect(0, 0, width, 1), *check,
                                                   index.data(CheckListModel::DifferenceRole).toInt())};
    }
    }
    return {};
}

void CheckListDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const Tokens& tokens = tokensOf(QApplication::palette());
    painter->save();
    switch (CheckListModel::kindOf(index)) {
    case CheckListModel::Kind::Group:
        painter->setFont(textFont(TextSize::Body, TextWeight::Strong));
        painter->setPen(tokens.text);
        painter->drawText(option.rect.adjusted(space::small, 0, 0, -6), Qt::AlignLeft | Qt::AlignBottom,
                          index.data(Qt::DisplayRole).toString());
        break;
    case CheckListModel::Kind::Check: paintCheck(*painter, option, index); break;
    case CheckListModel::Kind::Detail:
        if (const CheckRow* check = checkAt(index)) {
            layoutDetail(painter, option.rect, *check, index.data(CheckListModel::DifferenceRole).toInt());
            painter->fillRect(QRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1), tokens.line);
        }
        break;
    }
    painter->restore();
}

void CheckListDelegate::paintCheck(QPainter& painter, const QStyleOptionViewItem& option,
                                   const QModelIndex& index) const
{
    const Tokens& tokens = tokensOf(QApplication::palette());
    const QRect row = option.rect;
    if ((option.state & QStyle::State_Selected) != 0)
        painter.fillRect(row, tokens.accentFill);
    else if ((option.state & QStyle::State_MouseOver) != 0)
        painter.fillRect(row, tokens.hover);
    const auto* view = qobject_cast<const QTreeView*>(option.widget);
    const bool open = view != nullptr && view->isExpanded(index.siblingAtColumn(0));
    if (!open)
        painter.fillRect(QRect(row.left(), row.bottom(), row.width(), 1), tokens.line);
    const auto state = static_cast<CheckState>(index.data(CheckListModel::StateRole).toInt());
    const QString text = index.data(Qt::DisplayRole).toString();
    if (index.column() == CheckListModel::Title) {
        paintStateGlyph(painter, QRectF(row.left() + space::small, row.center().y() - glyph / 2.0 + 0.5, glyph, glyph),
                        state, tokens);
        const QFont font = textFont(TextSize::Body);
        painter.setFont(font);
        painter.setPen(tokens.text);
        const int room = row.width() - detailIndent - 22;
        const QString shown = QFontMetrics(font).elidedText(text, Qt::ElideRight, room);
        painter.drawText(QRect(row.left() + detailIndent, row.top(), room, row.height()),
                         Qt::AlignLeft | Qt::AlignVCenter, shown);
        const int end = row.left() + detailIndent + QFontMetrics(font).horizontalAdvance(shown) + space::small;
        if ((option.state & (QStyle::State_MouseOver | QStyle::State_Selected)) != 0 || open)
            paintIcon(painter, QRectF(end, row.center().y() - 5.5, 12, 12),
                      open ? Icon::ChevronDown : Icon::ChevronRight, tokens.secondary);
        return;
    }
    const bool number = index.column() == CheckListModel::Issuer || index.column() == CheckListModel::Recomputed;
    const QFont font = number ? fixedFont(TextSize::Secondary) : textFont(TextSize::Secondary);
    const QFontMetrics metrics(font);
    const QRect area = row.adjusted(space::small, 0, -space::small, 0);
    const int difference = number ? index.data(CheckListModel::DifferenceRole).toInt() : -1;
    const QString whole = number ? shortened(text, difference) : text;
    const QString shown = metrics.elidedText(whole, Qt::ElideRight, area.width());
    // Where the mark starts: an abbreviated digest shows its first difference right after the first ellipsis.
    const int mark = difference < 0 || whole == text || difference < 4 ? difference
                     : difference >= text.size() - 4 ? static_cast<int>(whole.size() - text.size()) + difference
                                                     : 5;
    painter.setFont(font);
    painter.setPen(number ? tokens.text : tokens.secondary);
    if (mark >= 0 && mark < shown.size()) {
        // From the first differing digit on, both numbers are marked by colour and underline.
        const int same = metrics.horizontalAdvance(shown.left(mark));
        const QString rest = shown.mid(mark);
        painter.drawText(area, Qt::AlignLeft | Qt::AlignVCenter, shown.left(mark));
        painter.setPen(tokens.failed.ink);
        painter.drawText(area.adjusted(same, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, rest);
        painter.fillRect(QRect(area.left() + same, area.center().y() + metrics.ascent() / 2 + 2,
                               std::min(metrics.horizontalAdvance(rest), area.width() - same), 1),
                         tokens.failed.ink);
    } else {
        painter.drawText(area, Qt::AlignLeft | Qt::AlignVCenter, shown);
    }
}

int CheckListDelegate::layoutDetail(QPainter* painter, const QRect& rect, const CheckRow& check, int difference) const
{
    const Tokens& tokens = tokensOf(QApplication::palette());
    const QFont textual = textFont(TextSize::Secondary);
    const QFont fixed = fixedFont(TextSize::Secondary);
    const QFontMetrics words(textual);
    const QFontMetrics digits(fixed);
    const QRect area = rect.adjusted(detailIndent, 0, -space::small, 0);
    int y = rect.top() + 2;
    const QString detail = check.detail.isEmpty() ? stateWord(check.state) : check.detail;
    const QRect sentence = words.boundingRect(QRect(area.left(), y, area.width(), 10000),
                                              Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap, detail);
    if (painter != nullptr) {
        painter->setFont(textual);
        painter->setPen(check.state == CheckState::Verified ? tokens.secondary : tokens.text);
        painter->drawText(QRect(area.left(), y, area.width(), sentence.height()),
                          Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap, detail);
    }
    y += sentence.height() + space::tiny;
    const int label = std::max({words.horizontalAdvance(CheckList::tr("Issuer says")),
                                words.horizontalAdvance(CheckList::tr("Recomputed here")),
                                words.horizontalAdvance(CheckList::tr("Check"))}) +
                      space::medium;
    const int perLine = std::max(8, (area.width() - label) / std::max(1, digits.horizontalAdvance(u'0')));
    // Long values wrap by characters, so that the two stand digit above digit.
    const auto value = [&](const QString& name, const QString& text, int mark) {
        if (painter != nullptr) {
            painter->setFont(textual);
            painter->setPen(tokens.secondary);
            painter->drawText(QRect(area.left(), y, label, digits.height()), Qt::AlignLeft | Qt::AlignVCenter, name);
            painter->setFont(fixed);
        }
        for (int begin = 0; begin < std::max<int>(1, static_cast<int>(text.size())); begin += perLine) {
            const QString part = text.mid(begin, perLine);
            if (painter != nullptr) {
                const int same = mark < 0 ? static_cast<int>(part.size())
                                          : std::clamp(mark - begin, 0, static_cast<int>(part.size()));
                const int left = area.left() + label;
                const QRect line(left, y, area.width() - label, digits.height());
                painter->setPen(tokens.text);
                painter->drawText(line, Qt::AlignLeft | Qt::AlignVCenter, part.left(same));
                if (same < part.size()) {
                    const int from = digits.horizontalAdvance(part.left(same));
                    const int first = digits.horizontalAdvance(part.mid(same, 1));
                    if (mark >= begin)
                        painter->fillRect(QRect(left + from, y + 1, first, digits.height() - 2), tokens.failed.fill);
                    painter->setPen(tokens.failed.ink);
                    painter->drawText(line.adjusted(from, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, part.mid(same));
                    if (mark >= begin)
                        painter->fillRect(QRect(left + from, y + digits.height() - 1, first, 2), tokens.failed.ink);
                }
            }
            y += digits.height();
        }
        y += 2;
    };
    if (!check.issuer.isEmpty())
        value(CheckList::tr("Issuer says"), check.issuer, difference);
    if (!check.recomputed.isEmpty())
        value(CheckList::tr("Recomputed here"), check.recomputed, difference);
    value(CheckList::tr("Check"),
          check.where.isEmpty() ? check.id : CheckList::tr("%1 · %2").arg(check.id, check.where), -1);
    return y + space::small - rect.top();
}

}
