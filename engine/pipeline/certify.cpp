#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_writer.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/baseline_states.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/measure_cells.h"
#include "engine/pipeline/open_surrogates.h"
#include "engine/pipeline/output_thread.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/run_request.h"
#include "engine/pipeline/surrogate.h"
#include "engine/protocol/block_rows.h"
#include "engine/replay/torch_interpreter.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;
using certificate::RunWriter;
using model::Batch;

// Rows that are replayed and judged together: enough for the matrix products, few enough that a kill loses little.
constexpr std::int64_t groupRows = 512;

// Refused before gigabytes are loaded; RunWriter decides again when it opens the folder.
void requireFreshFolder(const fs::path& out)
{
    std::error_code problem;
    if (fs::exists(out, problem) && !fs::is_directory(out, problem))
        throw UsageError(out.string() + " is a file; choose another name for the run directory.");
    if (fs::exists(out / certificate::manifestName, problem))
        throw UsageError("The folder " + out.string() +
                         " is not empty; choose another one, or continue the run in it with --resume.");
}

// Computes blocks while the ones before are written. The writer, the counts and the failures belong to the output
// thread from the first submitted task until it is drained.
class Certifier {
public:
    Certifier(const Surrogates& surrogates, model::Transformer& transformer, RunManifest manifest,
              model::TilingChoice replayTiling, RunWriter& writer, const RunContext& context)
        : m_surrogates(surrogates)
        , m_transformer(transformer)
        , m_manifest(std::move(manifest))
        , m_replayTiling(std::move(replayTiling))
        , m_writer(writer)
        , m_context(context)
        , m_prompts(static_cast<std::int64_t>(m_manifest.prompts.prompts.size()))
    {
    }

    void run()
    {
        findMissingCells();
        reportCells(std::nullopt);
        if (!m_wanted.empty()) {
            const bool losses = m_manifest.request.loss == LossMode::Exact;
            BaselineStates baseline(m_transformer, tokenIdsOf(m_manifest.prompts), m_wanted,
                                    losses ? BaselineStates::Losses::Measure : BaselineStates::Losses::Skip, m_context);
            OutputThread output(outputTasks);
            for (std::size_t i = 0; i < m_wanted.size(); ++i)
                certifyBlock(baseline, m_wanted[i], m_missing[i], output);
            output.drain();
        }
        m_writer.finish();
    }

    [[nodiscard]] const std::vector<BlockFailure>& failures() const { return m_failures; }

private:
    // Computed but not yet written: what a kill may lose besides the group at work.
    static constexpr std::size_t outputTasks = 16;

    void findMissingCells()
    {
        for (const LayerIndex block : m_manifest.request.blocks) {
            if (m_writer.hasBlock(block)) {
                ++m_blocksDone;
                continue;
            }
            std::vector<std::int64_t> missing;
            for (std::int64_t prompt = 0; prompt < m_prompts; ++prompt)
                if (!m_writer.hasCell(block, PromptIndex{static_cast<std::int32_t>(prompt)}))
                    missing.push_back(prompt);
            m_cellsDone += m_prompts - static_cast<std::int64_t>(missing.size());
            m_wanted.push_back(block);
            m_missing.push_back(std::move(missing));
        }
        m_cellsDone += m_blocksDone * m_prompts;
    }

    void certifyBlock(BaselineStates& baseline, LayerIndex block, const std::vector<std::int64_t>& missing,
                      OutputThread& output)
    {
        m_context.step();
        const BlockTrace trace = baseline.trace(block, m_context);
        if (const auto bad = firstBadPlace(trace, baseline.predictions(), baseline.batch())) {
            output.submit([this, block, bad, missing] { fail(block, "non_finite_baseline", *bad, missing.size()); });
            return;
        }
        const auto surrogate =
            std::make_shared<const Surrogate>(m_surrogates.block(block, baseline.batch().longest(), m_context));
        std::size_t left = missing.size();
        if (left > 0) {
            replay::TorchInterpreter interpreter(surrogate->block, m_manifest.request.replayDtype,
                                                 m_transformer.device(), m_replayTiling.tiling, m_context);
            for (const std::vector<std::int64_t>& group : groupsOf(missing, baseline.batch())) {
                std::vector<CellRecord> cells = measureGroup(baseline, trace, block, interpreter, group);
                for (CellRecord& cell : cells) {
                    if (const auto token = firstBadToken(cell)) {
                        const BadPlace bad{"a value of the surrogate", cell.prompt.value, *token};
                        output.submit([this, block, bad, left] { fail(block, "non_finite_replay", bad, left); });
                        return;
                    }
                    const auto finished = std::make_shared<const CellRecord>(std::move(cell));
                    output.submit([this, finished] { write(*finished); });
                    --left;
                }
            }
        }
        output.submit([this, block, surrogate] { finish(block, *surrogate); });
    }

