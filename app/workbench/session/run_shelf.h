// The runs in a folder, finished and unfinished, without opening any of their files.
#pragma once

#include <QDateTime>
#include <QString>
#include <QStringList>

#include <vector>

namespace blockcert::workbench {

struct ShelvedRun {
    QString path;
    QString name; // without .blockcert
    QDateTime changed;
    bool finished = false;  // SHA256SUMS is there; whether it holds is verification's question
    bool isRunning = false; // this window is measuring it
};

// Newest first; folders without run.json are no runs. Touches the disk: call it outside the GUI thread.
[[nodiscard]] std::vector<ShelvedRun> runsIn(const QString& folder);
// And those that were opened from other places and are still there.
[[nodiscard]] std::vector<ShelvedRun> runsIn(const QString& folder, const QStringList& elsewhere);
[[nodiscard]] bool looksLikeRun(const QString& path);

}
