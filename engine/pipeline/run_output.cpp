#include "engine/pipeline/run_output.h"

#include "engine/base/run_context.h"
#include "engine/pipeline/measure_cells.h"
#include "engine/protocol/block_rows.h"

#include <algorithm>
#include <utility>

namespace blockcert::pipeline {

namespace {

// What a power failure may lose, in time.
constexpr std::chrono::seconds flushInterval{5};

// Computed but not yet written: what a kill may lose besides the group at work.
std::size_t outputTasksFor(const RunManifest& manifest)
{
    constexpr std::int64_t bytes = std::int64_t{32} << 20;
    std::int64_t longest = 1;
    for (const EncodedPrompt& prompt : manifest.prompts.prompts)
        longest = std::max(longest, static_cast<std::int64_t>(prompt.tokenIds.size()));
    const std::int64_t cell =
        4 * longest * manifest.subject.dModel * storageBlock(manifest.request.baselineDtype).bytes;
    return static_cast<std::size_t>(std::clamp<std::int64_t>(bytes / cell, 2, 16));
}

}

RunOutput::RunOutput(const RunManifest& manifest, certificate::RunWriter& writer, const RunContext& context)
    : m_manifest(manifest)
    , m_writer(writer)
    , m_context(context)
    , m_thread(outputTasksFor(manifest))
{
}

void RunOutput::begin(std::int64_t blocksDone, std::int64_t cellsDone)
{
    m_blocksDone = blocksDone;
    m_cellsDone = cellsDone;
    reportCells(std::nullopt);
}

void RunOutput::add(CellRecord cell)
{
    m_thread.submit([this, finished = std::make_shared<const CellRecord>(std::move(cell))] {
        m_writer.writeCell(*finished);
        flushNowAndThen();
        ++m_cellsDone;
        reportCells(finished->block, finished->prompt.value, m_context.reports() ? cellDetail(*finished) : "");
    });
}

void RunOutput::addLosses(CellRecord losses)
{
    m_thread.submit([this, finished = std::make_shared<const CellRecord>(std::move(losses))] {
        m_writer.writeLosses(*finished);
        flushNowAndThen();
        reportCells(finished->block, finished->prompt.value, m_context.reports() ? lossDetail(*finished) : "");
    });
}

void RunOutput::add(LayerIndex block, std::shared_ptr<const Surrogate> surrogate)
{
    m_thread.submit(
        [this, block, made = std::move(surrogate)] { m_writer.writeSurrogate(block, made->block, made->weights); });
}

void RunOutput::finish(LayerIndex block, std::shared_ptr<const Surrogate> surrogate)
{
    m_thread.submit([this, block, made = std::move(surrogate)] {
        if (made)
            m_writer.writeSurrogate(block, made->block, made->weights);
        const Json row = protocol::blockRow(m_writer.finishBlock(block), m_manifest.prompts);
        flushNowAndThen();
        ++m_blocksDone;
        reportBlock(block, m_context.reports() ? Json({{"block_result", row}}).dump() : "");
        m_rows[block] = row;
    });
}

void RunOutput::add(const BlockFailure& failure, std::size_t cells)
{
    m_thread.submit([this, failure, cells] {
        m_writer.recordFailure(failure);
        ++m_blocksDone;
        m_cellsDone += static_cast<std::int64_t>(cells);
        reportCells(failure.block);
        reportBlock(failure.block, "");
    });
}

// Flushing one file takes longer than computing a small cell: it is done for many together.
void RunOutput::flushNowAndThen()
{
    const auto now = std::chrono::steady_clock::now();
    if (now - m_flushed < flushInterval)
        return;
    m_writer.flush(m_context);
    m_flushed = now;
}

void RunOutput::reportCells(std::optional<LayerIndex> block, std::optional<std::int32_t> prompt, std::string detail)
{
    Progress progress;
    progress.stage = "replay";
    progress.done = m_cellsDone;
    progress.total = static_cast<std::int64_t>(m_manifest.request.blocks.size() * m_manifest.prompts.prompts.size());
    progress.unit = "cells";
    if (block)
        progress.block = block->value;
    progress.prompt = prompt;
    progress.detail = std::move(detail);
    m_context.step(progress);
}

void RunOutput::reportBlock(LayerIndex block, std::string detail)
{
    Progress progress;
    progress.stage = "write";
    progress.done = m_blocksDone;
    progress.total = static_cast<std::int64_t>(m_manifest.request.blocks.size());
    progress.unit = "blocks";
    progress.block = block.value;
    progress.detail = std::move(detail);
    m_context.step(progress);
}

}
