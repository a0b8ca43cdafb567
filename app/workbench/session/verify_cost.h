// How long checking a run will take at each level, from what checking took on this machine before.
#pragma once

#include "app/workbench/session/run_catalogue.h"

#include <array>

namespace blockcert::workbench {

inline constexpr int verifyLevels = 5;

// Seconds by level; `missing` where nothing comparable was measured here.
using LevelSeconds = std::array<double, verifyLevels>;

// Work a second of the last checks; 0: none yet. A unit of replay is a token at a block, times the width squared.
struct VerifySpeeds {
    double bytes = 0;  // level 1
    double replay = 0; // levels 2 and 3
    double model = 0;  // level 4
};

[[nodiscard]] LevelSeconds secondsOf(const RunFacts& run, const VerifySpeeds& speeds);
// What a finished check of a whole run tells about the speed.
void learnSpeed(VerifySpeeds& speeds, const RunFacts& run, int level, double seconds);

}
