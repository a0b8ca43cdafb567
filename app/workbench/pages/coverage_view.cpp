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

namespace {

QString changeSentence(const widgets::CoverageRows& rows)
{
    widgets::CoverageCounts all;
    std::int64_t changed = 0;
    for (const widgets::CoverageRow& row : rows.rows) {
        all.onlyInA += row.counts.onlyInA;
        all.onlyInB += row.counts.onlyInB;
        all.covered += row.counts.covered;
        all.uncovered += row.counts.uncovered;
        all.notMeasured += row.counts.notMeasured;
        changed += row.counts.onlyInA + row.counts.onlyInB > 0 ? 1 : 0;
    }
    if (all.measured() == 0)
        return CoverageView::tr("Nothing was measured in both runs.");
    QString text =
        all.onlyInA + all.onlyInB == 0
            ? CoverageView::tr("A and B cover the same of %1 tokens × blocks.").arg(widgets::countText(all.measured()))
            : CoverageView::tr("Of %1 tokens × blocks %2 are covered in A only (up, orange) and %3 in B only (down, "
                               "blue), at %4 of %5 blocks; a grey line is covered in both, a grey bar in neither.")
                  .arg(widgets::countText(all.measured()), widgets::countText(all.onlyInA),
                       widgets::countText(all.onlyInB), widgets::countText(changed),
                       widgets::countText(static_cast<std::int64_t>(rows.rows.size())));
    text += u' ' + CoverageView::tr("Both are held against A's threshold, %1.").arg(widgets::exactNumber(rows.tau));
    if (all.notMeasured > 0)
        text += u' ' + CoverageView::tr("%1 were not measured in both and count nowhere.")
                           .arg(widgets::countText(all.notMeasured));
    return text;
}

}

QString coverageSentence(const widgets::CoverageRows& rows)
{
    if (rows.isChange)
        return changeSentence(rows);
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
        if (const auto view = exported())
            emit exportWanted(*view);
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
    show(map, [map] { return std::make_shared<const widgets::CoverageRows>(widgets::coverageRows(*map)); });
}

void CoverageView::setChange(const std::shared_ptr<const widgets::TokenMap>& a,
                             const std::shared_ptr<const widgets::TokenMap>& b,
                             const std::shared_ptr<const widgets::TokenMap>& change)
{
    show(change, [a, b] { return std::make_shared<const widgets::CoverageRows>(widgets::coverageChanges(*a, *b)); });
}

std::optional<widgets::ViewExport> CoverageView::exported() const
{
    return m_rows ? std::optional(widgets::coverageExport(m_map, m_rows)) : std::nullopt;
}

void CoverageView::show(const std::shared_ptr<const widgets::TokenMap>& map, const std::function<Rows()>& count)
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
    runInBackground<Rows>(
        this, count,
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
