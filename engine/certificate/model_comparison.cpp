#include "engine/certificate/model_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace blockcert::certificate {

namespace {

constexpr std::size_t recordedTops = 5;

Row blockRow(const char* id, const char* title, const std::string& where, const Worst& worst, double allowed,
             DType baseline)
{
    return worstRow(Row(id, group::reEvaluation, where, title), worst,
                    "whole model in double, within " + exactText(allowed) + " for " + std::string(nameOf(baseline)),
                    "the model computes");
}

// Part of `how`.
std::string wideningOf(const Worst& worst)
{
    std::string text;
    if (worst.widened > 0)
        text = fmt::format(", and up to {} times that at {} where rounding is carried that far",
                           exactText(std::ceil(worst.widest)), counted(worst.widened, "place"));
    if (worst.untold > 0)
        text += fmt::format("; not compared at {}, where rounding alone may move all of it",
                            counted(worst.untold, "place"));
    return text;
}

}

std::optional<Row> untoldRow(const std::string& where, std::int64_t count)
{
    if (count == 0)
        return std::nullopt;
    Row row("model.untold", group::reEvaluation, where, "Numbers that rounding alone may move altogether");
    row.optional().notChecked(fmt::format(
        "{} of recorded numbers with the model in double could not be made: there rounding in the baseline's dtype "
        "may move all of the number.",
        counted(count, "comparison")));
    return row;
}

Row worstRow(Row row, const Worst& worst, const std::string& how, const std::string& computes)
{
    if (worst.ratio < 0 && worst.untold > 0)
        return row.how(how).optional().notChecked("Rounding alone may move all of it, at every place.");
    const std::string at = "prompt " + std::to_string(worst.prompt) + ", token " + std::to_string(worst.token);
    return row.how(how + wideningOf(worst))
        .issuer(exactText(worst.recorded))
        .recomputed(exactText(worst.computed))
        .note("widest at " + at + ": " + exactText(worst.ratio) + " of the allowance")
        .passedIf(worst.ratio <= 1,
                  "At " + at + " the recorded value (" + exactText(worst.recorded) + ") is not what " + computes +
                      (std::isfinite(worst.ratio)
                           ? " (" + exactText(worst.computed) + "): " + exactText(worst.ratio) + " times the allowance."
                           : "."));
}

// Measured with the demo model (135 M parameters, 30 blocks, 1382 tokens of three prompt sets): the largest deviations
// were F32 3.3e-6, 4.2e-5, 5.5e-5 · F16 7.0e-3, 0.078, 0.11 · BF16 0.057, 0.77, 1.07.
Allowance allowanceFor(DType baseline)
{
    switch (baseline) {
    case DType::BF16: return {0.3, 4.0, 5.0, 0};
    case DType::F16: return {0.07, 0.8, 1.0, 0};
    default: return {1e-4, 5e-4, 2e-3, 5e-4};
    }
}

void Worst::see(double difference, double allowed, std::int32_t p, std::size_t t, double recordedValue,
                double computedValue, double factor)
{
    double found = difference == 0 ? 0 : difference / allowed;
    if (found > 1 && factor > 1) {
        if (std::isinf(factor)) {
            ++untold;
            return;
        }
        ++widened;
        widest = std::max(widest, factor);
        found /= factor;
    }
    const bool isFirstNoNumber = std::isnan(found) && !std::isinf(ratio); // it agrees with nothing
    if (!isFirstNoNumber && !(found > ratio))
        return;
    ratio = isFirstNoNumber ? HUGE_VAL : found;
    prompt = p;
    token = t;
    recorded = recordedValue;
    computed = computedValue;
}

