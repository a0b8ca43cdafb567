#include "app/workbench/pages/map_view.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/change_summary.h"
#include "app/workbench/session/map_summary.h"
#include "app/workbench/session/selection_bus.h"
#include "widgets/change.h"
#include "widgets/error_legend.h"
#include "widgets/error_scale.h"
#include "widgets/heatmap_controls.h"
#include "widgets/heatmap_export.h"
#include "widgets/number_text.h"
#include "widgets/token_heatmap.h"

#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::CellKey;
using widgets::Metric;
namespace space = widgets::space;

namespace {

Component componentOf(Metric metric)
{
    return metric == Metric::AttentionPart ? Component::Attention
           : metric == Metric::MlpPart     ? Component::Mlp
                                           : Component::Block;
}

Metric metricOf(Component component)
{
    return component == Component::Attention ? Metric::AttentionPart
           : component == Component::Mlp     ? Metric::MlpPart
                                             : Metric::Error;
}

}

MapView::MapView(SelectionBus& bus, QWidget* parent)
    : QWidget(parent)
    , m_bus(bus)
    , m_sentence(wrapped({}, widgets::TextTone::Text, widgets::TextSize::Body))
    , m_prompt(new ElidedComboBox)
    , m_heatmap(new widgets::TokenHeatmap)
    , m_legend(new widgets::ErrorLegend)
{
    setFocusProxy(m_heatmap);
    m_controls = new widgets::HeatmapControls(*m_heatmap);
    connect(m_controls, &widgets::HeatmapControls::metricChosen, this, &MapView::setMetric);
    QPushButton* save = button(tr("Export…"));
    save->setToolTip(tr("The map as SVG, PDF, PNG, or CSV with every number (Ctrl+E)"));
    const auto exportMap = [this] {
        if (const auto view = exported())
            emit exportRequested(*view);
    };
    connect(save, &QPushButton::clicked, this, exportMap);
    connect(m_controls, &widgets::HeatmapControls::exportRequested, this, exportMap);
    connect(m_legend, &widgets::ErrorLegend::rangeChosen, this,
            [this](double low, double high) { m_heatmap->setScale(m_heatmap->scale().withRange(low, high)); });
    connect(m_legend, &widgets::ErrorLegend::rangeReset, this, &MapView::refreshScale);
    connect(m_heatmap, &widgets::TokenHeatmap::sliceSelected, this, [this] {
        showWords();
        emit sliceSelected(m_heatmap->slice());
    });
    m_prompt->setAccessibleName(tr("Prompt"));
    m_prompt->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_prompt->setMinimumContentsLength(12);
    m_prompt->setToolTip(tr("Which prompt the map shows"));
    connect(m_prompt, &QComboBox::activated, this, [this](int index) { selectPrompt(index - 1); });
    m_sentence->setMinimumHeight(2 * m_sentence->fontMetrics().lineSpacing()); // the map below never jumps
    m_sentence->setAlignment(Qt::AlignLeft | Qt::AlignTop);

    connect(m_heatmap, &widgets::TokenHeatmap::hovered, &m_bus, &SelectionBus::peek);
    connect(m_heatmap, &widgets::TokenHeatmap::currentChanged, &m_bus, &SelectionBus::point);
    connect(m_heatmap, &widgets::TokenHeatmap::heldChanged, this, [this](const CellKey& key) {
        m_goesToWorst = false;
        if (key.isValid())
            m_bus.hold(key);
        else
            m_bus.release();
    });
    connect(m_heatmap, &widgets::TokenHeatmap::activated, this,
            [this](const CellKey& key) { selectPrompt(shownPrompt() ? -1 : key.prompt); });
    connect(m_heatmap, &widgets::TokenHeatmap::scaleChanged, this,
            [this] { m_legend->setScale(m_heatmap->scale(), m_heatmap->metric()); });
    connect(&m_bus, &SelectionBus::changed, this, &MapView::followBus);

    auto* choices = row();
    choices->addWidget(m_controls, 1);
    choices->addWidget(m_prompt);
    choices->addWidget(save);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, space::small);
    layout->setSpacing(space::small);
    layout->addLayout(choices);
    layout->addWidget(m_sentence);
    layout->addWidget(m_heatmap, 1);
    layout->addWidget(m_legend);
}

void MapView::setMap(const std::shared_ptr<const widgets::TokenMap>& map, bool isNew, bool isLive)
{
    m_map = map;
    m_isLive = isLive;
    if (isNew) {
        m_heatmap->release();
        m_goesToWorst = true;
        m_heatmap->setMap(map, map->thresholds.relativeDecides ? Metric::Relative : Metric::Error,
                          map->prompts.size() > 1 ? std::nullopt : std::optional(0));
    } else {
        m_heatmap->setMap(map);
    }
    m_controls->refreshMetrics();
    refreshPrompts();
    if (isNew) {
        refreshScale();
        m_bus.setComponent(componentOf(metric()));
        emit metricChanged(metric());
        emit promptChanged();
    }
    m_legend->setScale(m_heatmap->scale(), m_heatmap->metric());
    refreshSentence();
}

void MapView::setCompared(const std::shared_ptr<const widgets::TokenMap>& reference,
                          const std::shared_ptr<const widgets::TokenMap>& other)
{
    if (reference == m_reference && other == m_compared)
        return;
    m_reference = reference;
    m_compared = other;
    refreshScale();
    m_legend->setScale(m_heatmap->scale(), m_heatmap->metric());
}

