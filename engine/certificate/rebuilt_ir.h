// The stored surrogate of a block against the one rebuilt from the models' files, bit for bit where that can be done.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/certificate/check_list.h"
#include "engine/ir/block_ir.h"
#include "engine/values/certificate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::certificate {

// What the files make of a block.
struct RebuiltSurrogate {
    ir::BlockIr block; // complete: fitted weights are the stored ones
    std::vector<std::string>
        fitted;               // weights that nobody can rebuild, because a decomposition is not unique to the bit
    SurrogateWeights weights; // distances from the baseline, recomputed

    struct Rank {
        std::string name;
        std::int64_t rank = 0;
        double distance = 0; // from the nearest matrix of that rank that was found, relative
    };

    std::vector<Rank> ranks; // of fitted weights that nothing was added to
};

// The same operations on the same weights (by digest), mask and tables.
[[nodiscard]] bool isSameFunction(const ir::BlockIr& a, const ir::BlockIr& b);

// Names of the weights that only the stored IR can give.
[[nodiscard]] std::vector<std::string> fittedWeights(const Certificate& certificate, const ir::BlockProgram& program);

// `stored` gives the fitted weights; absent if there are none. `other` is the checkpoint of the family Checkpoint, null
// for every other. Throws FormatError for a weight that is missing, ShapeError for models of different shapes.
[[nodiscard]] RebuiltSurrogate rebuildSurrogate(const Certificate& certificate, const artifact::Checkpoint& model,
                                                const artifact::Checkpoint* other,
                                                const std::optional<ir::BlockIr>& stored, std::int64_t positions);

// Rows model.ir, model.distances, and with fitted weights model.rank and model.fit. `stored` is the program of ir.h5,
// whose tensors have the digests that the certificate names.
void checkRebuiltIr(const Certificate& certificate, const std::optional<ir::BlockProgram>& stored,
                    const RebuiltSurrogate& rebuilt, CheckList& checks);

}
