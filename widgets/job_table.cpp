#include "widgets/job_table.h"

#include "widgets/number_text.h"
#include "widgets/progress_delegate.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QHeaderView>
#include <QPainter>
#include <QStyledItemDelegate>

#include <algorithm>
#include <array>
#include <utility>

namespace blockcert::widgets {

namespace {

QString amount(double value, const QString& unit)
{
    return unit == QLatin1String("bytes") ? bytesText(static_cast<std::uint64_t>(std::max(0.0, value)))
                                          : countText(static_cast<std::int64_t>(value));
}

// A bar under the amounts, where the total is known.
class ProgressCell : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        QStyledItemDelegate::paint(painter, option, index);
        const QVariant fraction = index.data(JobTableModel::FractionRole);
        if (!fraction.isValid())
            return;
        const Tokens& tokens = tokensOf(QApplication::palette());
        const auto state = static_cast<StepState>(index.data(JobTableModel::StepRole).toInt());
        const QRectF track(option.rect.left() + 11, option.rect.bottom() - 4, option.rect.width() - 22, 3);
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        painter->setPen(Qt::NoPen);
        painter->setBrush(tokens.line);
        painter->drawRoundedRect(track, 1.5, 1.5);
        painter->setBrush(state == StepState::Failed      ? tokens.failed.ink
                          : state == StepState::Cancelled ? tokens.faint
                          : state == StepState::Done      ? tokens.cool[3]
                                                          : tokens.accent);
        painter->drawRoundedRect(QRectF(track.topLeft(), QSizeF(track.width() * fraction.toDouble(), track.height())),
                                 1.5, 1.5);
        painter->restore();
    }
};

}

JobTableModel::JobTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void JobTableModel::setRows(std::vector<JobRow> rows)
{
    // The same jobs come again many times a second with new numbers: told row by row.
    const bool sameJobs = std::equal(rows.begin(), rows.end(), m_rows.begin(), m_rows.end(),
                                     [](const JobRow& a, const JobRow& b) { return a.id == b.id; });
    if (!sameJobs) {
        beginResetModel();
        m_rows = std::move(rows);
        endResetModel();
        return;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] == m_rows[i])
            continue;
        m_rows[i] = std::move(rows[i]);
        emit dataChanged(index(static_cast<int>(i), 0), index(static_cast<int>(i), ColumnCount - 1));
    }
}

const JobRow* JobTableModel::rowOf(int at) const
{
    return at >= 0 && at < rowCount() ? &m_rows[static_cast<std::size_t>(at)] : nullptr;
}

int JobTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int JobTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QString JobTableModel::textOf(const JobRow& row, int column)
{
    const QString none = QStringLiteral("–");
    const bool isRunning = row.state == StepState::Running;
    switch (column) {
    case Job: return shownName(row.title);
    case State: return row.stateWord.isEmpty() ? stepWord(row.state) : row.stateWord;
    case Stage: return shownName(row.sentence.isEmpty() ? row.stage : row.sentence);
    case Progress:
        if (row.total > 0)
            return row.unit == QLatin1String("bytes")
                       ? tr("%1 of %2").arg(amount(row.done, row.unit), amount(row.total, row.unit))
                       : tr("%1 of %2 %3").arg(amount(row.done, row.unit), amount(row.total, row.unit), row.unit);
        return none;
    case Rate:
        return isRunning && !isMissing(row.rate) ? row.unit == QLatin1String("bytes")
                                                       ? tr("%1/s").arg(amount(row.rate, row.unit))
                                                       : tr("%1 %2/s").arg(tableNumber(row.rate), row.unit)
                                                 : none;
    case Left: return isRunning && !isMissing(row.etaSeconds) ? tr("about %1").arg(durationText(row.etaSeconds)) : none;
    case Elapsed:
        return isMissing(row.elapsedSeconds) || row.elapsedSeconds <= 0 ? none : durationText(row.elapsedSeconds);
    case Memory:
        return isRunning && !isMissing(row.memoryBytes) ? bytesText(static_cast<std::uint64_t>(row.memoryBytes)) : none;
    default: return {};
    }
}

