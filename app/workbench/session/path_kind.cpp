#include "app/workbench/session/path_kind.h"

#include "app/workbench/session/run_shelf.h"

#include <QDir>
#include <QFileInfo>
#include <QRegularExpression>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

PathKind kindOf(const QString& path)
{
    const QFileInfo file(path);
    if (file.isDir()) {
        if (looksLikeRun(path))
            return PathKind::Run;
        const QStringList weights = QDir(path).entryList(
            {u"*.safetensors"_s, u"*.safetensors.index.json"_s, u"*.gguf"_s, u"config.json"_s, u"*.bin"_s, u"*.pt"_s},
            QDir::Files);
        if (!weights.isEmpty())
            return PathKind::Model;
        if (callsItselfRun(path))
            return PathKind::Run;          // which says what it lacks
        constexpr qsizetype enough = 1000; // a folder of that many others is looked at no further
        const QStringList folders = QDir(path).entryList(QDir::Dirs | QDir::NoDotAndDotDot);
        for (const QString& folder : folders.first(std::min(folders.size(), enough))) {
            if (callsItselfRun(path + u'/' + folder))
                return PathKind::Runs;
        }
        return PathKind::Unknown;
    }
    if (file.isFile()) {
        const QString name = file.fileName().toLower();
        if (name == "run.json"_L1)
            return PathKind::Run;
        if (name == "certificate.json"_L1)
            return PathKind::Certificate;
        for (const auto& end : {".gguf"_L1, ".safetensors"_L1, ".safetensors.index.json"_L1, ".bin"_L1, ".pt"_L1}) {
            if (name.endsWith(end))
                return PathKind::Model; // the last two only to be told why not
        }
        for (const auto& end : {".jsonl"_L1, ".txt"_L1, ".csv"_L1}) {
            if (name.endsWith(end))
                return PathKind::Prompts;
        }
        if (name.endsWith(".json"_L1))
            return PathKind::Patch; // whoever reads it says if it is none
        return PathKind::Unknown;
    }
    if (file.exists())
        return PathKind::Special;
    static const QRegularExpression hubName(u"^[A-Za-z0-9][\\w.-]*/[\\w.-]+(@[\\w./-]+)?$"_s);
    if (path == "demo"_L1 || hubName.match(path).hasMatch())
        return PathKind::Model;
    return PathKind::Missing;
}

}
