// Panels that several experiments draw.
#pragma once

#include "engine/figure/figure.h"
#include "engine/values/policy.h"

#include <string>
#include <vector>

namespace blockcert::pipeline {

// Up to six digits as people write them: "0.01", "1e-5".
[[nodiscard]] std::string plainNumber(double value);

// Errors on a log axis over blocks or categories, with the threshold of the policy's measure as a rule.
[[nodiscard]] figure::Panel errorPanel(const std::string& title, const Policy& policy);
// Shares from 0 to 1, with α_act (and α_loss) as rules.
[[nodiscard]] figure::Panel coveragePanel(const std::string& title, const Policy& policy);

// The x axis of block numbers, ticks where blocks were measured.
[[nodiscard]] figure::Axis blockAxis(const std::vector<double>& blocks);

}
