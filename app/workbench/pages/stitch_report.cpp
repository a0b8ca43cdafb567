// StitchPage: whose numbers it shows, and what it hands out of them.
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/pages/stitch_parts.h"
#include "app/workbench/session/run_settings.h"
#include "widgets/figure_view.h"
#include "widgets/heatmap_export.h"
#include "widgets/segmented_control.h"
#include "widgets/token_heatmap.h"
#include "widgets/value_table.h"

#include <QLabel>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr int mostRows = 40; // of a table in the report

QString written(const StitchText::Side& side)
{
    QString text;
    for (const widgets::Token& token : *side.tokens)
        text += token.piece;
    return text;
}

}

// Whose numbers these are, and whether anybody can check them.
QString StitchPage::claim() const
{
    if (!m_shown)
        return tr("Not measured yet.");
    const RecordedStitch* there = recorded();
    if (m_shown->isWritten)
        return m_shown->isCertified
                   ? tr("In the run as %1, certified by the run's word; Verify recomputes it.").arg(m_shown->name)
                   : tr("In the run as %1, not certified: %2.").arg(m_shown->name, m_shown->reasons.join(u"; "_s));
    return there && there->switches == m_shown->switches
               ? tr("Measured again; the run holds a certificate of these switches, %1.").arg(there->name)
               : tr("Measured, and not part of the run: there is no certificate of it.");
}

widgets::ViewExport StitchPage::exported() const
{
    switch (m_part->current()) {
    case Layers: return m_layers->exported();
    case Residuals: return widgets::heatmapExport(*m_residuals);
    default: return m_tokens->exported();
    }
}

std::optional<FrozenView> StitchPage::frozen() const
{
    const bool showsTexts = m_part->current() == Texts;
    if (!m_run || (showsTexts ? !m_text.isReady() : !m_shown))
        return std::nullopt;
    FrozenView frozen;
    ReportItem& item = frozen.item;
    const StitchSwitches& switches = showsTexts ? m_text.value->switches : m_shown->switches;
    item.title = switches.edited.empty() ? tr("Stitched model: %1 as surrogates").arg(switches.text())
                                         : tr("Stitched model: %1").arg(switches.text());
    item.scope = tr("%1 · %2, %3 baseline, %4 surrogates · measured on these prompts only")
                     .arg(m_run->model, m_run->prompts, m_run->baselineDtype, m_run->surrogate);
    item.runs = {{m_run->path, m_run->name, m_run->digest}};
    if (showsTexts) {
        item.parts.emplace_back(report::Paragraph{m_text.value->sentence.toStdString()});
        item.parts.emplace_back(
            report::Facts{{{tr("prompt").toStdString(), m_promptChoice->currentText().toStdString()},
                           {tr("original").toStdString(), written(m_text.value->original).toStdString()},
                           {tr("stitched").toStdString(), written(m_text.value->stitched).toStdString()}}});
        return frozen;
    }
    item.parts.emplace_back(report::Statement{report::Standing::Claimed, claim().toStdString()});
    item.parts.emplace_back(report::Paragraph{m_shown->sentence.toStdString()});
    report::Facts facts;
    for (const widgets::Fact& fact : m_shown->facts)
        facts.rows.emplace_back(fact.label.toStdString(), fact.value.toStdString());
    item.parts.emplace_back(std::move(facts));
    if (m_part->current() == Blame) {
        for (const StitchBlame& blame : m_shown->blames) {
            item.parts.emplace_back(report::Paragraph{blame.sentence.toStdString()});
            item.parts.emplace_back(tableOf(widgets::tableOf(blame.rows), tr("Block by block"), mostRows));
        }
    } else {
        frozen.view = [view = exported()] { return view; };
        frozen.hasNumbers = true;
    }
    item.parts.emplace_back(report::Commands{{command().toStdString()}});
    return frozen;
}

}
