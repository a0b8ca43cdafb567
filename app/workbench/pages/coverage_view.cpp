#include "app/workbench/pages/coverage_view.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/selection_bus.h"
#include "widgets/coverage_export.h"
#include "widgets/coverage_strip.h"
#include "widgets/number_text.h"

#include <QLabel>
#include <QPushButton>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

QString coverageSentence(const widgets::CoverageRows& rows)
{
    std::int64_t measured = 0;
    std::int64_t uncovered = 0;
    std::int64_t notMeasured = 0;
    std::int64_t blocks = 0;
    std::int64_t whole = 0;
    QStringList shortOf;
    for (const widgets::CoverageRow& row : rows.rows) {
        measured += row.counts.measured();
        uncovered += row.counts.uncovered;
        notMeasured += row.counts.notMeasured;
        if (row.counts.measured() == 0)
            continue;
        ++blocks;
        whole += row.counts.covered == row.counts.measured() ? 1 : 0;
        if (static_cast<double>(row.counts.covered) < rows.alpha * static_cast<double>(row.counts.measured()))
            shortOf << QString::number(row.block);
    }
    if (blocks == 0)
        return CoverageView::tr("Nothing has been measured yet.");
    QString text = CoverageView::tr("%1 of %2 tokens × blocks are not covered; at %3 of %4 blocks every token is.")
                       .arg(widgets::countText(uncovered), widgets::countText(measured), widgets::countText(whole),
                            widgets::countText(blocks));
    constexpr qsizetype few = 6;
    if (!shortOf.isEmpty())
        text += u' ' + (shortOf.size() <= few ? CoverageView::tr("Short of α = %1: block %2.")
                                                    .arg(widgets::exactNumber(rows.alpha), shortOf.join(u", "_s))
                                              : CoverageView::tr("%1 blocks are short of α = %2.")
                                                    .arg(shortOf.size())
                                                    .arg(widgets::exactNumber(rows.alpha)));
    if (notMeasured > 0)
        text +=
            u' ' + CoverageView::tr("%1 were never measured and count nowhere.").arg(widgets::countText(notMeasured));
    return text;
}

CoverageView::CoverageView(SelectionBus& bus, QWidget* parent)
    : QWidget(parent)
    , m_bus(bus)
    , m_sentence(wrapped({}))
    , m_strip(new widgets::CoverageStrip)
    , m_export(button(tr("Export…")))
{
    m_export->setToolTip(tr("As SVG, PDF, PNG, or CSV with every number"));
    connect(m_export, &QPushButton::clicked, this, [this] {
        if (m_rows)
            emit exportWanted(widgets::coverageExport(m_map, m_rows));
    });
    setFocusProxy(m_strip);
    connect(m_strip, &widgets::CoverageStrip::tokenChosen, &m_bus, &SelectionBus::hold);
    connect(m_strip, &widgets::CoverageStrip::activated, this, [this](const widgets::CellKey& key) {
        m_bus.hold(key);
        emit mapWanted();
    });
    connect(&m_bus, &SelectionBus::changed, this, [this] {
        if (m_bus.now().cell.isValid() && !(m_bus.now().cell == m_strip->current()))
            m_strip->setCurrent(m_bus.now().cell);
    });
    auto* layout = column();
    auto* top = row();
    top->addWidget(m_sentence, 1);
    top->addWidget(m_export, 0, Qt::AlignTop);
    layout->addLayout(top);
    layout->addWidget(m_strip, 1);
    setLayout(layout);
}

void CoverageView::setMap(const std::shared_ptr<const widgets::TokenMap>& map)
{
    if (map && map == m_map)
        return;
    const quint64 request = ++m_request;
    m_map = map;
    m_rows.reset();
    m_export->setEnabled(false);
    if (!map) {
        m_strip->setMap(nullptr, nullptr);
        m_sentence->clear();
        return;
    }
    using Rows = std::shared_ptr<const widgets::CoverageRows>;
    runInBackground<Rows>(
        this, [map] { return std::make_shared<const widgets::CoverageRows>(widgets::coverageRows(*map)); },
        [this, request, map](const Rows& rows) {
            if (request != m_request)
                return;
            m_rows = rows;
            m_export->setEnabled(true);
            m_strip->setMap(map, rows);
            m_sentence->setText(coverageSentence(*rows));
            if (m_bus.now().cell.isValid())
                m_strip->setCurrent(m_bus.now().cell);
        },
        [](const QString&) {});
}

}
