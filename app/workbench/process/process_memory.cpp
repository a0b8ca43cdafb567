#include "app/workbench/process/process_memory.h"

#include <QByteArray>
#include <QFile>
#include <QList>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

ProcessMemory memoryOf(qint64 processId)
{
    ProcessMemory memory;
    QFile file(u"/proc/%1/status"_s.arg(processId));
    if (processId <= 0 || !file.open(QIODevice::ReadOnly))
        return memory;
    for (const QByteArray& line : file.readAll().split('\n')) {
        const QList<QByteArray> words = line.simplified().split(' '); // "VmHWM: 123 kB"
        if (words.size() == 3 && words[0] == "VmRSS:")
            memory.now = words[1].toULongLong() * 1024;
        else if (words.size() == 3 && words[0] == "VmHWM:")
            memory.peak = words[1].toULongLong() * 1024;
    }
    return memory;
}

}
