#include "widgets/block_table.h"

#include "widgets/block_change_model.h"
#include "widgets/number_text.h"
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

const QString ascendingMark = QStringLiteral(" ↑");
const QString descendingMark = QStringLiteral(" ↓");

// Missing numbers come last in both directions.
class MissingLast : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

    // The order is marked in the header's text: beside it there is no room for an arrow.
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override
    {
        const QVariant data = QSortFilterProxyModel::headerData(section, orientation, role);
        if (role != Qt::DisplayRole || orientation != Qt::Horizontal || section != sortColumn())
            return data;
        return QString(data.toString() + (sortOrder() == Qt::AscendingOrder ? ascendingMark : descendingMark));
    }

protected:
    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override
    {
        const double a = left.data(BlockTableModel::SortRole).toDouble();
        const double b = right.data(BlockTableModel::SortRole).toDouble();
        if (isMissing(a) || isMissing(b))
            return isMissing(b) && !isMissing(a) ? sortOrder() == Qt::AscendingOrder
                                                 : !isMissing(b) && sortOrder() == Qt::DescendingOrder;
        return a < b;
    }
};

double numberOf(const BlockRow& row, int column)
{
    switch (column) {
    case BlockTableModel::Block: return row.block;
    case BlockTableModel::Epsilon: return row.epsilon;
    case BlockTableModel::Mae: return row.mae;
    case BlockTableModel::Activation: return row.activationCoverage;
    case BlockTableModel::Path: return row.pathCoverage;
    case BlockTableModel::Loss: return row.lossCoverage;
    case BlockTableModel::Relative: return row.relativeEpsilon;
    case BlockTableModel::Worst: return row.worst.isValid() ? row.worst.prompt * 1e6 + row.worst.token : missing;
    case BlockTableModel::Certified: return static_cast<double>(row.state);
    default: return missing;
    }
}

}

QString findingText(const BlockFinding& finding)
{
    const auto below = [&finding](const QString& what) {
        return BlockTableModel::tr("%1 %2 is below %3")
            .arg(what, exactNumber(finding.observed), exactNumber(finding.threshold));
    };
    if (finding.code == QLatin1String("activation_coverage_below"))
        return below(BlockTableModel::tr("Activation coverage"));
    if (finding.code == QLatin1String("relative_coverage_below"))
        return below(BlockTableModel::tr("Relative coverage"));
    if (finding.code == QLatin1String("loss_coverage_below"))
        return below(BlockTableModel::tr("Loss coverage"));
    if (finding.code == QLatin1String("loss_coverage_missing"))
        return BlockTableModel::tr("No loss coverage: %1").arg(finding.where);
    QString text = QString(finding.code).replace(u'_', u' ');
    if (!finding.where.isEmpty())
        text = BlockTableModel::tr("%1 (%2)").arg(text, finding.where);
    if (!isMissing(finding.observed))
        text = BlockTableModel::tr("%1: observed %2, threshold %3")
                   .arg(text, exactNumber(finding.observed), exactNumber(finding.threshold));
    return text;
}

QString lossesText(int level)
{
    return BlockTableModel::tr("Certified: errors were recomputed here, but the losses that this rests on as well are "
                               "the issuer's word. ") +
           (level < 4 ? BlockTableModel::tr("Level 4 recomputes them.")
                      : BlockTableModel::tr("At level 4 they could not be told from rounding."));
}

