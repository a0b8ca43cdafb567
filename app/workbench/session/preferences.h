// What the window remembers between two starts, and where it finds its programs.
#pragma once

#include "app/workbench/process/engine_client.h"
#include "widgets/theme.h"
#include "widgets/values.h"

#include <QByteArray>
#include <QSettings>
#include <QString>
#include <QStringList>

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
    [[nodiscard]] EngineCommand engineCommand() const;
    [[nodiscard]] QString toolPath() const;
    void setToolPath(const QString& path); // empty: the one that was installed

    [[nodiscard]] QString toolPathSetting() const;

    // Where new runs go unless another folder is chosen.
    [[nodiscard]] QString runFolder() const;
    void setRunFolder(const QString& folder);

    [[nodiscard]] QList<RecentItem> recentModels() const;
    void addRecentModel(const RecentItem& item);
    [[nodiscard]] QList<RecentItem> recentRuns() const;
    void addRecentRun(const RecentItem& item);

    // The folder a file dialog opened last, per kind ("model", "run", "prompts", …).
    [[nodiscard]] QString lastFolder(const QString& kind) const;
    void setLastFolder(const QString& kind, const QString& folder);

    [[nodiscard]] QByteArray geometry() const;
    [[nodiscard]] QByteArray splitters() const;
    void setWindow(const QByteArray& geometry, const QByteArray& splitters);

    // Whether a start without arguments opens what was open last.
    [[nodiscard]] bool restoresPlace() const;
    void setRestoresPlace(bool restores);
    [[nodiscard]] LastPlace lastPlace() const;
    void setLastPlace(const LastPlace& place);

    [[nodiscard]] double flopsPerSecond() const;
    void setFlopsPerSecond(double value);

private:
    [[nodiscard]] QList<RecentItem> readRecent(const QString& group) const;
    void addRecent(const QString& group, const RecentItem& item);

    mutable QSettings m_settings;
};

// "blockcert-engine": beside this program, or in libexec/blockcert of the same prefix; else its bare name.
[[nodiscard]] QString installedProgram(const QString& name);
// A folder for a new run that does not exist yet: "FOLDER/MODEL-PROMPTS-DTYPE.blockcert", numbered if needed.
[[nodiscard]] QString freshRunPath(const QString& folder, const QString& model, const QString& prompts,
                                   const QString& dtype);

}
