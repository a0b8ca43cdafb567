// Greedy decoding with a cache: several prompts at once, each ending on its own.
#pragma once

#include "engine/generate/highest_logit.h"
#include "engine/values/ids.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {
class Taps;
class Transformer;
}

namespace blockcert::generate {

struct Completion {
    std::vector<TokenId> ids;   // without the prompt
    std::vector<double> margin; // per id: its logit minus the second highest
    bool stopped = false;       // false: ended by maxNew or by the model's context
};

struct GreedyOptions {
    std::int64_t maxNew = 64;
    model::Taps* taps = nullptr; // of every pass; they may edit what they see
    std::vector<TokenId> stop;   // a completion ends with the first of these, which is part of it
    // Told of every token as it is chosen, and whether the completion goes on.
    std::function<void(std::int64_t prompt, const Completion& completion, bool goesOn)> grown;
};

// How many tokens each prompt and its completion may have together. Throws UsageError for an empty prompt or one that
// fills the whole context.
[[nodiscard]] std::vector<std::int64_t> capacitiesOf(std::span<const std::vector<TokenId>> prompts, std::int64_t maxNew,
                                                     std::int64_t context);

// Adds the token that was chosen, tells `options.grown`, and says whether the completion goes on. `prompt` has
// `promptTokens` tokens, and `capacity` with its completion. Throws NumericError where the logits that it was chosen
// from were none, or infinite.
bool extend(Completion& completion, const Choice& choice, std::int64_t prompt, std::size_t promptTokens,
            std::int64_t capacity, const GreedyOptions& options);

// The highest logit at each step, the lowest id on ties. One completion per prompt; a prompt's completion does not
// depend on the other prompts. Reports stage "generate" in tokens. Throws UsageError for an empty prompt or one that
// fills the whole context, and what extend() throws.
[[nodiscard]] std::vector<Completion> generateGreedy(model::Transformer& transformer,
                                                     std::span<const std::vector<TokenId>> prompts,
                                                     const GreedyOptions& options, const RunContext& context);

}
