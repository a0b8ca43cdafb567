// MainWindow: its commands with their keys, and the bar at the top that offers the most used of them.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/prompts_panel.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/shell/command_palette.h"
#include "app/workbench/shell/dialogs.h"
#include "app/workbench/shell/drawer.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/crumb_bar.h"
#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/status_line.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QMenu>
#include <QToolButton>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

QToolButton* quietButton(widgets::Icon icon, const QString& name)
{
    auto* button = new QToolButton;
    button->setProperty("role", u"quiet"_s);
    button->setToolTip(name);
    button->setAccessibleName(name);
    button->setIcon(widgets::themedIcon(icon));
    return button;
}

QToolButton* menuButton(widgets::Icon icon, const QString& name)
{
    QToolButton* button = quietButton(icon, name);
    button->setPopupMode(QToolButton::InstantPopup);
    button->setMenu(new QMenu(button));
    return button;
}

}

QAction* MainWindow::addCommand(const QString& text, const QString& keys, const std::function<void()>& work)
{
    auto* action = new QAction(text, this);
    if (!keys.isEmpty())
        action->setShortcut(QKeySequence(keys));
    action->setProperty("group", m_commandGroup);
    connect(action, &QAction::triggered, this, work);
    addAction(action);
    m_commands.append(action);
    return action;
}

void MainWindow::buildActions()
{
    m_commandGroup = tr("Open");
    addCommand(tr("Open a model folder…"), u"Ctrl+O"_s, [this] { chooseModel(); });
    addCommand(tr("Open a model file…"), u"Ctrl+Alt+O"_s, [this] { chooseModelFile(); });
    addCommand(tr("Open a run…"), u"Ctrl+Shift+O"_s, [this] { chooseRun(); });
    addCommand(tr("Check a run or certificate…"), u"Ctrl+Shift+V"_s, [this] { chooseCheck(); });
    addCommand(tr("Open the demo model"), {}, [this] { openModel(u"demo"_s); });

    m_commandGroup = tr("Run");
    addCommand(tr("Choose a prompt file…"), u"Ctrl+P"_s, [this] { choosePrompts(); });
    addCommand(tr("Run"), u"Ctrl+R"_s, [this] { startRun(); });
    addCommand(tr("Queue this run"), u"Ctrl+Alt+R"_s, [this] { queueRun(); });
    addCommand(tr("Pause the run"), {}, [this] { m_session.launcher.pause(); });
    addCommand(tr("Resume the run"), {}, [this] {
        if (m_session.launcher.isResumable())
            resumeRun(m_session.launcher.running().out);
    });
    addCommand(tr("Cancel the current job"), u"Ctrl+."_s, [this] { cancelCurrent(); });
    addCommand(tr("Copy as command"), u"Ctrl+Shift+C"_s, [this] { copyCommand(); });
    addCommand(tr("Start the engine again"), {}, [this] { m_session.engine.start(); });
    addCommand(tr("End the engine"), {}, [this] { m_session.engine.end(); });

    addRemoteCommands();

    m_commandGroup = tr("Go");
    const QStringList pages{tr("Go to Open"), tr("Go to Run"), tr("Go to Explore"), tr("Go to Verify")};
    for (int page = 0; page < pages.size(); ++page)
        addCommand(pages[page], u"Alt+%1"_s.arg(page + 1), [this, page] { showPage(static_cast<Page>(page)); });
    addCommand(tr("Go to Edit"), u"Alt+5"_s, [this] { showPage(Edit); });
    addCommand(tr("Go to Stitch"), u"Alt+6"_s, [this] { showPage(Stitch); });
    addCommand(tr("Go to Studies"), u"Alt+7"_s, [this] { showPage(Experiments); });
    addCommand(tr("Go to Report"), u"Alt+8"_s, [this] { showPage(Report); });
    m_back = addCommand(tr("Back"), u"Alt+Left"_s, [this] { goBack(); });
    m_forward = addCommand(tr("Forward"), u"Alt+Right"_s, [this] { goForward(); });
    addCommand(tr("Next token above the threshold"), {}, [this] { m_explorePage->stepToUncovered(1); });
    addCommand(tr("Previous token above the threshold"), {}, [this] { m_explorePage->stepToUncovered(-1); });

    for (const auto& [text, view] : {std::pair{tr("Explore: map"), ExplorePage::Map},
                                     {tr("Explore: coverage"), ExplorePage::Coverage},
                                     {tr("Explore: failures"), ExplorePage::Failures},
                                     {tr("Explore: compare"), ExplorePage::Compare},
                                     {tr("Explore: charts"), ExplorePage::Charts}}) {
        addCommand(text, u"Ctrl+%1"_s.arg(static_cast<int>(view) + 1), [this, view = view] {
            showPage(Explore);
            m_explorePage->showView(view);
        });
    }
    addCommand(tr("Compare with another run…"), {}, [this] { chooseOther(); });
    addCommand(tr("List of runs"), u"Ctrl+Shift+L"_s, [this] {
        showPage(Open);
        m_openPage->showView(OpenPage::ShowRuns);
    });

    addReportCommands();
    addEditCommands();

    addTeachingCommands();

    m_commandGroup = tr("Window");
    addCommand(tr("Show or hide the inspector"), u"Ctrl+I"_s, [this] { toggleSide(); });
    addCommand(tr("Show jobs"), u"Ctrl+J"_s, [this] { toggleDrawer(Drawer::Jobs); });
    addCommand(tr("Show the engine's log"), u"Ctrl+L"_s, [this] { toggleDrawer(Drawer::Log); });
    addCommand(tr("Show problems"), u"Ctrl+Shift+P"_s, [this] { toggleDrawer(Drawer::Problems); });
    buildTopBar();
    addCommand(tr("Quit"), u"Ctrl+Q"_s, [this] { close(); });

    auto* escape = new QAction(tr("Release"), this);
    escape->setShortcut(QKeySequence(Qt::Key_Escape));
    connect(escape, &QAction::triggered, this, &MainWindow::release);
    addAction(escape);

    connect(m_crumbs, &widgets::CrumbBar::siblingChosen, this, &MainWindow::crumbSibling);
    connect(m_status, &widgets::StatusLine::jobsRequested, this, [this] { toggleDrawer(Drawer::Jobs); });
    connect(m_status, &widgets::StatusLine::logRequested, this, [this] { toggleDrawer(Drawer::Log); });
    connect(m_status, &widgets::StatusLine::problemsRequested, this, [this] { toggleDrawer(Drawer::Problems); });
    connect(m_drawer, &Drawer::closeWanted, this, [this] {
        m_drawer->hide();
        keepLayout();
    });
}

