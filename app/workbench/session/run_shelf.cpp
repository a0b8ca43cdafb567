#include "app/workbench/session/run_shelf.h"

#include <QDir>
#include <QFileInfo>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

ShelvedRun shelved(const QFileInfo& entry)
{
    const QString path = entry.filePath();
    ShelvedRun run{path, entry.fileName(), entry.lastModified(), QFileInfo::exists(path + u"/SHA256SUMS"_s)};
    if (run.name.endsWith(".blockcert"_L1))
        run.name.chop(10);
    return run;
}

}

bool looksLikeRun(const QString& path)
{
    return QFileInfo(path).isDir() && QFileInfo::exists(path + u"/run.json"_s);
}

std::vector<ShelvedRun> runsIn(const QString& folder)
{
    constexpr std::size_t enough = 200;
    std::vector<ShelvedRun> runs;
    for (const QFileInfo& entry : QDir(folder).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Time)) {
        if (!looksLikeRun(entry.filePath()))
            continue;
        runs.push_back(shelved(entry));
        if (runs.size() == enough)
            break;
    }
    return runs;
}

std::vector<ShelvedRun> runsIn(const QString& folder, const QStringList& elsewhere)
{
    std::vector<ShelvedRun> runs = runsIn(folder);
    for (const QString& path : elsewhere) {
        const QFileInfo entry(path);
        const bool isListed = std::any_of(runs.begin(), runs.end(), [&](const ShelvedRun& run) {
            return QFileInfo(run.path).absoluteFilePath() == entry.absoluteFilePath();
        });
        if (!isListed && looksLikeRun(path))
            runs.push_back(shelved(entry));
    }
    std::stable_sort(runs.begin(), runs.end(),
                     [](const ShelvedRun& a, const ShelvedRun& b) { return a.changed > b.changed; });
    return runs;
}

}
