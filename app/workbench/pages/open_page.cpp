#include "app/workbench/pages/open_page.h"

#include "app/workbench/pages/runs_view.h"
#include "widgets/empty_state.h"
#include "widgets/model_card_view.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/tensor_table.h"

#include <QLineEdit>
#include <QPushButton>
#include <QStackedWidget>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

// A link that opens something again: its name, and one line on what it is.
QWidget* recentRow(const QString& title, const QString& note, const QString& path, QPushButton** link)
{
    auto* line = new QWidget;
    auto* layout = new QVBoxLayout(line);
    layout->setContentsMargins(0, 0, 0, space::tiny);
    layout->setSpacing(0);
    *link = elidedLink(title, space::inspector - 40 - 3 * space::large);
    (*link)->setToolTip(widgets::plainToolTip(path));
    layout->addWidget(*link);
    auto* text = new ElidedLabel(note, widgets::TextSize::Secondary, widgets::TextTone::Secondary);
    text->setToolTip(widgets::plainToolTip(path));
    layout->addWidget(text);
    return line;
}

}

OpenPage::OpenPage(QWidget* parent)
    : QWidget(parent)
    , m_view(new widgets::SegmentedControl)
    , m_views(new QStackedWidget)
    , m_sides(new QStackedWidget)
    , m_runsView(new RunsView)
    , m_runNotes(new RunNotesPanel)
    , m_stack(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
    , m_problem(new widgets::Notice)
    , m_cardNotice(new widgets::Notice)
    , m_emptyPage(new QWidget)
    , m_cardPage(new QWidget)
    , m_card(new widgets::ModelCardView)
    , m_tensors(new widgets::TensorTable)
    , m_filter(new QLineEdit)
    , m_side(new SidePanel)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    m_view->setChoices({tr("Model"), tr("Runs")}, {tr("The model that is open"), tr("What was measured before")});
    connect(m_view, &widgets::SegmentedControl::chosen, this, [this](int view) { showView(static_cast<View>(view)); });
    auto* top = row();
    top->setContentsMargins(space::large + space::tiny, space::medium, space::large, 0);
    top->addWidget(m_view);
    top->addStretch(1);
    layout->addLayout(top);
    auto* runs = new QWidget;
    pageLayout(runs)->addWidget(m_runsView);
    m_views->addWidget(m_stack);
    m_views->addWidget(runs);
    layout->addWidget(m_views, 1);
    auto* runSide = new SidePanel;
    runSide->content()->addWidget(m_runNotes);
    runSide->content()->addStretch(1);
    m_sides->addWidget(m_side);
    m_sides->addWidget(runSide);
    connect(m_runsView, &RunsView::currentChanged, this, [this] { m_runNotes->setRun(m_runsView->current()); });
    connect(m_runsView, &RunsView::runActivated, this, &OpenPage::runChosen);
    connect(m_runsView, &RunsView::folderWanted, this, &OpenPage::folderWanted);
    connect(m_runsView, &RunsView::otherRunWanted, this, &OpenPage::runWanted);
    connect(m_runNotes, &RunNotesPanel::exploreWanted, this, &OpenPage::runChosen);
    connect(m_runNotes, &RunNotesPanel::verifyWanted, this, &OpenPage::verifyWanted);
    connect(m_runNotes, &RunNotesPanel::resumeWanted, this, &OpenPage::resumeWanted);
    connect(m_runNotes, &RunNotesPanel::compareWanted, this, &OpenPage::compareWanted);
    connect(m_runNotes, &RunNotesPanel::notesEdited, this, &OpenPage::notesEdited);
    setFocusProxy(m_empty);

    m_empty->setText(tr("Where does a surrogate depart from its model?"),
                     tr("BlockCert replaces a transformer's blocks by explicit programs, measures the difference on "
                        "your prompts, and issues certificates that anyone can check."));
    m_empty->setWays({
        {widgets::Icon::Folder, tr("Open a model folder…"), tr("With safetensors, config.json and a tokenizer"), false,
         true},
        {widgets::Icon::File, tr("Open a model file…"), tr("A .gguf or a single .safetensors"), false, true},
        {widgets::Icon::Explore, tr("Open a run…"), tr("Measured before, here or elsewhere"), false, true},
        {widgets::Icon::Verify, tr("Check a certificate…"), tr("Somebody else's folder; every number recomputed"),
         false, true},
        {widgets::Icon::Run, tr("Try the demo model"), tr("SmolLM2-135M-Instruct, as set up with this program"), true,
         true},
        {widgets::Icon::Info, tr("Take the guided tour"), tr("Ten steps on a finished run; nothing to wait for"), false,
         true},
    });
    connect(m_empty, &widgets::EmptyState::wayChosen, this, [this](int way) {
        switch (way) {
        case 0: emit modelWanted(); break;
        case 1: emit modelFileWanted(); break;
        case 2: emit runWanted(); break;
        case 3: emit checkWanted(); break;
        case 5: emit tourWanted(); break;
        default: emit demoWanted(); break;
        }
    });
    prepareNotice(*m_problem);
    prepareNotice(*m_cardNotice);
    auto* welcome = new QWidget;
    auto* welcomeColumn = pageLayout(welcome);
    welcomeColumn->addWidget(m_problem);
    welcomeColumn->addWidget(m_empty, 1);
    auto* emptyLayout = column(0);
    emptyLayout->addWidget(scrolling(welcome)); // six ways are higher than a small screen
    m_emptyPage->setLayout(emptyLayout);
    m_stack->addWidget(m_emptyPage);

    m_filter->setPlaceholderText(tr("Filter tensors"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setMaximumWidth(220);
    m_filter->setAccessibleName(tr("Filter tensors by name, role or type"));
    connect(m_filter, &QLineEdit::textChanged, m_tensors, &widgets::TensorTable::setFilter);

    auto* tensorTop = row();
    tensorTop->addWidget(heading(tr("Tensors")), 1);
    tensorTop->addWidget(m_filter);

    auto* card = new QWidget;
    auto* cardColumn = pageLayout(card);
    cardColumn->addWidget(m_cardNotice);
    cardColumn->addWidget(m_card);
    cardColumn->addLayout(tensorTop);
    cardColumn->addWidget(m_tensors, 1);
    m_tensors->setMinimumHeight(6 * space::tableRow);
    auto* cardLayout = column(0);
    cardLayout->addWidget(scrolling(card));
    m_cardPage->setLayout(cardLayout);
    m_stack->addWidget(m_cardPage);
    rebuildSide();
}

QWidget* OpenPage::side() const
{
    return m_sides;
}

void OpenPage::showView(View view)
{
    m_view->setCurrent(view);
    m_views->setCurrentIndex(view);
    m_sides->setCurrentIndex(view);
    if (view == ShowRuns)
        m_runsView->setFocus();
}

void OpenPage::setLeftOut(int runs)
{
    m_runsView->setLeftOut(runs);
}

void OpenPage::setRuns(std::vector<widgets::RunRow> rows)
{
    m_view->setChoices({tr("Model"), rows.empty() ? tr("Runs") : tr("Runs · %1").arg(rows.size())},
                       {tr("The model that is open"), tr("What was measured before")});
    m_view->setCurrent(m_views->currentIndex());
    m_runsView->setRows(std::move(rows));
    m_runNotes->setRun(m_runsView->current());
}

void OpenPage::setProblem(const QString& sentence)
{
    if (!sentence.isEmpty())
        showView(ShowModel);
    notice().setNotice(widgets::Notice::Tone::Error, sentence);
    notice().setVisible(!sentence.isEmpty());
}

void OpenPage::prepareNotice(widgets::Notice& notice)
{
    notice.hide();
    notice.setClosable(true);
    connect(&notice, &widgets::Notice::closed, &notice, &QWidget::hide);
    connect(&notice, &widgets::Notice::actionRequested, this, [this] { emit remedyWanted(m_remedy); });
}

void OpenPage::showReplacing(const QString& name)
{
    notice().setNotice(widgets::Notice::Tone::Note, tr("Reading the headers of %1 …").arg(shortPath(name)));
    notice().setVisible(!name.isEmpty());
}

void OpenPage::showRefusal(const JobFault& fault)
{
    showView(ShowModel);
    m_remedy = remedyFor(fault);
    notice().setNotice(widgets::Notice::Tone::Error, tr("%1 The model that was open still is.").arg(fault.sentence),
                       remedyText(m_remedy));
    notice().show();
}

void OpenPage::setModel(const QString& name, const Loadable<widgets::ModelCard>& card)
{
    using State = Loadable<widgets::ModelCard>::State;
    setProblem({});
    const bool hadCard = m_hasCard;
    m_hasCard = card.isReady();
    switch (card.state) {
    case State::Empty: m_stack->setCurrentWidget(m_emptyPage); break;
    case State::Loading:
        // Headers are read within milliseconds: the page only says so if it takes longer.
        if (!card.value) {
            m_stack->setCurrentWidget(m_emptyPage);
            m_problem->setNotice(widgets::Notice::Tone::Note, tr("Reading the headers of %1 …").arg(shortPath(name)));
            m_problem->show();
        }
        break;
    case State::Failed:
        m_stack->setCurrentWidget(m_emptyPage);
        m_remedy = remedyFor(card.fault);
        m_problem->setNotice(widgets::Notice::Tone::Error, card.fault.sentence, remedyText(m_remedy));
        m_problem->show();
        break;
    case State::Ready:
        m_card->setCard(card.value);
        m_tensors->setCard(card.value);
        m_filter->clear();
        m_stack->setCurrentWidget(m_cardPage);
        break;
    }
    if (hadCard != m_hasCard)
        rebuildSide();
}

void OpenPage::setRecent(const QList<RecentItem>& models, const std::vector<ShelvedRun>& runs)
{
    m_recentModels = models;
    m_runs = runs;
    rebuildSide();
}

void OpenPage::rebuildSide()
{
    while (QLayoutItem* item = m_side->content()->takeAt(0)) {
        if (item->widget())
            item->widget()->deleteLater();
        delete item;
    }
    QVBoxLayout* content = m_side->content();
    if (m_hasCard) {
        content->addWidget(heading(tr("Next")));
        content->addWidget(wrapped(tr("Choose prompts and blocks, and measure where a surrogate departs from this "
                                      "model. Nothing is computed before you say so."),
                                   widgets::TextTone::Secondary));
        QPushButton* measure = button(tr("Choose prompts and blocks"), widgets::ButtonRole::Primary);
        connect(measure, &QPushButton::clicked, this, &OpenPage::measureWanted);
        content->addWidget(measure);
        content->addSpacing(space::small);
        QPushButton* other = button(tr("Open another model…"));
        connect(other, &QPushButton::clicked, this, &OpenPage::modelWanted);
        QPushButton* run = button(tr("Open a run…"));
        connect(run, &QPushButton::clicked, this, &OpenPage::runWanted);
        content->addWidget(other);
        content->addWidget(run);
        content->addSpacing(space::large);
    }
    if (!m_recentModels.isEmpty()) {
        content->addWidget(heading(tr("Models opened before")));
        for (const RecentItem& model : std::as_const(m_recentModels)) {
            QPushButton* link = nullptr;
            content->addWidget(recentRow(model.title, shortPath(model.path), model.path, &link));
            connect(link, &QPushButton::clicked, this, [this, path = model.path] { emit modelChosen(path); });
        }
        content->addSpacing(space::medium);
    }
    if (!m_runs.empty()) {
        content->addWidget(heading(tr("Runs")));
        constexpr std::size_t shown = 8;
        for (std::size_t i = 0; i < std::min(m_runs.size(), shown); ++i) {
            const ShelvedRun& run = m_runs[i];
            const QString when = shortTime(run.changed);
            QPushButton* link = nullptr;
            const QString note = run.isRunning  ? tr("being measured")
                                 : run.finished ? when
                                                : tr("%1 · unfinished").arg(when);
            content->addWidget(recentRow(run.name, note, run.path, &link));
            connect(link, &QPushButton::clicked, this, [this, path = run.path] { emit runChosen(path); });
        }
    }
    if (!m_hasCard && m_recentModels.isEmpty() && m_runs.empty()) {
        content->addWidget(heading(tr("Nothing opened yet")));
        content->addWidget(wrapped(tr("Models and runs you open are listed here. You can also drop a model folder, a "
                                      ".gguf file or a run folder anywhere on this window."),
                                   widgets::TextTone::Secondary));
    }
    content->addStretch(1);
}

}
