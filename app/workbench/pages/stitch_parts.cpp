#include "app/workbench/pages/stitch_parts.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/empty_state.h"
#include "widgets/error_scale.h"
#include "widgets/figure_view.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/token_chips.h"

#include <QEvent>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>

#include <algorithm>
#include <cmath>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::Metric;
namespace space = widgets::space;

namespace {

// Beside the switches of a small window there is no room for two things next to each other.
QBoxLayout::Direction directionFor(int width)
{
    constexpr int narrow = 420;
    return width < narrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight;
}

}

StitchTokens::StitchTokens(QWidget* parent)
    : QWidget(parent)
    , m_sentence(wrapped({}))
    , m_metric(new widgets::SegmentedControl)
    , m_chips(new widgets::TokenChips)
    , m_figure(new widgets::FigureView)
{
    setFocusProxy(m_chips);
    m_metric->setChoices({tr("Loss difference"), tr("KL")},
                         {tr("Loss of the token with surrogates in place minus its loss in the original, nats"),
                          tr("KL(original ‖ stitched) of what follows the token, nats")});
    connect(m_metric, &widgets::SegmentedControl::chosen, this, [this] { refresh(); });
    connect(m_chips, &widgets::TokenChips::tokenChosen, this, &StitchTokens::tokenChosen);
    connect(m_figure, &widgets::FigureView::pointChosen, this,
            [this](double x, double) { emit tokenChosen(static_cast<int>(std::lround(x))); });
    m_chips->setFixedHeight(92);
    m_top = row();
    m_top->addWidget(m_sentence, 1);
    m_top->addWidget(m_metric, 0, Qt::AlignTop | Qt::AlignLeft);
    auto* layout = column();
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addLayout(m_top);
    layout->addWidget(m_chips);
    layout->addWidget(m_figure, 1);
    setLayout(layout);
}

void StitchTokens::setResult(const std::shared_ptr<const StitchResult>& result, int prompt)
{
    m_result = result;
    m_prompt = prompt;
    m_chips->setTokens(result ? std::make_shared<const std::vector<widgets::Token>>(
                                    result->residuals->prompts[static_cast<std::size_t>(prompt)].tokens)
                              : nullptr);
    m_figure->setFigure(result ? std::make_shared<const figure::Figure>(stitchTokenFigure(*result, prompt)) : nullptr,
                        false);
    refresh();
}

void StitchTokens::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    m_top->setDirection(directionFor(width()));
}

void StitchTokens::setToken(int token)
{
    m_chips->setCurrent(token);
}

// Chips are filled with colours of the appearance.
void StitchTokens::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        refresh();
}

widgets::ViewExport StitchTokens::exported() const
{
    return m_figure->exported();
}

void StitchTokens::refresh()
{
    if (!m_result)
        return;
    const Metric metric = m_metric->current() == 1 ? Metric::Kl : Metric::LossDifference;
    const widgets::MapCell* cell = m_result->ends(m_prompt);
    const widgets::TokenMap& map = *m_result->residuals;
    widgets::TokenMap last = map; // the colours fit what is shown: the last layer's numbers
    last.blocks = {m_result->lastLayer()};
    last.cells.assign(map.cells.end() - static_cast<std::ptrdiff_t>(map.prompts.size()), map.cells.end());
    const widgets::ErrorScale scale = widgets::ErrorScale::fitted(last, metric);
    const std::size_t tokens = map.prompts[static_cast<std::size_t>(m_prompt)].tokens.size();
    std::vector<QColor> fills(tokens);
    for (std::size_t token = 0; cell && token < tokens; ++token) {
        const int step = scale.stepOf(std::abs(widgets::valueOf(*cell, metric, token, map.thresholds)));
        if (step >= 0)
            fills[token] = scale.colourOf(step, widgets::tokensOf(*this));
    }
    m_chips->setFills(fills);
    const StitchPromptFacts facts = static_cast<std::size_t>(m_prompt) < m_result->prompts.size()
                                        ? m_result->prompts[static_cast<std::size_t>(m_prompt)]
                                        : StitchPromptFacts();
    m_sentence->setText(
        facts.firstToken
            ? tr("After token %1 the stitched model's most likely next token is another one.").arg(*facts.firstToken)
            : tr("The most likely next token is the same everywhere in this prompt."));
}