    std::vector<CellRecord> measureGroup(const BaselineStates& baseline, const BlockTrace& trace, LayerIndex block,
                                         replay::TorchInterpreter& interpreter, const std::vector<std::int64_t>& group)
    {
        const Batch& all = baseline.batch();
        Batch batch;
        std::vector<at::Tensor> inputs;
        for (const std::int64_t prompt : group) {
            batch.add(all.count(prompt));
            inputs.push_back(trace.input.narrow(0, all.begin(prompt), all.count(prompt)));
        }
        const std::vector<ir::BlockReplay> replays = interpreter.run(at::cat(inputs), batch, m_context);
        std::vector<CellRecord> cells;
        for (std::size_t i = 0; i < group.size(); ++i)
            cells.push_back(measureCell(trace, all, block, group[i], replays[i]));
        if (m_manifest.request.loss == LossMode::Exact)
            measureLosses(baseline, block, replays, cells);
        return cells;
    }

    // The losses of the model with this one block replaced: ŷ rounded once, then the baseline's own blocks.
    void measureLosses(const BaselineStates& baseline, LayerIndex block, const std::vector<ir::BlockReplay>& replays,
                       std::vector<CellRecord>& cells)
    {
        Batch batch;
        std::vector<at::Tensor> states;
        std::vector<TokenId> ids;
        std::vector<std::size_t> changed; // cells whose losses have to be computed
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::int64_t prompt = cells[i].prompt.value;
            const model::Predictions base = predictionsOf(baseline.predictions(), baseline.batch(), prompt);
            const HostTensor rounded = roundedOutput(replays[i], m_manifest.subject.dModel, m_transformer.dtype());
            if (m_transformer.batchInvariant() && rounded.bytes == cells[i].output.bytes) {
                addLosses(cells[i], base, base); // the same state gives the same bits
                continue;
            }
            addLosses(cells[i], base, base);
            changed.push_back(i);
            batch.add(rounded.shape[0]);
            states.push_back(model::toTensor(rounded, m_transformer.device()));
            const auto& tokens = m_manifest.prompts.prompts[static_cast<std::size_t>(prompt)].tokenIds;
            ids.insert(ids.end(), tokens.begin(), tokens.end());
        }
        if (changed.empty())
            return;
        const at::Tensor last =
            m_transformer.forwardFrom(LayerIndex{block.value + 1}, at::cat(states), batch, {}, m_context);
        const model::Predictions stitched = model::predict(m_transformer, last, batch, ids, m_context);
        for (std::size_t i = 0; i < changed.size(); ++i) {
            CellRecord& cell = cells[changed[i]];
            model::Predictions own = predictionsOf(stitched, batch, static_cast<std::int64_t>(i));
            cell.lossStitched = std::move(own.nll);
            cell.topIdStitched = std::move(own.topId);
            cell.topLogitStitched = std::move(own.topLogit);
        }
    }

    static std::vector<std::vector<std::int64_t>> groupsOf(const std::vector<std::int64_t>& prompts, const Batch& batch)
    {
        std::vector<std::vector<std::int64_t>> groups;
        std::int64_t rows = groupRows;
        for (const std::int64_t prompt : prompts) {
            if (rows + batch.count(prompt) > groupRows) {
                groups.emplace_back();
                rows = 0;
            }
            groups.back().push_back(prompt);
            rows += batch.count(prompt);
        }
        return groups;
    }

    void write(const CellRecord& cell)
    {
        m_writer.writeCell(cell);
        ++m_cellsDone;
        reportCells(cell.block, cell.prompt.value, cellDetail(cell));
    }

    void finish(LayerIndex block, const Surrogate& surrogate)
    {
        const Certificate certificate = m_writer.finishBlock(block, surrogate.block, surrogate.weights);
        ++m_blocksDone;
        const Json detail = {{"block_result", protocol::blockRow(certificate, m_manifest.prompts)}};
        reportBlock(block, detail.dump());
    }

    // `cells`: how many of the block's cells will now never be measured.
    void fail(LayerIndex block, const std::string& code, const BadPlace& bad, std::size_t cells)
    {
        const std::string where = "prompt " + std::to_string(bad.prompt) + ", token " + std::to_string(bad.token);
        m_failures.push_back({block, code, where,
                              "Block " + std::to_string(block.value) + " has no certificate: at " + where + " " +
                                  bad.what + " is not finite; another --dtype may help."});
        m_writer.recordFailure(m_failures.back());
        ++m_blocksDone;
        m_cellsDone += static_cast<std::int64_t>(cells);
        reportCells(block);
        reportBlock(block, "");
    }

    void reportCells(std::optional<LayerIndex> block, std::optional<std::int32_t> prompt = std::nullopt,
                     std::string detail = "")
    {
        Progress progress;
        progress.stage = "replay";
        progress.done = m_cellsDone;
        progress.total = static_cast<std::int64_t>(m_manifest.request.blocks.size()) * m_prompts;
        progress.unit = "cells";
        if (block)
            progress.block = block->value;
        progress.prompt = prompt;
        progress.detail = std::move(detail);
        m_context.step(progress);
    }

    void reportBlock(LayerIndex block, std::string detail)
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

    const Surrogates& m_surrogates;
    model::Transformer& m_transformer;
    RunManifest m_manifest;
    model::TilingChoice m_replayTiling;
    RunWriter& m_writer;
    const RunContext& m_context;
    std::int64_t m_prompts;
    std::vector<LayerIndex> m_wanted;                 // blocks without certificate
    std::vector<std::vector<std::int64_t>> m_missing; // per wanted block, prompts without cell
    std::int64_t m_cellsDone = 0;
    std::int64_t m_blocksDone = 0;
    std::vector<BlockFailure> m_failures;
};