BlockTableModel::BlockTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void BlockTableModel::setRows(std::shared_ptr<const std::vector<BlockRow>> rows)
{
    if (rows == m_rows)
        return;
    // While a run goes on the same blocks come again with new numbers: keep selection and scroll position.
    const bool sameBlocks = rows && m_rows && rows->size() == m_rows->size() &&
                            std::equal(rows->begin(), rows->end(), m_rows->begin(),
                                       [](const BlockRow& a, const BlockRow& b) { return a.block == b.block; });
    if (sameBlocks) {
        m_rows = std::move(rows);
        if (!m_rows->empty())
            emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
        return;
    }
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

void BlockTableModel::setThresholds(const Thresholds& thresholds)
{
    if (thresholds == m_thresholds)
        return;
    m_thresholds = thresholds;
    if (rowCount() > 0)
        emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

void BlockTableModel::setVerdict(const std::optional<RunVerdict>& verdict)
{
    m_verdict = verdict;
    if (rowCount() > 0)
        emit dataChanged(index(0, Certified), index(rowCount() - 1, Certified));
}

const BlockRow* BlockTableModel::rowOf(int row) const
{
    return m_rows && row >= 0 && row < static_cast<int>(m_rows->size()) ? &(*m_rows)[static_cast<std::size_t>(row)]
                                                                        : nullptr;
}

int BlockTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_rows ? 0 : static_cast<int>(m_rows->size());
}

int BlockTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QString BlockTableModel::textOf(const BlockRow& row, int column) const
{
    switch (column) {
    case Block: return QString::number(row.block);
    case Epsilon: return tableNumber(row.epsilon, m_thresholds.tauAct);
    case Mae: return tableNumber(row.mae);
    case Activation: return coverageText(row.activationCoverage);
    case Path: return coverageText(row.pathCoverage);
    case Loss: return coverageText(row.lossCoverage);
    case Relative: return tableNumber(row.relativeEpsilon, m_thresholds.tauRel);
    case Worst:
        return row.worst.isValid() ? tr("prompt %1 · token %2 “%3”")
                                         .arg(row.worst.prompt)
                                         .arg(row.worst.token)
                                         .arg(visiblePiece(row.worstPiece))
                                   : QStringLiteral("–");
    case Certified:
        if (row.state == BlockState::Certified || row.state == BlockState::NotCertified) {
            switch (markOf(row)) {
            case Mark::Failed: return tr("refuted");
            case Mark::NotChecked: return tr("claimed");
            case Mark::ButLosses: return tr("losses claimed");
            default: break;
            }
        }
        return blockStateWord(row.state);
    default: return {};
    }
}

Mark BlockTableModel::markOf(const BlockRow& row) const
{
    if (row.state != BlockState::Certified && row.state != BlockState::NotCertified)
        return widgets::markOf(checkStateOf(row.state));
    const Mark found = m_verdict ? m_verdict->markOf(row.block, !isMissing(row.lossCoverage)) : Mark::NotChecked;
    // That a block does not certify is no claim in its favour, so it needs no proof to be shown.
    return found == Mark::Failed || row.state == BlockState::Certified ? found
                                                                       : widgets::markOf(checkStateOf(row.state));
}

QString BlockTableModel::explain(const BlockRow& row, int column) const
{
    switch (column) {
    case Epsilon:
        return isMissing(row.epsilon) ? tr("Not measured")
                                      : tr("ε = %1\nmedian %2, 90 % %3, 95 % %4, 99 % %5")
                                            .arg(exactNumber(row.epsilon), exactNumber(row.q50), exactNumber(row.q90),
                                                 exactNumber(row.q95), exactNumber(row.q99));
    case Mae: return tr("Mean error %1").arg(exactNumber(row.mae));
    case Activation:
        return tr("%1 of the tokens have an error of at most τ_act = %2; needed: %3")
            .arg(exactNumber(row.activationCoverage), exactNumber(m_thresholds.tauAct),
                 exactNumber(m_thresholds.alphaAct));
    case Path: return tr("%1 of the attention paths are covered").arg(exactNumber(row.pathCoverage));
    case Loss:
        return isMissing(row.lossCoverage)
                   ? tr("No loss was measured")
                   : tr("%1 of the baseline's loss lies on tokens whose loss differs by at most "
                        "τ_loss = %2; needed: %3")
                         .arg(exactNumber(row.lossCoverage), exactNumber(m_thresholds.tauLoss),
                              exactNumber(m_thresholds.alphaLoss));
    case Relative:
        return tr("Largest relative error %1, mean %2, coverage at τ_rel = %3: %4")
            .arg(exactNumber(row.relativeEpsilon), exactNumber(row.relativeMean), exactNumber(m_thresholds.tauRel),
                 exactNumber(row.relativeCoverage));
    case Certified: {
        QStringList lines;
        if (row.state == BlockState::Certified || row.state == BlockState::NotCertified) {
            switch (markOf(row)) {
            case Mark::Failed: lines << tr("A check of this block does not hold; see Verify."); break;
            case Mark::NotChecked:
                lines << tr("The issuer says that it is certified. Nothing about it has been recomputed here yet; "
                            "Verify does that.");
                break;
            case Mark::ButLosses: lines << lossesText(m_verdict->levelOf(row.block)); break;
            case Mark::Verified: lines << tr("Certified, and every number was recomputed here."); break;
            default: break;
            }
        }
        if (row.findings.empty() && lines.isEmpty())
            return textOf(row, column);
        for (const BlockFinding& finding : row.findings)
            lines << findingText(finding);
        return lines.join(u'\n');
    }
    default: return textOf(row, column);
    }
}

QVariant BlockTableModel::data(const QModelIndex& index, int role) const
{
    const BlockRow* row = index.isValid() ? rowOf(index.row()) : nullptr;
    if (row == nullptr)
        return {};
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole: return textOf(*row, column);
    case Qt::ToolTipRole: return plainToolTip(explain(*row, column));
    case Qt::AccessibleTextRole:
        if (column == Certified && markOf(*row) == Mark::ButLosses)
            return lossesText(m_verdict->levelOf(row->block));
        return tr("%1: %2").arg(headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(), textOf(*row, column));
    case SortRole: return numberOf(*row, column);
    case BlockRole: return row->block;
    case WorstRole: return QVariant::fromValue(row->worst);
    case StateRole:
        return column == Certified && row->state != BlockState::Waiting ? QVariant(static_cast<int>(markOf(*row)))
                                                                        : QVariant();
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(column >= Epsilon && column <= Relative ? Qt::AlignRight | Qt::AlignVCenter
                                                                           : Qt::AlignLeft | Qt::AlignVCenter);
    case Qt::FontRole:
        return column == Worst || column == Certified ? textFont(TextSize::Secondary) : fixedFont(TextSize::Secondary);
    default: return {};
    }
}

