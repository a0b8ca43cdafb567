// What stays in memory between two looks at an edit: the baseline's states on the prompts, its completions, and the
// programs of the blocks that are edited.
#pragma once

#include "engine/ir/block_ir.h"
#include "engine/pipeline/edit/baseline_states.h"
#include "engine/pipeline/edit/edit_session.h"
#include "engine/pipeline/edit/sweep_decoding.h"
#include "engine/pipeline/loaded_model.h"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace blockcert::pipeline {

// Kept with the weights that were loaded. Not thread-safe.
class EditLab : public KeptWithModel {
public:
    using Prompts = std::vector<std::vector<TokenId>>;
    using Grown = decltype(generate::GreedyOptions::grown);

    // The one of these weights, made if there is none.
    [[nodiscard]] static EditLab& of(ModelCache::State& state, model::Transformer& transformer);

    explicit EditLab(model::Transformer& transformer);

    // Run now unless they are kept; valid until two other sets of prompts were asked for. Stage "prepare" (blocks).
    [[nodiscard]] BaselineStates& states(const Prompts& prompts, const RunContext& context);

    // Completions of one set of prompts, each of which leaves room for a token.
    struct Completions {
        Prompts prompts;
        generate::GreedyOptions options;
        std::vector<generate::Completion> before; // the baseline's
        std::optional<SweepDecoding> decoding;    // absent where its caches would not fit
        std::optional<LayerIndex> entered;
    };

    // Decodes the baseline unless that is kept; nothing may be laid over the model's matrices. Valid until the next
    // call. Polls the context; reports to `grown` alone.
    [[nodiscard]] Completions& completions(const Prompts& prompts, const generate::GreedyOptions& options,
                                           const RunContext& context);

    // Token-identical to generateGreedy() with the session's taps.
    [[nodiscard]] std::vector<generate::Completion> edited(Completions& completions, EditSession& session,
                                                           const Grown& grown, const RunContext& context);

    // Programs with weights, at least of these blocks. They stay until dropLargePrograms() finds them to be too much.
    [[nodiscard]] const std::map<LayerIndex, ir::BlockIr>&
    blocks(const artifact::Checkpoint& checkpoint, const std::vector<LayerIndex>& wanted, const RunContext& context);
    void dropLargePrograms();

private:
    [[nodiscard]] std::int64_t cacheBytes(const Prompts& prompts, std::int64_t maxNew) const;

    model::Transformer& m_transformer;
    std::int64_t m_available;                                                // bytes of memory when this was made
    std::list<std::pair<Prompts, std::unique_ptr<BaselineStates>>> m_states; // used last in front
    std::list<Completions> m_completions;                                    // used last in front
    std::map<LayerIndex, ir::BlockIr> m_blocks;
};

}
