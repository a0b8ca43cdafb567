#include "widgets/next_tokens.h"

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

std::ptrdiff_t indexOf(const TopFive& top, std::int32_t id)
{
    const auto found = std::find_if(top.begin(), top.end(), [id](const Candidate& c) { return c.id == id; });
    return found == top.end() ? -1 : found - top.begin();
}

}

Prediction predictionOf(const TokenMap& map, const CellKey& key, bool surrogate)
{
    Prediction prediction;
    const int column = map.columnOf(key.block);
    if (column < 0 || !key.isValid())
        return prediction;
    const MapCell* cell = map.cell(static_cast<std::size_t>(column), static_cast<std::size_t>(key.prompt));
    if (cell == nullptr)
        return prediction;
    const auto at = static_cast<std::size_t>(key.token);
    const std::vector<TopFive>& tops = surrogate ? cell->topStitched : cell->topBase;
    const std::vector<double>& losses = surrogate ? cell->lossStitched : cell->lossBase;
    if (at < tops.size())
        prediction.top = tops[at];
    const std::vector<Token>& tokens = map.prompts[static_cast<std::size_t>(key.prompt)].tokens;
    if (at + 1 < tokens.size()) {
        prediction.next = tokens[at + 1].id;
        prediction.nextLoss = at + 1 < losses.size() ? losses[at + 1] : missing;
    }
    return prediction;
}

std::vector<Likelihood> likelihoodsOf(const Prediction& prediction)
{
    const TopFive& top = prediction.top;
    std::vector<Likelihood> result(top.size());
    const bool complete =
        !top.empty() && std::none_of(top.begin(), top.end(), [](const Candidate& c) { return isMissing(c.logit); });
    if (!complete)
        return result;
    const double largest = top.front().logit;
    const bool lossKnown = prediction.next && !isMissing(prediction.nextLoss);
    const std::ptrdiff_t next = lossKnown ? indexOf(top, *prediction.next) : -1;
    // All in units of exp(largest), so that nothing overflows.
    double total = 0;
    if (next >= 0) {
        total = std::exp(top[static_cast<std::size_t>(next)].logit - largest + prediction.nextLoss);
    } else {
        for (const Candidate& candidate : top)
            total += std::exp(candidate.logit - largest);
        if (lossKnown) // the five share what the following token leaves
            total /= -std::expm1(-prediction.nextLoss);
    }
    for (std::size_t i = 0; i < top.size(); ++i)
        result[i] = {std::min(1.0, std::exp(top[i].logit - largest) / total), next < 0};
    return result;
}

std::vector<std::optional<int>> rankShifts(const TopFive& original, const TopFive& surrogate)
{
    std::vector<std::optional<int>> shifts;
    for (std::size_t i = 0; i < surrogate.size(); ++i) {
        const std::ptrdiff_t before = indexOf(original, surrogate[i].id);
        shifts.push_back(before < 0 ? std::nullopt : std::optional(static_cast<int>(before) - static_cast<int>(i)));
    }
    return shifts;
}

}
