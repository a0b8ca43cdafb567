// MainWindow: where one is, how one gets elsewhere, and the way back.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/process/background.h"
#include "app/workbench/shell/edit_desk.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/cell_facts.h"
#include "widgets/crumb_bar.h"
#include "widgets/number_text.h"
#include "widgets/rail.h"

#include <QAction>
#include <QDir>
#include <QFileInfo>
#include <QStackedWidget>

#include <algorithm>
#include <iterator>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

// The steps of the rail, in their order.
constexpr MainWindow::Page railPages[] = {MainWindow::Open,        MainWindow::Run,   MainWindow::Explore,
                                          MainWindow::Verify,      MainWindow::Edit,  MainWindow::Stitch,
                                          MainWindow::Experiments, MainWindow::Report};

}

MainWindow::Place MainWindow::here() const
{
    return {m_page, m_session.run.path(), m_session.verdict.request().path, m_session.selection.now().cell,
            m_certificatePage->block()};
}

// A step, unless history itself takes it.
void MainWindow::recordStep()
{
    if (!m_isTravelling)
        m_history.visit(here());
    refreshHistory();
}

void MainWindow::selectionMoved()
{
    // What is held is a place to come back to; where the cursor passes is not.
    if (m_session.selection.now().isHeld)
        recordStep();
    else if (!m_isTravelling)
        m_history.update(here());
    if (!m_crumbTimer.isActive())
        m_crumbTimer.start();
}

void MainWindow::refreshHistory()
{
    m_back->setEnabled(m_history.canGoBack());
    m_forward->setEnabled(m_history.canGoForward());
}

void MainWindow::travel(const Place& place)
{
    m_isTravelling = true;
    if (!place.run.isEmpty() && place.run != m_session.run.path()) {
        m_restoring.run = place.run;
        m_restoring.cell = place.cell;
        m_session.run.open(place.run);
    } else if (place.cell.isValid()) {
        m_session.selection.release();
        m_explorePage->goTo(place.cell);
    }
    if (!place.check.isEmpty())
        m_session.verdict.choose(place.check);
    if (place.page == Certificate)
        showCertificate(place.certificate);
    else
        showPage(place.page);
    m_isTravelling = false;
    refreshHistory();
}

void MainWindow::goBack()
{
    if (!m_history.canGoBack())
        return;
    m_history.update(here());
    travel(m_history.back());
}

void MainWindow::goForward()
{
    if (!m_history.canGoForward())
        return;
    m_history.update(here());
    travel(m_history.forward());
}

// The certificate is a page of Explore and the lab one of Verify: they have no step of their own in the rail.
int MainWindow::stepOf(Page page)
{
    const auto found = std::find(std::begin(railPages), std::end(railPages),
                                 page == Certificate ? Explore
                                 : page == Lab       ? Verify
                                                     : page);
    return static_cast<int>(found - std::begin(railPages));
}

MainWindow::Page MainWindow::pageOfStep(int step)
{
    return railPages[std::clamp(step, 0, static_cast<int>(std::size(railPages)) - 1)];
}

void MainWindow::showPage(Page page)
{
    m_page = page;
    if (page == Experiments)
        m_session.experiments.refresh();
    m_pages->setCurrentIndex(page);
    foldEditSide();
    if (page == Edit)
        m_editDesk->refreshPrompts();
    m_rail->setCurrent(stepOf(page));
    if (!m_rail->hasFocus() || !m_rail->isVisible())
        m_pages->currentWidget()->setFocus();
    recordStep();
    refreshCrumbs();
    refreshExplanation();
}

void MainWindow::openPath(const QString& path)
{
    runInBackground<PathKind>(
        this, [path] { return kindOf(path); }, [this, path](PathKind kind) { openAs(path, kind); },
        [](const QString&) {});
}

