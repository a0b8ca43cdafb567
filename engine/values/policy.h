// Thresholds under which a block counts as certified (paper, equations 6, 8, 9 and 10).
#pragma once

#include <cstdint>

namespace blockcert {

enum class ErrorMeasure : std::uint8_t {
    L2,         // ‖ŷ − y‖₂, the paper's
    RelativeL2, // ‖ŷ − y‖₂ / ‖y‖₂, an addition with a threshold of its own
};

struct Policy {
    double tauAct = 1e-2;
    double tauLoss = 1e-3;
    double tauRel = 1e-5; // default by baseline dtype: F32 1e-5, F16 5e-3, BF16 2e-2
    double alphaAct = 0.94;
    double alphaLoss = 0.9;
    ErrorMeasure measure = ErrorMeasure::L2; // which of the two activation coverages decides

    friend bool operator==(const Policy&, const Policy&) = default;
};

}
