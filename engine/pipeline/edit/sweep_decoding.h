// Greedy completions of one edit after the other with shared work, token-identical to a generation of its own for each.
#pragma once

#include "engine/generate/greedy.h"
#include "engine/model/batch.h"
#include "engine/model/kv_cache.h"
#include "engine/model/transformer.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

// What one edit gives.
struct SweptEdit {
    std::vector<generate::Completion> completions; // [P]
    double finalPre = 0;       // largest ‖h′ − h‖₂ after the last block, over the prompts' tokens
    double finalPost = 0;      // the same after the final norm
    std::int64_t drafted = 0;  // tokens of drafts that were checked
    std::int64_t accepted = 0; // of those
};

// What is shared: blocks below the edited one and their keys and values do not depend on the edit, so they run once on
// the prompts and on each generated beginning; the completion of the edit before is the draft for the next one, checked
// in one pass through the blocks above instead of a pass a token. Passes that check drafts use the kernels of decoding,
// whose rows do not depend on each other, so a checked token is the one that decoding would have chosen, bit for bit.
// Memory: two caches of all prompts and completions. Not thread-safe.
class SweepDecoding {
public:
    // Decodes the baseline. Throws what generateGreedy() throws. Stage "baseline" (tokens).
    SweepDecoding(model::Transformer& transformer, std::vector<std::vector<TokenId>> prompts,
                  const generate::GreedyOptions& options, const RunContext& context);

    [[nodiscard]] const std::vector<generate::Completion>& baseline() const { return m_baseline; }

    // States of the prompts' tokens before the block that was entered, [prompt rows, d], and the rows of each prompt.
    [[nodiscard]] const at::Tensor& below() const { return m_below; }

    [[nodiscard]] const model::Batch& batch() const { return m_batch; }

    // The edits that follow change nothing below this block. Ascending blocks share what runs below them; for a lower
    // block than the one before it is run again. Drafts begin with the baseline's completions.
    void enter(LayerIndex block, const RunContext& context);
    // Drafts begin with the baseline's completions again.
    void restart();

    // Who is told of new tokens from now on, in place of options.grown.
    void watch(decltype(generate::GreedyOptions::grown) grown) { m_options.grown = std::move(grown); }

    // One edit of the block that was entered, or of that and blocks above it; `taps` edit them. The nearer to the edit
    // before, the more is shared. A run that was stopped leaves nothing behind but the drafts. Throws NumericError
    // where a state or the logits are not finite; another edit may follow.
    [[nodiscard]] SweptEdit run(model::Taps& taps, const RunContext& context);

private:
    struct Draft {
        std::vector<TokenId> ids;
        at::Tensor below; // [fed tokens, d] states before the edited block: of all ids but the last
    };

    void decodeBaseline(const RunContext& context);
    [[nodiscard]] std::vector<Draft> draftsAtTheBottom() const; // the baseline's, before block 0
    // True if the completion goes on.
    [[nodiscard]] bool append(std::int64_t prompt, generate::Completion& completion,
                              const generate::Choice& choice) const;
    // Highest logit of each row, and its margin; decoding kernels.
    [[nodiscard]] std::vector<generate::Choice> choose(const at::Tensor& states, const RunContext& context);
    void check(model::Taps& taps, std::vector<std::int64_t> prompts, SweptEdit& swept, std::vector<std::int64_t>& live,
               const RunContext& context);
    void goOn(model::Taps& taps, std::vector<std::int64_t> live, SweptEdit& swept, const RunContext& context);

    model::Transformer& m_transformer;
    std::vector<std::vector<TokenId>> m_prompts;
    generate::GreedyOptions m_options;
    std::vector<std::int64_t> m_capacity;
    model::Batch m_batch; // of the prompts
    model::KvCache m_baseCache;
    model::KvCache m_cache;
    std::vector<generate::Completion> m_baseline;
    at::Tensor m_finalState; // of the baseline, [prompt rows, d]
    at::Tensor m_finalNormed;

    LayerIndex m_block;
    at::Tensor m_below;                              // states of the prompts before the block, [prompt rows, d]
    std::vector<Draft> m_baseDrafts;                 // the baseline's completions, with their states before the block
    std::vector<Draft> m_drafts;                     // of the edit before
    std::vector<std::vector<at::Tensor>> m_newBelow; // [P] of the edit that runs, behind what it took over
    std::vector<std::int64_t> m_takenOver;           // [P] how many states it took over from its draft
    bool m_whole = true;                             // false: a run was stopped and drafts and cache do not fit
};

}
