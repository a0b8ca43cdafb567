// Turns finished cells into a run directory that survives a kill at any moment.
#pragma once

#include "engine/base/error.h"
#include "engine/ir/block_ir.h"
#include "engine/values/cell_record.h"
#include "engine/values/certificate.h"
#include "engine/values/run_manifest.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::certificate {

enum class OpenMode : std::uint8_t {
    Create, // the folder must not exist, or be empty
    Resume, // an unfinished or finished run of the same request; it may gain blocks, and prompts at the end
};

// Not thread-safe. One process at a time: a lock file in .work/ is held while open (UsageError if taken). A folder that
// is moved meanwhile keeps what is finished, and nothing is written where it was: RunMovedError (run_place.h).
class RunWriter {
public:
    // Resume with a request that differs is a UsageError listing the differences; the new blocks must contain
    // the old ones and the new prompts begin with the old ones. `childProgram` (see openForeignArchive) is only
    // needed when prompts are added to finished blocks, whose cells are then taken back from their probes.h5.
    RunWriter(const std::filesystem::path& run, const RunManifest& manifest, OpenMode mode,
              const std::filesystem::path& childProgram = {});
    ~RunWriter();
    RunWriter(RunWriter&&) noexcept;
    RunWriter& operator=(RunWriter&&) noexcept;

    // True if the block's certificate is already there and its artifacts have the digests it names.
    [[nodiscard]] bool hasBlock(LayerIndex block) const;
    // True if an intact cell of an unfinished block is there; its losses may be missing.
    [[nodiscard]] bool hasCell(LayerIndex block, PromptIndex prompt) const;
    // True if nothing is missing to that cell: its losses are there too, or the run measures none.
    [[nodiscard]] bool hasLosses(LayerIndex block, PromptIndex prompt) const;

    // Atomic. Throws NumericError if any value is not finite, naming prompt and token. A cell whose losses will only
    // be known later is written without them, and they are added afterwards; the cell must be there.
    void writeCell(const CellRecord& cell);
    void writeLosses(const CellRecord& losses); // block, prompt, losses and highest ids; the rest is not looked at

    // Writes ir.h5. What finishBlock() will say about it is kept in memory only: a resumed run writes it again.
    // `weights` is what the certificate says about the surrogate's weights: nothing for an exact copy.
    void writeSurrogate(LayerIndex block, const ir::BlockIr& ir, const SurrogateWeights& weights = {});
    [[nodiscard]] bool hasSurrogate(LayerIndex block) const;

    // Needs the surrogate and every prompt's cell with its losses. Writes probes.h5 and certificate.json (in this
    // order, each atomically) and returns the certificate: metrics are computed here from the cells.
    Certificate finishBlock(LayerIndex block);

    Certificate finishBlock(LayerIndex block, const ir::BlockIr& ir, const SurrogateWeights& weights = {})
    {
        writeSurrogate(block, ir, weights);
        return finishBlock(block);
    }

    // What has been written so far then survives a power failure too; cells of finished blocks are removed. Without it
    // everything survives the death of this process, and after a power failure damage is noticed by digest. A stop
    // leaves the rest for the next call.
    void flush(const RunContext& context);

    // Where an unfinished run may keep more of itself; removed when it is complete.
    [[nodiscard]] std::filesystem::path workFolder() const;
    // Which program and machine compute: what another one left unfinished is not used.
    [[nodiscard]] const std::string& origin() const;

    // Does work that writes the run. Whatever ends it, a folder that was moved is what the user should hear about.
    template <class Work>
    auto during(const Work& work) const -> decltype(work())
    {
        try {
            return work();
        } catch (const Cancelled&) {
            requirePlace(ExitCode::Interrupted);
            throw;
        } catch (const Error&) {
            requirePlace(ExitCode::ResourceLimit);
            throw;
        }
    }

    // Throws RunMovedError with this exit code if the folder is no longer where it was.
    void requirePlace(ExitCode code) const;

    // The block ends without artifacts (a NaN in the baseline, say); run.json names it, finish() accepts it.
    void recordFailure(const BlockFailure& failure);

    // Needs a certificate or a failure for every block of the request.
    // Flushes; run.json with the final state, SHA256SUMS, .work/ removed. Only now is the run complete.
    void finish();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}
