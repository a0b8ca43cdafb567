// How far the one pass is that measures all losses: in rows of blocks, the head counted as so many of them.
#pragma once

#include "engine/base/run_context.h"
#include "engine/values/ids.h"
#include "engine/values/transformer_config.h"

#include <cstdint>

namespace blockcert::pipeline {

class LossProgress {
public:
    LossProgress(const TransformerConfig& config, const RunContext& context);

    // So many tokens will go from block `from` to the end, head included.
    void plan(LayerIndex from, std::int64_t tokens);

    void reportRows(std::int64_t tokens); // behind one more block
    void reportHead(std::int64_t tokens); // behind the head

private:
    const RunContext& m_context;
    std::int64_t m_layers;
    std::int64_t m_headWeight; // blocks that the head is as large as
    Progress m_progress;
};

}