void MainWindow::openAs(const QString& path, PathKind kind)
{
    switch (kind) {
    case PathKind::Model: openModel(path); break;
    case PathKind::Run: {
        const QString run = QFileInfo(path).isDir() ? path : QFileInfo(path).absolutePath();
        if (m_page == Verify)
            checkRun(run);
        else
            openRun(run);
        break;
    }
    case PathKind::Runs: checkFolder(path); break;
    case PathKind::Certificate:
        checkRun(path);
        m_editDesk->readCertificateFile(path); // an edit's is to be read as well
        break;
    case PathKind::Prompts:
        m_runPage->setPromptFile(path);
        showPage(Run);
        break;
    case PathKind::Patch:
        showPage(Edit);
        m_editDesk->openPatch(path);
        break;
    case PathKind::Missing:
        showPage(Open);
        m_openPage->setProblem(tr("There is nothing at %1.").arg(path));
        break;
    case PathKind::Special:
        showPage(Open);
        m_openPage->setProblem(tr("%1 is not a regular file.").arg(path));
        break;
    case PathKind::Unknown:
        showPage(Open);
        m_openPage->setProblem(
            tr("%1 is neither a model (.safetensors, .gguf or a folder with them), nor a run (a folder "
               "with run.json), nor prompts (.jsonl, .txt or .csv), nor a patch (.json).")
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
    m_openPage->setProblem({}); // what was wrong with another path
    m_session.run.replace(path);
    m_session.verdict.choose(path);
    showPage(Explore);
}

// What was to be opened is no run: what was shown before is there again, and the page says why.
void MainWindow::runRefused(const QString& path, const JobFault& fault)
{
    if (m_session.verdict.request().path == path)
        m_session.verdict.choose(m_session.run.path());
    m_explorePage->showRefusal(fault);
}

// Every run in a folder, into one table.
void MainWindow::checkFolder(const QString& folder)
{
    showPage(Verify);
    m_openPage->setProblem({});
    runInBackground<std::vector<ShelvedRun>>(
        this, [folder] { return runsToVerify(folder); },
        [this, folder](const std::vector<ShelvedRun>& runs) {
            m_session.batch.choose(folder, runs);
            m_verifyPage->showTable();
        },
        [](const QString&) {});
}

void MainWindow::checkRun(const QString& path)
{
    m_openPage->setProblem({});
    m_verifyPage->showRun();
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
        if (isThere(place.other))
            setOther(place.other);
    }
    if (isThere(place.check))
        m_session.verdict.choose(place.check);
    switch (place.page) {
    case Run: showPage(isThere(place.model) ? Run : Open); break;
    case Explore:
    case Certificate: showPage(isThere(place.run) ? Explore : Open); break;
    case Verify: showPage(isThere(place.check) ? Verify : Open); break;
    case Stitch: showPage(isThere(place.run) ? Stitch : Open); break;
    case Experiments: showPage(Experiments); break;
    case Edit: showPage(isThere(place.model) ? Edit : Open); break;
    default: showPage(Open); break;
    }
}

void MainWindow::rememberPlace()
{
    m_session.preferences.setLastPlace({m_page, m_session.model.name(), m_session.run.path(),
                                        m_session.verdict.request().path, m_explorePage->selection(),
                                        m_session.other.path()});
}

void MainWindow::refreshCrumbs()
{
    std::vector<widgets::Crumb> crumbs;
    m_crumbLevels.clear();
    const auto add = [&](CrumbLevel level, const QString& text, const QStringList& siblings = {}, int current = -1) {
        crumbs.push_back({text, siblings, current});
        m_crumbLevels.push_back(level);
    };
    const auto addModel = [&](const QString& title) {
        QStringList names;
        for (const RecentItem& item : m_session.preferences.recentModels())
            names << item.title;
        add(CrumbLevel::Model, title, names, static_cast<int>(names.indexOf(title)));
    };
    const std::shared_ptr<const widgets::TokenMap> map =
        m_page == Stitch ? m_explorePage->map() : m_explorePage->shownMap();
    if ((m_page == Explore || m_page == Certificate || m_page == Stitch) && map) {
        if (!map->model.isEmpty())
            add(CrumbLevel::Plain, map->model);
        QStringList runs;
        for (const ShelvedRun& run : m_shelf)
            runs << run.name;
        add(CrumbLevel::RunLevel, map->run, runs, static_cast<int>(runs.indexOf(map->run)));
        const widgets::CellKey key = m_explorePage->selection();
        if (key.isValid() && m_page != Stitch) {
            QStringList blocks;
            for (const int block : map->blocks)
                blocks << tr("block %1").arg(block);
            add(CrumbLevel::Block, tr("block %1").arg(key.block), blocks, map->columnOf(key.block));
        }
        if (key.isValid() && m_page == Explore && static_cast<std::size_t>(key.prompt) < map->prompts.size()) {
            QStringList prompts;
            for (int prompt = 0; prompt < static_cast<int>(map->prompts.size()); ++prompt)
                prompts << widgets::promptName(*map, prompt);
            add(CrumbLevel::Prompt, prompts[key.prompt], prompts, key.prompt);
            const std::vector<widgets::Token>& tokens = map->prompts[static_cast<std::size_t>(key.prompt)].tokens;
            if (static_cast<std::size_t>(key.token) < tokens.size())
                add(CrumbLevel::Token,
                    tr("token %1 “%2”")
                        .arg(key.token)
                        .arg(widgets::visiblePiece(tokens[static_cast<std::size_t>(key.token)].piece)));
        }
        if (key.isValid() && m_page == Explore && m_session.selection.now().component != Component::Block) {
            QStringList components;
            for (const Component component : {Component::Block, Component::Attention, Component::Mlp})
                components << componentName(component);
            const int current = static_cast<int>(m_session.selection.now().component);
            add(CrumbLevel::ComponentLevel, components[current], components, current);
        }
        if (m_page == Certificate)
            add(CrumbLevel::Plain, tr("certificate"));
        if (m_page == Stitch)
            add(CrumbLevel::Plain, tr("stitched"));
    } else if (m_page == Report) {
        add(CrumbLevel::Plain, tr("Report"));
    } else if (m_page == Lab) {
        add(CrumbLevel::Plain, tr("Tamper lab"));
        if (!m_session.lab.run().isEmpty())
            add(CrumbLevel::Plain, QFileInfo(m_session.lab.run()).fileName());
    } else if (m_page == Experiments) {
        add(CrumbLevel::Plain, tr("Studies"));
    } else if (m_page == Verify && m_verifyPage->showsTable()) {
        add(CrumbLevel::Plain, tr("Runs in %1").arg(QFileInfo(m_session.batch.folder()).fileName()));
    } else if (m_page == Verify && !m_session.verdict.request().path.isEmpty()) {
        const QFileInfo path(m_session.verdict.request().path);
        if (const QString run = runOf(path.filePath()); run != QDir::cleanPath(path.filePath())) { // one certificate
            add(CrumbLevel::Plain, QFileInfo(run).fileName());
            add(CrumbLevel::Plain, path.dir().dirName());
        }
        add(CrumbLevel::Plain, path.fileName());
    } else if (m_page == Run && m_runPage->showsProgress()) { // of a run, whose model need not be the open one
        if (const QString& model = m_session.launcher.live()->model(); !model.isEmpty())
            add(CrumbLevel::Plain, model);
        add(CrumbLevel::Plain, m_session.launcher.live()->name());
    } else if (m_session.model.card().isReady()) {
        addModel(m_session.model.card().value->name);
        if (m_page == Edit)
            add(CrumbLevel::Plain, tr("edit lab"));
    } else {
        add(CrumbLevel::Plain, tr("BlockCert Workbench"));
    }
    m_crumbs->setCrumbs(crumbs);
    m_placeTimer.start(); // the crumbs change whenever the place does
}

void MainWindow::crumbSibling(int level, int sibling)
{
    if (level < 0 || static_cast<std::size_t>(level) >= m_crumbLevels.size() || sibling < 0)
        return;
    const std::shared_ptr<const widgets::TokenMap> map = m_explorePage->map();
    widgets::CellKey key = m_explorePage->selection();
    switch (m_crumbLevels[static_cast<std::size_t>(level)]) {
    case CrumbLevel::Model: {
        const QList<RecentItem> models = m_session.preferences.recentModels();
        if (sibling < models.size())
            openModel(models[sibling].path);
        break;
    }
    case CrumbLevel::RunLevel:
        if (static_cast<std::size_t>(sibling) < m_shelf.size())
            openRun(m_shelf[static_cast<std::size_t>(sibling)].path);
        break;
    case CrumbLevel::Block:
        if (map && static_cast<std::size_t>(sibling) < map->blocks.size()) {
            key.block = map->blocks[static_cast<std::size_t>(sibling)];
            if (m_page == Certificate)
                showCertificate(key.block);
            m_explorePage->select(key);
        }
        break;
    case CrumbLevel::Prompt:
        key.prompt = sibling;
        key.token = 0;
        m_explorePage->select(key);
        break;
    case CrumbLevel::ComponentLevel: m_session.selection.setComponent(static_cast<Component>(sibling)); break;
    case CrumbLevel::Token:
    case CrumbLevel::Plain: break;
    }
}

}
