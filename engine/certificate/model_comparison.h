// Compares what a run recorded of its baseline with the model computed in double, within what its dtype may differ by.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/values/cell_record.h"
#include "engine/values/dtype.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blockcert::certificate {

// What a baseline of this dtype may differ by from the model in double: it catches a wrong trace, not its last digits.
// Chosen five times or more above what was measured; CLAIMS.md says on what.
struct Allowance {
    double state = 0; // ‖recorded − double‖ / the token's largest norm so far
    double loss = 0;  // nats
    double logit = 0;
    double slope = 0; // of the loss along a direction, ÷ Σ ‖gradient‖ · ‖direction‖
};

[[nodiscard]] Allowance allowanceFor(DType baseline);

// The largest of many ratios "difference / allowed", and where it stands; below 0 if nothing was seen, infinite from
// the first difference on that is no number.
struct Worst {
    double ratio = -1;
    std::int32_t prompt = 0;
    std::size_t token = 0;
    double recorded = 0;
    double computed = 0;

    void see(double difference, double allowed, std::int32_t p, std::size_t t, double recordedValue,
             double computedValue);
};

// A row that says where a recorded number differs most, and fails where that is beyond the allowance. `how` says what
// was computed and within what; `computes` who did: "the model computes".
[[nodiscard]] Row worstRow(Row row, const Worst& worst, const std::string& how, const std::string& computes);

// One token's logits in double, and what a recorded top five is held against.
class TokenLogits {
public:
    explicit TokenLogits(std::span<const double> logits);

    // The recorded ids are distinct, in falling order, have the logits they claim, and no other token lies clearly
    // above the last of them.
    void compareTop(std::span<const std::int32_t> ids, std::span<const double> recorded, double allowed,
                    std::int32_t prompt, std::size_t token, Worst& worst) const;

private:
    std::span<const double> m_logits;
    std::vector<std::int32_t> m_highest; // six ids, highest logit first
};

// Where a recorded mask lets a token attend to a later one, or hides an earlier one.
struct MaskFault {
    std::int32_t prompt = 0;
    std::int64_t token = 0;
    std::int64_t key = 0;
};

// The first fault of a prompt's mask U8 [S, S]: the models that are read here attend causally.
[[nodiscard]] std::optional<MaskFault> maskFault(const HostTensor& mask, std::int32_t prompt);

// What is compared of one block.
struct BlockComparison {
    std::string where;
    LayerIndex block;
    bool sameBlock = false;        // the surrogate is the baseline's block: with it in place the model is the same
    std::string unknownSurrogate;  // why it is not known what the surrogate is; empty if it is known
    std::vector<CellRecord> cells; // [P], per-token numbers alone
    Worst state;
    std::optional<Worst> attention; // of runs that record the sublayers' outputs
    std::optional<Worst> mlp;
    std::optional<MaskFault> mask; // the first place where the recorded mask is not the model's
    Worst lossBase;
    Worst lossStitched;
    Worst top;
    Worst topStitched;
    std::vector<std::vector<double>> stitchedLosses; // [P] of the tokens that are predicted, by the model in double
    // How much further the model with the surrogate in place carries rounding than the model itself, where that was
    // measured: the allowances for it are so many times wider.
    double amplification = 1;
    Worst estimate; // of runs that estimate to first order; its token is always 0

    // Every loss that was compared is the model's.
    [[nodiscard]] bool holdsLosses() const { return lossBase.ratio <= 1 && lossStitched.ratio <= amplification; }

    // A loss or logit with the surrogate in place is beyond the allowance that was measured on models themselves.
    [[nodiscard]] bool isDoubtful() const { return lossStitched.ratio > 1 || topStitched.ratio > 1; }

    // Token `token` of a prompt, by the model and by the model with the surrogate in place; `loss` is that of the token
    // after it, if there is one.
    void seeBase(std::int32_t prompt, std::size_t token, bool predicts, double loss, const TokenLogits& logits,
                 const Allowance& allowance);
    void seeStitched(std::int32_t prompt, std::size_t token, bool predicts, double loss, const TokenLogits& logits,
                     const Allowance& allowance);
    // What a first-order estimate and its gradient claim of the loss's derivative, and what it is.
    void seeSlope(std::int32_t prompt, double claimed, double computed, double scale, const Allowance& allowance);
    // Rows model.states, model.mask, model.attention and model.mlp, and where losses were looked at model.loss_base,
    // model.first_order, model.loss_stitched, model.top and model.top_stitched.
    void report(DType baseline, LossMode loss, CheckList& checks) const;
};

}