// Blocks that were finished before this call have their rows from their certificates, as all the others.
Json rowsOf(const fs::path& run, const RunManifest& manifest, const std::vector<BlockFailure>& failures)
{
    Json rows = Json::array();
    for (const LayerIndex block : manifest.request.blocks) {
        const bool failed = std::any_of(failures.begin(), failures.end(),
                                        [&](const BlockFailure& failure) { return failure.block == block; });
        if (failed)
            continue;
        const std::string path = certificate::certificatePath(block);
        JsonLimits limits;
        limits.stringBytes = limits.bytes;
        const Json json = parseStrictJson(readWholeFile(run / path, limits.bytes), path, limits);
        rows.push_back(protocol::blockRow(certificate::certificateFromJson(json, path), manifest.prompts));
    }
    return rows;
}

Json failureRows(const std::vector<BlockFailure>& failures)
{
    Json rows = Json::array();
    for (const BlockFailure& failure : failures)
        rows.push_back({{"block", failure.block.value},
                        {"code", failure.code},
                        {"where", failure.where},
                        {"observed", nullptr},
                        {"threshold", nullptr},
                        {"sentence", failure.sentence}});
    return rows;
}

}

Json certify(const CertifyOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.dryRun)
        return estimate(options, cache, context);
    if (!options.resume)
        requireFreshFolder(options.out);
    return model::guarded([&]() -> Json {
        const OpenedModel opened = cache.state().open(options.model.model, context);
        RunManifest manifest;
        manifest.request = requestOf(options, opened.checkpoint->config());
        manifest.prompts = loadPrompts(options.prompts, opened, Heldout::Drop);
        opened.checkpoint->hashFiles(context);
        const Surrogates surrogates = openSurrogates(options.surrogate, opened, cache.state(), manifest, context);
        model::Transformer& transformer = cache.state().load(opened, options.model, context);
        const model::TilingChoice replayTiling = transformer.tilingForReplay(manifest.request.replayDtype, context);
        manifest.created = options.created;
        manifest.toolVersion = cache.state().host.toolVersion;
        manifest.toolBuild = cache.state().host.toolBuild;
        manifest.commandLine = options.commandLine;
        manifest.modelHint = opened.hint;
        manifest.subject = subjectOf(*opened.checkpoint);
        manifest.environment = environmentOf(options.model.device, transformer, replayTiling);

        RunWriter writer(options.out, manifest,
                         options.resume ? certificate::OpenMode::Resume : certificate::OpenMode::Create,
                         cache.state().host.childProgram);
        Certifier certifier(surrogates, transformer, manifest, replayTiling, writer, context);
        certifier.run();
        return {{"run", options.out.string()},
                {"complete", true},
                {"blocks", rowsOf(options.out, manifest, certifier.failures())},
                {"findings", failureRows(certifier.failures())},
                {"command", options.commandLine}};
    });
}

}
