#include "widgets/verdict_table.h"

#include "widgets/number_text.h"
#include "widgets/progress_delegate.h"
#include "widgets/state_badge.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>
#include <QSortFilterProxyModel>

#include <algorithm>
#include <array>
#include <utility>

namespace blockcert::widgets {

namespace {

bool isNumber(int column)
{
    return column >= VerdictTableModel::Level && column <= VerdictTableModel::Seconds;
}

}

VerdictTableModel::VerdictTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void VerdictTableModel::setRows(std::vector<VerdictRow> rows)
{
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

void VerdictTableModel::setRow(int at, const VerdictRow& row)
{
    if (at < 0 || at >= rowCount())
        return;
    m_rows[static_cast<std::size_t>(at)] = row;
    emit dataChanged(index(at, 0), index(at, ColumnCount - 1));
}

int VerdictTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int VerdictTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QString VerdictTableModel::textOf(const VerdictRow& row, int column)
{
    const bool isDone = row.progress == StepState::Done;
    const QString none = QStringLiteral("–");
    switch (column) {
    case Verdict:
        if (isDone) // no tick may stand for numbers that nobody recomputed
            return markOf(row.state, row.level) == Mark::Unchanged      ? tr("Unchanged")
                   : row.state == CheckState::Verified && row.level < 3 ? tr("Verified at level %1").arg(row.level)
                                                                        : stateWord(row.state);
        if (row.progress == StepState::Running)
            return row.fraction > 0 ? tr("checking, %1").arg(percentText(row.fraction)) : tr("checking");
        return row.progress == StepState::Failed ? tr("cannot be checked") : stepWord(row.progress);
    case Run: return shownName(row.name);
    case Level: return isDone ? QString::number(row.level) : none;
    case Failed: return isDone ? countText(row.failed) : none;
    case NotChecked: return isDone ? countText(row.notChecked) : none;
    case Seconds: return isMissing(row.seconds) ? none : durationText(row.seconds);
    case Sentence: return shownName(row.sentence);
    default: return {};
    }
}

QVariant VerdictTableModel::sortKeyOf(const VerdictRow& row, int column)
{
    const bool isDone = row.progress == StepState::Done;
    switch (column) {
    case Verdict:
        // What needs attention first: failed, not checkable, weaker, not checked, verified; then what has no verdict.
        if (row.progress == StepState::Failed)
            return 1;
        if (!isDone)
            return 5;
        switch (row.state) {
        case CheckState::Failed: return 0;
        case CheckState::WeakerThanPolicy: return 2;
        case CheckState::NotChecked: return 3;
        case CheckState::Verified: return 4;
        }
        return 5;
    case Level: return isDone ? row.level : -1;
    case Failed: return isDone ? row.failed : -1;
    case NotChecked: return isDone ? row.notChecked : -1;
    case Seconds: return isMissing(row.seconds) ? -1.0 : row.seconds;
    default: return textOf(row, column);
    }
}

QVariant VerdictTableModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const VerdictRow& row = m_rows[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole: return textOf(row, column);
    case SortRole: return sortKeyOf(row, column);
    case StateRole:
        if (column != Verdict)
            return {};
        return row.progress == StepState::Done     ? QVariant(static_cast<int>(markOf(row.state, row.level)))
               : row.progress == StepState::Failed ? QVariant(static_cast<int>(Mark::NotChecked))
                                                   : QVariant();
    case Qt::ToolTipRole: return plainToolTip(column == Run ? row.path : textOf(row, column));
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(), textOf(row, column));
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((isNumber(column) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case Qt::FontRole: return isNumber(column) ? fixedFont(TextSize::Secondary) : textFont(TextSize::Secondary);
    default: return {};
    }
}

QVariant VerdictTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    static constexpr std::array names{QT_TR_NOOP("Verdict"),     QT_TR_NOOP("Run"),  QT_TR_NOOP("Level"),
                                      QT_TR_NOOP("Failed"),      QT_TR_NOOP("Open"), QT_TR_NOOP("Time"),
                                      QT_TR_NOOP("What it says")};
    if (role == Qt::DisplayRole)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::ToolTipRole && section == NotChecked)
        return tr("Required checks that could not be made");
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue((isNumber(section) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    return {};
}

VerdictTable::VerdictTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new VerdictTableModel(this))
    , m_sorted(new QSortFilterProxyModel(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(VerdictTableModel::SortRole);
    setModel(m_sorted);
    prepareTable(*this);
    setSortingEnabled(true);
    sortByColumn(VerdictTableModel::Run, Qt::AscendingOrder);
    setItemDelegate(new StateDelegate(VerdictTableModel::StateRole, this));
    setAccessibleName(tr("Verdicts"));
    connect(this, &QTableView::activated, this,
            [this](const QModelIndex& index) { emit rowActivated(m_sorted->mapToSource(index).row()); });
}

void VerdictTable::setRows(std::vector<VerdictRow> rows)
{
    m_model->setRows(std::move(rows));
    layoutColumns();
}

void VerdictTable::setRow(int at, const VerdictRow& row)
{
    m_model->setRow(at, row);
}

void VerdictTable::keyPressEvent(QKeyEvent* event)
{
    if (!event->matches(QKeySequence::Copy) || !currentIndex().isValid()) {
        QTableView::keyPressEvent(event);
        return;
    }
    QStringList cells;
    for (int column = 0; column < VerdictTableModel::ColumnCount; ++column)
        cells << currentIndex().siblingAtColumn(column).data().toString();
    QApplication::clipboard()->setText(cells.join(u'\t'));
}

void VerdictTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

void VerdictTable::layoutColumns()
{
    const int digit = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(u'0');
    int longest = 12;
    for (int row = 0; row < m_model->rowCount(); ++row)
        longest =
            std::max(longest, static_cast<int>(m_model->index(row, VerdictTableModel::Run).data().toString().size()));
    setColumnWidth(VerdictTableModel::Verdict, 24 * digit + 22);
    setColumnWidth(VerdictTableModel::Run,
                   std::min((longest + 3) * digit, std::max(24 * digit, viewport()->width() / 3)));
    for (const int column : {VerdictTableModel::Level, VerdictTableModel::Failed, VerdictTableModel::NotChecked})
        setColumnWidth(column, 9 * digit);
    setColumnWidth(VerdictTableModel::Seconds, 12 * digit);
    int used = 0;
    for (int column = 0; column < VerdictTableModel::Sentence; ++column)
        used += columnWidth(column);
    setColumnWidth(VerdictTableModel::Sentence, std::max(200, viewport()->width() - used));
}

}
