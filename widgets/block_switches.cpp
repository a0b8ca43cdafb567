#include "widgets/block_switches.h"

#include "widgets/number_text.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"
#include "widgets/values.h"

#include <QApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QPainter>
#include <QStyledItemDelegate>

#include <algorithm>
#include <utility>

namespace blockcert::widgets {

namespace {

enum Role {
    SwitchRole = Qt::UserRole, // 0: cannot be switched, 1: original, 2: surrogate, 3: edited
    PlacesRole                 // of the switch: 2, or 3 where the block can be edited
};

bool contains(const std::vector<int>& blocks, int block)
{
    return std::find(blocks.begin(), blocks.end(), block) != blocks.end();
}

// A small switch before the word: position and word tell the same, so that colour is not needed.
class SwitchDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        QStyleOptionViewItem shifted = option;
        initStyleOption(&shifted, index);
        const int state = index.data(SwitchRole).toInt();
        constexpr int width = 26;
        shifted.text.clear();
        option.widget->style()->drawControl(QStyle::CE_ItemViewItem, &shifted, painter, option.widget);
        const Tokens& tokens = tokensOf(*option.widget);
        QRectF track(option.rect.left() + 8, option.rect.center().y() - 6, width, 13);
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        if (state > 0) {
            const bool isReplaced = state > 1;
            const int places = index.data(PlacesRole).toInt();
            const double step = (track.width() - 13) / (places - 1);
            const QPointF knob(track.left() + 6.5 + (state - 1) * step, track.center().y());
            painter->setPen(QPen(isReplaced ? tokens.accent : tokens.secondary, 1.2));
            painter->setBrush(isReplaced ? tokens.accent : QColor(Qt::transparent));
            painter->drawRoundedRect(track, 6.5, 6.5);
            painter->setPen(Qt::NoPen);
            painter->setBrush(isReplaced ? tokens.onAccent : tokens.secondary);
            if (state == 3)
                painter->drawPolygon(QPolygonF(
                    {knob - QPointF(0, 4.6), knob + QPointF(4.6, 0), knob + QPointF(0, 4.6), knob - QPointF(4.6, 0)}));
            else
                painter->drawEllipse(knob, 4, 4);
        }
        painter->setPen(state == 0 ? tokens.secondary : tokens.text);
        painter->setFont(index.data(Qt::FontRole).value<QFont>());
        painter->drawText(option.rect.adjusted(state > 0 ? width + 16 : 8, 0, -4, 0), Qt::AlignVCenter | Qt::AlignLeft,
                          index.data().toString());
        painter->restore();
    }
};

}

BlockSwitchModel::BlockSwitchModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void BlockSwitchModel::setBlocks(std::vector<BlockSwitch> blocks)
{
    beginResetModel();
    m_blocks = std::move(blocks);
    m_choices.clear();
    for (const BlockSwitch& block : m_blocks)
        m_choices.push_back(block.hasSurrogate ? BlockChoice::Surrogate : BlockChoice::Original);
    endResetModel();
    emit choicesChanged();
}

bool BlockSwitchModel::canEdit(std::size_t row) const
{
    return m_blocks[row].hasSurrogate && contains(m_editable, m_blocks[row].block);
}

void BlockSwitchModel::setEdit(const QString& name, const std::vector<int>& blocks)
{
    m_edit = name;
    m_editable = blocks;
    setChoices(surrogates(), edited());
}

void BlockSwitchModel::setChoices(const std::vector<int>& surrogates, const std::vector<int>& edited)
{
    for (std::size_t i = 0; i < m_blocks.size(); ++i) {
        const bool wanted = contains(surrogates, m_blocks[i].block) && m_blocks[i].hasSurrogate;
        m_choices[i] = !wanted                                             ? BlockChoice::Original
                       : contains(edited, m_blocks[i].block) && canEdit(i) ? BlockChoice::Edited
                                                                           : BlockChoice::Surrogate;
    }
    if (!m_blocks.empty())
        emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
    emit choicesChanged();
}

void BlockSwitchModel::toggle(int row)
{
    if (row < 0 || row >= rowCount() || !m_blocks[static_cast<std::size_t>(row)].hasSurrogate)
        return;
    BlockChoice& choice = m_choices[static_cast<std::size_t>(row)];
    choice = choice == BlockChoice::Original                                              ? BlockChoice::Surrogate
             : choice == BlockChoice::Surrogate && canEdit(static_cast<std::size_t>(row)) ? BlockChoice::Edited
                                                                                          : BlockChoice::Original;
    emit dataChanged(index(row, 0), index(row, ColumnCount - 1));
    emit choicesChanged();
}

