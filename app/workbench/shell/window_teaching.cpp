// MainWindow: the guided tour, the tamper lab, and the size of the type.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/tamper_page.h"
#include "app/workbench/pages/verify_how.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/teaching_run.h"
#include "app/workbench/session/tour.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/block_table.h"
#include "widgets/coverage_strip.h"
#include "widgets/rail.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"
#include "widgets/tour_card.h"
#include "widgets/verdict_banner.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QStackedWidget>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

// The cell that errs most among those the map knows.
widgets::CellKey worstCell(const widgets::TokenMap& map)
{
    widgets::CellKey worst;
    double largest = -1;
    for (std::size_t column = 0; column < map.blocks.size(); ++column)
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
            if (const widgets::MapCell* cell = map.cell(column, prompt))
                for (std::size_t token = 0; token < cell->error.size(); ++token)
                    if (cell->error[token] > largest) {
                        largest = cell->error[token];
                        worst = {map.blocks[column], static_cast<int>(prompt), static_cast<int>(token)};
                    }
    return worst;
}

}

void MainWindow::addTeachingCommands()
{
    m_commandGroup = tr("Learn");
    addCommand(tr("Guided tour"), u"Ctrl+F1"_s, [this] { startTour(); });
    addCommand(tr("Tamper lab"), u"Ctrl+Shift+T"_s, [this] {
        const QString& run = m_session.run.path();
        openLab(m_session.lab.run().isEmpty() && m_session.run.run().isReady() ? run : m_session.lab.run());
    });
    auto* sizes = new QActionGroup(this);
    for (const auto& [text, scale] :
         {std::pair{tr("Type: normal"), 1.0}, {tr("Type: large"), 1.25}, {tr("Type: for a projector"), 1.6}}) {
        QAction* action = addCommand(text, {}, [this, scale = scale] { setTypeScale(scale); });
        action->setCheckable(true);
        action->setProperty("scale", scale);
        sizes->addAction(action);
    }
}

void MainWindow::connectTeaching()
{
    connect(m_tamperPage, &TamperPage::backWanted, this, [this] { showPage(Verify); });
    connect(m_tamperPage, &TamperPage::runWanted, this, [this] {
        const QString run = askForFolder(u"run"_s, tr("Choose a run for the lab"));
        if (!run.isEmpty())
            openLab(run);
    });
    connect(m_tamperPage, &TamperPage::teachingRunWanted, this,
            [this] { openTeachingRun([this](const QString& run) { openLab(run); }); });
    connect(m_verifyPage, &VerifyPage::labWanted, this, [this] { openLab(runOf(m_session.verdict.request().path)); });
    connect(m_openPage, &OpenPage::tourWanted, this, &MainWindow::startTour);
    connect(m_tour, &widgets::TourCard::nextWanted, this, [this] { showTourStep(m_tourStep + 1); });
    connect(m_tour, &widgets::TourCard::backWanted, this, [this] { showTourStep(m_tourStep - 1); });
    connect(m_tour, &widgets::TourCard::restartWanted, this, [this] { showTourStep(0); });
    connect(m_tour, &widgets::TourCard::leaveWanted, this, &MainWindow::leaveTour);
    connect(m_tour, &widgets::TourCard::actionWanted, this, &MainWindow::doTourAction);
}

void MainWindow::setTypeScale(double scale)
{
    m_layout.typeScale = scale;
    m_session.preferences.setLayout(m_layout);
    applyLayout();
}

void MainWindow::openLab(const QString& run)
{
    m_session.lab.setRun(run);
    showPage(Lab);
}

// Unpacks the run of the tour where that is still to be done.
void MainWindow::openTeachingRun(const std::function<void(const QString&)>& then)
{
    runInBackground<QString>(
        this, [] { return unpackTeachingRun(); }, [then](const QString& run) { then(run); },
        [this](const QString& sentence) {
            m_session.board.addProblem(sentence);
            showPage(Open);
            m_openPage->setProblem(sentence);
        });
}