QVariant BlockTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    static const std::array names{QT_TR_NOOP("Block"),      QT_TR_NOOP("ε"),           QT_TR_NOOP("MAE"),
                                  QT_TR_NOOP("Activation"), QT_TR_NOOP("Path"),        QT_TR_NOOP("Loss"),
                                  QT_TR_NOOP("Relative ε"), QT_TR_NOOP("Worst token"), QT_TR_NOOP("Certified")};
    if (role == Qt::DisplayRole && section >= 0 && section < ColumnCount)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue(section >= Epsilon && section <= Relative ? Qt::AlignRight | Qt::AlignVCenter
                                                                             : Qt::AlignLeft | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole) {
        switch (section) {
        case Epsilon: return tr("Largest error of any token, equation 4");
        case Mae: return tr("Mean error over tokens, equation 5");
        case Activation: return tr("Share of tokens within τ_act, equation 6");
        case Path: return tr("Share of attention paths whose mask agrees");
        case Loss: return tr("Share of the baseline's loss on tokens within τ_loss, equation 8");
        case Relative: return tr("Largest error divided by the norm of the block's output");
        default: return {};
        }
    }
    return {};
}

BlockTable::BlockTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new BlockTableModel(this))
    , m_changes(new BlockChangeModel(this))
    , m_sorted(new MissingLast(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(BlockTableModel::SortRole);
    setModel(m_sorted);
    prepareTable(*this);
    setSortingEnabled(true);
    sortByColumn(BlockTableModel::Block, Qt::AscendingOrder);
    connect(horizontalHeader(), &QHeaderView::sortIndicatorChanged, this, [this] {
        horizontalHeader()->viewport()->update();
        if (currentIndex().isValid())
            scrollTo(currentIndex()); // what is selected stays in view in the new order
    });
    setItemDelegate(new StateDelegate(BlockTableModel::StateRole, this));
    setAccessibleName(tr("Blocks"));
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
        if (!m_silent && index.isValid())
            emit blockSelected(index.data(BlockTableModel::BlockRole).toInt());
    });
    connect(this, &QTableView::activated, this, &BlockTable::activateWorst);
}

void BlockTable::setRows(std::shared_ptr<const std::vector<BlockRow>> rows)
{
    const int kept = currentBlock();
    m_silent = true;
    m_model->setRows(std::move(rows));
    showModel(*m_model);
    m_silent = false;
    setCurrentBlock(kept);
    layoutColumns();
}

