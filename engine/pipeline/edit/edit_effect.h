// What an edit does to the native model: deviations of the residual stream, held-out losses, greedy completions.
#pragma once

#include "engine/certificate/edit_metrics.h"
#include "engine/pipeline/edit/edit_session.h"
#include "engine/values/prompt_set.h"

#include <vector>

namespace blockcert::tokenizer {
class Tokenizer;
}

namespace blockcert::pipeline {

// Fills deviation and finalPost for the prompts. Stage "effect" (blocks). Throws NumericError for a value that is not
// finite, naming the block.
void measureDeviations(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                       EditSession& session, certificate::EditColumns& columns, const RunContext& context);

// Fills losses, divergence and argmax of the held-out prompts. Stage "held out" and "predict" (tokens).
void measureHeldout(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                    EditSession& session, certificate::EditColumns& columns, const RunContext& context);

// True if the model with the neutral taps has the baseline's final states, bit for bit.
[[nodiscard]] bool isUnchanged(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                               const Patch& patch, const edit::PatchTensors& tensors, const RunContext& context);

// Greedy completions; a prompt that leaves no room gets none. Stage "generate" (tokens).
[[nodiscard]] certificate::CompletionColumns complete(model::Transformer& transformer,
                                                      const std::vector<std::vector<TokenId>>& prompts,
                                                      std::int64_t maxNew, const std::vector<TokenId>& stop,
                                                      model::Taps* taps, const RunContext& context);

// What the tokenizer makes of them.
[[nodiscard]] std::vector<CompletionText> textsOf(const certificate::CompletionColumns& completions,
                                                  const tokenizer::Tokenizer& tokenizer);

}
