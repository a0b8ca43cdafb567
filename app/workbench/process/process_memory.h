// How much memory a local process holds, as the kernel tells it.
#pragma once

#include <QtGlobal>

namespace blockcert::workbench {

struct ProcessMemory {
    quint64 now = 0;  // resident bytes; 0: not known
    quint64 peak = 0; // the most since the process began
};

// From /proc/PID/status, zeros if that is not there. It reads a file: not for the GUI thread.
ProcessMemory memoryOf(qint64 processId);

}
