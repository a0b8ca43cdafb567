#include "app/workbench/shell/main_window.h"

#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/experiments_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/report_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/pages/tamper_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/process/background.h"
#include "app/workbench/shell/drawer.h"
#include "app/workbench/shell/drop_overlay.h"
#include "app/workbench/shell/edit_desk.h"
#include "app/workbench/shell/page_frame.h"
#include "widgets/crumb_bar.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/rail.h"
#include "widgets/status_line.h"
#include "widgets/tour_card.h"

#include <QAbstractButton>
#include <QApplication>
#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QKeyEvent>
#include <QLineEdit>
#include <QMessageBox>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScreen>
#include <QStackedWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

// Return presses the button that has the focus, as Space does. A dialog's own default button is not of this window.
class ReturnPresses : public QObject {
public:
    using QObject::QObject;

    bool eventFilter(QObject* window, QEvent* event) override
    {
        if (event->type() != QEvent::KeyPress)
            return false;
        const auto* key = static_cast<QKeyEvent*>(event);
        const bool isReturn = key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter;
        const Qt::KeyboardModifiers held = key->modifiers() & ~Qt::KeypadModifier;
        auto* focused = qobject_cast<QAbstractButton*>(static_cast<QWidget*>(window)->focusWidget());
        if (!isReturn || held != Qt::NoModifier || key->isAutoRepeat() || !focused || !focused->isEnabled())
            return false;
        focused->click();
        return true;
    }
};

}

MainWindow::MainWindow(Session& session, QWidget* parent)
    : QMainWindow(parent)
    , m_session(session)
    , m_layout(session.preferences.layout(session.preferences.layoutName()))
{
    setWindowTitle(tr("BlockCert Workbench"));
    setAcceptDrops(true);
    widgets::setTypeScale(*qApp, m_layout.typeScale); // before there is a widget that would have to follow
    installEventFilter(new ReturnPresses(this));      // what the button itself leaves to its parents
    buildShell();
    buildActions();
    connectOpenPage();
    connectRunPage();
    connectExplorePage();
    connectVerifyPage();
    connectStitchPage();
    connectEditPage();
    connectFailures();
    connectExperiments();
    connectJobs();
    connectRuns();
    connectTeaching();
    connectRemote();
    connectReport();
    connectSession();
    for (QWidget* field : findChildren<QWidget*>()) { // files dropped on a field are meant for the window
        if (qobject_cast<QLineEdit*>(field) || qobject_cast<QPlainTextEdit*>(field))
            field->setAcceptDrops(false);
    }

    if (!restoreGeometry(m_session.preferences.geometry()))
        resize(firstSize());
    m_statusTimer.setInterval(2000);
    connect(&m_statusTimer, &QTimer::timeout, this, [this] {
        runInBackground<ProcessMemory>(
            this, [engine = m_session.engine.processId()] { return memoryOf(engine); },
            [this](const ProcessMemory& memory) {
                m_engineMemory = memory;
                refreshStatus();
            },
            [](const QString&) {});
    });
    m_statusTimer.start();
    m_crumbTimer.setSingleShot(true);
    m_crumbTimer.setInterval(30);
    connect(&m_crumbTimer, &QTimer::timeout, this, &MainWindow::refreshCrumbs);
    m_placeTimer.setSingleShot(true);
    m_placeTimer.setInterval(1000);
    connect(&m_placeTimer, &QTimer::timeout, this, &MainWindow::rememberPlace);
    refreshShelf();
    refreshRail();
    refreshCrumbs();
    refreshStatus();
    refreshHistory();
    applyLayout();
    showPage(Open);
}

