#include "widgets/compare_table.h"

#include "widgets/number_text.h"
#include "widgets/state_badge.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QHeaderView>
#include <QSortFilterProxyModel>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

namespace {

using Column = CompareTableModel::Column;

// Missing numbers come last in both directions.
class MissingLast : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

protected:
    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override
    {
        const double a = left.data(CompareTableModel::SortRole).toDouble();
        const double b = right.data(CompareTableModel::SortRole).toDouble();
        if (isMissing(a) || isMissing(b))
            return isMissing(b) && !isMissing(a) ? sortOrder() == Qt::AscendingOrder
                                                 : !isMissing(b) && sortOrder() == Qt::DescendingOrder;
        return a < b;
    }
};

bool isDelta(int column)
{
    return column == CompareTableModel::EpsilonDelta || column == CompareTableModel::CoverageDelta ||
           column == CompareTableModel::LossDelta;
}

bool isCoverage(int column)
{
    return column >= CompareTableModel::CoverageA && column <= CompareTableModel::LossDelta;
}

}

CompareTableModel::CompareTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void CompareTableModel::setRows(std::vector<ComparedBlock> rows, bool isRelative)
{
    beginResetModel();
    m_rows = std::move(rows);
    m_isRelative = isRelative;
    endResetModel();
}

const ComparedBlock* CompareTableModel::rowOf(int at) const
{
    return at >= 0 && at < rowCount() ? &m_rows[static_cast<std::size_t>(at)] : nullptr;
}

int CompareTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int CompareTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

double CompareTableModel::numberOf(const ComparedBlock& row, int column) const
{
    const auto epsilon = [this](const std::optional<BlockRow>& block) {
        return !block ? missing : m_isRelative ? block->relativeEpsilon : block->epsilon;
    };
    const auto coverage = [this](const std::optional<BlockRow>& block) {
        return !block ? missing : m_isRelative ? block->relativeCoverage : block->activationCoverage;
    };
    const auto loss = [](const std::optional<BlockRow>& block) { return !block ? missing : block->lossCoverage; };
    const auto certified = [](const std::optional<BlockRow>& block) {
        return !block ? missing : block->state == BlockState::Certified ? 1.0 : 0.0;
    };
    switch (column) {
    case Block: return row.block;
    case EpsilonA: return epsilon(row.a);
    case EpsilonB: return epsilon(row.b);
    case EpsilonDelta: return epsilon(row.b) - epsilon(row.a); // of what is missing nothing is known
    case CoverageA: return coverage(row.a);
    case CoverageB: return coverage(row.b);
    case CoverageDelta: return coverage(row.b) - coverage(row.a);
    case LossA: return loss(row.a);
    case LossB: return loss(row.b);
    case LossDelta: return loss(row.b) - loss(row.a);
    case CertifiedA: return certified(row.a);
    case CertifiedB: return certified(row.b);
    default: return missing;
    }
}

QString CompareTableModel::textOf(const ComparedBlock& row, int column) const
{
    if (column == Block)
        return QString::number(row.block);
    if (column == CertifiedA || column == CertifiedB) {
        const std::optional<BlockRow>& block = column == CertifiedA ? row.a : row.b;
        return block ? blockStateWord(block->state) : tr("not there");
    }
    const double value = numberOf(row, column);
    if (isMissing(value))
        return QStringLiteral("–");
    if (isDelta(column))
        return value == 0 ? QStringLiteral("0") : signedTableNumber(value);
    return isCoverage(column) ? coverageText(value) : tableNumber(value);
}

QVariant CompareTableModel::data(const QModelIndex& index, int role) const
{
    const ComparedBlock* row = index.isValid() ? rowOf(index.row()) : nullptr;
    if (row == nullptr)
        return {};
    const int column = index.column();
    // Worse in B: a larger error, a smaller coverage.
    const double value = numberOf(*row, column);
    const bool isWorse = (column == EpsilonDelta && value > 0) ||
                         ((column == CoverageDelta || column == LossDelta) && value < 0) ||
                         (column == CertifiedB && value < numberOf(*row, CertifiedA));
    switch (role) {
    case Qt::DisplayRole: return textOf(*row, column);
    case SortRole: return numberOf(*row, column);
    case BlockRole: return row->block;
    case WorseRole: return isWorse;
    case Qt::ToolTipRole:
        return plainToolTip(isDelta(column) && !isMissing(value)
                                ? isWorse ? tr("B is worse by %1").arg(exactNumber(std::abs(value)))
                                          : tr("B − A = %1").arg(signedNumber(value))
                            : isMissing(value) ? tr("Not measured")
                                               : exactNumber(value));
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(), textOf(*row, column));
    case Qt::ForegroundRole: return isWorse ? QVariant(tokensOf(QApplication::palette()).weaker.ink) : QVariant();
    case Qt::FontRole:
        return column >= CertifiedA ? textFont(TextSize::Secondary)
                                    : fixedFont(TextSize::Secondary, isWorse ? TextWeight::Strong : TextWeight::Normal);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((column > Block && column < CertifiedA ? Qt::AlignRight : Qt::AlignLeft) |
                                   Qt::AlignVCenter);
    default: return {};
    }
}

QVariant CompareTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    static constexpr std::array names{QT_TR_NOOP("Block"), QT_TR_NOOP("ε  A"),     QT_TR_NOOP("ε  B"),
                                      QT_TR_NOOP("Δ"),     QT_TR_NOOP("Cover  A"), QT_TR_NOOP("Cover  B"),
                                      QT_TR_NOOP("Δ"),     QT_TR_NOOP("Loss  A"),  QT_TR_NOOP("Loss  B"),
                                      QT_TR_NOOP("Δ"),     QT_TR_NOOP("Claim  A"), QT_TR_NOOP("Claim  B")};
    if (role == Qt::DisplayRole)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::ToolTipRole && isDelta(section))
        return tr("B minus A; what is worse in B is set in bold");
    if (role == Qt::ToolTipRole && section >= CertifiedA)
        return tr("Certified, by the issuer's word");
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue((section > Block && section < CertifiedA ? Qt::AlignRight : Qt::AlignLeft) |
                                   Qt::AlignVCenter);
    return {};
}

CompareTable::CompareTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new CompareTableModel(this))
    , m_sorted(new MissingLast(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(CompareTableModel::SortRole);
    setModel(m_sorted);
    prepareTable(*this);
    setSortingEnabled(true);
    sortByColumn(CompareTableModel::Block, Qt::AscendingOrder);
    setAccessibleName(tr("A and B, block by block"));
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
        if (!m_silent && index.isValid())
            emit blockSelected(index.data(CompareTableModel::BlockRole).toInt());
    });
}

void CompareTable::setRows(std::vector<ComparedBlock> rows, bool isRelative)
{
    m_silent = true;
    m_model->setRows(std::move(rows), isRelative);
    m_silent = false;
    layoutColumns();
}

void CompareTable::setCurrentBlock(int block)
{
    m_silent = true;
    for (int row = 0; row < m_sorted->rowCount(); ++row) {
        const QModelIndex index = m_sorted->index(row, 0);
        if (index.data(CompareTableModel::BlockRole).toInt() == block && currentIndex().row() != row)
            setCurrentIndex(index);
    }
    m_silent = false;
}

void CompareTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

void CompareTable::layoutColumns()
{
    const int digit = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(u'0');
    const int even = viewport()->width() / CompareTableModel::ColumnCount;
    for (int column = 0; column < CompareTableModel::ColumnCount; ++column)
        setColumnWidth(column, std::max(even, (column == CompareTableModel::Block ? 7 : 11) * digit));
}

}