TokenLogits::TokenLogits(std::span<const double> logits)
    : m_logits(logits)
    , m_highest(logits.size())
{
    // One more than is recorded: among six there is always one that the five do not name.
    const std::size_t kept = std::min(recordedTops + 1, logits.size());
    std::iota(m_highest.begin(), m_highest.end(), 0);
    std::partial_sort(m_highest.begin(), m_highest.begin() + static_cast<std::ptrdiff_t>(kept), m_highest.end(),
                      [&](std::int32_t a, std::int32_t b) {
                          return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
                      });
    m_highest.resize(kept);
}

void TokenLogits::compareTop(std::span<const std::int32_t> ids, std::span<const double> recorded, double allowed,
                             std::int32_t prompt, std::size_t token, Worst& worst, double factor) const
{
    for (std::size_t k = 0; k < ids.size(); ++k) {
        const bool known = ids[k] >= 0 && static_cast<std::size_t>(ids[k]) < m_logits.size();
        const bool distinct = std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(k), ids[k]) ==
                              ids.begin() + static_cast<std::ptrdiff_t>(k);
        const bool falling = k == 0 || recorded[k] <= recorded[k - 1];
        if (!known || !distinct || !falling) {
            worst.see(HUGE_VAL, allowed, prompt, token, recorded[k], 0);
            return;
        }
        const double logit = m_logits[static_cast<std::size_t>(ids[k])];
        worst.see(std::abs(recorded[k] - logit), allowed, prompt, token, recorded[k], logit, factor);
    }
    for (const std::int32_t id : m_highest) {
        if (std::find(ids.begin(), ids.end(), id) != ids.end())
            continue;
        const double missed = m_logits[static_cast<std::size_t>(id)];
        worst.see(missed - recorded.back(), allowed, prompt, token, recorded.back(), missed, factor);
        return;
    }
}

namespace {

std::span<const std::int32_t> five(const std::vector<std::int32_t>& ids, std::size_t token)
{
    return std::span(ids).subspan(recordedTops * token, recordedTops);
}

std::span<const double> five(const std::vector<double>& logits, std::size_t token)
{
    return std::span(logits).subspan(recordedTops * token, recordedTops);
}

}

std::optional<MaskFault> maskFault(const HostTensor& mask, std::int32_t prompt)
{
    const std::int64_t tokens = mask.shape.at(0);
    for (std::int64_t token = 0; token < tokens; ++token)
        for (std::int64_t key = 0; key < tokens; ++key)
            if (mask.bytes[static_cast<std::size_t>(token * tokens + key)] !=
                (key <= token ? std::byte{1} : std::byte{0}))
                return MaskFault{prompt, token, key};
    return std::nullopt;
}

bool BlockComparison::isDoubtful() const
{
    const auto isBeyond = [](const Worst& worst) { return worst.ratio > 1; };
    return isBeyond(state) || (attention && isBeyond(*attention)) || (mlp && isBeyond(*mlp)) || isBeyond(lossBase) ||
           isBeyond(top) || isBeyond(estimate) || needsStitchedProbe();
}

std::int64_t BlockComparison::untold() const
{
    std::int64_t count =
        state.untold + lossBase.untold + lossStitched.untold + top.untold + topStitched.untold + estimate.untold;
    for (const std::optional<Worst>& sublayer : {attention, mlp})
        count += sublayer ? sublayer->untold : 0;
    return count;
}

void BlockComparison::seeBase(std::int32_t prompt, const TokenLoss& token, const TokenLogits& logits,
                              const Allowance& allowance)
{
    const CellRecord& cell = cells[static_cast<std::size_t>(prompt)];
    const std::size_t t = token.token;
    if (token.predicts) {
        ownBase.push_back(token);
        lossBase.see(std::abs(cell.lossBase[t] - token.loss), allowance.loss, prompt, t + 1, cell.lossBase[t],
                     token.loss, token.factor);
    }
    if (cell.topIdBase.empty())
        return; // a run that estimates to first order records none
    logits.compareTop(five(cell.topIdBase, t), five(cell.topLogitBase, t), allowance.logit, prompt, t, top,
                      token.factor);
}

