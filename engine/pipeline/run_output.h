// Writes what the certifier has finished, in the background and in order, and says so: cells, losses, surrogates,
// certificates, failures.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/run_writer.h"
#include "engine/pipeline/output_thread.h"
#include "engine/pipeline/surrogate.h"
#include "engine/values/cell_record.h"
#include "engine/values/run_manifest.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

// The writer belongs to the output thread from the first thing that is added until drain(). What a task throws comes
// out of the next call.
class RunOutput {
public:
    RunOutput(const RunManifest& manifest, certificate::RunWriter& writer, const RunContext& context);

    // How much was there before; reports it. Before anything is added.
    void begin(std::int64_t blocksDone, std::int64_t cellsDone);

    void add(CellRecord cell);
    void addLosses(CellRecord losses); // of a cell that is there
    void add(LayerIndex block, std::shared_ptr<const Surrogate> surrogate);
    // The block's certificate; before it the surrogate, where one is given.
    void finish(LayerIndex block, std::shared_ptr<const Surrogate> surrogate = nullptr);
    // `cells`: how many of the block's cells will now never be measured.
    void add(const BlockFailure& failure, std::size_t cells);

    void drain() { m_thread.drain(); }

    // Of the certificates that were written, as `show` has them; after drain().
    [[nodiscard]] const std::map<LayerIndex, Json>& rows() const { return m_rows; }

private:
    void flushNowAndThen();
    void reportCells(std::optional<LayerIndex> block, std::optional<std::int32_t> prompt = std::nullopt,
                     std::string detail = "");
    void reportBlock(LayerIndex block, std::string detail);

    const RunManifest& m_manifest;
    certificate::RunWriter& m_writer;
    const RunContext& m_context;
    // Of the output thread.
    std::chrono::steady_clock::time_point m_flushed = std::chrono::steady_clock::now();
    std::int64_t m_cellsDone = 0;
    std::int64_t m_blocksDone = 0;
    std::map<LayerIndex, Json> m_rows;
    OutputThread m_thread; // last: it ends before what its tasks use
};

}
