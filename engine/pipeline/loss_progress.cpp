#include "engine/pipeline/loss_progress.h"

#include "engine/model/weights.h"

#include <algorithm>

namespace blockcert::pipeline {

LossProgress::LossProgress(const TransformerConfig& config, const RunContext& context)
    : m_context(context)
    , m_layers(config.layers)
    , m_headWeight(
          std::max<std::int64_t>(1, std::int64_t{config.vocab} * config.dModel / model::countParameters(config).block))
{
    m_progress.stage = "loss";
    m_progress.unit = "rows";
}

void LossProgress::plan(LayerIndex from, std::int64_t tokens)
{
    m_progress.total += tokens * (m_layers - from.value + m_headWeight);
}

void LossProgress::reportRows(std::int64_t tokens)
{
    m_progress.done = std::min(m_progress.total, m_progress.done + tokens);
    m_context.step(m_progress);
}

void LossProgress::reportHead(std::int64_t tokens)
{
    reportRows(m_headWeight * tokens);
}

}
