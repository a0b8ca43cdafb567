#include "app/workbench/pages/run_page.h"

#include "app/workbench/pages/block_picker.h"
#include "app/workbench/pages/options_panel.h"
#include "app/workbench/pages/prompts_panel.h"
#include "app/workbench/pages/run_side.h"
#include "app/workbench/pages/surrogate_panel.h"
#include "widgets/empty_state.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/progress_list.h"
#include "widgets/segmented_control.h"

#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

RunPage::RunPage(QWidget* parent)
    : QWidget(parent)
    , m_stack(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
    , m_title(new widgets::PageTitle)
    , m_view(new widgets::SegmentedControl)
    , m_body(new QStackedWidget)
    , m_promptsPanel(new PromptsPanel)
    , m_picker(new BlockPicker)
    , m_blocksText(new QLineEdit)
    , m_blocksNote(new ElidedLabel({}, widgets::TextSize::Secondary, widgets::TextTone::Secondary))
    , m_surrogate(new SurrogatePanel)
    , m_options(new OptionsPanel)
    , m_outcome(new widgets::Notice)
    , m_summary(widgets::makeLabel({}, widgets::TextSize::Body))
    , m_bar(new QProgressBar)
    , m_lane(new widgets::ProgressList)
    , m_side(new RunSide)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    setFocusProxy(m_promptsPanel);
    m_empty->setText(tr("A run needs a model"),
                     tr("Open one, and the prompts, blocks and thresholds of a run are chosen here."));
    m_empty->setWays(
        {{widgets::Icon::Open, tr("Open a model…"), tr("A folder with safetensors, or a .gguf file"), true, true},
         {widgets::Icon::Run, tr("Try the demo model"), tr("SmolLM2-135M-Instruct, as set up with this program"), false,
          true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, [this](int way) {
        if (way == 0)
            emit modelWanted();
        else
            emit demoWanted();
    });
    m_stack->addWidget(m_empty);

    auto* page = new QWidget;
    auto* pageColumn = pageLayout(page);
    m_view->setChoices({tr("Settings"), tr("Progress")});
    connect(m_view, &widgets::SegmentedControl::chosen, this, &RunPage::showView);
    m_title->addWidget(m_view);
    pageColumn->addWidget(m_title);
    m_body->addWidget(scrolling(makeForm()));
    m_body->addWidget(makeLane());
    pageColumn->addWidget(m_body, 1);
    m_stack->addWidget(page);

    connect(m_side, &RunSide::outChanged, this, [this] {
        emit outEdited();
        announceSettings();
    });
    connect(m_side, &RunSide::outWanted, this, &RunPage::outWanted);
    connect(m_side, &RunSide::runWanted, this, &RunPage::runWanted);
    connect(m_side, &RunSide::pauseWanted, this, &RunPage::pauseWanted);
    connect(m_side, &RunSide::queueWanted, this, &RunPage::queueWanted);
    connect(m_side, &RunSide::resumeLastWanted, this, &RunPage::resumeLastWanted);
    connect(m_side, &RunSide::cancelWanted, this, &RunPage::cancelWanted);
    connect(m_side, &RunSide::copyWanted, this, &RunPage::copyWanted);
    connect(m_side, &RunSide::settingsWanted, this, [this] { emit remedyWanted(Remedy::Settings); });
    connect(m_side, &RunSide::resumeWanted, this, &RunPage::resumeWanted);
    refresh();
}

QWidget* RunPage::makeForm()
{
    auto* form = new QWidget;
    auto* layout = new QVBoxLayout(form);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(space::medium);
    connect(m_promptsPanel, &PromptsPanel::choiceChanged, this, [this](const PromptChoice& choice) {
        emit promptChoiceChanged(choice);
        announceSettings();
    });
    connect(m_promptsPanel, &PromptsPanel::fileWanted, this, &RunPage::promptFileWanted);
    connect(m_promptsPanel, &PromptsPanel::retryWanted, this, &RunPage::promptsRetryWanted);
    layout->addWidget(m_promptsPanel, 100);

    m_blocksText->setAccessibleName(tr("Blocks"));
    m_blocksText->setToolTip(tr("all, or 0-based numbers and ranges such as 0,5,10-12"));
    widgets::setFixedFont(*m_blocksText, widgets::TextSize::Secondary);
    m_blocksText->setMaximumWidth(220);
    connect(m_blocksText, &QLineEdit::textEdited, this, &RunPage::refreshBlocks);
    connect(m_picker, &BlockPicker::chosenChanged, this, [this] {
        m_blocksText->setText(blocksText(m_picker->chosen(), m_picker->layers()));
        refreshBlocks(m_blocksText->text());
    });
    const auto shortcut = [this](const QString& text, int every) {
        QPushButton* made = button(text, widgets::ButtonRole::Link);
        connect(made, &QPushButton::clicked, this, [this, every] {
            std::vector<int> blocks;
            for (int block = 0; every > 0 && block < m_picker->layers(); block += every)
                blocks.push_back(block);
            m_blocksText->setText(blocksText(blocks, m_picker->layers()));
            refreshBlocks(m_blocksText->text());
        });
        return made;
    };
    auto* blocksTop = row();
    blocksTop->addWidget(heading(tr("Blocks")));
    blocksTop->addSpacing(space::small);
    blocksTop->addWidget(m_blocksText);
    blocksTop->addWidget(shortcut(tr("All"), 1));
    blocksTop->addWidget(shortcut(tr("Every fifth"), 5));
    blocksTop->addWidget(shortcut(tr("None"), 0));
    m_blocksNote->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    blocksTop->addWidget(m_blocksNote, 1);
    layout->addLayout(blocksTop);
    layout->addWidget(m_picker);

    layout->addWidget(heading(tr("Surrogate")));
    connect(m_surrogate, &SurrogatePanel::changed, this, &RunPage::announceSettings);
    connect(m_surrogate, &SurrogatePanel::checkpointWanted, this, &RunPage::checkpointWanted);
    layout->addWidget(m_surrogate);
    layout->addWidget(heading(tr("Options")));
    connect(m_options, &OptionsPanel::changed, this, &RunPage::announceSettings);
    layout->addWidget(m_options);
    layout->addStretch(1);
    return form;
}

QWidget* RunPage::makeLane()
{
    auto* lane = new QWidget;
    auto* layout = new QVBoxLayout(lane);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(space::small);
    m_outcome->hide();
    connect(m_outcome, &widgets::Notice::actionRequested, this, [this] {
        switch (m_offer) {
        case Offer::Explore: emit exploreWanted(-1); break;
        case Offer::Resume: emit resumeLastWanted(); break;
        case Offer::Remedy: emit remedyWanted(m_remedy); break;
        case Offer::EndEngine: emit endEngineWanted(); break;
        case Offer::None: break;
        }
    });
    layout->addWidget(m_summary);
    m_bar->setTextVisible(false);
    layout->addWidget(m_bar);
    connect(m_lane, &widgets::ProgressList::blockChosen, this, &RunPage::exploreWanted);
    layout->addWidget(m_lane, 1);
    layout->addWidget(m_outcome); // below the lane, whose rows stay where they are when it comes and goes
    return lane;
}

QWidget* RunPage::side() const
{
    return m_side;
}

void RunPage::setModel(const QString& name, const std::shared_ptr<const widgets::ModelCard>& card)
{
    const bool isNew = card != m_card;
    m_model = name;
    m_card = card;
    if (isNew && card && name != m_runModel && !m_isRunning)
        forgetRun(); // what another model's run has found is not shown as this one's
    if (isNew && card) {
        m_picker->setLayers(card->layers);
        m_blocksText->setText(u"all"_s);
    }
    refreshBlocks(m_blocksText->text());
}

void RunPage::setPrompts(const Loadable<widgets::PromptList>& list)
{
    m_prompts = list;
    m_promptsPanel->setList(list);
    refresh();
}

void RunPage::setPromptFile(const QString& path)
{
    choosePrompts(PromptChoice::Kind::File, path);
}

void RunPage::setPromptSet(const QString& name)
{
    choosePrompts(PromptChoice::Kind::Bundled, name);
}

void RunPage::setCheckpoint(const QString& model)
{
    m_surrogate->setCheckpoint(model);
}

void RunPage::choosePrompts(PromptChoice::Kind kind, const QString& name)
{
    PromptChoice choice = m_promptsPanel->choice();
    choice.kind = kind;
    choice.name = name;
    m_promptsPanel->setChoice(choice);
    showForm();
    emit promptChoiceChanged(choice);
    announceSettings();
}

void RunPage::showForm()
{
    showView(0);
}

bool RunPage::showsProgress() const
{
    return m_hasRun && m_body->currentIndex() == 1;
}

void RunPage::showView(int view)
{
    m_view->setCurrent(view);
    m_body->setCurrentIndex(view);
    refresh();
    emit viewChanged();
}

void RunPage::forgetRun()
{
    m_hasRun = false;
    m_outcome->hide();
    m_side->setInterrupted({});
    showForm();
}

void RunPage::refreshBlocks(const QString& text)
{
    const BlockChoice choice = parseBlocks(text, m_picker->layers());
    m_blocksProblem = choice.problem;
    markInvalid(m_blocksText, !choice.problem.isEmpty());
    m_picker->setChosen(choice.blocks);
    m_blocksNote->setText(choice.problem.isEmpty()
                              ? tr("%1 of %2 chosen").arg(choice.blocks.size()).arg(m_picker->layers())
                              : choice.problem);
    announceSettings();
}

std::vector<int> RunPage::blocks() const
{
    return m_picker->chosen();
}

RunSettings RunPage::settings() const
{
    RunSettings settings;
    settings.model = m_model;
    settings.prompts = m_promptsPanel->choice();
    settings.blocks = blocksText(m_picker->chosen(), m_picker->layers());
    settings.out = m_side->out();
    m_surrogate->fill(settings);
    m_options->fill(settings);
    return settings;
}

void RunPage::showSettings(const RunSettings& settings, int layers)
{
    if (m_picker->layers() != layers)
        m_picker->setLayers(layers);
    m_promptsPanel->setChoice(settings.prompts);
    m_surrogate->show(settings);
    m_options->show(settings);
    m_blocksText->setText(settings.blocks);
    m_side->setOut(settings.out);
    refreshBlocks(settings.blocks);
}

QString RunPage::obstacle() const
{
    if (!m_card)
        return tr("Open a model first.");
    if (!m_blocksProblem.isEmpty())
        return m_blocksProblem;
    if (m_picker->chosen().empty())
        return tr("Choose at least one block.");
    if (m_prompts.state == Loadable<widgets::PromptList>::State::Failed)
        return showsProgress() ? tr("The prompts of the settings cannot be used: %1").arg(m_prompts.fault.sentence)
                               : tr("The prompts cannot be used: see below their choice.");
    if (!hasPrompts())
        return m_prompts.isLoading()                                        ? tr("The prompts are being encoded.")
               : m_promptsPanel->choice().kind == PromptChoice::Kind::Typed ? tr("Type a prompt, one a line.")
                                                                            : tr("Choose prompts.");
    if (const QString problem = settingsProblem(); !problem.isEmpty())
        return problem;
    if (m_side->out().isEmpty())
        return tr("Choose a folder for the run.");
    return {};
}

// A field that holds nothing usable: what is in force beside it is no setting of anybody's.
QString RunPage::settingsProblem() const
{
    const QString problem = m_surrogate->problem();
    return problem.isEmpty() ? m_options->problem() : problem;
}

bool RunPage::hasPrompts() const
{
    return m_prompts.value && !m_prompts.value->prompts.empty();
}

void RunPage::announceSettings()
{
    refresh();
    emit settingsChanged();
}

void RunPage::setEstimate(const Loadable<RunEstimate>& estimate, const std::optional<ExpectedTime>& time)
{
    m_side->setEstimate(estimate, time);
}

void RunPage::setOut(const QString& path)
{
    m_side->setOut(path);
    refresh();
}

void RunPage::setResumable(const std::vector<ShelvedRun>& runs)
{
    m_side->setResumable(runs);
}

void RunPage::refresh()
{
    m_stack->setCurrentIndex(m_card || m_hasRun ? 1 : 0);
    refreshTitle();
    m_view->setChoiceEnabled(0, m_card != nullptr);
    m_view->setChoiceEnabled(1, m_hasRun);
    const RunSettings current = settings();
    const QString missing = obstacle();
    // Beside a run stands what that one claims; beside the settings, what these would.
    if (m_hasRun && showsProgress() && !m_runClaim.isEmpty())
        m_side->setClaim(m_isRunning ? tr("What this run will claim") : tr("The claim of this run"), m_runClaim);
    else
        m_side->setClaim(
            m_isRunning ? tr("What these settings would claim") : tr("What will be claimed"),
            m_picker->chosen().empty() || !hasPrompts() || !settingsProblem().isEmpty()
                ? tr("Nothing yet. %1").arg(missing)
                : claimSentence(current, static_cast<int>(m_picker->chosen().size()),
                                {static_cast<qint64>(m_prompts.value->prompts.size()), m_prompts.value->tokenCount()}));
    m_side->setObstacle(missing);
    m_side->setHasModel(m_card || m_hasRun);
}

// Progress is that of a run, whatever model is open by now.
void RunPage::refreshTitle()
{
    if (showsProgress())
        m_title->setText(m_runName,
                         m_runModelName.isEmpty()
                             ? tr("What this run has found so far, block by block.")
                             : tr("A run of %1: what it has found so far, block by block.").arg(m_runModelName));
    else if (m_card)
        m_title->setText(tr("Measure %1").arg(m_card->name),
                         tr("Every chosen block is recorded on the prompts, replayed as an explicit program, and "
                            "certified under the thresholds below."));
}

void RunPage::showRun(const RunLauncher& launcher)
{
    using State = RunLauncher::State;
    const bool wasRunning = m_isRunning;
    m_isRunning = launcher.state() == State::Running;
    if (!launcher.live())
        return;
    const bool isInterrupted =
        launcher.isResumable() && (launcher.state() == State::Cancelled || launcher.state() == State::Failed);
    m_side->setInterrupted(isInterrupted ? launcher.running().out : QString());
    if (!m_isRunning && !wasRunning && !m_hasRun)
        return; // it ended, and another model was opened since
    const bool isFirst = !m_hasRun;
    m_hasRun = true;
    m_runModel = launcher.running().model;
    m_runModelName = launcher.live()->model();
    m_runName = launcher.live()->name();
    m_runClaim = claimSentence(launcher.running(), static_cast<int>(launcher.live()->blockNumbers().size()),
                               {launcher.live()->promptCount(), launcher.live()->tokenCount()});
    const std::shared_ptr<const widgets::RunProgress> progress = launcher.live()->progress();
    m_side->setRunning(m_isRunning ? progress.get() : nullptr, launcher.running().out);
    m_lane->setProgress(progress);
    m_summary->setText(widgets::ProgressList::summary(*progress, launcher.isPaused() ? tr("paused") : QString()));
    m_bar->setRange(0, progress->total > 0 || !m_isRunning ? 1000 : 0);
    m_bar->setValue(launcher.state() == State::Finished ? 1000
                    : progress->total > 0               ? static_cast<int>(1000 * progress->done / progress->total)
                                                        : 0);
    if ((m_isRunning && !wasRunning) || isFirst) {
        showView(1);
        m_outcome->hide();
    }
    switch (launcher.state()) {
    case State::Finished:
        m_offer = Offer::Explore;
        m_outcome->setNotice(
            widgets::Notice::Tone::Note,
            tr("The run is complete: %1.").arg(shortPath(launcher.running().out)) +
                (launcher.survived().isEmpty()
                     ? QString()
                     : u' ' + tr("The engine died once on the way and was started again; no finished cell was lost.")),
            tr("Explore it"));
        m_outcome->show();
        break;
    case State::Cancelled:
        m_offer = launcher.isResumable() ? Offer::Resume : Offer::None;
        m_outcome->setNotice(widgets::Notice::Tone::Note,
                             launcher.isResumable()
                                 ? (launcher.isPaused()
                                        ? tr("Paused. Finished cells are kept; resume it when you like.")
                                        : tr("Cancelled. Finished cells are kept, and the run can be resumed."))
                                 : tr("Cancelled before anything was written."),
                             launcher.isResumable() ? tr("Resume") : QString());
        m_outcome->show();
        break;
    case State::Failed:
        m_offer = launcher.isResumable() ? Offer::Resume : Offer::Remedy;
        m_remedy = remedyFor(launcher.fault());
        m_outcome->setNotice(
            widgets::Notice::Tone::Error,
            launcher.fault().sentence +
                (launcher.survived().isEmpty() ? QString()
                                               : u' ' + tr("It is the second death during this run, which therefore "
                                                           "does not go on by itself.")) +
                (launcher.isResumable() ? u' ' + tr("Finished cells are kept, and the run can be resumed.")
                                        : QString()),
            launcher.isResumable() ? tr("Resume") : remedyText(m_remedy));
        m_outcome->show();
        break;
    case State::Running:
        if (!launcher.survived().isEmpty()) {
            m_offer = Offer::None;
            m_outcome->setNotice(widgets::Notice::Tone::Warning,
                                 tr("%1 It has been started again, and the run goes on from its finished cells.")
                                     .arg(launcher.survived()),
                                 QString());
            m_outcome->show();
        }
        break;
    case State::Idle: break;
    }
    refresh();
}

void RunPage::setQueued(int count)
{
    m_side->setQueued(count);
}

void RunPage::showUnanswered()
{
    if (!m_isRunning)
        return;
    m_offer = Offer::EndEngine;
    m_outcome->setNotice(
        widgets::Notice::Tone::Warning,
        tr("The engine has not answered for 3 s. It can be ended; finished cells are kept, and the run "
           "can be resumed."),
        tr("End the engine"));
    m_outcome->show();
}

}
