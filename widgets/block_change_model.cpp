#include "widgets/block_change_model.h"

#include "widgets/number_text.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <QApplication>

#include <array>
#include <utility>

namespace blockcert::widgets {

namespace {

bool isNumber(int column)
{
    return column >= BlockTableModel::Epsilon && column <= BlockTableModel::Relative;
}

bool isCoverage(int column)
{
    return column >= BlockTableModel::Activation && column <= BlockTableModel::Loss;
}

double numberOf(const std::optional<BlockRow>& row, int column)
{
    if (!row)
        return missing;
    switch (column) {
    case BlockTableModel::Epsilon: return row->epsilon;
    case BlockTableModel::Mae: return row->mae;
    case BlockTableModel::Activation: return row->activationCoverage;
    case BlockTableModel::Path: return row->pathCoverage;
    case BlockTableModel::Loss: return row->lossCoverage;
    case BlockTableModel::Relative: return row->relativeEpsilon;
    default: return missing;
    }
}

// Ascending: lost, as it was, won. Of a block that is not in both nothing is known.
double claimChange(const ComparedBlock& row)
{
    if (!row.a || !row.b)
        return missing;
    const auto certified = [](const BlockRow& side) { return side.state == BlockState::Certified ? 1.0 : 0.0; };
    return certified(*row.b) - certified(*row.a);
}

double differenceOf(const ComparedBlock& row, int column)
{
    if (column == BlockTableModel::Block)
        return row.block;
    if (column == BlockTableModel::Worst)
        return row.largestChange;
    if (column == BlockTableModel::Certified)
        return claimChange(row);
    return numberOf(row.b, column) - numberOf(row.a, column);
}

// Worse in B: a larger error, a smaller coverage, a claim that is gone.
bool isWorse(const ComparedBlock& row, int column)
{
    const double change = differenceOf(row, column);
    if (column == BlockTableModel::Certified || isCoverage(column))
        return change < 0;
    return isNumber(column) && change > 0;
}

}

BlockChangeModel::BlockChangeModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void BlockChangeModel::setRows(std::shared_ptr<const std::vector<ComparedBlock>> rows)
{
    if (rows == m_rows)
        return;
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

int BlockChangeModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_rows ? 0 : static_cast<int>(m_rows->size());
}

int BlockChangeModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : BlockTableModel::ColumnCount;
}

QString BlockChangeModel::textOf(const ComparedBlock& row, int column) const
{
    if (column == BlockTableModel::Block)
        return QString::number(row.block);
    if (column == BlockTableModel::Worst)
        return row.changeAt.isValid() ? tr("prompt %1 · token %2 “%3”")
                                            .arg(row.changeAt.prompt)
                                            .arg(row.changeAt.token)
                                            .arg(visiblePiece(row.changePiece))
                                      : QStringLiteral("–");
    if (column == BlockTableModel::Certified) {
        if (!row.a || !row.b)
            return row.a ? tr("not in B") : tr("not in A");
        const QString a = blockStateWord(row.a->state);
        const QString b = blockStateWord(row.b->state);
        return a == b ? tr("%1 in both").arg(a) : tr("%1 → %2").arg(a, b);
    }
    const double change = differenceOf(row, column);
    return isMissing(change) ? QStringLiteral("–") : change == 0 ? QStringLiteral("0") : signedTableNumber(change);
}

QString BlockChangeModel::explain(const ComparedBlock& row, int column) const
{
    if (column == BlockTableModel::Block)
        return textOf(row, column);
    if (!row.a || !row.b)
        return (row.a ? tr("Block %1 is in A and not in B, so there is no difference")
                      : tr("Block %1 is in B and not in A, so there is no difference"))
            .arg(row.block);
    if (column == BlockTableModel::Worst)
        return row.changeAt.isValid() ? tr("B − A of the error that decides is farthest from zero here: %1")
                                            .arg(signedNumber(row.largestChange))
                                      : tr("No token of this block was measured in both runs");
    if (column == BlockTableModel::Certified)
        return tr("A: %1. B: %2. By the issuers' words, each under its own thresholds")
            .arg(blockStateWord(row.a->state), blockStateWord(row.b->state));
    const double a = numberOf(row.a, column);
    const double b = numberOf(row.b, column);
    if (isMissing(a) || isMissing(b))
        return isMissing(a) && isMissing(b) ? tr("Measured in neither run")
               : isMissing(a)               ? tr("Not measured in A")
                                            : tr("Not measured in B");
    return tr("B − A = %1\nA: %2\nB: %3").arg(signedNumber(b - a), exactNumber(a), exactNumber(b));
}

QVariant BlockChangeModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || !m_rows || index.row() >= rowCount())
        return {};
    const ComparedBlock& row = (*m_rows)[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole: return textOf(row, column);
    case Qt::ToolTipRole: return plainToolTip(explain(row, column));
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(), textOf(row, column));
    case BlockTableModel::SortRole: return differenceOf(row, column);
    case BlockTableModel::BlockRole: return row.block;
    case BlockTableModel::WorstRole: return QVariant::fromValue(row.changeAt);
    case Qt::ForegroundRole:
        return isWorse(row, column) ? QVariant(tokensOf(QApplication::palette()).weaker.ink) : QVariant();
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((isNumber(column) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case Qt::FontRole: {
        const TextWeight weight = isWorse(row, column) ? TextWeight::Strong : TextWeight::Normal;
        return column >= BlockTableModel::Worst ? textFont(TextSize::Secondary, weight)
                                                : fixedFont(TextSize::Secondary, weight);
    }
    default: return {};
    }
}

QVariant BlockChangeModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= BlockTableModel::ColumnCount)
        return {};
    static const std::array names{
        QT_TR_NOOP("Block"),    QT_TR_NOOP("Δ ε"),    QT_TR_NOOP("Δ MAE"),        QT_TR_NOOP("Δ Activation"),
        QT_TR_NOOP("Δ Path"),   QT_TR_NOOP("Δ Loss"), QT_TR_NOOP("Δ Relative ε"), QT_TR_NOOP("Changes most at"),
        QT_TR_NOOP("Certified")};
    if (role == Qt::DisplayRole)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue((isNumber(section) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole && isNumber(section))
        return tr("B minus A of what the certificates state; what is worse in B is set in bold");
    if (role == Qt::ToolTipRole && section == BlockTableModel::Worst)
        return tr("The token at which the error that decides differs most between the runs, up or down");
    return {};
}

}
