#include "app/workbench/pages/stitch_page.h"

#include "app/workbench/pages/stitch_parts.h"
#include "app/workbench/pages/stitch_stack.h"
#include "app/workbench/session/run_settings.h"
#include "widgets/empty_state.h"
#include "widgets/error_legend.h"
#include "widgets/fact_list.h"
#include "widgets/figure_view.h"
#include "widgets/flow_row.h"
#include "widgets/next_tokens.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/token_heatmap.h"
#include "widgets/top_tokens.h"
#include "widgets/value_table.h"

#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::CellKey;
namespace space = widgets::space;

namespace {

constexpr int mostBlames = 2; // the first divergence and the largest loss change

QString listOf(const std::vector<int>& blocks, const RunView& run)
{
    return blocksText(blocks, std::max(run.layers, 100'000)); // never "all": that would be the run's blocks
}

}

StitchPage::StitchPage(QWidget* parent)
    : QWidget(parent)
    , m_pages(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
{
    m_empty->setText(tr("No run to stitch"),
                     tr("Open a finished run: its surrogates can then take the place of the model's blocks, one by one "
                        "or all together."));
    m_empty->setWays({{widgets::Icon::Folder, tr("Open a run…"), tr("A folder with run.json"), true, true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, &StitchPage::runWanted);
    makeSide();
    m_pages->addWidget(m_empty);
    m_pages->addWidget(scrolling(makeCentre())); // three columns are wider than a small screen
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_pages);
    setFocusProxy(m_stack);
    refresh();
}

QWidget* StitchPage::side() const
{
    return m_side;
}

// The switches beside the numbers, or above them where the page is narrow: a chart in a third of it could not be read.
void StitchPage::arrange()
{
    constexpr int narrow = 760;
    const bool isNarrow = width() < narrow;
    m_middle->setDirection(isNarrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
    m_stack->setNarrow(isNarrow);
}

void StitchPage::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    arrange();
}

QWidget* StitchPage::makeCentre()
{
    auto* page = new QWidget;
    auto* layout = pageLayout(page);
    m_stack = new StitchStack;
    connect(m_stack, &StitchStack::changed, this, &StitchPage::refresh);
    m_title = new widgets::PageTitle;
    m_export = button(tr("Export…"));
    m_export->setToolTip(tr("This view as SVG, PDF, PNG, or CSV with every number"));
    connect(m_export, &QPushButton::clicked, this, [this] { emit exportWanted(exported()); });
    m_bisect = button(tr("Bisect"));
    m_bisect->setToolTip(tr("Measure, and find the blocks that the first other token and the largest loss change come "
                            "from; runs the model once more for every chosen block"));
    connect(m_bisect, &QPushButton::clicked, this, [this] { emit measureWanted(true); });
    m_certify = button(tr("Certify…"));
    m_certify->setToolTip(tr("Add this stitched model to the run, with a certificate that verify checks"));
    connect(m_certify, &QPushButton::clicked, this, &StitchPage::certifyWanted);
    m_measure = button(tr("Measure"), widgets::ButtonRole::Primary);
    m_measure->setToolTip(tr("Run both models on the run's prompts; the run stays as it is"));
    connect(m_measure, &QPushButton::clicked, this, [this] {
        if (m_result.isLoading())
            emit cancelWanted();
        else
            emit measureWanted(false);
    });
    for (QPushButton* one : {m_export, m_bisect, m_certify, m_measure})
        m_title->addWidget(one);
    layout->addWidget(m_title);

    m_notice = new widgets::Notice;
    m_notice->hide();
    m_progress = new ProgressRow;
    m_unmeasured = new widgets::EmptyState;

    m_sentence = wrapped({});
    m_part = new widgets::SegmentedControl;
    m_part->setChoices({tr("Tokens"), tr("Texts"), tr("Layers"), tr("Residuals"), tr("Blame")},
                       {tr("Both models on the prompt as it is: losses and divergence"),
                        tr("Both models continue the prompt"), tr("How far the streams are apart after each block"),
                        tr("The same for every token"), tr("Which block brings it about")});
    connect(m_part, &widgets::SegmentedControl::chosen, this, [this](int part) { showPart(static_cast<Part>(part)); });
    m_promptChoice = new ElidedComboBox;
    m_promptChoice->setAccessibleName(tr("Prompt"));
    m_promptChoice->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_promptChoice->setMinimumContentsLength(14);
    connect(m_promptChoice, &QComboBox::activated, this, [this](int prompt) { selectToken(prompt, -1); });
    m_parts = new QStackedWidget;
    m_tokens = new StitchTokens;
    m_texts = new StitchTexts;
    m_layers = new widgets::FigureView;
    m_residuals = new widgets::TokenHeatmap;
    m_blame = new QWidget;
    auto* blames = column();
    blames->setContentsMargins(0, 0, 0, 0);
    m_blameEmpty = new widgets::EmptyState;
    connect(m_blameEmpty, &widgets::EmptyState::wayChosen, m_bisect, &QPushButton::click);
    blames->addWidget(m_blameEmpty, 1);
    for (int i = 0; i < mostBlames; ++i) {
        m_blameSentences.push_back(wrapped({}));
        m_blameTables.push_back(new widgets::ValueTable(tr("Block by block")));
        blames->addWidget(m_blameSentences.back());
        blames->addWidget(m_blameTables.back(), 1);
    }
    m_blame->setLayout(blames);
    connect(m_tokens, &StitchTokens::tokenChosen, this, [this](int token) { selectToken(m_prompt, token); });
    connect(m_residuals, &widgets::TokenHeatmap::currentChanged, this, [this](const CellKey& key) {
        if (key.isValid())
            selectToken(key.prompt, key.token);
    });
    connect(m_texts, &StitchTexts::writeWanted, this, &StitchPage::writeWanted);
    connect(m_texts, &StitchTexts::cancelWanted, this, &StitchPage::writeCancelWanted);
    m_legend = new widgets::ErrorLegend;
    connect(m_residuals, &widgets::TokenHeatmap::scaleChanged, this,
            [this] { m_legend->setScale(m_residuals->scale(), m_residuals->metric()); });
    auto* residuals = new QWidget;
    auto* residualLayout = column();
    residualLayout->setContentsMargins(0, 0, 0, 0);
    residualLayout->addWidget(m_residuals, 1);
    residualLayout->addWidget(m_legend);
    residuals->setLayout(residualLayout);
    for (QWidget* part : std::initializer_list<QWidget*>{m_tokens, m_texts, m_layers, residuals, m_blame})
        m_parts->addWidget(part);

    auto* choices = new widgets::FlowRow; // above both columns: beside the switches they are wider than a small screen
    choices->addWidget(m_part);
    choices->startEnd();
    choices->addWidget(m_promptChoice);
    layout->addLayout(choices);
    auto* right = column();
    right->addWidget(m_notice);
    right->addWidget(m_sentence);
    right->addWidget(m_parts, 1);
    right->addWidget(m_unmeasured, 1);
    right->addWidget(m_progress);
    m_middle = row(space::large);
    m_middle->addWidget(m_stack);
    m_middle->addLayout(right, 1);
    layout->addLayout(m_middle, 1);
    return page;
}

void StitchPage::makeSide()
{
    m_side = new SidePanel;
    m_claim = wrapped({});
    m_facts = new widgets::FactList;
    m_tokenTitle = heading({});
    m_tokenFacts = new widgets::FactList;
    m_top = new widgets::TopTokens;
    m_recorded = new QWidget;
    m_recorded->setLayout(column(space::tiny));
    QPushButton* copy = button(tr("Copy as command"));
    copy->setToolTip(tr("The command that issues the certificate of these switches"));
    connect(copy, &QPushButton::clicked, this, &StitchPage::copyWanted);
    QVBoxLayout* content = m_side->content();
    content->addWidget(heading(tr("The stitched model")));
    content->addWidget(m_claim);
    content->addWidget(m_facts);
    content->addWidget(copy);
    content->addSpacing(space::medium);
    content->addWidget(m_tokenTitle);
    content->addWidget(m_tokenFacts);
    content->addWidget(m_top);
    content->addSpacing(space::medium);
    content->addWidget(m_recorded);
    content->addStretch(1);
}

void StitchPage::setRun(const QString& path, const Loadable<RunView>& run)
{
    const std::shared_ptr<const RunView> shown = run.isReady() ? run.value : nullptr;
    const bool isOther = !m_run || !shown || m_run->path != shown->path || m_run->digest != shown->digest;
    const bool isSamePath = m_run && shown && m_run->path == shown->path;
    m_run = shown;
    if (!isSamePath)
        m_model.clear();
    if (run.isLoading())
        m_empty->setText(tr("Reading the run"), shortPath(path));
    else
        m_empty->setText(tr("No run to stitch"), run.state == Loadable<RunView>::State::Failed
                                                     ? run.fault.sentence
                                                     : tr("Open a finished run: its surrogates can then take the place "
                                                          "of the model's blocks, one by one or all together."));
    m_pages->setCurrentIndex(m_run ? 1 : 0);
    if (!m_run || !isOther) {
        refreshRecorded();
        return;
    }
    m_stack->setRun(m_run, isSamePath); // the same: it has only gained a stitched model or an edit
    const QSignalBlocker block(m_promptChoice);
    m_promptChoice->clear();
    for (const widgets::MapPrompt& prompt : m_run->map->prompts)
        m_promptChoice->addItem(prompt.id);
    if (!isSamePath) {
        m_prompt = 0;
        m_token = -1;
        m_result = {};
        m_text = {};
        m_texts->setText({});
        showResult();
    }
    m_promptChoice->setCurrentIndex(m_prompt);
    refreshRecorded();
    refresh();
}

StitchSwitches StitchPage::switches() const
{
    return m_stack->switches();
}

void StitchPage::setSwitches(const StitchSwitches& switches)
{
    m_stack->setSwitches(switches);
}

Json StitchPage::stitchParameters(bool bisect, bool measureOnly) const
{
    const StitchSwitches chosen = switches();
    Json parameters = {{"run", m_run ? m_run->path.toStdString() : std::string()},
                       {"blocks", m_run ? listOf(chosen.blocks, *m_run).toStdString() : std::string()},
                       {"tokens", true}};
    if (!chosen.edited.empty())
        parameters["edit"] = chosen.editOption().toStdString();
    if (bisect)
        parameters["bisect"] = true;
    if (measureOnly)
        parameters["measure_only"] = true;
    if (!m_model.isEmpty())
        parameters["model"] = m_model.toStdString();
    return parameters;
}

Json StitchPage::textParameters() const
{
    const widgets::MapPrompt& prompt = m_run->map->prompts[static_cast<std::size_t>(m_prompt)];
    Json ids = Json::array();
    for (const widgets::Token& token : prompt.tokens)
        ids.push_back(token.id);
    const QString dtype = m_run->baselineDtype == "BF16"_L1  ? u"bf16"_s
                          : m_run->baselineDtype == "F16"_L1 ? u"fp16"_s
                                                             : u"fp32"_s;
    const StitchSwitches chosen = switches();
    Json parameters = {{"model", (m_model.isEmpty() ? m_run->modelHint : m_model).toStdString()},
                       {"content", writeJsonLine({{"id", prompt.id.toStdString()}, {"token_ids", ids}})},
                       {"format", "jsonl"},
                       {"name", prompt.id.toStdString()},
                       {"dtype", dtype.toStdString()},
                       {"max_tokens", 1 << 20},
                       {"max_new", m_texts->mostTokens()},
                       {"surrogates", m_run->path.toStdString()},
                       {"surrogate_blocks", listOf(chosen.blocks, *m_run).toStdString()}};
    if (!chosen.edited.empty())
        parameters["surrogate_edit"] = chosen.editOption().toStdString();
    return parameters;
}

QString StitchPage::command() const
{
    if (!m_run)
        return {};
    const StitchSwitches chosen = switches();
    QStringList words{u"blockcert"_s, u"stitch"_s, m_run->path, u"--blocks"_s, listOf(chosen.blocks, *m_run)};
    if (!chosen.edited.empty())
        words << u"--edit"_s << chosen.editOption();
    if (!m_model.isEmpty())
        words << u"--model"_s << m_model;
    return shellCommand(words);
}

const RecordedStitch* StitchPage::recorded() const
{
    const RecordedStitch* found = nullptr;
    if (m_run)
        for (const RecordedStitch& stitch : m_run->stitches)
            if (stitch.result && stitch.switches == switches() && (!found || stitch.name == m_recordedName))
                found = &stitch;
    return found;
}

std::shared_ptr<const StitchResult> StitchPage::result() const
{
    if (m_result.value && m_result.value->switches == switches())
        return m_result.value;
    const RecordedStitch* there = recorded();
    return there ? there->result : m_result.value;
}

void StitchPage::setResult(const Loadable<StitchResult>& result)
{
    m_result = result;
    if (!result.isLoading())
        m_progress->hide();
    else {
        m_progress->setProgress(tr("Waiting for the engine …"), {});
        m_progress->show();
    }
    showResult();
    refresh();
}

void StitchPage::showProgress(const JobProgress& progress)
{
    if (!m_result.isLoading())
        return;
    const QString stage = progress.stage == "stitch"_L1    ? tr("Running both models, block by block")
                          : progress.stage == "predict"_L1 ? tr("Predicting tokens")
                          : progress.stage == "bisect"_L1  ? tr("Replacing block by block")
                          : progress.stage == "hash"_L1    ? tr("Hashing the model's files")
                          : progress.stage == "load"_L1    ? tr("Loading weights")
                                                           : tr("Opening the model");
    m_progress->setProgress(progress.total > 0 ? tr("%1: %2 of %3 %4")
                                                     .arg(stage, widgets::countText(progress.done),
                                                          widgets::countText(progress.total), progress.unit)
                                               : stage,
                            progress);
}

void StitchPage::showResult()
{
    m_shown = result();
    m_prompt = std::clamp(m_prompt, 0, std::max(0, m_promptChoice->count() - 1));
    m_tokens->setResult(m_shown, m_prompt);
    m_layers->setFigure(m_shown ? m_shown->layers : nullptr, false);
    m_residuals->setMap(m_shown ? m_shown->residuals : nullptr);
    if (m_shown) {
        m_residuals->setMetric(m_shown->residuals->thresholds.relativeDecides ? widgets::Metric::Relative
                                                                              : widgets::Metric::Error);
        m_legend->setScale(m_residuals->scale(), m_residuals->metric());
    }
    m_facts->setFacts(m_shown ? m_shown->facts : std::vector<widgets::Fact>());
    m_facts->setVisible(m_shown != nullptr);
    refreshBlames();
    refreshToken();
}

void StitchPage::refreshBlames()
{
    const std::shared_ptr<const StitchResult> result = m_shown;
    for (std::size_t i = 0; i < m_blameTables.size(); ++i) {
        const bool isThere = result && i < result->blames.size();
        m_blameTables[i]->setVisible(isThere);
        m_blameTables[i]->setRows(isThere ? std::make_shared<const widgets::ValueRows>(result->blames[i].rows)
                                          : nullptr);
        m_blameSentences[i]->setVisible(isThere);
        m_blameSentences[i]->setText(isThere ? result->blames[i].sentence : QString());
    }
    m_blameEmpty->setVisible(!result || result->blames.empty());
    if (result && result->isBisected) {
        m_blameEmpty->setText(tr("Nothing to blame"), tr("The next tokens are the same and no loss changes."));
        m_blameEmpty->setWays({});
    } else {
        m_blameEmpty->setText(tr("Not looked for yet"),
                              tr("Bisect finds the blocks that the first other token and the largest change of a loss "
                                 "come from. It runs the model once more for every chosen block."));
        m_blameEmpty->setWays(
            {{widgets::Icon::Stack, tr("Bisect"), tr("Measures these switches anew, and then block by block"), true}});
    }
}

// What can be asked for now, and whether what is shown belongs to the switches.
void StitchPage::refresh()
{
    if (!m_run) {
        m_claim->setText(tr("What the stitched model does stands here once a run is open."));
        return;
    }
    if (m_shown != result()) {
        m_token = -1;
        showResult();
    }
    const StitchSwitches chosen = switches();
    const bool isBusy = m_result.isLoading();
    const bool canStitch = m_run->complete && !chosen.blocks.empty();
    m_title->setText(tr("Stitched model"), tr("%1 · %2 · %3 prompts · measured on these prompts only")
                                               .arg(m_run->model, m_run->name)
                                               .arg(m_run->map->prompts.size()));
    m_measure->setText(isBusy ? tr("Cancel") : tr("Measure"));
    m_measure->setEnabled(isBusy || canStitch);
    m_bisect->setEnabled(!isBusy && canStitch);
    m_certify->setEnabled(!isBusy && canStitch);
    m_export->setEnabled(m_shown != nullptr);
    m_texts->setEnabledToWrite(canStitch && !m_run->modelHint.isEmpty());
    m_texts->setStale(m_textPrompt >= 0 && (m_textSwitches != chosen || m_textPrompt != m_prompt));
    const std::shared_ptr<const StitchResult> result = m_shown;
    using State = Loadable<StitchResult>::State;
    const bool isStale = result && result->switches != chosen;
    if (!m_run->complete)
        m_notice->setNotice(widgets::Notice::Tone::Warning,
                            tr("This run is unfinished; only a finished run can be stitched."));
    else if (m_result.state == State::Failed)
        m_notice->setNotice(widgets::Notice::Tone::Error, m_result.fault.sentence);
    else if (isStale)
        m_notice->setNotice(widgets::Notice::Tone::Note,
                            tr("The numbers are of other switches: %1. Measure again.").arg(result->switches.text()));
    m_notice->setVisible(!m_run->complete || m_result.state == State::Failed || isStale);
    m_sentence->setText(result ? result->sentence : QString());
    m_sentence->setVisible(result != nullptr);
    const bool hasPart = result != nullptr || m_part->current() == Texts;
    m_parts->setVisible(hasPart);
    m_unmeasured->setVisible(!hasPart);
    m_unmeasured->setText(isBusy ? tr("Being measured") : tr("Not measured yet"),
                          isBusy ? tr("Both models run on every prompt; what they differ in stands here then.")
                                 : tr("Choose which blocks run as their surrogates, then measure what that does to the "
                                      "whole model."));
    m_claim->setText(claim());
}

void StitchPage::setText(const Loadable<StitchText>& text)
{
    m_text = text;
    m_texts->setText(text);
    if (text.isReady()) {
        m_textSwitches = text.value->switches;
        m_textPrompt = text.value->prompt;
    } else {
        m_textPrompt = -1;
    }
    refresh();
}

void StitchPage::showTextProgress(const JobProgress& progress)
{
    m_texts->setProgress(progress);
}

void StitchPage::showPart(Part part)
{
    m_part->setCurrent(part);
    m_parts->setCurrentIndex(part);
    m_promptChoice->setVisible(part == Tokens || part == Texts);
    refresh();
}

void StitchPage::selectToken(int prompt, int token)
{
    const bool isOther = prompt != m_prompt;
    m_prompt = prompt;
    m_token = token;
    if (isOther) {
        const QSignalBlocker block(m_promptChoice);
        m_promptChoice->setCurrentIndex(prompt);
        m_tokens->setResult(m_shown, m_prompt);
    }
    m_tokens->setToken(token);
    refreshToken();
    refresh();
}

void StitchPage::refreshToken()
{
    const std::shared_ptr<const StitchResult> result = m_shown;
    const widgets::MapCell* cell = result ? result->ends(m_prompt) : nullptr;
    const bool isThere = cell && m_token >= 0 && static_cast<std::size_t>(m_token) < cell->error.size();
    m_tokenTitle->setText(isThere ? tr("Token %1").arg(m_token) : QString());
    for (QWidget* part :
         {static_cast<QWidget*>(m_tokenTitle), static_cast<QWidget*>(m_tokenFacts), static_cast<QWidget*>(m_top)})
        part->setVisible(isThere);
    if (!isThere)
        return;
    const auto at = static_cast<std::size_t>(m_token);
    const auto fact = [](const QString& label, const std::vector<double>& column, std::size_t token) {
        const double value = token < column.size() ? column[token] : widgets::missing;
        return widgets::Fact{label,
                             widgets::isMissing(value) ? tr("not predicted") : widgets::exactNumber(value),
                             {},
                             widgets::isMissing(value)};
    };
    m_tokenFacts->setFacts(
        {fact(tr("Loss, original"), cell->lossBase, at), fact(tr("Loss, stitched"), cell->lossStitched, at),
         fact(tr("KL of what follows"), cell->kl, at), fact(tr("Residual ‖ĥ − h‖"), cell->error, at)});
    const CellKey key{result->lastLayer(), m_prompt, m_token};
    m_top->setPredictions(widgets::predictionOf(*result->residuals, key, false),
                          widgets::predictionOf(*result->residuals, key, true));
}

// The stitched models that the run holds already; a click shows what it recorded of them.
void StitchPage::refreshRecorded()
{
    QLayout* layout = m_recorded->layout();
    while (QLayoutItem* item = layout->takeAt(0)) {
        if (item->widget())
            item->widget()->deleteLater();
        delete item;
    }
    m_recorded->setVisible(m_run && !m_run->stitches.empty());
    if (!m_run || m_run->stitches.empty())
        return;
    layout->addWidget(heading(tr("In this run")));
    for (const RecordedStitch& stitch : m_run->stitches) {
        QPushButton* link =
            elidedLink(tr("%1 · %2").arg(stitch.name, stitch.isFullBlock && stitch.switches.edited.empty()
                                                          ? tr("every block")
                                                          : stitch.switches.text()),
                       space::inspector - 60);
        link->setToolTip(widgets::plainToolTip(stitch.isCertified ? tr("Certified by the run's word; shows its numbers")
                                                                  : tr("Not certified; shows its numbers")));
        connect(link, &QPushButton::clicked, this, [this, name = stitch.name] { showRecorded(name); });
        layout->addWidget(link);
    }
}

void StitchPage::showRecorded(const QString& name)
{
    const auto found = std::find_if(m_run->stitches.begin(), m_run->stitches.end(),
                                    [&name](const RecordedStitch& stitch) { return stitch.name == name; });
    if (found == m_run->stitches.end())
        return;
    m_recordedName = name;
    if (!m_result.isLoading())
        m_result = {}; // in whose place the recorded numbers stand
    setSwitches(found->switches);
    refresh();
}

}
