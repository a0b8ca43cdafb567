#include "widgets/run_table.h"

#include "widgets/number_text.h"
#include "widgets/state_badge.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QHeaderView>
#include <QSortFilterProxyModel>

#include <algorithm>
#include <array>
#include <utility>

namespace blockcert::widgets {

namespace {

// All words of the search, in any order.
class WordFilter : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

    void setWords(const QString& text)
    {
        m_words = text.split(u' ', Qt::SkipEmptyParts);
        invalidateFilter();
    }

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override
    {
        const QString text = sourceModel()->index(row, 0, parent).data(RunTableModel::SearchRole).toString();
        return std::all_of(m_words.begin(), m_words.end(),
                           [&text](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
    }

private:
    QStringList m_words;
};

// "low rank 64 (attn)" of "low-rank:64:attn": what tells runs of one model on one prompt set apart.
QString surrogateText(const QString& spelled)
{
    QStringList parts = spelled.section(QStringLiteral(", "), 0, 0).split(u':');
    parts[0].replace(u'-', u' ');
    if (parts.size() > 2)
        parts[2] = QStringLiteral("(%1)").arg(parts[2]);
    const QString ablation = spelled.section(QStringLiteral(", "), 1);
    return parts.join(u' ') + (ablation.isEmpty() ? QString() : QStringLiteral(", ") + ablation);
}

bool isNumber(int column)
{
    return column == RunTableModel::Blocks || column == RunTableModel::Epsilon;
}

}

QString runStateWord(RunRow::State state)
{
    switch (state) {
    case RunRow::State::Unknown: return QStringLiteral("…");
    case RunRow::State::Running: return RunTable::tr("running");
    case RunRow::State::Unfinished: return RunTable::tr("unfinished");
    case RunRow::State::Unverified: return RunTable::tr("not verified");
    case RunRow::State::Unchanged: return RunTable::tr("unchanged");
    case RunRow::State::Verified: return RunTable::tr("verified");
    case RunRow::State::Failed: return RunTable::tr("failed");
    case RunRow::State::Weaker: return RunTable::tr("weaker");
    case RunRow::State::Unreadable: return RunTable::tr("unreadable");
    }
    return {};
}

RunTableModel::RunTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void RunTableModel::setRows(std::vector<RunRow> rows)
{
    // The same runs come again with what was learnt since: keep selection and scroll position.
    const bool sameRuns = std::equal(rows.begin(), rows.end(), m_rows.begin(), m_rows.end(),
                                     [](const RunRow& a, const RunRow& b) { return a.path == b.path; });
    if (sameRuns) {
        m_rows = std::move(rows);
        if (!m_rows.empty())
            emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
        return;
    }
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

const RunRow* RunTableModel::rowOf(int at) const
{
    return at >= 0 && at < rowCount() ? &m_rows[static_cast<std::size_t>(at)] : nullptr;
}

int RunTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int RunTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QString RunTableModel::textOf(const RunRow& row, int column)
{
    switch (column) {
    case State: return runStateWord(row.state);
    case Name: return row.name;
    case Model: return row.model;
    case Surrogate: return surrogateText(row.surrogate);
    case Prompts: return row.prompts.isEmpty() ? QString() : tr("%1 · %2").arg(row.prompts, row.baselineDtype);
    case Blocks: return row.blocks == 0 ? QString() : tr("%1 of %2").arg(row.certified).arg(row.blocks);
    case Epsilon: return isMissing(row.epsilon) ? QString() : tableNumber(row.epsilon);
    case Changed: return row.changedText;
    case Tags: return row.tags.join(QStringLiteral(", "));
    case Note: return row.problem.isEmpty() ? row.note.section(u'\n', 0, 0) : row.problem;
    default: return {};
    }
}

QVariant RunTableModel::sortKeyOf(const RunRow& row, int column)
{
    switch (column) {
    case State: return static_cast<int>(row.state);
    case Blocks: return row.blocks;
    case Epsilon: return isMissing(row.epsilon) ? -1.0 : row.epsilon;
    case Changed: return row.changed;
    default: return textOf(row, column);
    }
}

QVariant RunTableModel::data(const QModelIndex& index, int role) const
{
    const RunRow* row = index.isValid() ? rowOf(index.row()) : nullptr;
    if (row == nullptr)
        return {};
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole: return textOf(*row, column);
    case SortRole: return sortKeyOf(*row, column);
    case PathRole: return row->path;
    case SearchRole:
        return QStringList{
            row->name,          row->model, row->surrogate,       surrogateText(row->surrogate), row->prompts,
            row->baselineDtype, row->note,  row->tags.join(u' '), runStateWord(row->state)}
            .join(u'\n');
    case StateRole:
        if (column != State)
            return {};
        switch (row->state) {
        case RunRow::State::Unchanged: return static_cast<int>(Mark::Unchanged);
        case RunRow::State::Verified: return static_cast<int>(Mark::Verified);
        case RunRow::State::Failed: return static_cast<int>(Mark::Failed);
        case RunRow::State::Weaker: return static_cast<int>(Mark::WeakerThanPolicy);
        case RunRow::State::Unverified:
        case RunRow::State::Unfinished:
        case RunRow::State::Unreadable: return static_cast<int>(Mark::NotChecked);
        case RunRow::State::Unknown:
        case RunRow::State::Running: return {};
        }
        return {};
    case Qt::ToolTipRole:
        switch (column) {
        case State:
            return plainToolTip(row->state == RunRow::State::Unchanged
                                    ? tr("Every file is the one that was listed; no number was recomputed")
                                    : textOf(*row, column));
        case Name: return plainToolTip(row->path);
        case Blocks:
            return plainToolTip(
                tr("%1 of %2 measured blocks are certified, says the issuer").arg(row->certified).arg(row->blocks));
        case Epsilon: return plainToolTip(exactNumber(row->epsilon));
        case Note: return plainToolTip(row->problem.isEmpty() ? row->note : row->problem);
        default: return plainToolTip(textOf(*row, column));
        }
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(), textOf(*row, column));
    case Qt::FontRole: return isNumber(column) ? fixedFont(TextSize::Secondary) : textFont(TextSize::Secondary);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((isNumber(column) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    default: return {};
    }
}

QVariant RunTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    static constexpr std::array names{QT_TR_NOOP("State"),     QT_TR_NOOP("Run"),     QT_TR_NOOP("Model"),
                                      QT_TR_NOOP("Surrogate"), QT_TR_NOOP("Prompts"), QT_TR_NOOP("Claimed"),
                                      QT_TR_NOOP("Largest ε"), QT_TR_NOOP("Changed"), QT_TR_NOOP("Tags"),
                                      QT_TR_NOOP("Note")};
    if (role == Qt::DisplayRole)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::ToolTipRole && section == Blocks)
        return tr("Certified blocks of those measured, by the issuer's word");
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue((isNumber(section) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    return {};
}

RunTable::RunTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new RunTableModel(this))
    , m_sorted(new WordFilter(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(RunTableModel::SortRole);
    m_sorted->setSortCaseSensitivity(Qt::CaseInsensitive);
    setModel(m_sorted);
    prepareTable(*this);
    setTextElideMode(Qt::ElideMiddle); // names begin with the model and differ at their end
    setSortingEnabled(true);
    sortByColumn(RunTableModel::Changed, Qt::DescendingOrder);
    setItemDelegate(new StateDelegate(RunTableModel::StateRole, this));
    setAccessibleName(tr("Runs"));
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
        if (!m_silent)
            emit currentChangedTo(index.data(RunTableModel::PathRole).toString());
    });
    connect(this, &QTableView::activated, this,
            [this](const QModelIndex& index) { emit runActivated(index.data(RunTableModel::PathRole).toString()); });
}

void RunTable::setRows(std::vector<RunRow> rows)
{
    const RunRow* shown = current();
    const QString kept = shown != nullptr ? shown->path : QString();
    m_silent = true;
    m_model->setRows(std::move(rows));
    m_silent = false;
    if (!kept.isEmpty())
        setCurrent(kept);
    layoutColumns();
}

void RunTable::setSearch(const QString& text)
{
    static_cast<WordFilter*>(m_sorted)->setWords(text);
}

void RunTable::setCurrent(const QString& path)
{
    for (int row = 0; row < m_sorted->rowCount(); ++row) {
        const QModelIndex index = m_sorted->index(row, 0);
        if (index.data(RunTableModel::PathRole).toString() == path) {
            if (currentIndex().row() != row)
                setCurrentIndex(index);
            return;
        }
    }
}

const RunRow* RunTable::current() const
{
    return currentIndex().isValid() ? m_model->rowOf(m_sorted->mapToSource(currentIndex()).row()) : nullptr;
}

int RunTable::shownRuns() const
{
    return m_sorted->rowCount();
}

void RunTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

// Nothing is scrolled sideways: what the side panel says as well leaves a narrow table, the note first.
void RunTable::layoutColumns()
{
    const QFontMetrics metrics(textFont(TextSize::Secondary));
    const int digit = metrics.averageCharWidth();
    // As wide as its longest text and its header, within reason.
    const auto needed = [&](int column, int most) {
        int width = horizontalHeader()->sectionSizeHint(column);
        for (int row = 0; row < m_model->rowCount(); ++row)
            width = std::max(width, metrics.horizontalAdvance(m_model->index(row, column).data().toString()) + 24);
        return std::min(width, std::max(most, horizontalHeader()->sectionSizeHint(column)));
    };
    setColumnWidth(RunTableModel::State, 17 * digit + 22);
    setColumnWidth(RunTableModel::Prompts, needed(RunTableModel::Prompts, 24 * digit));
    setColumnWidth(RunTableModel::Blocks, needed(RunTableModel::Blocks, 15 * digit));
    setColumnWidth(RunTableModel::Epsilon, needed(RunTableModel::Epsilon, 15 * digit));
    setColumnWidth(RunTableModel::Changed, needed(RunTableModel::Changed, 18 * digit));
    int room = viewport()->width();
    for (const int column : {RunTableModel::State, RunTableModel::Prompts, RunTableModel::Blocks,
                             RunTableModel::Epsilon, RunTableModel::Changed})
        room -= columnWidth(column);
    const bool hasSurrogate = room >= 34 * digit;
    const int surrogate = hasSurrogate ? std::min(needed(RunTableModel::Surrogate, 24 * digit), room / 3) : 0;
    room -= surrogate;
    // Columns in which nobody has written anything leave their room to the names.
    bool anyNote = false;
    bool anyTag = false;
    for (int row = 0; row < m_model->rowCount(); ++row) {
        anyNote = anyNote || !m_model->rowOf(row)->note.isEmpty() || !m_model->rowOf(row)->problem.isEmpty();
        anyTag = anyTag || !m_model->rowOf(row)->tags.isEmpty();
    }
    const bool hasNote = anyNote && room >= 64 * digit;
    const bool hasTags = anyTag && room >= 50 * digit;
    const int name = needed(RunTableModel::Name, 60 * digit);
    // The model stands at the beginning of a name that nobody has changed.
    const bool hasModel = room >= 36 * digit && room - name >= 14 * digit;
    setColumnHidden(RunTableModel::Surrogate, !hasSurrogate);
    setColumnHidden(RunTableModel::Note, !hasNote);
    setColumnHidden(RunTableModel::Tags, !hasTags);
    setColumnHidden(RunTableModel::Model, !hasModel);
    const int model = hasModel ? std::clamp(room - name, 14 * digit, needed(RunTableModel::Model, 30 * digit)) : 0;
    const int tags = hasTags ? 14 * digit : 0;
    const int note = hasNote ? std::max(14 * digit, room / 5) : 0;
    setColumnWidth(RunTableModel::Model, model);
    setColumnWidth(RunTableModel::Surrogate, surrogate);
    setColumnWidth(RunTableModel::Tags, tags);
    setColumnWidth(RunTableModel::Note, note);
    setColumnWidth(RunTableModel::Name, std::max(16 * digit, room - model - tags - note));
}

}
