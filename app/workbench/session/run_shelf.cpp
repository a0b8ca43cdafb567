#include "app/workbench/session/run_shelf.h"

#include "widgets/number_text.h"

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
    run.name = widgets::shownName(run.name);
    return run;
}

QFileInfoList foldersIn(const QString& folder)
{
    return QDir(folder).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Time);
}

}

bool looksLikeRun(const QString& path)
{
    return QFileInfo(path).isDir() && QFileInfo::exists(path + u"/run.json"_s);
}

bool callsItselfRun(const QString& path)
{
    if (!QFileInfo(path).isDir())
        return false;
    const auto hasBlocks = [&path] { return !QDir(path).entryList({u"block_*"_s}, QDir::Dirs).isEmpty(); };
    return looksLikeRun(path) || path.endsWith(".blockcert"_L1, Qt::CaseInsensitive) ||
           (QFileInfo::exists(path + u"/SHA256SUMS"_s) && hasBlocks());
}

RunShelf runsIn(const QString& folder)
{
    constexpr std::size_t enough = 200; // each is read for its line in the table
    RunShelf shelf;
    for (const QFileInfo& entry : foldersIn(folder)) {
        if (!looksLikeRun(entry.filePath()))
            continue;
        if (shelf.runs.size() < enough)
            shelf.runs.push_back(shelved(entry));
        else
            ++shelf.leftOut;
    }
    return shelf;
}

RunShelf runsIn(const QString& folder, const QStringList& elsewhere)
{
    RunShelf shelf = runsIn(folder);
    std::vector<ShelvedRun>& runs = shelf.runs;
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
    return shelf;
}

std::vector<ShelvedRun> runsToVerify(const QString& folder)
{
    std::vector<ShelvedRun> runs;
    for (const QFileInfo& entry : foldersIn(folder)) {
        if (callsItselfRun(entry.filePath()))
            runs.push_back(shelved(entry));
    }
    return runs;
}

}
