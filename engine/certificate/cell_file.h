// A finished cell as one self-checking file: what a killed run finds again (docs/run-directory.md, "Cells").
#pragma once

#include "engine/certificate/cell_tensors.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blockcert::certificate {

// Throws ShapeError if the record is not of that shape, NumericError naming prompt and token if any value is not
// finite. `origin` says which program computed it; a cell of another origin is not used again.
[[nodiscard]] std::string encodeCell(const CellRecord& cell, const CellShape& shape, std::string_view origin);

// Nothing if the bytes are damaged, of another origin, block, prompt or shape: such a cell is computed again.
// An empty `origin` accepts any.
[[nodiscard]] std::optional<CellRecord> decodeCell(std::string_view bytes, LayerIndex block, PromptIndex prompt,
                                                   const CellShape& shape, std::string_view origin);

// The losses and highest ids of a cell alone, which are known long after its errors: the same container. The cell
// itself is then encoded with a shape without losses.
[[nodiscard]] std::string encodeLosses(const CellRecord& cell, const CellShape& shape, std::string_view origin);
[[nodiscard]] std::optional<CellRecord> decodeLosses(std::string_view bytes, LayerIndex block, PromptIndex prompt,
                                                     const CellShape& shape, std::string_view origin);

// Puts the losses and highest ids of `losses` into `cell`.
void addLosses(CellRecord& cell, CellRecord losses);

}
