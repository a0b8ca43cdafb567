#include "app/workbench/session/verify_cost.h"

#include <algorithm>

namespace blockcert::workbench {

namespace {

constexpr double spotCells = 44; // the verifier's default

double replayWork(const RunFacts& run)
{
    return static_cast<double>(run.blocks) * static_cast<double>(run.tokens) * run.dModel * run.dModel;
}

double modelWork(const RunFacts& run)
{
    return static_cast<double>(run.layers) * static_cast<double>(run.tokens) * run.dModel * run.dModel;
}

}

LevelSeconds secondsOf(const RunFacts& run, const VerifySpeeds& speeds)
{
    LevelSeconds seconds;
    seconds.fill(widgets::missing);
    if (run.blocks == 0)
        return seconds;
    seconds[0] = 0.05; // reads a few JSON files
    if (speeds.bytes > 0)
        seconds[1] = static_cast<double>(run.bytes) / speeds.bytes;
    if (speeds.replay > 0) {
        seconds[3] = replayWork(run) / speeds.replay;
        const double cells = static_cast<double>(run.blocks) * std::max(1, run.promptCount);
        seconds[2] = seconds[3] * std::min(1.0, spotCells / cells);
    }
    if (speeds.model > 0)
        seconds[4] = modelWork(run) / speeds.model;
    return seconds;
}

void learnSpeed(VerifySpeeds& speeds, const RunFacts& run, int level, double seconds)
{
    if (run.blocks == 0 || !(seconds > 0))
        return;
    if (level == 1)
        speeds.bytes = static_cast<double>(run.bytes) / seconds;
    else if (level == 3)
        speeds.replay = replayWork(run) / seconds;
    else if (level == 4)
        speeds.model = modelWork(run) / seconds;
}

}
