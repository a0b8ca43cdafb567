// Truncated singular value decompositions of weights, by LAPACK in double.
#pragma once

#include "engine/values/host_tensor.h"

#include <cstdint>
#include <string>

namespace blockcert::pipeline {

struct LowRank {
    HostTensor matrix;         // Ŵ [out, in], F32 (F64 where the matrix is)
    HostTensor singularValues; // F64 [min(out, in)], falling
};

// The nearest matrix of this rank in the Frobenius norm, rounded once from double; the matrix itself, untouched, if the
// rank is not below what it can have. Call inside a task (model/parallel_tasks.h): on one thread LAPACK gives the same
// bits every time on one machine, on which `--resume` relies. `name` is for the error. Throws NumericError if an
// element is not finite.
[[nodiscard]] LowRank truncated(const std::string& name, const HostTensor& matrix, std::int64_t rank);

}
