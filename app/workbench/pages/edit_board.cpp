#include "app/workbench/pages/edit_board.h"

#include "app/workbench/pages/edit_board_text.h"
#include "app/workbench/pages/edit_completions.h"
#include "app/workbench/pages/page_parts.h"
#include "widgets/empty_state.h"
#include "widgets/figure_view.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/value_grid.h"
#include "widgets/value_table.h"

#include <QComboBox>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>

#include <algorithm>
#include <array>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

// The strengths of a curve that is measured whole: from zero to neutral for what scales, over the slider for the rest.
std::vector<double> curveStrengths(EditOperation operation)
{
    const auto [low, high] = operation == EditOperation::AddDirection || operation == EditOperation::RankK
                                 ? strengthRange(operation)
                                 : std::pair{0.0, 1.0};
    std::vector<double> strengths;
    for (int i = 10; i >= 0; --i)
        strengths.push_back(std::round((low + (high - low) * i / 10) * 1e6) / 1e6);
    return strengths;
}

// What a lab without an edit offers.
constexpr std::array firstEdits{EditOperation::ScaleMlp, EditOperation::ScaleAttention, EditOperation::AddDirection};

}

EditBoard::EditBoard(EditLab& lab, QWidget* parent)
    : QWidget(parent)
    , m_lab(lab)
    , m_notice(new widgets::Notice)
    , m_sentence(wrapped({}))
    , m_cancel(button(tr("Cancel")))
    , m_progress(new ProgressRow(m_cancel))
    , m_body(new QWidget)
    , m_empty(new widgets::EmptyState)
    , m_choice(new widgets::SegmentedControl)
    , m_parts(new QStackedWidget)
    , m_layers(new widgets::FigureView)
    , m_completions(new EditCompletions)
{
    m_notice->hide();
    m_empty->setText(tr("Nothing is edited"), tr("Add an edit: it is laid over the model while it runs, and what it "
                                                 "does is measured while you move α."));
    m_empty->setWays(
        {{widgets::Icon::Plus, operationName(firstEdits[0]), tr("α × what the MLP adds"), true, true},
         {widgets::Icon::Plus, operationName(firstEdits[1]), tr("α × what attention adds"), false, true},
         {widgets::Icon::Plus, operationName(firstEdits[2]), tr("α × a vector of your own"), false, true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this,
            [this](int way) { emit editWanted(firstEdits[static_cast<std::size_t>(way)]); });
    connect(m_cancel, &QPushButton::clicked, &m_lab, &EditLab::cancel);
    connect(m_notice, &widgets::Notice::actionRequested, &m_lab, &EditLab::again);
    m_choice->setChoices({tr("Curve"), tr("Layers"), tr("Side effects"), tr("Tokens"), tr("Completions")},
                         {tr("A measured quantity against α"), tr("How far the stream departs after every block"),
                          tr("Losses, divergence and next tokens on held-out prompts"),
                          tr("The local error of every token of the prompts"),
                          tr("What the model says with and without the edits (hold B for the unedited one)")});
    connect(m_choice, &widgets::SegmentedControl::chosen, this,
            [this](int part) { showPart(static_cast<Part>(part)); });
    connect(m_completions, &EditCompletions::writeWanted, &m_lab, &EditLab::complete);
    connect(m_completions, &EditCompletions::cancelWanted, &m_lab, &EditLab::cancel);
    connect(m_completions, &EditCompletions::markersWanted, this, &EditBoard::markersWanted);
    connect(m_completions, &EditCompletions::liveChanged, &m_lab, &EditLab::setLiveCompletions);
    for (QWidget* part : {makeCurve(), static_cast<QWidget*>(m_layers), makeSideEffects(), makeTokens(),
                          static_cast<QWidget*>(m_completions)})
        m_parts->addWidget(part);
    keepTwoLines(*m_sentence);
    auto* body = column();
    body->addWidget(m_sentence);
    body->addWidget(m_choice, 0, Qt::AlignLeft);
    body->addWidget(m_parts, 1);
    body->addWidget(m_progress);
    m_body->setLayout(body);
    auto* layout = column();
    layout->addWidget(m_notice);
    layout->addWidget(m_body, 1);
    layout->addWidget(m_empty, 1);
    setLayout(layout);
    refresh();
}

QWidget* EditBoard::makeCurve()
{
    m_quantity = new ElidedComboBox;
    m_quantity->setAccessibleName(tr("Quantity"));
    m_quantity->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_quantity->setMinimumContentsLength(16);
    for (const CurveQuantity quantity : allCurveQuantities)
        m_quantity->addItem(quantityName(quantity));
    connect(m_quantity, &QComboBox::activated, this, &EditBoard::refreshCurve);
    m_fill = button(tr("Measure 11 points"));
    m_fill->setToolTip(tr("Measures α from 0 to 1 in steps of 0.1 (a direction or a rank-k change: over the whole "
                          "slider), one after the other, while nothing else is to be done"));
    connect(m_fill, &QPushButton::clicked, this, [this] {
        if (m_lab.isFillingCurve())
            m_lab.cancel();
        else
            measureCurve();
    });
    m_curveNote = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_curve = new widgets::FigureView;
    m_curve->setAccessibleName(tr("Effect against strength"));
    connect(m_curve, &widgets::FigureView::pointChosen, this,
            [this](double strength, double) { m_lab.edits().setStrength(m_lab.edits().current(), strength, false); });
    auto* top = row();
    top->addWidget(m_quantity);
    top->addStretch(1);
    top->addWidget(m_fill);
    auto* layout = column();
    layout->addLayout(top);
    layout->addWidget(m_curveNote);
    layout->addWidget(m_curve, 1);
    layout->addStretch(0); // keeps what is there at the top while nothing has been measured
    auto* page = new QWidget;
    page->setLayout(layout);
    return page;
}

QWidget* EditBoard::makeSideEffects()
{
    m_sideSentence = wrapped({});
    m_sideTable = new widgets::ValueTable(tr("Held-out prompts, worst first"));
    auto* layout = column();
    layout->addWidget(m_sideSentence);
    layout->addWidget(m_sideTable, 1);
    auto* page = new QWidget;
    page->setLayout(layout);
    return page;
}

QWidget* EditBoard::makeTokens()
{
    m_tokenSentence = wrapped({});
    m_tokens = new widgets::ValueGrid(tr("Local error by prompt and token"));
    m_tokens->setCellWidth(14);
    auto* layout = column();
    layout->addWidget(m_tokenSentence);
    layout->addWidget(m_tokens, 1);
    auto* page = new QWidget;
    page->setLayout(layout);
    return page;
}

EditScope EditBoard::scope() const
{
    QStringList words;
    for (const EditStep& step : m_lab.edits().stack())
        if (step.isEnabled)
            words << stepSentence(step);
    const LabSettings& settings = m_lab.settings();
    return {m_lab.model() ? m_lab.model()->name : QString(),
            u"%1 · %2 · condition %3"_s.arg(words.isEmpty() ? tr("no edit") : words.join(u", "_s), settings.prompts,
                                            settings.condition)};
}

void EditBoard::measureCurve()
{
    if (const EditStep* step = m_lab.edits().currentStep(); step && hasStrength(step->operation))
        m_lab.fillCurve(curveStrengths(step->operation));
}

void EditBoard::setPrompts(std::shared_ptr<const widgets::PromptList> prompts)
{
    m_promptList = std::move(prompts);
    QStringList ids;
    QStringList texts;
    if (m_promptList)
        for (const widgets::PromptRow& prompt : m_promptList->prompts) {
            ids << prompt.id;
            texts << prompt.rendered;
        }
    m_completions->setPrompts(ids, texts);
    m_shownLocal.reset();
    refreshTokens();
}

void EditBoard::setHeld(bool held)
{
    if (std::exchange(m_isHeld, held) == held)
        return;
    m_completions->setHeld(held);
    refreshSentence();
}

void EditBoard::showPart(Part part)
{
    m_part = part;
    m_choice->setCurrent(part);
    m_parts->setCurrentIndex(part);
    refreshProgress();
    refreshPart();
}

// Of the stack as it is; where that is not measured yet, of what was measured before it.
EditEffect EditBoard::effectToShow(bool* isStale) const
{
    EditEffect effect = m_lab.shown();
    *isStale = false;
    if (!effect.local && m_lab.last()) {
        effect = m_lab.last()->effect;
        *isStale = true;
    }
    return effect;
}

void EditBoard::refreshSentence()
{
    m_sentence->setText(m_isHeld ? tr("The unedited model, while B is held.") : effectSentence(m_lab));
}

void EditBoard::refreshProgress()
{
    using Phase = EditLab::Phase;
    const Phase phase = m_lab.phase();
    // What takes less than a moment needs no bar.
    const bool isLong = phase == Phase::Preparing || phase == Phase::Completions || m_lab.isFillingCurve() ||
                        (phase != Phase::Idle && m_lab.progress().elapsedSeconds > 0.5);
    const bool isWaiting = phase == Phase::Waiting && !m_lab.shown().local;
    m_progress->setVisible(isLong || isWaiting);
    m_cancel->setVisible(m_part != Completions || phase != Phase::Completions); // that view has one of its own
    if (!isLong && !isWaiting)
        return;
    const JobProgress& progress = m_lab.progress();
    m_progress->setProgress(phase == Phase::Waiting  ? tr("Waiting for the engine …")
                            : phase == Phase::Idle   ? tr("Measuring the curve …")
                            : m_lab.isFillingCurve() ? tr("Measuring the curve. %1").arg(stageText(progress))
                                                     : stageText(progress),
                            progress);
}

void EditBoard::refresh()
{
    const std::optional<JobFault>& fault = m_lab.fault();
    if (fault)
        m_notice->setNotice(widgets::Notice::Tone::Error, fault->sentence, tr("Try again"));
    else if (m_lab.isStopped())
        m_notice->setNotice(widgets::Notice::Tone::Note, tr("Measuring was stopped."), tr("Measure"));
    m_notice->setVisible(fault.has_value() || m_lab.isStopped());
    const bool isEmpty = m_lab.edits().stack().empty();
    m_empty->setVisible(isEmpty);
    m_body->setVisible(!isEmpty);
    refreshSentence();
    refreshProgress();
    refreshPart();
}

void EditBoard::refreshPart()
{
    bool isStale = false;
    const EditEffect effect = effectToShow(&isStale);
    switch (m_part) {
    case Curve: refreshCurve(); break;
    case Layers: {
        const EditEffect other = m_lab.ofSlot(1 - m_lab.edits().slot());
        if (const auto& downstream = effect.downstream; downstream)
            m_layers->setFigure(
                std::make_shared<const figure::Figure>(layersFigure(
                    *downstream, other.downstream.get(), EditSlots::slotName(1 - m_lab.edits().slot()), scope())),
                false);
        else if (!isStale)
            m_layers->setFigure(nullptr, false);
        break;
    }
    case SideEffects:
        if (const auto& downstream = effect.downstream; downstream) {
            m_sideSentence->setText(
                tr("On %1 held-out tokens the next token is the same after %2 of them and the mean divergence is %3 "
                   "nats. A loss that grows is a side effect; one that falls is one as well.")
                    .arg(widgets::countText(downstream->heldoutTokens), widgets::percentText(downstream->agreement),
                         widgets::tableNumber(downstream->klMean)));
            m_sideTable->setRows(std::make_shared<const widgets::ValueRows>(sideEffectRows(*downstream)));
        } else if (!isStale) {
            m_sideSentence->setText(tr("Side effects stand here once the model behind the edit has been run."));
            m_sideTable->setRows(nullptr);
        }
        m_sideTable->setEnabled(!isStale);
        break;
    case Tokens: refreshTokens(); break;
    case Completions: refreshCompletions(); break;
    }
}

void EditBoard::refreshCurve()
{
    const EditStep* step = m_lab.edits().currentStep();
    const bool hasCurve = step && step->isEnabled && hasStrength(step->operation);
    const auto quantity = static_cast<CurveQuantity>(m_quantity->currentIndex());
    const std::vector<CurvePoint> points = m_lab.curve();
    const int count = countOf(points, quantity);
    m_fill->setText(m_lab.isFillingCurve() ? tr("Stop") : tr("Measure 11 points"));
    m_fill->setEnabled(m_lab.isFillingCurve() || (hasCurve && m_lab.obstacle().isEmpty()));
    m_curveNote->setText(!hasCurve ? tr("The card in hand has no strength, or it is off.")
                         : count == 0 && quantity == CurveQuantity::Accuracy
                             ? tr("Accuracies come with completions: complete at some strengths.")
                         : count == 0 ? tr("Nothing measured yet.")
                         : count == 1 ? tr("1 point measured; move α for more.")
                                      : tr("%1 points measured.").arg(count));
    EditScope about = scope();
    if (hasCurve && enabledSteps(m_lab.edits().stack()).size() > 1)
        about.strength =
            tr("strength α of block %1: %2, everything else as it is").arg(step->block).arg(placeOf(*step));
    if (hasCurve)
        about.what = tr("block %1: %2 · %3 · condition %4")
                         .arg(step->block)
                         .arg(placeOf(*step), m_lab.settings().prompts, m_lab.settings().condition);
    m_curve->setVisible(hasCurve && count > 0);
    if (hasCurve && count > 0)
        m_curve->setFigure(std::make_shared<const figure::Figure>(curveFigure(points, quantity, step->strength, about)),
                           false);
}

void EditBoard::refreshTokens()
{
    bool isStale = false;
    const std::shared_ptr<const LocalEffect> local = effectToShow(&isStale).local;
    m_tokens->setEnabled(!isStale);
    if (local == m_shownLocal && local)
        return;
    m_shownLocal = local;
    m_tokens->setVisible(local != nullptr);
    if (!local) {
        m_tokenSentence->setText(tr("The local error of every token stands here once it is measured."));
        return;
    }
    m_tokens->setValues(std::make_shared<const widgets::GridValues>(tokenGrid(*local, m_promptList.get())));
    m_tokenSentence->setText(tokenSentence(*local));
}

void EditBoard::refreshCompletions()
{
    using Phase = EditLab::Phase;
    const EditEffect now = m_lab.shown();
    const bool isWriting = m_lab.phase() == Phase::Completions || m_lab.streaming();
    m_completions->setLive(m_lab.isLive());
    if (now.completions)
        m_completions->show(now.completions, EditCompletions::State::Done, false);
    else if (m_lab.streaming())
        m_completions->show(m_lab.streaming(), EditCompletions::State::Writing, false);
    else
        m_completions->show(m_lab.last() ? m_lab.last()->effect.completions : nullptr,
                            isWriting ? EditCompletions::State::Waiting : EditCompletions::State::None, true);
    m_completions->setEnabledToWrite(!enabledSteps(m_lab.edits().stack()).empty() && m_lab.obstacle().isEmpty());
}

void EditBoard::grow(int prompt)
{
    if (m_part == Completions && m_lab.streaming())
        m_completions->grow(m_lab.streaming(), prompt);
}

widgets::ViewExport EditBoard::exported() const
{
    switch (m_part) {
    case Layers: return m_layers->exported();
    case Tokens: return m_tokens->exported();
    case SideEffects: {
        const auto downstream = m_lab.shown().downstream;
        if (!downstream)
            return {};
        widgets::ViewExport view = widgets::figureExport(sideEffectFigure(*downstream, scope()));
        view.table = [rows = sideEffectRows(*downstream)] { return widgets::tableOf(rows); };
        return view;
    }
    case Completions: return {};
    case Curve: break;
    }
    return m_curve->exported();
}

}
