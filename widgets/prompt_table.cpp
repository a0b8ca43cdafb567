#include "widgets/prompt_table.h"

#include "widgets/number_text.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QHeaderView>

#include <algorithm>
#include <array>
#include <utility>

namespace blockcert::widgets {

namespace {

constexpr int longestToolTip = 2000;
constexpr int longestCell = 400;

// One line a line of the prompt; controls that would turn or hide text are written out.
QString legible(const QString& text)
{
    QStringList lines;
    for (const QString& line : text.split(u'\n'))
        lines << visiblePiece(line).replace(u'␣', u' ');
    return lines.join(u'\n');
}

}

PromptTableModel::PromptTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void PromptTableModel::setPrompts(std::shared_ptr<const PromptList> prompts)
{
    beginResetModel();
    m_prompts = std::move(prompts);
    endResetModel();
}

int PromptTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_prompts ? 0 : static_cast<int>(m_prompts->prompts.size());
}

int PromptTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant PromptTableModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const PromptRow& row = m_prompts->prompts[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        switch (column) {
        case Id: return shownName(row.id);
        case Text: return visiblePiece(row.rendered.left(longestCell)).replace(u'␣', u' ');
        case TokenCount: {
            const auto count = static_cast<std::int64_t>(row.tokens.size());
            return row.truncatedTokens > 0
                       ? tr("%1 of %2").arg(countText(count), countText(count + row.truncatedTokens))
                       : countText(count);
        }
        case Tags: return row.tags.join(QStringLiteral(", "));
        case Split: return row.split;
        case Problem: return row.problem;
        default: return {};
        }
    case Qt::ToolTipRole:
        if (column == TokenCount && row.truncatedTokens > 0)
            return plainToolTip(tr("%1 tokens were cut off at the end").arg(countText(row.truncatedTokens)));
        return plainToolTip(column == Text ? legible(row.rendered.left(longestToolTip))
                                           : data(index, Qt::DisplayRole).toString());
    case Qt::FontRole:
        return column == Id || column == TokenCount ? fixedFont(TextSize::Secondary) : textFont(TextSize::Secondary);
    case Qt::ForegroundRole:
        if (column == Problem)
            return tokensOf(QApplication::palette()).failed.ink;
        if (column == TokenCount && row.truncatedTokens > 0)
            return tokensOf(QApplication::palette()).weaker.ink;
        return {};
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(column == TokenCount ? Qt::AlignRight | Qt::AlignVCenter
                                                        : Qt::AlignLeft | Qt::AlignVCenter);
    default: return {};
    }
}

QVariant PromptTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    static constexpr std::array names{QT_TR_NOOP("Id"),   QT_TR_NOOP("Text"),  QT_TR_NOOP("Tokens"),
                                      QT_TR_NOOP("Tags"), QT_TR_NOOP("Split"), QT_TR_NOOP("Problem")};
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    if (role == Qt::DisplayRole)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue(section == TokenCount ? Qt::AlignRight | Qt::AlignVCenter
                                                         : Qt::AlignLeft | Qt::AlignVCenter);
    return {};
}

PromptTable::PromptTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new PromptTableModel(this))
{
    setModel(m_model);
    prepareTable(*this);
    setAccessibleName(tr("Prompts"));
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& index) { emit promptSelected(index.isValid() ? index.row() : -1); });
}

void PromptTable::setPrompts(std::shared_ptr<const PromptList> prompts)
{
    bool tags = false;
    bool splits = false;
    bool problems = false;
    if (prompts)
        for (const PromptRow& prompt : prompts->prompts) {
            tags = tags || !prompt.tags.isEmpty();
            splits = splits || !prompt.split.isEmpty();
            problems = problems || !prompt.problem.isEmpty();
        }
    m_model->setPrompts(std::move(prompts));
    // Columns that would be empty in every row only take room away from the text.
    setColumnHidden(PromptTableModel::Tags, !tags);
    setColumnHidden(PromptTableModel::Split, !splits);
    setColumnHidden(PromptTableModel::Problem, !problems);
    layoutColumns();
}

void PromptTable::layoutColumns()
{
    const int digit = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(u'0');
    int longest = 8; // whole ids, as long as they leave room for the text
    for (int row = 0; row < m_model->rowCount(); ++row) {
        const QString id = m_model->index(row, PromptTableModel::Id).data().toString();
        longest = std::max(longest, static_cast<int>(id.size()));
    }
    setColumnWidth(PromptTableModel::Id,
                   std::min((longest + 4) * digit, std::max(12 * digit, viewport()->width() / 4)));
    setColumnWidth(PromptTableModel::TokenCount, 14 * digit);
    setColumnWidth(PromptTableModel::Tags, 100);
    setColumnWidth(PromptTableModel::Split, 80);
    setColumnWidth(PromptTableModel::Problem, 220);
    int used = 0;
    for (int column = 0; column < PromptTableModel::ColumnCount; ++column)
        if (column != PromptTableModel::Text && !isColumnHidden(column))
            used += columnWidth(column);
    setColumnWidth(PromptTableModel::Text, std::max(160, viewport()->width() - used));
}

void PromptTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

int PromptTable::currentPrompt() const
{
    return currentIndex().isValid() ? currentIndex().row() : -1;
}

}