std::optional<widgets::ViewExport> MapView::exported() const
{
    return m_heatmap->map() ? std::optional(widgets::heatmapExport(*m_heatmap, m_sides)) : std::nullopt;
}

void MapView::refreshScale()
{
    if (!m_compared || !m_reference) {
        m_heatmap->setScale(std::nullopt);
        return;
    }
    const widgets::ScaleKind kind = m_heatmap->scaleKind();
    const widgets::ErrorScale a = widgets::ErrorScale::fitted(*m_reference, metric(), kind);
    const widgets::ErrorScale b = widgets::ErrorScale::fitted(*m_compared, metric(), kind);
    m_heatmap->setScale(a.withRange(std::min(a.low(), b.low()), std::max(a.high(), b.high())));
}

void MapView::addCell(int block, int prompt, const std::shared_ptr<const widgets::MapCell>& cell)
{
    m_heatmap->setCell(block, prompt, cell);
}

void MapView::setWords(const std::shared_ptr<const widgets::TokenMap>& map)
{
    m_map = map;
    refreshSentence();
}

Metric MapView::metric() const
{
    return m_heatmap->metric();
}

void MapView::setMetric(Metric metric)
{
    m_heatmap->setMetric(metric);
    refreshScale();
    m_legend->setScale(m_heatmap->scale(), metric);
    m_bus.setComponent(componentOf(metric));
    refreshSentence();
    emit metricChanged(metric);
}

std::optional<int> MapView::shownPrompt() const
{
    return m_heatmap->prompt();
}

void MapView::selectPrompt(int prompt)
{
    if (!m_map)
        return;
    m_heatmap->setPrompt(prompt < 0 ? std::nullopt : std::optional(prompt));
    m_prompt->setCurrentIndex(prompt + 1);
    m_legend->setScale(m_heatmap->scale(), m_heatmap->metric());
    emit promptChanged();
}

bool MapView::visitUncovered(bool forwards)
{
    if (m_map && m_heatmap->visitUncovered(forwards))
        return true;
    if (m_map)
        m_sentence->setText(m_heatmap->scale().hasThreshold()
                                ? tr("There is no next one: nothing on this map is above the threshold.")
                                : tr("There is no next one: this number is held against no threshold."));
    return false;
}

QString MapView::cellJson(const CellKey& key) const
{
    return m_heatmap->cellJson(key);
}

void MapView::goTo(const CellKey& key)
{
    if (!m_map || !key.isValid())
        return;
    m_goesToWorst = false;
    if (shownPrompt() && *shownPrompt() != key.prompt)
        selectPrompt(key.prompt);
    m_heatmap->setCurrent(key);
}

// Another view has moved the selection.
void MapView::followBus()
{
    const Selection& now = m_bus.now();
    if (componentOf(metric()) != now.component)
        setMetric(metricOf(now.component));
    if (!m_map || !now.cell.isValid())
        return;
    if (!(m_heatmap->current() == now.cell))
        goTo(now.cell);
    if (now.isHeld && !(m_heatmap->held() == now.cell)) {
        m_goesToWorst = false;
        m_heatmap->hold(now.cell);
    } else if (!now.isHeld && m_heatmap->isHeld()) {
        m_heatmap->release();
    }
}

// Counting every cell of a large map takes longer than a frame.
void MapView::refreshSentence()
{
    if (!m_map)
        return;
    const quint64 request = ++m_summaryRequest;
    runInBackground<MapSummary>(
        this,
        [map = m_map, metric = metric()] {
            return widgets::isChange(*map) ? summariseChange(*map, metric) : summarise(*map, metric);
        },
        [this, request](const MapSummary& summary) {
            if (request != m_summaryRequest)
                return;
            m_words = summary.sentence;
            showWords();
            if (m_goesToWorst && !m_isLive && summary.worst.isValid()) {
                m_goesToWorst = false;
                m_heatmap->setCurrent(summary.worst);
            }
        },
        [](const QString&) {});
}

// Of the selected slice while there is one, else of the whole map.
void MapView::showWords()
{
    const QString selected = m_heatmap->selectionSentence();
    m_sentence->setText(selected.isEmpty() ? m_words : selected);
}

bool MapView::hasUncovered() const
{
    const widgets::HeatmapValues& values = m_heatmap->values();
    if (!m_heatmap->scale().hasThreshold())
        return false;
    for (int row = 0; row < values.rows(); ++row)
        if (values.rowMarginal(row).covered < values.rowMarginal(row).measured)
            return true;
    return false;
}

bool MapView::hasSlice() const
{
    return m_heatmap->selection().has_value();
}

void MapView::releaseSlice()
{
    m_heatmap->select(std::nullopt);
}

void MapView::refreshPrompts()
{
    const QSignalBlocker block(m_prompt);
    m_prompt->clear();
    m_prompt->addItem(tr("All %1 prompts").arg(m_map->prompts.size()));
    for (const widgets::MapPrompt& prompt : m_map->prompts) {
        QString text = prompt.rendered.simplified();
        if (text.size() > 40)
            text = text.left(39) + u'…';
        m_prompt->addItem(u"%1 · %2 · %3"_s.arg(QString::number(m_prompt->count() - 1), prompt.id, text));
    }
    m_prompt->setCurrentIndex(shownPrompt().value_or(-1) + 1);
}

}
