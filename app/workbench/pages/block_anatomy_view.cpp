#include "app/workbench/pages/block_anatomy_view.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/value_table.h"

#include <QHeaderView>
#include <QLabel>
#include <QPushButton>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

namespace space = widgets::space;

namespace {

constexpr int fewestRows = 4; // of blocks, however low the window is
constexpr int mostContrasts = 9;

int heightOf(const QTableView& table, int rows)
{
    return table.horizontalHeader()->sizeHint().height() + rows * table.verticalHeader()->defaultSectionSize() +
           2 * table.frameWidth();
}

}

BlockAnatomyView::BlockAnatomyView(QWidget* parent)
    : QWidget(parent)
    , m_blocks(new widgets::ValueTable(tr("Blocks by their largest error")))
{
    connect(m_blocks, &widgets::ValueTable::rowChosen, this, [this](int row) {
        m_block = m_anatomy->blocks[static_cast<std::size_t>(row)].block;
        showAnatomy();
        emit blockChosen(m_block);
    });
    m_blocks->setMinimumHeight(heightOf(*m_blocks, fewestRows));
    auto* layout = column();
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_blocks, 1);
    layout->addWidget(makeCard());
    setLayout(layout);
    setFocusProxy(m_blocks);
    showAnatomy();
}

QWidget* BlockAnatomyView::makeCard()
{
    m_card = new widgets::Panel;
    m_title = widgets::makeLabel({}, widgets::TextSize::Body, widgets::TextWeight::Strong);
    m_title->setWordWrap(true);
    m_title->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_words = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_words->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_words->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    m_contrasts = new widgets::ValueTable(tr("Failing against other tokens"));
    m_contrasts->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff); // all of its rows are in view
    m_contrasts->setFocusPolicy(Qt::NoFocus);
    m_contrasts->setSelectionMode(QAbstractItemView::NoSelection);
    m_worst = button(tr("Its largest error"));
    m_worst->setToolTip(tr("The token that ε falls on, with everything that is known of it"));
    connect(m_worst, &QPushButton::clicked, this, [this] {
        if (const BlockAnatomy* block = m_anatomy ? m_anatomy->ofBlock(m_block) : nullptr)
            emit worstWanted(block->worst);
    });
    auto* top = row();
    top->addWidget(m_title, 1);
    top->addWidget(m_worst, 0, Qt::AlignTop);
    m_halves = new QBoxLayout(QBoxLayout::TopToBottom);
    m_halves->setSpacing(space::large);
    m_halves->addWidget(m_words, 1);
    m_halves->addWidget(m_contrasts, 1, Qt::AlignTop);
    auto* layout = new QVBoxLayout(m_card);
    layout->setContentsMargins(space::medium, space::small, space::medium, space::medium);
    layout->setSpacing(space::small);
    layout->addLayout(top);
    layout->addLayout(m_halves);
    return m_card;
}

void BlockAnatomyView::setAnatomy(std::shared_ptr<const FailureAnatomy> anatomy,
                                  const std::shared_ptr<const widgets::TokenMap>& map)
{
    const bool isOther = anatomy != m_anatomy;
    m_anatomy = map ? std::move(anatomy) : nullptr;
    m_blocks->setRows(m_anatomy ? std::make_shared<const widgets::ValueRows>(blockRowsOf(*m_anatomy, *map)) : nullptr);
    if (!m_anatomy || m_anatomy->blocks.empty())
        m_block = -1;
    else if (isOther || !m_anatomy->ofBlock(m_block))
        m_block = m_anatomy->outstanding.value_or(m_anatomy->blocks.front().block);
    showAnatomy();
}

void BlockAnatomyView::showBlock(int block)
{
    if (!m_anatomy || block == m_block || !m_anatomy->ofBlock(block))
        return;
    m_block = block;
    showAnatomy();
}

void BlockAnatomyView::showAnatomy()
{
    const BlockAnatomy* block = m_anatomy ? m_anatomy->ofBlock(m_block) : nullptr;
    m_card->setVisible(block != nullptr);
    if (!block)
        return;
    m_blocks->setCurrentRow(static_cast<int>(block - m_anatomy->blocks.data()));
    const bool standsOut = m_anatomy->outstanding == block->block && !block->notes.isEmpty();
    m_title->setText(standsOut ? block->notes.front() : tr("Block %1").arg(block->block));
    m_words->setText((standsOut ? block->notes.mid(1) : block->notes).join(QStringLiteral("\n\n")));
    m_worst->setEnabled(block->worst.isValid());
    m_contrasts->setRows(std::make_shared<const widgets::ValueRows>(contrastRowsOf(*block)));
    m_contrasts->setVisible(!block->contrasts.empty());
    m_contrasts->setFixedHeight(
        heightOf(*m_contrasts, std::min(mostContrasts, static_cast<int>(block->contrasts.size()))));
    arrange();
}

void BlockAnatomyView::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    arrange();
}

void BlockAnatomyView::arrange()
{
    const int digit = QFontMetrics(widgets::fixedFont(widgets::TextSize::Secondary)).horizontalAdvance(u'0');
    const int needed = 76 * digit; // of the contrasts, nothing shortened
    const bool areBeside = width() >= 2 * needed - 20 * digit;
    m_halves->setDirection(areBeside ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
    m_contrasts->setMinimumWidth(areBeside ? needed : 0);
}

}