void BlockComparison::seeStitched(std::int32_t prompt, const TokenLoss& token, const TokenLogits& logits,
                                  const Allowance& allowance)
{
    const CellRecord& cell = cells[static_cast<std::size_t>(prompt)];
    const std::size_t t = token.token;
    if (token.predicts) {
        ownStitched.push_back(token);
        lossStitched.see(std::abs(cell.lossStitched[t] - token.loss), allowance.loss, prompt, t + 1,
                         cell.lossStitched[t], token.loss, token.factor);
    }
    logits.compareTop(five(cell.topIdStitched, t), five(cell.topLogitStitched, t), allowance.logit, prompt, t,
                      topStitched, token.factor);
}

void BlockComparison::seeSlope(std::int32_t prompt, double claimed, double computed, double scale,
                               const Allowance& allowance, double factor)
{
    const double difference = std::abs(claimed - computed);
    const double allowed = allowance.slope * scale;
    const bool known = std::isfinite(difference) && (difference == 0 || allowed > 0);
    estimate.see(known ? difference : HUGE_VAL, allowed > 0 ? allowed : 1, prompt, 0, claimed, computed,
                 known ? factor : 1);
}

void BlockComparison::report(DType baseline, LossMode loss, CheckList& checks) const
{
    const Allowance allowance = allowanceFor(baseline);
    checks.add(blockRow("model.states", "Recorded states are the model's", where, state, allowance.state, baseline));
    Row causal("model.mask", group::reEvaluation, where, "Recorded mask is the model's");
    causal.how("compared with the causal one, element by element");
    checks.add(mask ? causal.failed(fmt::format(
                          "In prompt {} token {} {} token {}; the model attends causally.", mask->prompt, mask->token,
                          mask->key <= mask->token ? "does not attend to" : "attends to", mask->key))
                    : causal.passedIf(true, ""));
    if (attention)
        checks.add(blockRow("model.attention", "Recorded outputs of attention are the model's", where, *attention,
                            allowance.state, baseline));
    if (mlp)
        checks.add(blockRow("model.mlp", "Recorded outputs of the MLP are the model's", where, *mlp, allowance.state,
                            baseline));
    if (const std::optional<Row> row = untoldRow(where, untold()))
        checks.add(*row);
    if (error.ratio >= 0)
        checks.add(worstRow(Row("model.error", group::reEvaluation, where, "No error is smaller than the model's own"),
                            error,
                            "surrogate and block in double on the recorded inputs, within " + exactText(errorSlack) +
                                " times " + exactText(roundingWidthFor(baseline).output) + " of the token's norm for " +
                                std::string(nameOf(baseline)),
                            "surrogate and block are apart by"));
    if (loss == LossMode::None)
        return;
    if (lossBase.ratio >= 0)
        checks.add(
            blockRow("model.loss_base", "Baseline losses are the model's", where, lossBase, allowance.loss, baseline));
    const bool exact = loss == LossMode::Exact;
    if (lossStitched.ratio >= 0)
        checks.add(blockRow("model.loss_stitched", "Losses with the surrogate in place", where, lossStitched,
                            allowance.loss, baseline));
    else if (estimate.ratio >= 0)
        checks.add(blockRow("model.first_order", "Loss change estimated (first order), and its gradient's length",
                            where, estimate, allowance.slope, baseline));
    else if (!unknownSurrogate.empty())
        checks.add(Row(exact ? "model.loss_stitched" : "model.first_order", group::reEvaluation, where,
                       exact ? "Losses with the surrogate in place" : "Loss change estimated (first order)")
                       .notChecked(unknownSurrogate));
    if (top.ratio >= 0)
        checks.add(blockRow("model.top", "Highest logits are the model's", where, top, allowance.logit, baseline));
    if (topStitched.ratio >= 0)
        checks.add(blockRow("model.top_stitched", "Highest logits with the surrogate in place", where, topStitched,
                            allowance.logit, baseline));
}

}
