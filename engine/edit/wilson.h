// Wilson's score interval at 95 % for a share of a small sample.
#pragma once

#include "engine/values/stitch_metrics.h"

namespace blockcert::edit {

// [0, 1] of nothing.
[[nodiscard]] Proportion wilson(Fraction share);

}
