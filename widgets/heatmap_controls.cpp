#include "widgets/heatmap_controls.h"

#include "widgets/error_legend.h"
#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"

#include <QActionGroup>
#include <QComboBox>
#include <QEvent>
#include <QMenu>
#include <QPushButton>
#include <QResizeEvent>
#include <QSignalBlocker>
#include <QStandardItemModel>

#include <algorithm>

namespace blockcert::widgets {

HeatmapControls::HeatmapControls(TokenHeatmap& heatmap, QWidget* parent)
    : QWidget(parent)
    , m_heatmap(heatmap)
    , m_segments(new SegmentedControl(this))
    , m_list(new QComboBox(this))
    , m_button(new QPushButton(tr("View"), this))
    , m_menu(new QMenu(this))
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    QStringList names;
    QStringList titles;
    for (const Metric metric : allMetrics) {
        names << metricName(metric);
        titles << (metric == Metric::Kl
                       ? tr("%1: measured where a whole model is stitched (page Stitch); a run of certify "
                            "has none")
                             .arg(metricTitle(metric))
                       : metricTitle(metric));
    }
    m_segments->setChoices(names, titles);
    m_list->addItems(names);
    m_list->setAccessibleName(tr("Metric"));
    m_list->setToolTip(tr("Which number the map shows"));
    setButtonRole(*m_button, ButtonRole::Plain);
    m_button->setToolTip(tr("Rows, order, scale and colours of the map"));
    m_button->setIcon(themedIcon(Icon::ChevronDown, IconTint::Secondary));
    m_button->setLayoutDirection(Qt::RightToLeft); // the arrow stands after the word
    connect(m_button, &QPushButton::clicked, this,
            [this] { m_menu->popup(m_button->mapToGlobal(QPoint(0, m_button->height()))); });
    makeMenu();
    connect(m_segments, &SegmentedControl::chosen, this, &HeatmapControls::choose);
    connect(m_list, &QComboBox::activated, this, &HeatmapControls::choose);
    connect(&m_heatmap, &TokenHeatmap::metricChanged, this, &HeatmapControls::refresh);
    connect(&m_heatmap, &TokenHeatmap::viewChanged, this, &HeatmapControls::refresh);
    connect(&m_heatmap, &TokenHeatmap::scaleChanged, this, &HeatmapControls::refresh);
    connect(&m_heatmap, &TokenHeatmap::scaleChanged, this, &HeatmapControls::refreshMetrics); // cells arrive
    refresh();
}

// Styles may leave the titles of sections out, so every choice says by itself what it is about.
QActionGroup* HeatmapControls::addChoices(const QStringList& choices)
{
    if (!m_menu->isEmpty())
        m_menu->addSeparator();
    auto* group = new QActionGroup(this);
    for (int i = 0; i < choices.size(); ++i) {
        QAction* action = m_menu->addAction(choices[i]);
        action->setCheckable(true);
        action->setData(i);
        group->addAction(action);
    }
    return group;
}

void HeatmapControls::makeMenu()
{
    m_rows = addChoices({tr("Every token is a row"), tr("Every prompt is a row")});
    m_rowOrder = addChoices({tr("Rows by position"), tr("Rows with the most striking first"), tr("Prompts by tag")});
    m_columnOrder = addChoices({tr("Blocks by number"), tr("Blocks with the most striking first")});
    m_aggregate = addChoices({tr("Several tokens: the most striking"), tr("Several tokens: their mean")});
    m_scale = addChoices({tr("Logarithmic colours"), tr("Linear colours")});
    m_plain = m_menu->addAction(tr("One ramp, no break at τ"));
    m_plain->setCheckable(true);
    m_fit = m_menu->addAction(tr("Fit the range to the data"));
    m_menu->addSeparator();
    QAction* whole = m_menu->addAction(tr("All rows in the view"));
    whole->setShortcut(Qt::Key_F);
    whole->setShortcutContext(Qt::WidgetShortcut);
    QAction* normal = m_menu->addAction(tr("Normal size"));
    normal->setShortcut(Qt::Key_0);
    normal->setShortcutContext(Qt::WidgetShortcut);
    m_menu->addSeparator();
    connect(m_menu->addAction(tr("Export this view…")), &QAction::triggered, this, &HeatmapControls::exportRequested);
    const auto onChoice = [this](QActionGroup* group, auto change) {
        connect(group, &QActionGroup::triggered, this, [this, change](const QAction* action) {
            HeatmapLayout view = m_heatmap.view();
            change(view, action->data().toInt());
            m_heatmap.setView(view);
        });
    };
    onChoice(m_rows, [](HeatmapLayout& view, int choice) {
        view.unit = static_cast<RowUnit>(choice);
        view.prompt.reset();
    });
    onChoice(m_rowOrder, [](HeatmapLayout& view, int choice) { view.rowOrder = static_cast<RowOrder>(choice); });
    onChoice(m_columnOrder,
             [](HeatmapLayout& view, int choice) { view.columnOrder = static_cast<ColumnOrder>(choice); });
    onChoice(m_aggregate, [](HeatmapLayout& view, int choice) { view.aggregate = static_cast<Aggregate>(choice); });
    connect(m_scale, &QActionGroup::triggered, this,
            [this](const QAction* action) { m_heatmap.setScaleKind(static_cast<ScaleKind>(action->data().toInt())); });
    connect(m_plain, &QAction::toggled, &m_heatmap, &TokenHeatmap::setPlainColours);
    connect(m_fit, &QAction::triggered, &m_heatmap, [this] { m_heatmap.setScale(std::nullopt); });
    connect(whole, &QAction::triggered, &m_heatmap, &TokenHeatmap::zoomToFit);
    connect(normal, &QAction::triggered, &m_heatmap, &TokenHeatmap::resetZoom);
}

