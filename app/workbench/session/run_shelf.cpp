#include "app/workbench/session/run_shelf.h"

#include <QDir>
#include <QFileInfo>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

bool looksLikeRun(const QString& path)
{
    return QFileInfo(path).isDir() && QFileInfo::exists(path + u"/run.json"_s);
}

std::vector<ShelvedRun> runsIn(const QString& folder)
{
    constexpr std::size_t enough = 200;
    std::vector<ShelvedRun> runs;
    for (const QFileInfo& entry : QDir(folder).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Time)) {
        const QString path = entry.filePath();
        if (!looksLikeRun(path))
            continue;
        ShelvedRun run{path, entry.fileName(), entry.lastModified(), QFileInfo::exists(path + u"/SHA256SUMS"_s)};
        if (run.name.endsWith(".blockcert"_L1))
            run.name.chop(10);
        runs.push_back(std::move(run));
        if (runs.size() == enough)
            break;
    }
    return runs;
}

}
