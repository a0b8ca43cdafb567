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

struct RunShelf {
    std::vector<ShelvedRun> runs; // newest first
    int leftOut = 0;              // older ones of the folder, beyond the 200 that are listed
};

// What can be opened: folders with run.json. Touches the disk, as all of these do: call it outside the GUI thread.
[[nodiscard]] RunShelf runsIn(const QString& folder);
// And those that were opened from other places and are still there.
[[nodiscard]] RunShelf runsIn(const QString& folder, const QStringList& elsewhere);
// What has to be judged: every folder that calls itself a run, however many there are and whatever was taken out of
// them. A run must not escape a verdict by losing a file.
[[nodiscard]] std::vector<ShelvedRun> runsToVerify(const QString& folder);

[[nodiscard]] bool looksLikeRun(const QString& path);
// With run.json, the name .blockcert, or SHA256SUMS beside folders of blocks.
[[nodiscard]] bool callsItselfRun(const QString& path);

}
