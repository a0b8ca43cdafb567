#include "app/workbench/session/teaching_run.h"

#include "engine/base/error.h"

#include <QDir>
#include <QDirIterator>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QStandardPaths>

// Q_INIT_RESOURCE declares a function of the global namespace, so it cannot stand inside ours.
static void registerTeachingRun()
{
    Q_INIT_RESOURCE(teaching);
}

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

QByteArray bytesOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

void write(const QString& path, const QByteArray& bytes)
{
    QSaveFile file(path);
    if (!QDir().mkpath(QFileInfo(path).path()) || !file.open(QIODevice::WriteOnly) ||
        file.write(bytes) != bytes.size() || !file.commit())
        throw FileError("The tour's run cannot be unpacked to " + path.toStdString() + ": " +
                        file.errorString().toStdString() + ".");
}

}

QString teachingRunPath()
{
    return QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + u"/examples/three-blocks.blockcert"_s;
}

QString unpackTeachingRun()
{
    static const bool once = (registerTeachingRun(), true);
    static_cast<void>(once);
    const QString from = u":/blockcert/examples/three-blocks.blockcert"_s;
    const QString to = teachingRunPath();
    QDirIterator files(from, QDir::Files, QDirIterator::Subdirectories);
    bool any = false;
    while (files.hasNext()) {
        const QString file = files.next();
        const QString target = to + file.mid(from.size());
        const QByteArray bytes = bytesOf(file);
        if (bytesOf(target) != bytes)
            write(target, bytes);
        any = true;
    }
    if (!any)
        throw FileError("This build of the window carries no run for the tour.");
    return to;
}

}
