// What a model predicts after a token: the five highest logits, and as much of their probabilities as is known.
#pragma once

#include "widgets/values.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace blockcert::widgets {

struct Prediction {
    TopFive top;
    std::optional<std::int32_t> next; // the token that follows in the prompt
    double nextLoss = missing;        // its −log p, nats
};

struct Likelihood {
    double value = missing;
    bool isUpperBound = false;

    friend bool operator==(const Likelihood&, const Likelihood&) = default;
};

// The prediction after a token of the map: the original's, or the one with the block's surrogate in its place.
[[nodiscard]] Prediction predictionOf(const TokenMap& map, const CellKey& key, bool surrogate);
// One likelihood for each of the five. A run keeps five logits and the loss of the token that follows: where that token
// is among the five, −log p = log Z − logit gives Z and so every probability. Otherwise Z is only known to be at
// least the sum of the five (and of the following token's share), which bounds them from above.
[[nodiscard]] std::vector<Likelihood> likelihoodsOf(const Prediction& prediction);
// By how many ranks each of the surrogate's five moved up against the original's five; nothing for one that is new.
[[nodiscard]] std::vector<std::optional<int>> rankShifts(const TopFive& original, const TopFive& surrogate);

}
