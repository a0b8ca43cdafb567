#include "widgets/progress_list.h"

#include "widgets/number_text.h"
#include "widgets/progress_delegate.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <utility>

namespace blockcert::widgets {

namespace {

bool sameLook(const ProgressRow& a, const ProgressRow& b)
{
    const auto same = [](double x, double y) { return x == y || (isMissing(x) && isMissing(y)); };
    return a.title == b.title && a.state == b.state && same(a.done, b.done) && same(a.total, b.total) &&
           a.errors.size() == b.errors.size() && same(a.epsilon, b.epsilon) && same(a.coverage, b.coverage) &&
           a.note == b.note;
}

QString amount(double value, const QString& unit)
{
    return unit == QLatin1String("bytes") ? bytesText(static_cast<std::uint64_t>(value))
                                          : countText(static_cast<std::int64_t>(value));
}

}

ProgressModel::ProgressModel(QObject* parent)
    : QAbstractListModel(parent)
{
}

void ProgressModel::setProgress(std::shared_ptr<const RunProgress> progress)
{
    const std::size_t before = m_progress ? m_progress->rows.size() : 0;
    const std::size_t after = progress ? progress->rows.size() : 0;
    if (after < before || before == 0) {
        beginResetModel();
        m_progress = std::move(progress);
        endResetModel();
        return;
    }
    const std::shared_ptr<const RunProgress> old = std::exchange(m_progress, std::move(progress));
    if (after > before) {
        // rowCount() must not run ahead of the announcement.
        m_announced = static_cast<int>(before);
        beginInsertRows({}, static_cast<int>(before), static_cast<int>(after) - 1);
        m_announced = -1;
        endInsertRows();
    }
    for (std::size_t row = 0; row < before; ++row)
        if (!sameLook(old->rows[row], m_progress->rows[row])) {
            const QModelIndex at = index(static_cast<int>(row));
            emit dataChanged(at, at);
        }
}

const ProgressRow* ProgressModel::row(int at) const
{
    return m_progress && at >= 0 && at < static_cast<int>(m_progress->rows.size())
               ? &m_progress->rows[static_cast<std::size_t>(at)]
               : nullptr;
}

int ProgressModel::rowCount(const QModelIndex& parent) const
{
    if (parent.isValid() || !m_progress)
        return 0;
    return m_announced >= 0 ? m_announced : static_cast<int>(m_progress->rows.size());
}

QVariant ProgressModel::data(const QModelIndex& index, int role) const
{
    const ProgressRow* shown = index.isValid() ? row(index.row()) : nullptr;
    if (shown == nullptr)
        return {};
    switch (role) {
    case Qt::DisplayRole: return shown->title;
    case RowRole: return index.row();
    case Qt::ToolTipRole: {
        QString text = tr("%1: %2").arg(shown->title, stepWord(shown->state));
        if (shown->total > 0)
            text += tr("\n%1 of %2 %3")
                        .arg(amount(shown->done, shown->unit), amount(shown->total, shown->unit), shown->unit);
        if (!isMissing(shown->epsilon))
            text += tr("\nε so far %1, threshold %2").arg(exactNumber(shown->epsilon), exactNumber(shown->threshold));
        return plainToolTip(shown->note.isEmpty() ? text : text + u'\n' + shown->note);
    }
    case Qt::AccessibleTextRole:
        return tr("%1: %2, %3")
            .arg(shown->title, stepWord(shown->state), percentText(shown->total > 0 ? shown->done / shown->total : 0));
    default: return {};
    }
}

ProgressList::ProgressList(QWidget* parent)
    : QListView(parent)
    , m_model(new ProgressModel(this))
{
    setModel(m_model);
    setItemDelegate(new ProgressDelegate(this));
    setFrameShape(QFrame::NoFrame);
    setUniformItemSizes(true);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setMouseTracking(true);
    setAccessibleName(tr("Progress by block"));
    connect(this, &QListView::activated, this, &ProgressList::choose);
    connect(this, &QListView::clicked, this, &ProgressList::choose);
}

void ProgressList::choose(const QModelIndex& index)
{
    const ProgressRow* row = m_model->row(index.row());
    if (row != nullptr && row->block >= 0)
        emit blockChosen(row->block);
}

void ProgressList::setProgress(std::shared_ptr<const RunProgress> progress)
{
    m_model->setProgress(std::move(progress));
}

QString ProgressList::summary(const RunProgress& progress, const QString& stateWord)
{
    QStringList parts;
    if (progress.total > 0)
        parts << (progress.unit == QLatin1String("bytes")
                      ? tr("%1 of %2").arg(amount(progress.done, progress.unit), amount(progress.total, progress.unit))
                      : tr("%1 of %2 %3")
                            .arg(amount(progress.done, progress.unit), amount(progress.total, progress.unit),
                                 progress.unit));
    else if (progress.done > 0)
        parts << tr("%1 %2").arg(amount(progress.done, progress.unit), progress.unit);
    if (!isMissing(progress.elapsedSeconds))
        parts << durationText(progress.elapsedSeconds);
    const QString rate = rateText(progress.rate, progress.unit);
    if (progress.state == StepState::Running && !rate.isEmpty())
        parts << rate;
    if (progress.state == StepState::Running)
        parts << etaText(progress.etaSecondsLow, progress.etaSecondsHigh);
    else if (progress.state != StepState::Waiting)
        parts << (stateWord.isEmpty() ? stepWord(progress.state) : stateWord);
    return parts.join(QStringLiteral(" · "));
}

}