void BlockTable::setChanges(std::shared_ptr<const std::vector<ComparedBlock>> rows)
{
    const int kept = currentBlock();
    m_silent = true;
    m_changes->setRows(std::move(rows));
    showModel(*m_changes);
    m_silent = false;
    setCurrentBlock(kept);
    layoutColumns();
}

// The column that sorts, and its direction, stay.
void BlockTable::showModel(QAbstractItemModel& model)
{
    if (m_sorted->sourceModel() != &model)
        m_sorted->setSourceModel(&model);
}

void BlockTable::setThresholds(const Thresholds& thresholds)
{
    m_model->setThresholds(thresholds);
}

void BlockTable::setVerdict(const std::optional<RunVerdict>& verdict)
{
    m_model->setVerdict(verdict);
}

void BlockTable::setCurrentBlock(int block)
{
    m_silent = true;
    for (int row = 0; row < m_sorted->rowCount(); ++row) {
        const QModelIndex index = m_sorted->index(row, 0);
        if (index.data(BlockTableModel::BlockRole).toInt() == block && currentIndex().row() != row)
            setCurrentIndex(index);
    }
    m_silent = false;
}

int BlockTable::currentBlock() const
{
    return currentIndex().isValid() ? currentIndex().data(BlockTableModel::BlockRole).toInt() : -1;
}

void BlockTable::activateWorst(const QModelIndex& index)
{
    const auto worst = index.data(BlockTableModel::WorstRole).value<CellKey>();
    if (worst.isValid())
        emit worstActivated({index.data(BlockTableModel::BlockRole).toInt(), worst.prompt, worst.token});
}

void BlockTable::keyPressEvent(QKeyEvent* event)
{
    if (event->matches(QKeySequence::Copy))
        copySelection();
    else
        QTableView::keyPressEvent(event);
}

void BlockTable::copySelection() const
{
    if (!currentIndex().isValid())
        return;
    QStringList cells;
    for (int column = 0; column < BlockTableModel::ColumnCount; ++column)
        cells << m_sorted->index(currentIndex().row(), column).data().toString();
    QApplication::clipboard()->setText(cells.join(u'\t'));
}

void BlockTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

// Nothing is scrolled sideways: numbers get what they need and the worst token the rest; in a narrow window the columns
// that the inspector shows as well give way, whether a block is certified never does.
void BlockTable::layoutColumns()
{
    const int digit = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(u'0');
    const QFontMetrics header(textFont(TextSize::Axis, TextWeight::Strong));
    const QFontMetrics words(textFont(TextSize::Secondary));
    const int state =
        22 + std::max(words.horizontalAdvance(tr("not certified")), words.horizontalAdvance(tr("losses claimed")));
    std::array<int, BlockTableModel::ColumnCount> widths{};
    int used = 0;
    for (int column = 0; column < BlockTableModel::ColumnCount; ++column) {
        if (column == BlockTableModel::Worst)
            continue;
        const int title = header.horizontalAdvance(
            m_sorted->sourceModel()->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString() + descendingMark);
        const int content = column == BlockTableModel::Certified ? state
                            : column == BlockTableModel::Block   ? 5 * digit
                                                                 : 9 * digit;
        widths[static_cast<std::size_t>(column)] =
            std::max(title, content) + 2 * 11 + 6; // the padding of cells and headers
        used += widths[static_cast<std::size_t>(column)];
    }
    const int worst = 18 * digit;
    widths[BlockTableModel::Worst] = worst;
    used += worst;
    const int room = viewport()->width();
    for (const int column : {BlockTableModel::Mae, BlockTableModel::Path, BlockTableModel::Relative,
                             BlockTableModel::Worst, BlockTableModel::Loss}) {
        setColumnHidden(column, used > room);
        if (used > room)
            used -= std::exchange(widths[static_cast<std::size_t>(column)], 0);
    }
    const int rest = isColumnHidden(BlockTableModel::Worst) ? BlockTableModel::Certified : BlockTableModel::Worst;
    widths[static_cast<std::size_t>(rest)] += std::max(0, room - used);
    for (int column = 0; column < BlockTableModel::ColumnCount; ++column)
        if (!isColumnHidden(column))
            setColumnWidth(column, widths[static_cast<std::size_t>(column)]);
}

}