void HeatmapControls::choose(int index)
{
    const Metric metric = allMetrics[static_cast<std::size_t>(index)];
    m_heatmap.setMetric(metric);
    refresh();
    emit metricChosen(metric);
}

void HeatmapControls::refresh()
{
    const int metric = static_cast<int>(m_heatmap.metric());
    m_segments->setCurrent(metric);
    m_list->setCurrentIndex(metric);
    const HeatmapLayout& view = m_heatmap.view();
    const auto check = [](QActionGroup* group, int choice) { group->actions().at(choice)->setChecked(true); };
    check(m_rows, static_cast<int>(view.unit));
    check(m_rowOrder, static_cast<int>(view.rowOrder));
    check(m_columnOrder, static_cast<int>(view.columnOrder));
    check(m_aggregate, static_cast<int>(view.aggregate));
    check(m_scale, static_cast<int>(m_heatmap.scaleKind()));
    const QSignalBlocker blocker(m_plain);
    m_plain->setChecked(m_heatmap.hasPlainColours());
    m_fit->setEnabled(m_heatmap.hasFixedScale());
    const bool isShare = m_heatmap.metric() == Metric::Coverage; // has its own scale and is always a mean
    m_scale->setEnabled(!isShare);
    m_aggregate->setEnabled(!isShare);
}

void HeatmapControls::refreshMetrics()
{
    const auto map = m_heatmap.map();
    auto* items = qobject_cast<QStandardItemModel*>(m_list->model());
    const bool isEmpty = !map || !isMeasured(*map, Metric::Error); // of a run that begins nothing is known yet
    for (std::size_t i = 0; i < allMetrics.size(); ++i) {
        const bool there = isEmpty || isMeasured(*map, allMetrics[i]);
        m_segments->setChoiceEnabled(static_cast<int>(i), there);
        if (items != nullptr)
            items->item(static_cast<int>(i))->setEnabled(there);
    }
}

QSize HeatmapControls::sizeHint() const
{
    const QSize button = m_button->sizeHint();
    return {m_segments->sizeHint().width() + space::small + button.width(),
            std::max(m_segments->sizeHint().height(), button.height())};
}

QSize HeatmapControls::minimumSizeHint() const
{
    return {m_list->sizeHint().width() + space::small + m_button->sizeHint().width(), sizeHint().height()};
}

void HeatmapControls::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    arrangeWidgets();
}

bool HeatmapControls::event(QEvent* event)
{
    if (event->type() == QEvent::LayoutRequest || event->type() == QEvent::FontChange ||
        event->type() == QEvent::StyleChange) {
        updateGeometry();
        arrangeWidgets();
    }
    return QWidget::event(event);
}

void HeatmapControls::arrangeWidgets()
{
    const int buttonWidth = m_button->sizeHint().width();
    const bool wide = width() >= sizeHint().width();
    m_segments->setVisible(wide);
    m_list->setVisible(!wide);
    QWidget* metrics = wide ? static_cast<QWidget*>(m_segments) : m_list;
    const QSize size = metrics->sizeHint();
    const int room = std::min(size.width(), std::max(0, width() - buttonWidth - space::small));
    metrics->setGeometry(width() - buttonWidth - space::small - room, (height() - size.height()) / 2, room,
                         size.height());
    const int buttonHeight = m_button->sizeHint().height();
    m_button->setGeometry(width() - buttonWidth, (height() - buttonHeight) / 2, buttonWidth, buttonHeight);
}

}
