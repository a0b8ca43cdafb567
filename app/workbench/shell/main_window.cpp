#include "app/workbench/shell/main_window.h"

#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/path_kind.h"
#include "app/workbench/shell/drawer.h"
#include "widgets/crumb_bar.h"
#include "widgets/number_text.h"
#include "widgets/rail.h"
#include "widgets/status_line.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QFile>
#include <QFileInfo>
#include <QLineEdit>
#include <QMessageBox>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QStackedWidget>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

// Resident memory of a local process, from the second field of /proc/PID/statm; 0 if that is not there.
qint64 residentBytes(qint64 processId)
{
    QFile file(u"/proc/%1/statm"_s.arg(processId));
    if (processId <= 0 || !file.open(QIODevice::ReadOnly))
        return 0;
    const QList<QByteArray> fields = file.readAll().split(' ');
    constexpr qint64 page = 4096;
    return fields.size() > 1 ? fields[1].toLongLong() * page : 0;
}

}

MainWindow::MainWindow(Session& session, QWidget* parent)
    : QMainWindow(parent)
    , m_session(session)
{
    setWindowTitle(tr("BlockCert Workbench"));
    setAcceptDrops(true);
    buildShell();
    buildActions();
    connectOpenPage();
    connectRunPage();
    connectExplorePage();
    connectVerifyPage();
    connectSession();
    for (QWidget* field : findChildren<QWidget*>()) { // files dropped on a field are meant for the window
        if (qobject_cast<QLineEdit*>(field) || qobject_cast<QPlainTextEdit*>(field))
            field->setAcceptDrops(false);
    }

    if (!restoreGeometry(m_session.preferences.geometry()))
        resize(1440, 900);
    m_statusTimer.setInterval(2000);
    connect(&m_statusTimer, &QTimer::timeout, this, &MainWindow::refreshStatus);
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
    refreshDrawer();
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
    });
    connect(m_rail, &widgets::Rail::chosen, this, [this](int step) { showPage(static_cast<Page>(step)); });
    m_crumbs = new widgets::CrumbBar;
    m_crumbs->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed); // a long path never widens the window
    m_openPage = new OpenPage;
    m_runPage = new RunPage;
    m_explorePage = new ExplorePage;
    m_verifyPage = new VerifyPage;
    m_certificatePage = new CertificatePage;
    m_pages = new QStackedWidget;
    m_sides = new QStackedWidget;
    m_sides->setFixedWidth(space::inspector);
    for (const auto& [page, side] :
         std::initializer_list<std::pair<QWidget*, QWidget*>>{{m_openPage, m_openPage->side()},
                                                              {m_runPage, m_runPage->side()},
                                                              {m_explorePage, m_explorePage->side()},
                                                              {m_verifyPage, m_verifyPage->side()},
                                                              {m_certificatePage, m_certificatePage->side()}}) {
        m_pages->addWidget(page);
        m_sides->addWidget(side);
    }
    m_drawer = new Drawer;
    m_drawer->hide();
    m_status = new widgets::StatusLine;

    auto* middle = row(0);
    middle->addWidget(m_pages, 1);
    middle->addWidget(new Hairline(Qt::Vertical));
    middle->addWidget(m_sides);
    auto* right = column(0);
    right->addWidget(m_crumbs);
    right->addLayout(middle, 1);
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
}

void MainWindow::showPage(Page page)
{
    m_page = page;
    m_pages->setCurrentIndex(page);
    m_sides->setCurrentIndex(page);
    m_rail->setCurrent(page == Certificate ? Explore : page);
    if (!m_rail->hasFocus() || !m_rail->isVisible())
        m_pages->currentWidget()->setFocus();
    refreshCrumbs();
}

void MainWindow::openPath(const QString& path)
{
    switch (kindOf(path)) {
    case PathKind::Model: openModel(path); break;
    case PathKind::Run: {
        const QString run = QFileInfo(path).isDir() ? path : QFileInfo(path).absolutePath();
        if (m_page == Verify)
            checkRun(run);
        else
            openRun(run);
        break;
    }
    case PathKind::Certificate: checkRun(path); break;
    case PathKind::Prompts:
        m_runPage->setPromptFile(path);
        showPage(Run);
        break;
    case PathKind::Missing:
        showPage(Open);
        m_openPage->setProblem(tr("There is nothing at %1.").arg(path));
        break;
    case PathKind::Unknown:
        showPage(Open);
        m_openPage->setProblem(
            tr("%1 is neither a model (.safetensors, .gguf or a folder with them), nor a run (a folder "
               "with run.json), nor prompts (.jsonl, .txt or .csv).")
                .arg(path));
        break;
    }
}

void MainWindow::openModel(const QString& model)
{
    showPage(Open);
    m_session.model.open(model);
}

