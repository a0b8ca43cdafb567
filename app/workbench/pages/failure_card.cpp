#include "app/workbench/pages/failure_card.h"

#include "app/workbench/pages/failure_details.h"
#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/annotations.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/token_chips.h"

#include <QEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::workbench {

using widgets::FailureReason;
using widgets::Metric;
namespace space = widgets::space;

namespace {

constexpr int chipsHeight = 62; // two lines

Metric metricOf(FailureReason reason)
{
    switch (reason) {
    case FailureReason::Error: return Metric::Error;
    case FailureReason::RelativeError: return Metric::Relative;
    case FailureReason::LossDifference: return Metric::LossDifference;
    }
    return Metric::Error;
}

}

FailureCard::FailureCard(Annotations& notes, QWidget* parent)
    : Panel(parent)
    , m_notes(notes)
{
    m_inequality = widgets::makeLabel({}, widgets::TextSize::Title, widgets::TextWeight::Strong);
    widgets::setFixedFont(*m_inequality, widgets::TextSize::Body, widgets::TextWeight::Strong);
    m_inequality->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_inequality->setMinimumWidth(80);
    m_explanation = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_chips = new widgets::TokenChips;
    m_chips->setFixedHeight(chipsHeight);
    connect(m_chips, &widgets::TokenChips::tokenChosen, this, [this](int token) {
        if (m_row)
            emit cellChosen({m_row->key.block, m_row->key.prompt, token});
    });
    m_details = new FailureDetails;
    m_details->setMinimumHeight(118);
    connect(m_details, &FailureDetails::blockChosen, this, [this](int block) {
        if (m_row)
            emit cellChosen({block, m_row->key.prompt, m_row->key.token});
    });
    m_mark = new widgets::SegmentedControl;
    m_mark->setChoices(
        {tr("Unmarked"), markName(TokenMark::Expected), markName(TokenMark::Bug), markName(TokenMark::NeedsPrompt)},
        {tr("Take the mark away"), tr("It is known why this fails, and it is accepted"), tr("It should not fail"),
         tr("Other prompts are needed to tell")});
    connect(m_mark, &widgets::SegmentedControl::chosen, this, &FailureCard::setMark);
    m_note = new QLineEdit;
    m_note->setPlaceholderText(tr("A note on this token"));
    m_note->setAccessibleName(tr("Note on this token"));
    connect(m_note, &QLineEdit::textEdited, this, [this] { setMark(m_mark->current()); });
    QPushButton* exporting = button(tr("Export…"));
    exporting->setToolTip(tr("A folder with the prompt, the numbers and the command that shows this failure again"));
    connect(exporting, &QPushButton::clicked, this, &FailureCard::exportWanted);
    QPushButton* map = button(tr("On the map"));
    connect(map, &QPushButton::clicked, this, &FailureCard::mapWanted);

    auto* top = workbench::row();
    top->addWidget(m_inequality, 1);
    top->addWidget(map);
    top->addWidget(exporting);
    auto* bottom = workbench::row();
    bottom->addWidget(m_mark);
    bottom->addWidget(m_note, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::medium, space::small, space::medium, space::small);
    layout->setSpacing(space::small);
    layout->addLayout(top);
    layout->addWidget(m_explanation);
    layout->addLayout(bottom); // what is written here is never below the window's end
    layout->addWidget(m_chips);
    layout->addWidget(m_details);
    hide();
}

void FailureCard::setRow(const std::shared_ptr<const widgets::TokenMap>& map, const QString& run,
                         const std::optional<widgets::FailureRow>& row, const widgets::ErrorScale& scale)
{
    m_map = map;
    m_run = run;
    m_row = map ? row : std::nullopt;
    m_scale = scale;
    m_isOld = true;
    setVisible(m_row.has_value());
    showIfOld();
}

void FailureCard::showIfOld()
{
    if (!m_row || !isVisible() || !std::exchange(m_isOld, false))
        return;
    showRow();
}

void FailureCard::showEvent(QShowEvent* event)
{
    Panel::showEvent(event);
    showIfOld();
}

QString FailureCard::note() const
{
    return m_note->text();
}

// Chips are filled with colours of the appearance.
void FailureCard::changeEvent(QEvent* event)
{
    Panel::changeEvent(event);
    if (event->type() == QEvent::PaletteChange) {
        m_isOld = true;
        showIfOld();
    }
}

// The inequality with every digit, and the prompt in the colours of that block.
void FailureCard::showRow()
{
    const widgets::FailureRow& row = *m_row;
    const bool isCovered = row.isCovered();
    m_inequality->setText((isCovered ? tr("%1 ≤ %2 = %3") : tr("%1 > %2 = %3"))
                              .arg(widgets::exactNumber(row.observed), widgets::reasonSymbol(row.reason),
                                   widgets::exactNumber(row.threshold)));
    QString text = tr("Block %1, prompt %2, token %3 “%4”: ")
                       .arg(row.key.block)
                       .arg(row.prompt)
                       .arg(row.key.token)
                       .arg(widgets::visiblePiece(row.piece)) +
                   (isCovered ? tr("covered, at %1 of the threshold").arg(widgets::percentText(row.excess()))
                              : tr("above by %1 (%2)")
                                    .arg(widgets::exactNumber(row.observed - row.threshold),
                                         widgets::percentText(row.excess() - 1)));
    text += row.blocksFailing == 0                ? tr("; it fails at no block")
            : isCovered && row.blocksFailing == 1 ? tr("; this token fails at another block")
            : isCovered || row.blocksFailing > 1  ? tr("; this token fails at %1 blocks").arg(row.blocksFailing)
                                                  : tr("; at this block only");
    if (row.massive)
        text += tr("; its output is massive, at least 20 times the block's median norm");
    m_explanation->setText(text + u'.');

    const widgets::MapPrompt& prompt = m_map->prompts[static_cast<std::size_t>(row.key.prompt)];
    m_chips->setTokens(std::make_shared<const std::vector<widgets::Token>>(prompt.tokens));
    const Metric metric = metricOf(row.reason);
    const int column = m_map->columnOf(row.key.block);
    const widgets::MapCell* cell =
        column < 0 ? nullptr : m_map->cell(static_cast<std::size_t>(column), static_cast<std::size_t>(row.key.prompt));
    std::vector<QColor> fills(prompt.tokens.size());
    for (std::size_t token = 0; cell && token < fills.size(); ++token) {
        const int step = m_scale.stepOf(std::abs(widgets::valueOf(*cell, metric, token, m_map->thresholds)));
        if (step >= 0)
            fills[token] = m_scale.colourOf(step, widgets::tokensOf(*this));
    }
    m_chips->setFixedHeight(std::min(chipsHeight, m_chips->heightForWidth(width() - 2 * space::medium)));
    m_chips->setFills(fills);
    m_chips->setCurrent(row.key.token);
    m_details->setFailure(m_map, row.key, metric);
    const TokenNote note = m_notes.ofToken(m_run, row.key);
    m_mark->setCurrent(static_cast<int>(note.mark));
    if (!m_note->hasFocus())
        m_note->setText(note.note);
}

void FailureCard::setMark(int mark)
{
    if (!m_row)
        return;
    m_notes.setToken(m_run, m_row->key, {static_cast<TokenMark>(mark), m_note->text()});
    m_mark->setCurrent(mark);
}

}
