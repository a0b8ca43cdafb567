// An opened run as the pages show it: what `blockcert show RUN --json --tokens` told.
#pragma once

#include "app/workbench/session/run_facts.h"
#include "app/workbench/session/run_settings.h"
#include "app/workbench/session/stitch_switches.h"
#include "engine/base/strict_json.h"
#include "widgets/values.h"

#include <QString>
#include <QStringList>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

struct StitchResult;

// A stitched model that is part of the run.
struct RecordedStitch {
    QString name;
    StitchSwitches switches;
    bool isCertified = false;
    bool isFullBlock = false;                             // every block of the model is replaced
    std::shared_ptr<const StitchResult> result = nullptr; // as recorded; null where its numbers cannot be read
};

// A certified edit that is part of the run.
struct RecordedEdit {
    QString name;
    QString sentence;
    std::vector<int> blocks; // ascending
};

struct RunView {
    QString path;
    QString name; // the folder's name without .blockcert
    QString model;
    QString modelHint; // where the model was found; never trusted
    QString prompts;   // the prompt set's name
    QString baselineDtype;
    QString surrogate; // "exact", "low-rank:64:attn", "exact, drop-rope"
    QString replayDtype;
    QString created;
    QString command;
    QString digest; // of SHA256SUMS: tells this run from others; empty while it is unfinished
    bool complete = false;
    bool resumable = false;
    std::shared_ptr<const widgets::TokenMap> map;
    std::shared_ptr<const std::vector<widgets::BlockRow>> blocks;
    std::map<int, std::shared_ptr<const Json>> certificates; // by block
    std::vector<RecordedStitch> stitches;
    std::vector<RecordedEdit> edits;
    int layers = 0;                      // of the model
    std::optional<RunSettings> settings; // for resuming it
    RunFacts facts;                      // as the list of runs shows them
    QStringList problems;
    bool damaged = false; // something that was read is not what the run's digests name: the last of the problems
};

}
