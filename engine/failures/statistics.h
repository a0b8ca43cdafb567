// The few statistics that an anatomy is told in: medians, ranks and what goes along with what.
#pragma once

#include "engine/protocol/standouts.h"

#include <optional>
#include <span>
#include <vector>

namespace blockcert::failures {

using protocol::median;

// Spearman's rank correlation, equal values sharing their mean rank. Absent with fewer than three pairs, or where one
// side is constant.
[[nodiscard]] std::optional<double> rankCorrelation(std::span<const double> a, std::span<const double> b);

}
