// Compares what a run recorded of its baseline with the model computed in double, within what its dtype may differ by.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/comparison.h"
#include "engine/certificate/rounded_coverage.h"
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

// How many times what rounding usually moves an error by a recorded one may be too small.
inline constexpr double errorSlack = 5;

// The largest of many ratios "difference / allowed", and where it stands; below 0 if nothing was seen, infinite from
// the first difference on that is no number.
//
// Where a difference is beyond what is allowed, `factor` times as much is, at least 1: more than that where the model
// carries rounding further than usual. An infinite one says that nothing can be told there.
struct Worst {
    double ratio = -1;
    std::int32_t prompt = 0;
    std::size_t token = 0;
    double recorded = 0;
    double computed = 0;
    double widest = 1;        // the largest factor that was needed and is finite
    std::int64_t widened = 0; // how often one was needed
    std::int64_t untold = 0;  // how often nothing could be told

    void see(double difference, double allowed, std::int32_t p, std::size_t t, double recordedValue,
             double computedValue, double factor = 1);
};

// How often nothing could be told, as a row that is not checked and need not be; absent if it always could.
[[nodiscard]] std::optional<Row> untoldRow(const std::string& where, std::int64_t count);

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
                    std::int32_t prompt, std::size_t token, Worst& worst, double factor = 1) const;

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
    Worst estimate; // of runs that estimate to first order; its token is always 0
    // ‖surrogate − block‖ of every token [N], both in double on the recorded inputs, give or take rounding; empty where
    // the surrogate is not known. `relative`: over ‖y‖.
    Intervals errors;
    Intervals relative;
    Worst error; // recorded errors below those: no rounding makes an error small
    // Losses of every predicted token [N − P] by the model, and with the surrogate in place.
    std::vector<TokenLoss> ownBase;
    std::vector<TokenLoss> ownStitched;

    // Every loss that was compared is the model's.
    [[nodiscard]] bool holdsLosses() const { return lossBase.ratio <= 1 && lossStitched.ratio <= 1; }

    // A loss or logit with the surrogate in place is beyond its allowance.
    [[nodiscard]] bool needsStitchedProbe() const { return lossStitched.ratio > 1 || topStitched.ratio > 1; }

    // Something is beyond its allowance.
    [[nodiscard]] bool isDoubtful() const;
    // Places where nothing could be told.
    [[nodiscard]] std::int64_t untold() const;

    // A token of a prompt, by the model and by the model with the surrogate in place.
    void seeBase(std::int32_t prompt, const TokenLoss& token, const TokenLogits& logits, const Allowance& allowance);
    void seeStitched(std::int32_t prompt, const TokenLoss& token, const TokenLogits& logits,
                     const Allowance& allowance);
    // What a first-order estimate and its gradient claim of the loss's derivative, and what it is.
    void seeSlope(std::int32_t prompt, double claimed, double computed, double scale, const Allowance& allowance,
                  double factor);
    // Rows model.states, model.mask, model.attention and model.mlp, and where losses were looked at model.loss_base,
    // model.first_order, model.loss_stitched, model.top and model.top_stitched.
    void report(DType baseline, LossMode loss, CheckList& checks) const;
};

}
