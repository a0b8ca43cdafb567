#include "widgets/failure_table.h"

#include "widgets/number_text.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QSortFilterProxyModel>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <utility>

namespace blockcert::widgets {

namespace {

bool contains(const MapSlice& slice, const CellKey& key)
{
    return std::binary_search(slice.blocks.begin(), slice.blocks.end(), key.block) &&
           std::binary_search(slice.tokens.begin(), slice.tokens.end(), MapSlice::Place{key.prompt, key.token});
}

class Facets : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

    void setFilter(const FailureFilter& filter)
    {
        m_filter = filter;
        invalidateFilter();
    }

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override
    {
        const auto* model = static_cast<const FailureTableModel*>(sourceModel());
        const FailureRow* failure = model->rowOf(row);
        if (failure == nullptr)
            return false;
        const bool isMarked = !model->index(row, FailureTableModel::Mark, parent).data().toString().isEmpty();
        return (!m_filter.reason || *m_filter.reason == failure->reason) &&
               (!m_filter.block || *m_filter.block == failure->key.block) &&
               (!m_filter.prompt || *m_filter.prompt == failure->key.prompt) &&
               (!m_filter.onlyMassive || failure->massive) && (!m_filter.onlyUnmarked || !isMarked) &&
               (!m_filter.slice || contains(*m_filter.slice, failure->key));
    }

private:
    FailureFilter m_filter;
};

bool isNumber(int column)
{
    return column == FailureTableModel::Block || column == FailureTableModel::Observed ||
           column == FailureTableModel::Excess || column == FailureTableModel::Blocks;
}

}

QString reasonSymbol(FailureReason reason)
{
    switch (reason) {
    case FailureReason::Error: return QStringLiteral("τ_act");
    case FailureReason::RelativeError: return QStringLiteral("τ_rel");
    case FailureReason::LossDifference: return QStringLiteral("τ_loss");
    }
    return {};
}

FailureTableModel::FailureTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void FailureTableModel::setRows(std::shared_ptr<const std::vector<FailureRow>> rows)
{
    if (rows == m_rows)
        return;
    beginResetModel();
    m_rows = std::move(rows);
    m_marks.clear();
    if (m_rows) {
        for (const FailureRow& row : *m_rows)
            m_marks.push_back(row.mark);
    }
    endResetModel();
}

void FailureTableModel::setMarks(const std::function<QString(const CellKey&)>& markOf)
{
    bool hasChanged = false;
    for (std::size_t at = 0; at < m_marks.size(); ++at) {
        QString mark = markOf((*m_rows)[at].key);
        hasChanged = hasChanged || mark != m_marks[at];
        m_marks[at] = std::move(mark);
    }
    if (hasChanged)
        emit dataChanged(index(0, Mark), index(rowCount() - 1, Mark));
}

bool FailureTableModel::hasMarks() const
{
    return std::any_of(m_marks.begin(), m_marks.end(), [](const QString& mark) { return !mark.isEmpty(); });
}

const FailureRow* FailureTableModel::rowOf(int at) const
{
    return at >= 0 && at < rowCount() ? &(*m_rows)[static_cast<std::size_t>(at)] : nullptr;
}

QString FailureTableModel::markOf(int at) const
{
    return m_marks[static_cast<std::size_t>(at)];
}

int FailureTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_rows ? 0 : static_cast<int>(m_rows->size());
}

int FailureTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QString FailureTableModel::textOf(int at, int column) const
{
    const FailureRow& row = *rowOf(at);
    switch (column) {
    case State: {
        const QString state = row.isCovered() ? tr("covered") : tr("above %1").arg(reasonSymbol(row.reason));
        return row.massive ? tr("%1, massive").arg(state) : state;
    }
    case Block: return QString::number(row.key.block);
    case Prompt: return row.prompt;
    case TokenText: return tr("%1 “%2”").arg(row.key.token).arg(visiblePiece(row.piece));
    case Observed: return tableNumber(row.observed);
    case Excess: return tr("%1×").arg(tableNumber(row.excess()));
    case Blocks: return countText(row.blocksFailing);
    case Mark: return markOf(at);
    default: return {};
    }
}

QVariant FailureTableModel::sortKeyOf(int at, int column) const
{
    const FailureRow& row = *rowOf(at);
    switch (column) {
    case Block: return row.key.block;
    case Prompt: return row.key.prompt;
    case TokenText: return row.key.token;
    case Observed: return row.observed;
    case Excess: return row.excess();
    case Blocks: return row.blocksFailing;
    default: return textOf(at, column);
    }
}

QVariant FailureTableModel::data(const QModelIndex& index, int role) const
{
    const FailureRow* row = index.isValid() ? rowOf(index.row()) : nullptr;
    if (row == nullptr)
        return {};
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole: return textOf(index.row(), column);
    case SortRole: return sortKeyOf(index.row(), column);
    case Qt::ToolTipRole:
        if (column == Observed || column == Excess)
            return plainToolTip(
                (row->isCovered() ? tr("%1 is within %2 = %3") : tr("%1 is above %2 = %3"))
                    .arg(exactNumber(row->observed), reasonSymbol(row->reason), exactNumber(row->threshold)));
        if (column == State && row->massive)
            return plainToolTip(tr("Massive: the output's norm is at least 20 times the median of its block"));
        return plainToolTip(textOf(index.row(), column));
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(),
                                textOf(index.row(), column));
    case Qt::FontRole:
        return isNumber(column) || column == TokenText ? fixedFont(TextSize::Secondary) : textFont(TextSize::Secondary);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((isNumber(column) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    default: return {};
    }
}

