// What the window remembers between two starts, and where it finds its programs.
#pragma once

#include "app/workbench/process/engine_client.h"
#include "app/workbench/session/run_pace.h"
#include "app/workbench/session/shell_layout.h"
#include "app/workbench/session/verify_cost.h"
#include "widgets/theme.h"
#include "widgets/values.h"

#include <QByteArray>
#include <QSettings>
#include <QString>
#include <QStringList>

#include <vector>

namespace blockcert::workbench {

struct RecentItem {
    QString path;  // as it was opened
    QString title; // the model's or run's name
};

// Where the user was when the window was closed.
struct LastPlace {
    int page = 0;
    QString model;
    QString run;
    QString check; // what the Verify page was about
    widgets::CellKey cell;
    QString other = {}; // the run beside it, B
};

// Kept in one file under XDG_CONFIG_HOME. GUI thread.
class Preferences {
public:
    Preferences();

    [[nodiscard]] widgets::Appearance appearance() const;
    void setAppearance(widgets::Appearance appearance);

    // The engine's command line as the user typed it; empty: the one that was installed.
    [[nodiscard]] QString engineCommandLine() const;
    void setEngineCommandLine(const QString& command);
    // Split as a shell would split it; no shell runs.
    [[nodiscard]] EngineCommand engineCommand() const;
    // Whether the engine's files lie on another machine, so that finished runs are fetched. Unless it was said: where
    // the command is ssh.
    [[nodiscard]] bool engineIsRemote() const;
    void setEngineIsRemote(bool remote);
    // Where runs go on that machine: a folder, relative to where the engine starts.
    [[nodiscard]] QString remoteRunFolder() const;
    void setRemoteRunFolder(const QString& folder);
    [[nodiscard]] QString toolPath() const;
    void setToolPath(const QString& path); // empty: the one that was installed

    [[nodiscard]] QString toolPathSetting() const;

    // Where new runs go unless another folder is chosen.
    [[nodiscard]] QString runFolder() const;
    void setRunFolder(const QString& folder);

    // The file of the user's tags and notes.
    [[nodiscard]] static QString annotationsPath();

    [[nodiscard]] QList<RecentItem> recentModels() const;
    void addRecentModel(const RecentItem& item);
    [[nodiscard]] QList<RecentItem> recentRuns() const;
    void addRecentRun(const RecentItem& item);

    [[nodiscard]] QList<RecentItem> recentPatches() const;
    void addRecentPatch(const RecentItem& item);

    // The stacks of the edit lab (saved_lab.h), kept at every change.
    [[nodiscard]] QByteArray savedLab() const;
    void setSavedLab(const QByteArray& text);

    // What was verified here (verdict_book.h), kept at every change.
    [[nodiscard]] QByteArray savedVerdicts() const;
    void setSavedVerdicts(const QByteArray& text);

    // The layout used last, and each layout as the user left it.
    [[nodiscard]] ShellLayout::Name layoutName() const;
    [[nodiscard]] ShellLayout layout(ShellLayout::Name name) const;
    void setLayout(const ShellLayout& layout); // becomes the one used last
    void resetLayout(ShellLayout::Name name);

    // The folder a file dialog opened last, per kind ("model", "run", "prompts", …).
    [[nodiscard]] QString lastFolder(const QString& kind) const;
    void setLastFolder(const QString& kind, const QString& folder);

    [[nodiscard]] QByteArray geometry() const;
    [[nodiscard]] QByteArray splitters() const;
    void setWindow(const QByteArray& geometry, const QByteArray& splitters);

    // Whether the desktop is told about the end of a run while another window is in front.
    [[nodiscard]] bool notifies() const;
    void setNotifies(bool notifies);

    // The step at which the guided tour was left; 0: it was not begun, or it was finished.
    [[nodiscard]] int tourStep() const;
    void setTourStep(int step);

    [[nodiscard]] VerifySpeeds verifySpeeds() const;
    void setVerifySpeeds(const VerifySpeeds& speeds);

    // Whether a start without arguments opens what was open last.
    [[nodiscard]] bool restoresPlace() const;
    void setRestoresPlace(bool restores);
    [[nodiscard]] LastPlace lastPlace() const;
    void setLastPlace(const LastPlace& place);

    // How fast runs of each model went on this machine.
    [[nodiscard]] std::vector<RunPace> runPaces() const;
    void setRunPaces(const std::vector<RunPace>& paces);

private:
    [[nodiscard]] QList<RecentItem> readRecent(const QString& group) const;
    void addRecent(const QString& group, const RecentItem& item);

    mutable QSettings m_settings;
};

// "blockcert-engine": beside this program, or in libexec/blockcert of the same prefix; else its bare name.
[[nodiscard]] QString installedProgram(const QString& name);
// A folder for a new run that does not exist yet and is not spoken for: "FOLDER/MODEL-PROMPTS-DTYPE.blockcert",
// numbered if needed.
[[nodiscard]] QString freshRunPath(const QString& folder, const QString& model, const QString& prompts,
                                   const QString& dtype, const QStringList& taken = {});

}
