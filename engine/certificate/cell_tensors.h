// A cell's parts as named tensors: the same names and order in probes.h5 and in a cell file.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/values/cell_record.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::certificate {

// What a cell must look like to belong to a run.
struct CellShape {
    std::int64_t tokens = 0; // S
    std::int64_t width = 0;  // d
    std::int64_t heads = 0;  // H
    DType baselineDtype = DType::F32;
    LossMode loss = LossMode::Exact;
    bool sublayers = true; // the baseline's sublayer outputs were recorded
};

struct NamedTensor {
    std::string name;
    HostTensor tensor;
};

// Parts that the cell has, in file order. The mask is [S, S].
[[nodiscard]] std::vector<NamedTensor> tensorsOf(const CellRecord& cell, const CellShape& shape);
// Tensors of other names are left out; what is not there stays empty.
[[nodiscard]] CellRecord recordOf(LayerIndex block, PromptIndex prompt, std::vector<NamedTensor> tensors);

}
