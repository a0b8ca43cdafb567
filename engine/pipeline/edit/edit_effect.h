// What an edit does to the native model: deviations of the residual stream, held-out losses, greedy completions.
#pragma once

#include "engine/certificate/edit_metrics.h"
#include "engine/generate/greedy.h"
#include "engine/pipeline/edit/baseline_states.h"
#include "engine/pipeline/edit/edit_session.h"
#include "engine/values/prompt_set.h"

#include <vector>

namespace blockcert::tokenizer {
class Tokenizer;
}

namespace blockcert::pipeline {

// Fills deviation and finalPost for the prompts: blocks from the first edited one on run, the baseline's only where
// their states are not kept. Stage "effect" (blocks). Throws NumericError for a value that is not finite, naming the
// block.
void measureDeviations(model::Transformer& transformer, BaselineStates& baseline, EditSession& session,
                       certificate::EditColumns& columns, const RunContext& context);

// Fills losses, divergence and argmax of the held-out prompts. Stage "predict" (tokens).
void measureHeldout(model::Transformer& transformer, BaselineStates& baseline, EditSession& session,
                    certificate::EditColumns& columns, const RunContext& context);

// The same for one set of prompts that is the run's and the held-out one at once: one pass.
void measureBoth(model::Transformer& transformer, BaselineStates& baseline, EditSession& session,
                 certificate::EditColumns& columns, const RunContext& context);

// ‖edited output − baseline output‖₂ of the edited blocks, each on the baseline's own input, as the native model
// computes them: [blocks, rows], in double from the baseline's dtype.
[[nodiscard]] std::vector<double> nativeErrors(model::Transformer& transformer, BaselineStates& baseline,
                                               EditSession& session, const std::vector<LayerIndex>& blocks,
                                               const RunContext& context);

// True if the model with the neutral taps has the baseline's final states, bit for bit.
[[nodiscard]] bool isUnchanged(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                               const Patch& patch, const edit::PatchTensors& tensors, const RunContext& context);

// Greedy completions; a prompt that leaves no room gets none. Stage "generate" (tokens).
[[nodiscard]] certificate::CompletionColumns complete(model::Transformer& transformer,
                                                      const std::vector<std::vector<TokenId>>& prompts,
                                                      std::int64_t maxNew, const std::vector<TokenId>& stop,
                                                      model::Taps* taps, const RunContext& context);

// The prompts that leave room for a token, and what became of all: `done` are the completions of those with room.
[[nodiscard]] std::vector<std::vector<TokenId>> withRoom(const std::vector<std::vector<TokenId>>& prompts,
                                                         std::int64_t limit);
[[nodiscard]] certificate::CompletionColumns columnsOf(const std::vector<std::vector<TokenId>>& prompts,
                                                       const std::vector<generate::Completion>& done,
                                                       std::int64_t maxNew, std::int64_t limit);
[[nodiscard]] CompletionEnd endOf(const generate::Completion& completion, std::int64_t maxNew);

// What the tokenizer makes of them.
[[nodiscard]] std::vector<CompletionText> textsOf(const certificate::CompletionColumns& completions,
                                                  const tokenizer::Tokenizer& tokenizer);
// One row a prompt, not labelled.
[[nodiscard]] std::vector<RefusalRow> rowsOf(const PromptSet& prompts, const certificate::CompletionColumns& before,
                                             const certificate::CompletionColumns& after,
                                             const tokenizer::Tokenizer& tokenizer);

}