void MainWindow::openRun(const QString& path)
{
    m_session.run.open(path);
    m_session.verdict.choose(path);
    showPage(Explore);
}

void MainWindow::checkRun(const QString& path)
{
    m_session.verdict.choose(path);
    showPage(Verify);
}

void MainWindow::restorePlace()
{
    const LastPlace place = m_session.preferences.lastPlace();
    const auto isThere = [](const QString& path) { return !path.isEmpty() && kindOf(path) != PathKind::Missing; };
    if (isThere(place.model))
        m_session.model.open(place.model);
    if (isThere(place.run)) {
        m_restoring = place;
        m_session.run.open(place.run);
    }
    if (isThere(place.check))
        m_session.verdict.choose(place.check);
    switch (place.page) {
    case Run: showPage(isThere(place.model) ? Run : Open); break;
    case Explore:
    case Certificate: showPage(isThere(place.run) ? Explore : Open); break;
    case Verify: showPage(isThere(place.check) ? Verify : Open); break;
    default: showPage(Open); break;
    }
}

void MainWindow::rememberPlace()
{
    m_session.preferences.setLastPlace({m_page, m_session.model.name(), m_session.run.path(),
                                        m_session.verdict.request().path, m_explorePage->selection()});
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    if (m_session.launcher.state() == RunLauncher::State::Running) {
        QMessageBox question(QMessageBox::Question, tr("A run is going on"),
                             tr("Stop it and close? Finished cells are kept, and the run can be resumed."),
                             QMessageBox::NoButton, this);
        const QPushButton* stop = question.addButton(tr("Stop and close"), QMessageBox::AcceptRole);
        question.addButton(tr("Keep running"), QMessageBox::RejectRole);
        question.exec();
        if (question.clickedButton() != stop) {
            event->ignore();
            return;
        }
    }
    m_session.preferences.setWindow(saveGeometry(), {});
    rememberPlace();
    m_session.engine.end();
    event->accept();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (event->mimeData()->hasUrls())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event)
{
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
    m_rail->setContent(Run, m_session.launcher.live() != nullptr);
    m_rail->setContent(Explore, m_explorePage->map() != nullptr);
    const auto& verdict = m_session.verdict.verdict();
    m_rail->setContent(Verify, verdict.isReady(),
                       verdict.isReady() ? std::optional(verdict.value->state) : std::nullopt);
}

void MainWindow::refreshStatus()
{
    using State = EngineClient::State;
    const EngineClient& engine = m_session.engine;
    const EngineDescription& about = engine.description();
    QStringList facts;
    if (!about.device.isEmpty())
        facts << about.device << (about.threads == 1 ? tr("1 thread") : tr("%1 threads").arg(about.threads));
    if (const qint64 bytes = std::max(residentBytes(engine.processId()), qint64{0});
        bytes > 0 && !about.device.isEmpty())
        facts << widgets::bytesText(static_cast<quint64>(bytes));
    const QString tail = facts.isEmpty() ? QString() : u" · "_s + facts.join(u" · "_s);
    switch (engine.state()) {
    case State::Stopped:
        m_status->setEngine(widgets::EngineLight::Stopped, tr("Engine not running; it starts when it is needed"));
        break;
    case State::Starting: m_status->setEngine(widgets::EngineLight::Starting, tr("Engine starting")); break;
    case State::Restarting:
        m_status->setEngine(widgets::EngineLight::Starting, tr("Engine ended; starting it again"));
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
    m_status->setJobs(m_session.board.count(widgets::StepState::Running),
                      m_session.board.count(widgets::StepState::Waiting), fraction);
    m_status->setProblems(static_cast<int>(m_session.board.problems().size()));
}

void MainWindow::refreshDrawer()
{
    if (!m_drawer->isVisible())
        return;
    m_drawer->setJobs(m_session.board.entries());
    m_drawer->setLog(m_session.engine.log());
    m_drawer->setProblems(m_session.board.problems());
}

void MainWindow::refreshShelf()
{
    runInBackground<std::vector<ShelvedRun>>(
        this, [folder = m_session.preferences.runFolder()] { return runsIn(folder); },
        [this](const std::vector<ShelvedRun>& runs) {
            m_shelf = runs;
            std::vector<ShelvedRun> unfinished;
            for (ShelvedRun& run : m_shelf) {
                run.isRunning = m_session.launcher.state() == RunLauncher::State::Running &&
                                run.path == m_session.launcher.running().out;
                if (!run.finished && !run.isRunning)
                    unfinished.push_back(run);
            }
            m_runPage->setResumable(unfinished);
            m_openPage->setRecent(m_session.preferences.recentModels(), m_shelf);
        },
        [](const QString&) {});
}

}
