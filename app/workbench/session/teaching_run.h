// The finished run that the guided tour speaks of: carried by the window, unpacked where the user's data lie.
#pragma once

#include <QString>

namespace blockcert::workbench {

// Where it is unpacked: under XDG_DATA_HOME.
[[nodiscard]] QString teachingRunPath();

// Writes those of its files that are missing or differ, each whole or not at all; returns teachingRunPath(). Throws
// FileError. Touches the disk: any thread but the GUI's.
QString unpackTeachingRun();

}
