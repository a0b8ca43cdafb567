#include "app/workbench/pages/compare_view.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/selection_bus.h"
#include "widgets/compare_table.h"
#include "widgets/notice.h"

#include <QLabel>
#include <QPushButton>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

CompareView::CompareView(SelectionBus& bus, QWidget* parent)
    : QWidget(parent)
    , m_bus(bus)
    , m_sentence(wrapped({}))
    , m_weaker(new widgets::Notice)
    , m_differences(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_table(new widgets::CompareTable)
{
    setFocusProxy(m_table);
    QPushButton* choose = button(tr("Choose B…"));
    connect(choose, &QPushButton::clicked, this, &CompareView::chooseWanted);
    connect(m_table, &widgets::CompareTable::blockSelected, this, [this](int block) {
        widgets::CellKey cell = m_bus.now().cell;
        if (!cell.isValid())
            cell = {block, 0, 0};
        cell.block = block;
        if (m_bus.now().isHeld)
            m_bus.hold(cell);
        else
            m_bus.point(cell);
    });
    connect(&m_bus, &SelectionBus::changed, this, [this] { m_table->setCurrentBlock(m_bus.now().cell.block); });
    auto* top = row();
    top->addWidget(m_sentence, 1);
    top->addWidget(choose, 0, Qt::AlignTop);
    auto* layout = column();
    layout->addLayout(top);
    layout->addWidget(m_weaker);
    layout->addWidget(m_differences);
    layout->addWidget(m_table, 1);
    setLayout(layout);
    setReason(tr("Choose a second run, B, to set it beside this one, A."));
}

void CompareView::setComparison(const std::shared_ptr<const RunComparison>& comparison, const QString& a,
                                const QString& b)
{
    m_sentence->setText(tr("A is %1, B is %2. %3").arg(a, b, comparison->sentence));
    m_weaker->setNotice(widgets::Notice::Tone::Warning, comparison->weaker.join(u". "_s) + u'.');
    m_weaker->setVisible(!comparison->weaker.isEmpty());
    m_differences->setText(comparison->differences.isEmpty()
                               ? tr("Model, prompts, thresholds and precision are the same.")
                               : tr("Not the same: %1.").arg(comparison->differences.join(u"; "_s)));
    m_differences->show();
    m_table->setRows(comparison->blocks, comparison->isRelative);
    m_table->setCurrentBlock(m_bus.now().cell.block);
    m_table->show();
}

void CompareView::setReason(const QString& sentence)
{
    m_sentence->setText(sentence);
    m_weaker->hide();
    m_differences->hide();
    m_table->setRows({}, false);
}

}