void MainWindow::buildShell()
{
    m_rail = new widgets::Rail;
    m_rail->setSteps({
        {tr("Open"), widgets::Icon::Open, tr("Models and runs (Alt+1)"), true, false, std::nullopt},
        {tr("Run"), widgets::Icon::Run, tr("Measure blocks on prompts (Alt+2)"), true, false, std::nullopt},
        {tr("Explore"), widgets::Icon::Explore, tr("Where the surrogate departs (Alt+3)"), true, false, std::nullopt},
        {tr("Verify"), widgets::Icon::Verify, tr("Check a run without trusting it (Alt+4)"), true, false, std::nullopt},
        {tr("Edit"), widgets::Icon::Edit, tr("Edits laid over the model, with their effect (Alt+5)"), true, false,
         std::nullopt},
        {tr("Stitch"), widgets::Icon::Stack, tr("Surrogates in the whole model (Alt+6)"), true, false, std::nullopt},
        {tr("Studies"), widgets::Icon::Bound, tr("Studies: the paper's experiments, on any model (Alt+7)"), true, false,
         std::nullopt},
        {tr("Report"), widgets::Icon::Report, tr("What you sent, as a page (Alt+8)"), true, false, std::nullopt},
    });
    connect(m_rail, &widgets::Rail::chosen, this, [this](int step) { showPage(pageOfStep(step)); });
    m_crumbs = new widgets::CrumbBar;
    m_crumbs->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed); // a long path never widens the window
    m_openPage = new OpenPage;
    m_runPage = new RunPage;
    m_explorePage = new ExplorePage(m_session.selection, m_session.notes);
    m_verifyPage = new VerifyPage;
    m_certificatePage = new CertificatePage;
    m_tamperPage = new TamperPage(m_session.lab);
    m_reportPage = new ReportPage(m_session.report);
    m_stitchPage = new StitchPage;
    m_experimentsPage = new ExperimentsPage;
    m_editPage = new EditPage(m_session.editLab, m_session.sweep, m_session.labels);
    m_pages = new QStackedWidget;
    m_sides = new QStackedWidget;
    for (const auto& [page, side] :
         std::initializer_list<std::pair<QWidget*, QWidget*>>{{m_openPage, m_openPage->side()},
                                                              {m_runPage, m_runPage->side()},
                                                              {m_explorePage, m_explorePage->side()},
                                                              {m_verifyPage, m_verifyPage->side()},
                                                              {m_certificatePage, m_certificatePage->side()},
                                                              {m_tamperPage, m_tamperPage->side()},
                                                              {m_reportPage, m_reportPage->side()},
                                                              {m_stitchPage, m_stitchPage->side()},
                                                              {m_experimentsPage, m_experimentsPage->side()},
                                                              {m_editPage, m_editPage->side()}}) {
        m_pages->addWidget(new PageFrame(page));
        m_editSide = new PageFrame(side);
        m_sides->addWidget(m_editSide);
    } // the last one is the lab's
    m_drawer = new Drawer;
    m_drawer->hide();
    m_status = new widgets::StatusLine;

    m_explanation = new widgets::Notice;
    m_explanation->setClosable(true);
    connect(m_explanation, &widgets::Notice::closed, this, [this] {
        m_layout.explains = false;
        m_session.preferences.setLayout(m_layout);
        m_explanation->parentWidget()->hide();
        m_explanation->show(); // its frame is what is hidden
    });
    auto* explained = new QWidget;
    auto* explainedLayout = new QVBoxLayout(explained);
    explainedLayout->setContentsMargins(space::large + space::tiny, space::medium, space::large, 0);
    explainedLayout->addWidget(m_explanation);
    auto* centre = column(0);
    centre->addWidget(explained);
    centre->addWidget(m_pages, 1);
    m_sideLine = new Hairline(Qt::Vertical);
    auto* middle = row(0);
    middle->addLayout(centre, 1);
    middle->addWidget(m_sideLine);
    middle->addWidget(m_sides);
    auto* right = column(0);
    right->addWidget(m_crumbs);
    right->addLayout(middle, 1);
    m_tour = new widgets::TourCard(this);
    right->addWidget(m_tour);
    right->addWidget(m_drawer);
    auto* upper = row(0);
    upper->addWidget(m_rail);
    upper->addLayout(right, 1);
    auto* shell = new QWidget;
    auto* layout = column(0);
    shell->setLayout(layout);
    layout->addLayout(upper, 1);
    layout->addWidget(m_status);
    setCentralWidget(shell);
    m_dropOverlay = new DropOverlay(this);
}

QSize MainWindow::firstSize() const
{
    return QSize(1440, 900).boundedTo(screen()->availableSize());
}

void MainWindow::resizeEvent(QResizeEvent* event)
{
    QMainWindow::resizeEvent(event);
    fitSides();
}

// Wider for larger type, as long as the page keeps two thirds of the window.
void MainWindow::fitSides()
{
    constexpr int narrow = 1200;
    const int usual = width() < narrow ? space::inspector - 40 : space::inspector;
    const int wanted = qRound(space::inspector * (1 + (m_layout.typeScale - 1) * 0.6));
    m_sides->setFixedWidth(std::max(usual, std::min(wanted, width() / 3)));
    constexpr int lowest = 140; // four jobs
    m_drawer->setFixedHeight(std::clamp(height() / 4, lowest, 220));
    foldEditSide();
}