void MainWindow::buildTopBar()
{
    QToolButton* back = quietButton(widgets::Icon::ChevronLeft, tr("Back (Alt+Left)"));
    connect(back, &QToolButton::clicked, m_back, &QAction::trigger);
    QToolButton* forward = quietButton(widgets::Icon::ChevronRight, tr("Forward (Alt+Right)"));
    connect(forward, &QToolButton::clicked, m_forward, &QAction::trigger);
    for (const auto& [button, action] : {std::pair(back, m_back), std::pair(forward, m_forward)})
        connect(action, &QAction::enabledChanged, button, &QToolButton::setEnabled);
    m_crumbs->addLeading(back);
    m_crumbs->addLeading(forward);

    m_other = new QToolButton;
    m_other->setPopupMode(QToolButton::InstantPopup);
    m_other->setToolTip(tr("A second run, B, to compare with"));
    m_other->setAccessibleName(tr("Compare with"));
    m_other->setMenu(new QMenu(m_other));
    connect(m_other->menu(), &QMenu::aboutToShow, this, [this] {
        QMenu* menu = m_other->menu();
        menu->clear();
        menu->addAction(tr("None"), this, [this] { setOther({}); });
        menu->addSeparator();
        for (const ShelvedRun& run : m_shelf) {
            if (!run.isRunning && run.path != m_session.run.path())
                menu->addAction(QString(run.name).replace(u'&', u"&&"_s), this,
                                [this, path = run.path] { setOther(path); });
        }
        menu->addSeparator();
        menu->addAction(tr("Another…"), this, [this] { chooseOther(); });
    });
    m_crumbs->addWidget(m_other);
    refreshOther();

    auto* search = new QToolButton;
    search->setText(tr("Search  Ctrl+K"));
    search->setAccessibleName(tr("Search everything"));
    search->setIcon(widgets::themedIcon(widgets::Icon::Search));
    search->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    auto* palette = new QAction(tr("Search everything"), this);
    palette->setShortcut(QKeySequence(u"Ctrl+K"_s));
    palette->setProperty("group", m_commandGroup);
    addAction(palette);
    connect(palette, &QAction::triggered, this, [this] { new CommandPalette(this, paletteEntries()); });
    connect(search, &QToolButton::clicked, palette, &QAction::trigger);
    m_crumbs->addWidget(search);

    QToolButton* layouts = menuButton(widgets::Icon::Stack, tr("Layout"));
    auto* layoutGroup = new QActionGroup(layouts);
    for (const ShellLayout::Name name : ShellLayout::all) {
        QAction* action =
            addCommand(tr("Layout: %1").arg(ShellLayout::title(name)), u"Ctrl+Alt+%1"_s.arg(static_cast<int>(name) + 1),
                       [this, name] { useLayout(name); });
        action->setToolTip(ShellLayout::purpose(name));
        action->setCheckable(true);
        action->setChecked(m_layout.name == name);
        layoutGroup->addAction(action);
        layouts->menu()->addAction(action);
    }
    layouts->menu()->setToolTipsVisible(true);
    layouts->menu()->addSeparator();
    layouts->menu()->addAction(addCommand(tr("Reset this layout"), {}, [this] { resetLayout(); }));
    m_crumbs->addWidget(layouts);

    QToolButton* theme = menuButton(widgets::Icon::Moon, tr("Appearance"));
    auto* group = new QActionGroup(theme);
    const auto appearance = [&](const QString& text, widgets::Appearance value) {
        QAction* action = addCommand(text, {}, [this, value] {
            m_session.preferences.setAppearance(value);
            widgets::applyAppearance(*qApp, value);
        });
        action->setCheckable(true);
        action->setChecked(m_session.preferences.appearance() == value);
        group->addAction(action);
        theme->menu()->addAction(action);
    };
    appearance(tr("Appearance: follow the desktop"), widgets::Appearance::Desktop);
    appearance(tr("Appearance: light"), widgets::Appearance::Light);
    appearance(tr("Appearance: dark"), widgets::Appearance::Dark);
    m_crumbs->addWidget(theme);

    QToolButton* gear = menuButton(widgets::Icon::Settings, tr("Settings and help"));
    gear->menu()->addAction(addCommand(tr("Settings…"), u"Ctrl+,"_s, [this] { editPreferences(); }));
    QAction* shortcuts = addCommand(tr("Shortcuts"), u"F1"_s, [this] { new ShortcutSheet(this, m_commands); });
    shortcuts->setShortcuts({QKeySequence(u"F1"_s), QKeySequence(u"Shift+?"_s)});
    gear->menu()->addAction(shortcuts);
    gear->menu()->addSeparator();
    for (QAction* action : std::as_const(m_commands))
        if (action->property("group") == tr("Learn"))
            gear->menu()->addAction(action);
    m_crumbs->addWidget(gear);
}

