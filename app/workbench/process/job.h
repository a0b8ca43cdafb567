// What a long request is made of on the window's side: its id, its progress, and how it can go wrong.
#pragma once

#include "engine/base/strict_json.h"

#include <QMetaType>
#include <QString>

#include <memory>
#include <optional>

namespace blockcert::workbench {

using JobId = qint64; // never reused within one start of the program; 0 is no job
using JsonResult = std::shared_ptr<const Json>;

struct JobProgress {
    QString stage;
    qint64 done = 0;
    qint64 total = 0; // 0: unknown
    QString unit;
    std::optional<int> block;
    std::optional<int> prompt;
    double elapsedSeconds = 0;
    std::optional<double> rate;
    std::optional<double> etaSeconds;
    JsonResult detail; // null, or what has just been finished
};

struct JobFault {
    enum class Origin {
        Program,      // the program's own sentence: unreadable file, unsupported model, …
        ProgramEnded, // it died while at work
        Protocol,     // it said something that is no answer
        NotStarted,   // it could not be started
    };

    Origin origin = Origin::Program;
    QString sentence;
    QString kind;     // of docs/protocol.md, or empty
    int exitCode = 0; // of docs/run-directory.md, or 0 when there is none
    bool resumable = false;
};

// The fields of a progress object, of $/progress as of --jsonl.
[[nodiscard]] JobProgress progressOf(const Json& object);

// The next unused id, for engine requests and child processes alike. GUI thread.
[[nodiscard]] JobId nextJobId();

}

Q_DECLARE_METATYPE(blockcert::workbench::JsonResult)
Q_DECLARE_METATYPE(blockcert::workbench::JobProgress)
Q_DECLARE_METATYPE(blockcert::workbench::JobFault)