StitchTexts::StitchTexts(QWidget* parent)
    : QWidget(parent)
    , m_sentence(wrapped({}))
    , m_write(button(tr("Write")))
    , m_most(new QSpinBox)
    , m_original(new widgets::TokenChips)
    , m_stitched(new widgets::TokenChips)
    , m_sides(new QWidget)
    , m_empty(new widgets::EmptyState)
{
    m_empty->setText(tr("No text yet"),
                     tr("Let both models continue the prompt. Each reads what it has written, so that one other token "
                        "changes everything after it; the tokens view tells more about the model itself."));
    m_most->setRange(1, 512);
    m_most->setValue(24);
    m_most->setSuffix(tr(" tokens"));
    m_most->setAccessibleName(tr("How many tokens to write"));
    m_write->setToolTip(tr("Both models continue the prompt, greedily; the lowest id on ties"));
    connect(m_write, &QPushButton::clicked, this, [this] {
        if (m_isWriting)
            emit cancelWanted();
        else
            emit writeWanted();
    });
    // A token chosen in one text is shown in both.
    connect(m_original, &widgets::TokenChips::tokenChosen, this, [this](int token) { m_stitched->setCurrent(token); });
    connect(m_stitched, &widgets::TokenChips::tokenChosen, this, [this](int token) { m_original->setCurrent(token); });
    auto* writing = row();
    writing->addWidget(m_most);
    writing->addWidget(m_write);
    writing->addStretch(1);
    m_top = row();
    m_top->addWidget(m_sentence, 1);
    m_top->addLayout(writing);
    m_halves = row(space::large);
    m_halves->addWidget(sideOf(tr("Original"), m_original), 1);
    m_halves->addWidget(sideOf(tr("Stitched"), m_stitched), 1);
    m_sides->setLayout(m_halves);
    auto* layout = column();
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addLayout(m_top);
    layout->addWidget(m_sides, 1);
    layout->addWidget(m_empty, 1);
    setLayout(layout);
    setText({});
}

void StitchTexts::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    m_top->setDirection(directionFor(width()));
    m_halves->setDirection(directionFor(width()));
}

QWidget* StitchTexts::sideOf(const QString& title, widgets::TokenChips* chips)
{
    chips->setAccessibleName(title);
    auto* side = new QWidget;
    auto* layout = column(space::tiny);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(heading(title));
    layout->addWidget(chips, 1);
    side->setLayout(layout);
    return side;
}

// What is the same stays plain; what comes behind the first difference is tinted, and the difference itself more.
void StitchTexts::fill(widgets::TokenChips& chips, const StitchText::Side& side, const std::optional<int>& divergence)
{
    chips.setTokens(side.tokens);
    std::vector<QColor> fills(side.tokens->size());
    const widgets::Tokens& tokens = widgets::tokensOf(*this);
    for (std::size_t i = 0; divergence && i < fills.size(); ++i) {
        if (static_cast<int>(i) == *divergence)
            fills[i] = tokens.warm[0];
        else if (static_cast<int>(i) > *divergence)
            fills[i] = tokens.weaker.fill;
    }
    chips.setFills(fills);
    if (divergence)
        chips.setCurrent(*divergence);
}

void StitchTexts::setText(const Loadable<StitchText>& text)
{
    m_isWriting = text.isLoading();
    m_write->setText(m_isWriting ? tr("Cancel") : tr("Write"));
    m_sides->setVisible(text.isReady());
    m_empty->setVisible(!text.isReady());
    if (text.isReady()) {
        m_sentence->setText(text.value->sentence);
        fill(*m_original, text.value->original, text.value->firstDivergence);
        fill(*m_stitched, text.value->stitched, text.value->firstDivergence);
    } else if (text.isLoading()) {
        m_sentence->setText(tr("Waiting for the engine …")); // until it says that it is at it
    } else {
        m_sentence->setText(text.fault.sentence);
    }
}

void StitchTexts::setProgress(const JobProgress& progress)
{
    if (!m_isWriting)
        return;
    if (progress.total <= 0 || progress.unit != "tokens"_L1)
        m_sentence->setText(tr("Writing …"));
    else
        m_sentence->setText((progress.stage == "stitched"_L1 ? tr("The stitched model writes: %1 of %2 tokens …")
                                                             : tr("The original writes: %1 of %2 tokens …"))
                                .arg(progress.done)
                                .arg(progress.total));
}

void StitchTexts::setStale(bool isStale)
{
    m_sides->setEnabled(!isStale);
    if (isStale && !m_isWriting)
        m_sentence->setText(tr("These texts were written with other switches or for another prompt."));
}

void StitchTexts::setEnabledToWrite(bool enabled)
{
    m_write->setEnabled(enabled || m_isWriting);
}

int StitchTexts::mostTokens() const
{
    return m_most->value();
}

}