QVariant JobTableModel::data(const QModelIndex& index, int role) const
{
    const JobRow* row = index.isValid() ? rowOf(index.row()) : nullptr;
    if (row == nullptr)
        return {};
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole: return textOf(*row, column);
    case Qt::ToolTipRole:
        return plainToolTip(column == Stage && !row->sentence.isEmpty() ? row->sentence : textOf(*row, column));
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(), textOf(*row, column));
    case IdRole: return row->id;
    case StepRole: return static_cast<int>(row->state);
    case FractionRole:
        return column == Progress && row->total > 0 ? QVariant(std::clamp(row->done / row->total, 0.0, 1.0))
                                                    : QVariant();
    case Qt::FontRole:
        return column >= Progress                                  ? fixedFont(TextSize::Secondary)
               : column == Job && row->state == StepState::Running ? textFont(TextSize::Secondary, TextWeight::Strong)
                                                                   : textFont(TextSize::Secondary);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((column >= Rate ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    default: return {};
    }
}

QVariant JobTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    static constexpr std::array names{QT_TR_NOOP("Job"),  QT_TR_NOOP("State"), QT_TR_NOOP("Stage"),
                                      QT_TR_NOOP("Done"), QT_TR_NOOP("Rate"),  QT_TR_NOOP("Left"),
                                      QT_TR_NOOP("Took"), QT_TR_NOOP("Memory")};
    if (role == Qt::DisplayRole)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::ToolTipRole && section == Memory)
        return tr("Of the engine, which does one job at a time");
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue((section >= Rate ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    return {};
}

JobTable::JobTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new JobTableModel(this))
{
    setModel(m_model);
    prepareTable(*this);
    setItemDelegateForColumn(JobTableModel::Progress, new ProgressCell(this));
    setAccessibleName(tr("Jobs"));
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this, &JobTable::currentJobChanged);
    connect(m_model, &QAbstractItemModel::dataChanged, this, &JobTable::currentJobChanged);
    connect(m_model, &QAbstractItemModel::modelReset, this, &JobTable::currentJobChanged);
}

void JobTable::setRows(std::vector<JobRow> rows)
{
    const std::optional<JobRow> kept = currentJob();
    m_model->setRows(std::move(rows));
    if (currentIndex().isValid() || m_model->rowCount() == 0)
        return;
    int row = 0; // without a job to keep the newest
    for (int at = 0; kept && at < m_model->rowCount(); ++at) {
        if (m_model->rowOf(at)->id == kept->id)
            row = at;
    }
    setCurrentIndex(m_model->index(row, 0));
}

std::optional<JobRow> JobTable::currentJob() const
{
    const JobRow* row = m_model->rowOf(currentIndex().row());
    return row != nullptr ? std::optional(*row) : std::nullopt;
}

void JobTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

void JobTable::layoutColumns()
{
    const int digit = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(u'0');
    setColumnWidth(JobTableModel::Job, std::min(36 * digit, viewport()->width() / 4));
    setColumnWidth(JobTableModel::State, 16 * digit);
    setColumnWidth(JobTableModel::Progress, 24 * digit);
    setColumnWidth(JobTableModel::Rate, 16 * digit);
    setColumnWidth(JobTableModel::Left, 14 * digit);
    setColumnWidth(JobTableModel::Elapsed, 11 * digit);
    setColumnWidth(JobTableModel::Memory, 13 * digit);
    const int widest = 14 * digit; // of a stage's name
    // In a narrow window what the status line says as well gives way first.
    int used = 0;
    for (int column = 0; column < JobTableModel::ColumnCount; ++column) {
        setColumnHidden(column, false);
        used += column == JobTableModel::Stage ? 0 : columnWidth(column);
    }
    for (const int column : {JobTableModel::Memory, JobTableModel::Rate}) {
        if (used + widest <= viewport()->width())
            break;
        used -= columnWidth(column);
        setColumnHidden(column, true);
    }
    setColumnWidth(JobTableModel::Stage, std::max(widest, viewport()->width() - used));
}

}