// A slider, its curve and the receipt need three columns: where there is no room for them the receipt is a view of the
// page, and the window has no side there.
void MainWindow::foldEditSide()
{
    constexpr int leastForThree = 1280;
    const bool folds = width() < leastForThree;
    if (folds != m_editPage->hasFoldedSide()) {
        if (folds) {
            m_sides->removeWidget(m_editSide);
            m_editPage->foldSide(m_editSide);
        } else {
            m_editPage->foldSide(nullptr);
            m_sides->addWidget(m_editSide); // the last one, as its page is
        }
    }
    const bool hasSide = m_layout.side && !(m_page == Edit && folds);
    if (hasSide)
        m_sides->setCurrentIndex(m_page);
    m_sides->setVisible(hasSide);
    m_sideLine->setVisible(hasSide);
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    const auto confirms = [this](const QString& title, const QString& text, const QString& yes, const QString& no) {
        QMessageBox question(QMessageBox::NoIcon, title, text, QMessageBox::NoButton, this);
        const QPushButton* leave = question.addButton(yes, QMessageBox::DestructiveRole);
        question.setDefaultButton(question.addButton(no, QMessageBox::RejectRole));
        question.exec();
        return question.clickedButton() == leave;
    };
    if (m_session.launcher.state() == RunLauncher::State::Running &&
        !confirms(tr("A run is going on"),
                  tr("Stop the run and close the window? Its finished cells are kept, and it can be resumed."),
                  tr("Stop and close"), tr("Keep running"))) {
        event->ignore();
        return;
    }
    if (m_session.report.isModified() &&
        !confirms(tr("The report was not exported"),
                  tr("It has %1 views that are in no file. Close all the same?").arg(m_session.report.items().size()),
                  tr("Close without it"), tr("Stay"))) {
        event->ignore();
        showPage(Report);
        return;
    }
    m_session.preferences.setWindow(saveGeometry(), {});
    rememberPlace();
    m_session.engine.end();
    event->accept();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (!event->mimeData()->hasUrls())
        return;
    event->acceptProposedAction();
    const QList<QUrl> urls = event->mimeData()->urls();
    QString name = urls.isEmpty() ? QString() : urls.front().fileName();
    if (urls.size() > 1)
        name = tr("only the first of %1, %2").arg(urls.size()).arg(name);
    if (m_page == Verify)
        m_dropOverlay->offer(tr("Drop it to check it"),
                             tr("%1 · a run, one certificate, or a folder of runs").arg(name));
    else
        m_dropOverlay->offer(tr("Drop it to open it"),
                             tr("%1 · a model, a run, a certificate, prompts or a patch").arg(name));
}

void MainWindow::dragLeaveEvent(QDragLeaveEvent*)
{
    m_dropOverlay->hide();
}

void MainWindow::dropEvent(QDropEvent* event)
{
    m_dropOverlay->hide();
    const QList<QUrl> urls = event->mimeData()->urls();
    event->acceptProposedAction();
    // Not from inside the drop: the sender waits for its end.
    if (!urls.isEmpty() && urls.front().isLocalFile())
        QTimer::singleShot(0, this, [this, path = urls.front().toLocalFile()] { openPath(path); });
}

void MainWindow::changeEvent(QEvent* event)
{
    QMainWindow::changeEvent(event);
    // The desktop has changed between light and dark.
    if (event->type() == QEvent::ThemeChange && m_session.preferences.appearance() == widgets::Appearance::Desktop)
        widgets::applyAppearance(*qApp, widgets::Appearance::Desktop);
}

void MainWindow::refreshRail()
{
    m_rail->setContent(Open, m_session.model.card().isReady());
    const RunLauncher& launcher = m_session.launcher;
    const bool isStopped =
        launcher.state() == RunLauncher::State::Failed || launcher.state() == RunLauncher::State::Cancelled;
    m_rail->setContent(Run, m_runPage->hasRun(),
                       !m_runPage->hasRun()                             ? std::nullopt
                       : launcher.state() == RunLauncher::State::Failed ? std::optional(CheckState::Failed)
                       : isStopped                                      ? std::optional(CheckState::NotChecked)
                                                                        : std::nullopt);
    m_rail->setBusy(Run, launcher.state() == RunLauncher::State::Running);
    m_rail->setBusy(Verify, m_session.verdict.verdict().isLoading() || m_session.batch.isRunning());
    m_rail->setContent(Explore, m_explorePage->map() != nullptr);
    const auto& verdict = m_session.verdict.verdict();
    m_rail->setContent(stepOf(Stitch), m_session.stitch.get().isReady());
    m_rail->setBusy(stepOf(Stitch), m_session.stitch.get().isLoading());
    const EditLab& lab = m_session.editLab;
    m_rail->setContent(stepOf(Edit), lab.shown().local != nullptr);
    m_rail->setBusy(stepOf(Edit), lab.phase() != EditLab::Phase::Idle || m_editDesk->isBusy());
    m_rail->setContent(stepOf(Experiments), !m_session.experiments.entries().empty());
    m_rail->setBusy(stepOf(Experiments), !m_session.experiments.jobs().empty());
    if (m_verifyPage->showsTable()) {
        const std::optional<CheckState> worst = m_session.batch.worst();
        m_rail->setContent(Verify, worst.has_value(), worst);
    } else {
        // What failed is not mended by a certificate of it that holds.
        std::optional<CheckState> mark = verdict.isReady() ? std::optional(verdict.value->state) : std::nullopt;
        // Nor is a run verified whose numbers nobody recomputed: then there is only something to see.
        const bool isUnchanged = verdict.isReady() && widgets::markOf(verdict.value->state, verdict.value->level) ==
                                                          widgets::Mark::Unchanged;
        const std::shared_ptr<const RunView> shown = m_explorePage->shownRun();
        const auto isRefuted = [this](const QString& run, const QString& digest) {
            const std::optional<widgets::RunVerdict> known = m_session.verdicts.of(run, digest);
            return known && known->state == CheckState::Failed;
        };
        if ((shown && isRefuted(shown->path, shown->digest)) ||
            (verdict.isReady() && isRefuted(runOf(m_session.verdict.request().path), verdict.value->digest)))
            mark = CheckState::Failed;
        m_rail->setContent(Verify, mark.has_value(), isUnchanged && mark == CheckState::Verified ? std::nullopt : mark);
    }
    m_rail->setContent(stepOf(Report), !m_session.report.items().empty());
}