QVariant FailureTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    static constexpr std::array names{QT_TR_NOOP("State"),  QT_TR_NOOP("Block"),    QT_TR_NOOP("Prompt"),
                                      QT_TR_NOOP("Token"),  QT_TR_NOOP("Observed"), QT_TR_NOOP("Of threshold"),
                                      QT_TR_NOOP("Blocks"), QT_TR_NOOP("Mark")};
    if (role == Qt::DisplayRole)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::ToolTipRole && section == Blocks)
        return tr("At how many blocks this token fails for this reason");
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue((isNumber(section) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    return {};
}

FailureTable::FailureTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new FailureTableModel(this))
    , m_sorted(new Facets(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(FailureTableModel::SortRole);
    setModel(m_sorted);
    prepareTable(*this);
    setSortingEnabled(true);
    sortByColumn(FailureTableModel::Excess, Qt::DescendingOrder);
    setAccessibleName(tr("Failures"));
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this] {
        const FailureRow* row = current();
        if (!m_silent && row != nullptr)
            emit failureChosen(row->key);
    });
    connect(this, &QTableView::clicked, this, [this] { // also on the row that is current already
        if (const FailureRow* row = current())
            emit failureChosen(row->key);
    });
    connect(this, &QTableView::activated, this, [this] {
        if (const FailureRow* row = current())
            emit failureActivated(row->key);
    });
}

void FailureTable::setRows(std::shared_ptr<const std::vector<FailureRow>> rows)
{
    const FailureRow* shown = current();
    const CellKey kept = shown != nullptr ? shown->key : CellKey();
    m_silent = true;
    m_model->setRows(std::move(rows));
    m_silent = false;
    setCurrent(kept);
    layoutColumns();
}

void FailureTable::setMarks(const std::function<QString(const CellKey&)>& markOf)
{
    const bool hadMarks = m_model->hasMarks();
    m_model->setMarks(markOf);
    if (m_model->hasMarks() != hadMarks)
        layoutColumns();
}

void FailureTable::setFilter(const FailureFilter& filter)
{
    static_cast<Facets*>(m_sorted)->setFilter(filter);
}

void FailureTable::setCurrent(const CellKey& key)
{
    const FailureRow* now = current();
    if (!key.isValid() || (now != nullptr && now->key == key))
        return;
    m_silent = true;
    for (int row = 0; row < m_sorted->rowCount(); ++row) {
        const QModelIndex index = m_sorted->index(row, 0);
        if (m_model->rowOf(m_sorted->mapToSource(index).row())->key == key) {
            setCurrentIndex(index);
            break;
        }
    }
    m_silent = false;
}

const FailureRow* FailureTable::current() const
{
    return currentIndex().isValid() ? m_model->rowOf(m_sorted->mapToSource(currentIndex()).row()) : nullptr;
}

int FailureTable::shownFailures() const
{
    return m_sorted->rowCount();
}

void FailureTable::step(int by)
{
    if (m_sorted->rowCount() == 0)
        return;
    const int row = currentIndex().isValid() ? currentIndex().row() + by : 0;
    setCurrentIndex(m_sorted->index(std::clamp(row, 0, m_sorted->rowCount() - 1), 0));
}

void FailureTable::keyPressEvent(QKeyEvent* event)
{
    if (event->modifiers() == Qt::NoModifier && (event->key() == Qt::Key_N || event->key() == Qt::Key_P))
        step(event->key() == Qt::Key_N ? 1 : -1);
    else
        QTableView::keyPressEvent(event);
}

void FailureTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

// What the card says of a failure as well gives way first where the table is narrow.
void FailureTable::layoutColumns()
{
    const int digit = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(u'0');
    const int width = viewport()->width();
    int used = 0;
    const auto setWidth = [&](int column, int digits) {
        setColumnWidth(column, digits * digit);
        used += digits * digit;
    };

    struct Share {
        int column = 0;
        int digits = 0; // to be read whole
        int least = 0;
    };

    const Share shares[] = {{FailureTableModel::State, 21, 16},
                            {FailureTableModel::Block, 9, 8},
                            {FailureTableModel::Prompt, 18, 10},
                            {FailureTableModel::TokenText, 14, 10},
                            {FailureTableModel::Observed, 13, 12}};
    const int whole = std::accumulate(std::begin(shares), std::end(shares), 0,
                                      [](int sum, const Share& share) { return sum + share.digits; });
    for (const Share& share : shares)
        setWidth(share.column, whole * digit <= width ? share.digits : share.least);
    const std::pair<int, int> givingWay[] = {
        {FailureTableModel::Excess, 16}, {FailureTableModel::Blocks, 10}, {FailureTableModel::Mark, 16}};
    for (const auto& [column, digits] : givingWay) {
        const bool isShown =
            used + digits * digit <= width || (column == FailureTableModel::Mark && m_model->hasMarks());
        setColumnHidden(column, !isShown);
        if (isShown)
            setWidth(column, digits);
    }
    // What is left over goes to the texts: first to the state, then to the prompt and the token.
    const auto widen = [&](int column, int most) {
        const int more = std::clamp(width - used, 0, most * digit - columnWidth(column));
        setColumnWidth(column, columnWidth(column) + more);
        used += more;
    };
    widen(FailureTableModel::State, 21);
    widen(FailureTableModel::TokenText, 18);
    widen(FailureTableModel::Prompt, 30);
    setColumnWidth(FailureTableModel::TokenText, columnWidth(FailureTableModel::TokenText) + std::max(0, width - used));
}

}