// Commands first, then what can be gone to: recent models, runs, and the blocks and prompts of the shown run.
std::vector<PaletteEntry> MainWindow::paletteEntries()
{
    std::vector<PaletteEntry> entries;
    for (QAction* action : std::as_const(m_commands)) {
        if (action->isEnabled())
            entries.push_back({action->text(), action->shortcut().toString(QKeySequence::NativeText),
                               [action] { action->trigger(); }});
    }
    for (const BundledPrompts& set : bundledPrompts()) {
        entries.push_back({tr("Prompts: %1, %2").arg(set.name, set.what), {}, [this, name = set.name] {
                               showPage(Run);
                               m_runPage->setPromptSet(name);
                           }});
    }
    for (const RecentItem& model : m_session.preferences.recentModels())
        entries.push_back({tr("Open model %1").arg(model.title), {}, [this, path = model.path] { openModel(path); }});
    for (const ShelvedRun& run : m_shelf) {
        entries.push_back({tr("Open run %1").arg(run.name), {}, [this, path = run.path] { openRun(path); }});
        entries.push_back({tr("Check run %1").arg(run.name), {}, [this, path = run.path] { checkRun(path); }});
    }
    const std::shared_ptr<const widgets::TokenMap>& map = m_explorePage->map();
    if (!map)
        return entries;
    for (const int block : map->blocks) {
        entries.push_back({tr("Go to block %1").arg(block), {}, [this, block] {
                               showPage(Explore);
                               m_explorePage->selectBlock(block);
                               m_explorePage->setFocus(); // arrows and N go on from there
                           }});
    }
    for (std::size_t prompt = 0; prompt < map->prompts.size(); ++prompt) {
        entries.push_back({tr("Go to prompt %1").arg(map->prompts[prompt].id), {}, [this, prompt] {
                               showPage(Explore);
                               m_explorePage->selectPrompt(static_cast<int>(prompt));
                               m_explorePage->setFocus();
                           }});
    }
    return entries;
}

}
