// How far a matrix is from having the rank that is claimed for it.
#pragma once

#include "engine/values/host_tensor.h"

#include <cstdint>

namespace blockcert::surrogate {

// ‖A − B‖_F / ‖A‖_F for one B of that rank or less, found by pivoted Gram–Schmidt on the rows: an upper bound of the
// distance from the nearest one, and of the order of the rounding of A's elements where A was rounded from such a
// matrix. 0 for a matrix of zeros. Takes 4·rows·columns·rank operations and the matrix once in double.
[[nodiscard]] double distanceFromRank(const HostTensor& matrix, std::int64_t rank);

}
