#include "widgets/chart_panel.h"

#include "widgets/figure_view.h"
#include "widgets/flow_row.h"
#include "widgets/segmented_control.h"
#include "widgets/theme.h"

#include <QHBoxLayout>
#include <QPushButton>
#include <QShowEvent>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

namespace {

bool isOverBlocks(Chart chart)
{
    return chart == Chart::MeanErrorByBlock || chart == Chart::ErrorQuantiles;
}

}

ChartPanel::ChartPanel(QWidget* parent)
    : QWidget(parent)
    , m_choice(new SegmentedControl)
    , m_export(new QPushButton(tr("Export…")))
    , m_view(new FigureView)
{
    setFocusProxy(m_view);
    QStringList names;
    for (const Chart chart : allCharts)
        names << chartName(chart);
    m_choice->setChoices(names);
    connect(m_choice, &SegmentedControl::chosen, this,
            [this](int chosen) { setChart(allCharts[static_cast<std::size_t>(chosen)]); });
    setButtonRole(*m_export, ButtonRole::Plain);
    m_export->setToolTip(tr("As SVG, PDF, PNG, or CSV with every number"));
    m_export->setEnabled(false);
    connect(m_export, &QPushButton::clicked, this, [this] { emit exportRequested(m_view->exported()); });
    connect(m_view, &FigureView::pointChosen, this, [this](double x, double) {
        if (isOverBlocks(chart()))
            emit blockChosen(static_cast<int>(std::lround(x)));
    });
    auto* row = new FlowRow;
    row->addWidget(m_choice);
    row->startEnd();
    row->addWidget(m_export);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(space::small);
    column->addLayout(row);
    column->addWidget(m_view, 1);
}

Chart ChartPanel::chart() const
{
    return allCharts[static_cast<std::size_t>(std::max(0, m_choice->current()))];
}

void ChartPanel::setChart(Chart chart)
{
    m_choice->setCurrent(static_cast<int>(chart));
    m_isOld = true;
    ask();
}

void ChartPanel::setBlock(int block)
{
    if (block == m_block)
        return;
    m_block = block;
    if (isOverBlocks(chart()) || chart() == Chart::PromptSetSize)
        return; // every block is there already
    m_isOld = true;
    ask();
}

void ChartPanel::invalidate()
{
    m_isOld = true;
    ask();
}

void ChartPanel::setFigure(Chart chart, int block, std::shared_ptr<const figure::Figure> figure)
{
    if (chart != this->chart() || block != m_block)
        return;
    m_export->setEnabled(figure != nullptr);
    m_view->setFigure(std::move(figure));
}

void ChartPanel::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    ask();
}

// Nothing is computed for a panel that nobody sees.
void ChartPanel::ask()
{
    if (!m_isOld || !isVisible())
        return;
    m_isOld = false;
    emit figureWanted(chart(), m_block);
}

}
