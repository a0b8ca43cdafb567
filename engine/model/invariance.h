// The self-test behind "a row's bits do not depend on the batch": on the very weights and shapes of a model.
#pragma once

#include "engine/model/tiled_linear.h"

#include <optional>
#include <span>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

struct TilingChoice {
    Tiling tiling;
    bool batchInvariant = false;
};

// Multiplies the same rows at several places of tiles of every height, with one thread and with all, on the first
// and the last panel of each layer, and compares bits. If heights disagree with each other, only the first height
// that agrees with itself is kept; if none does, batchInvariant is false. `rows`: the type of the rows that will be
// multiplied, if it is not the weights'.
[[nodiscard]] TilingChoice chooseTiling(std::span<const Linear* const> layers, const Tiling& wanted,
                                        const RunContext& context, std::optional<DType> rows = std::nullopt);

}