void MainWindow::startTour()
{
    openTeachingRun([this](const QString& run) {
        if (m_session.run.path() != run)
            m_session.run.open(run);
        m_session.verdict.choose(run);
        m_session.lab.setRun(run);
        const int last = static_cast<int>(tourSteps().size()) - 1;
        showTourStep(std::min(m_session.preferences.tourStep(), last));
    });
}

void MainWindow::leaveTour()
{
    if (m_tourStep < 0)
        return;
    m_tourStep = -1;
    m_tour->leave();
    m_pages->currentWidget()->setFocus();
}

void MainWindow::showTourStep(int step)
{
    const std::vector<TourStep>& steps = tourSteps();
    if (step < 0)
        return;
    if (static_cast<std::size_t>(step) >= steps.size()) {
        m_session.preferences.setTourStep(0);
        leaveTour();
        return;
    }
    m_tourStep = step;
    m_session.preferences.setTourStep(step);
    const TourStep& now = steps[static_cast<std::size_t>(step)];
    switch (now.place) {
    case TourStep::Place::Open: showPage(Open); break;
    case TourStep::Place::Explore:
    case TourStep::Place::Coverage:
        showPage(Explore);
        m_explorePage->showView(now.place == TourStep::Place::Coverage ? ExplorePage::Coverage : ExplorePage::Map);
        break;
    case TourStep::Place::Certificate:
        if (const auto& map = m_explorePage->map())
            showCertificate(worstCell(*map).block);
        break;
    case TourStep::Place::Verify:
        m_verifyPage->showRun();
        showPage(Verify);
        break;
    case TourStep::Place::Lab:
        m_tamperPage->choose({Tamper::ChangeNumber, false, 3});
        showPage(Lab);
        break;
    case TourStep::Place::Run: showPage(Run); break;
    }
    // What is verified already need not be verified again.
    const bool isDone = now.action == TourStep::Action::Verify && m_session.verdict.verdict().isReady();
    m_tour->showStep({now.title, now.text, isDone ? QString() : now.actionText}, step, static_cast<int>(steps.size()),
                     tourTarget());
}

QWidget* MainWindow::tourTarget() const
{
    switch (tourSteps()[static_cast<std::size_t>(m_tourStep)].target) {
    case TourStep::Target::Rail: return m_rail;
    case TourStep::Target::Map: return m_explorePage->findChild<widgets::TokenHeatmap*>();
    case TourStep::Target::Inspector: return m_explorePage->side();
    case TourStep::Target::Coverage: return m_explorePage->findChild<widgets::CoverageStrip*>();
    case TourStep::Target::Blocks: return m_explorePage->findChild<widgets::BlockTable*>();
    case TourStep::Target::Certificate: return m_certificatePage->findChild<widgets::PageTitle*>();
    case TourStep::Target::VerifyHow: return m_verifyPage->findChild<VerifyHow*>();
    case TourStep::Target::Verdict: return m_verifyPage->findChild<widgets::VerdictBanner*>();
    case TourStep::Target::Lab: return m_tamperPage->controls();
    case TourStep::Target::Prompts: return m_pages;
    }
    return nullptr;
}

void MainWindow::doTourAction()
{
    switch (tourSteps()[static_cast<std::size_t>(m_tourStep)].action) {
    case TourStep::Action::None: break;
    case TourStep::Action::HoldWorst:
        if (const auto& map = m_explorePage->map())
            m_explorePage->select(worstCell(*map));
        break;
    case TourStep::Action::Verify: m_session.verdict.verify({teachingRunPath(), 3, {}, {}}); break;
    case TourStep::Action::Tamper: m_session.lab.apply(m_tamperPage->request()); break;
    case TourStep::Action::OpenDemo: openModel(u"demo"_s); break;
    }
}

}