void MainWindow::refreshStatus()
{
    using State = EngineClient::State;
    const EngineClient& engine = m_session.engine;
    const EngineDescription& about = engine.description();
    QStringList facts;
    if (!about.device.isEmpty())
        facts << about.device << (about.threads == 1 ? tr("1 thread") : tr("%1 threads").arg(about.threads));
    if (engine.command().isRemote)
        facts << tr("on another machine");
    else if (m_engineMemory.now > 0 && !about.device.isEmpty())
        facts << tr("%1, at most %2")
                     .arg(widgets::bytesText(m_engineMemory.now), widgets::bytesText(m_engineMemory.peak));
    const QString tail = facts.isEmpty() ? QString() : u" · "_s + facts.join(u" · "_s);
    switch (engine.state()) {
    case State::Stopped:
        m_status->setEngine(widgets::EngineLight::Stopped, tr("Engine not running; it starts when it is needed"));
        break;
    case State::Starting: m_status->setEngine(widgets::EngineLight::Starting, tr("Engine starting")); break;
    case State::Restarting:
        m_status->setEngine(widgets::EngineLight::Starting, engine.command().isRemote
                                                                ? tr("Connection lost; connecting again")
                                                                : tr("Engine ended; starting it again"));
        break;
    case State::Ready: m_status->setEngine(widgets::EngineLight::Ready, tr("Engine ready") + tail); break;
    case State::Busy: m_status->setEngine(widgets::EngineLight::Busy, tr("Engine at work") + tail); break;
    case State::Quiet:
        m_status->setEngine(widgets::EngineLight::Busy, tr("Engine at work, silent for a while") + tail);
        break;
    case State::Down:
        m_status->setEngine(widgets::EngineLight::Stopped, tr("No engine: %1").arg(engine.problem()));
        break;
    }
    double fraction = 0;
    for (const JobEntry& job : m_session.board.entries()) {
        if (job.state == widgets::StepState::Running && job.progress.total > 0)
            fraction = static_cast<double>(job.progress.done) / static_cast<double>(job.progress.total);
    }
    if (const LiveRun* live = m_session.launcher.live();
        live && m_session.launcher.state() == RunLauncher::State::Running) {
        const std::shared_ptr<const widgets::RunProgress> progress = live->progress(); // as its own page tells it
        fraction = progress->total > 0 ? progress->done / progress->total : 0;
    }
    m_status->setJobs(
        m_session.board.count(widgets::StepState::Running) + (m_session.editLab.unlistedJob() != 0 ? 1 : 0),
        m_session.board.count(widgets::StepState::Waiting) + static_cast<int>(m_session.queue.runs().size()), fraction);
    m_status->setProblems(static_cast<int>(m_session.board.problems().size()));
}

void MainWindow::refreshShelf()
{
    QStringList elsewhere;
    for (const RecentItem& run : m_session.preferences.recentRuns())
        elsewhere << run.path;
    runInBackground<RunShelf>(
        this, [folder = m_session.preferences.runFolder(), elsewhere] { return runsIn(folder, elsewhere); },
        [this](const RunShelf& shelf) {
            m_shelf = shelf.runs;
            m_openPage->setLeftOut(shelf.leftOut);
            std::vector<ShelvedRun> unfinished;
            for (ShelvedRun& run : m_shelf) {
                run.isRunning = m_session.launcher.state() == RunLauncher::State::Running &&
                                run.path == m_session.launcher.running().out;
                if (!run.finished && !run.isRunning)
                    unfinished.push_back(run);
            }
            m_session.catalogue.setRuns(m_shelf);
            m_runPage->setResumable(unfinished);
            m_openPage->setRecent(m_session.preferences.recentModels(), m_shelf);
            refreshRuns();
        },
        [](const QString&) {});
}

}