std::vector<int> BlockSwitchModel::surrogates() const
{
    std::vector<int> blocks;
    for (std::size_t i = 0; i < m_blocks.size(); ++i)
        if (m_choices[i] != BlockChoice::Original)
            blocks.push_back(m_blocks[i].block);
    return blocks;
}

std::vector<int> BlockSwitchModel::edited() const
{
    std::vector<int> blocks;
    for (std::size_t i = 0; i < m_blocks.size(); ++i)
        if (m_choices[i] == BlockChoice::Edited)
            blocks.push_back(m_blocks[i].block);
    return blocks;
}

QString BlockSwitchModel::choiceText(std::size_t row) const
{
    if (!m_blocks[row].hasSurrogate)
        return tr("original only");
    switch (m_choices[row]) {
    case BlockChoice::Original: return tr("original");
    case BlockChoice::Surrogate: return tr("surrogate");
    case BlockChoice::Edited: return tr("edited");
    }
    return {};
}

int BlockSwitchModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_blocks.size());
}

int BlockSwitchModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant BlockSwitchModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const BlockSwitch& block = m_blocks[static_cast<std::size_t>(index.row())];
    const auto row = static_cast<std::size_t>(index.row());
    switch (role) {
    case Qt::DisplayRole:
        if (index.column() == Block)
            return QString::number(block.block);
        if (index.column() == Epsilon)
            return block.hasSurrogate ? tableNumber(block.epsilon) : QString();
        return choiceText(row);
    case SwitchRole: return !block.hasSurrogate ? 0 : static_cast<int>(m_choices[row]) + 1;
    case PlacesRole: return canEdit(row) ? 3 : 2;
    case Qt::ToolTipRole: {
        QString text =
            !block.hasSurrogate ? tr("The run has no surrogate of block %1").arg(block.block)
            : block.isCertified
                ? tr("Block %1: ε = %2, certified by the run's word").arg(block.block).arg(exactNumber(block.epsilon))
                : tr("Block %1: ε = %2, not certified").arg(block.block).arg(exactNumber(block.epsilon));
        if (canEdit(row))
            text += u'\n' + tr("Edited: what the edit %1 makes of the surrogate").arg(m_edit);
        return plainToolTip(text);
    }
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(headerData(index.column(), Qt::Horizontal, Qt::DisplayRole).toString(),
                                data(index, Qt::DisplayRole).toString());
    case Qt::ForegroundRole:
        if (!block.hasSurrogate)
            return tokensOf(QApplication::palette()).secondary;
        return index.column() == Epsilon && !block.isCertified ? QVariant(tokensOf(QApplication::palette()).weaker.ink)
                                                               : QVariant();
    case Qt::FontRole: return index.column() == Choice ? textFont(TextSize::Secondary) : fixedFont(TextSize::Secondary);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((index.column() == Choice ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    default: return {};
    }
}

QVariant BlockSwitchModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::DisplayRole)
        return section == Block ? tr("Block") : section == Choice ? tr("Runs as") : QStringLiteral("ε");
    if (role == Qt::ToolTipRole && section == Epsilon)
        return tr("The largest error of the block by itself, as its certificate states it");
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue((section == Choice ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    return {};
}

BlockSwitches::BlockSwitches(QWidget* parent)
    : QTableView(parent)
    , m_model(new BlockSwitchModel(this))
{
    setModel(m_model);
    prepareTable(*this);
    setItemDelegateForColumn(BlockSwitchModel::Choice, new SwitchDelegate(this));
    setAccessibleName(tr("What runs in each block's place"));
    connect(this, &QTableView::clicked, this, [this](const QModelIndex& index) {
        if (index.column() == BlockSwitchModel::Choice)
            m_model->toggle(index.row());
    });
}

void BlockSwitches::keyPressEvent(QKeyEvent* event)
{
    if (event->key() == Qt::Key_Space || event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter)
        m_model->toggle(currentIndex().row());
    else
        QTableView::keyPressEvent(event);
}

void BlockSwitches::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    const int digit = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(u'0');
    setColumnWidth(BlockSwitchModel::Block, 8 * digit);
    setColumnWidth(BlockSwitchModel::Epsilon, 11 * digit);
    setColumnWidth(BlockSwitchModel::Choice, std::max(14 * digit, viewport()->width() - 19 * digit));
}

}
