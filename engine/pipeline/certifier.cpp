#include "engine/pipeline/certifier.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/baseline_pass.h"
#include "engine/pipeline/loss_gradients.h"
#include "engine/pipeline/loss_progress.h"
#include "engine/pipeline/measure_cells.h"
#include "engine/pipeline/missing_work.h"
#include "engine/pipeline/run_output.h"
#include "engine/pipeline/surrogate.h"
#include "engine/pipeline/surrogate_ahead.h"
#include "engine/pipeline/wave_resume.h"
#include "engine/pipeline/wave_saver.h"
#include "engine/replay/torch_interpreter.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace blockcert::pipeline {

namespace {

using certificate::RunWriter;

// Rows that are replayed and judged together: enough for the matrix products, few enough that a kill loses little and
// that a wide block's intermediate results in double stay small.
std::int64_t groupRowsFor(const TransformerConfig& config)
{
    constexpr std::int64_t elements = std::int64_t{1} << 22; // of the widest result
    return std::clamp<std::int64_t>(elements / std::max<std::int64_t>(1, config.dFf), 128, 512);
}

std::int64_t longestOf(const PromptSet& set)
{
    std::int64_t longest = 0;
    for (const EncodedPrompt& prompt : set.prompts)
        longest = std::max(longest, static_cast<std::int64_t>(prompt.tokenIds.size()));
    return longest;
}

// Computes while RunOutput writes what came before.
class Certifier {
public:
    Certifier(const Surrogates& surrogates, model::Transformer& transformer, const RunManifest& manifest,
              const model::TilingChoice& replayTiling, const CertifierOptions& options, RunWriter& writer,
              const RunContext& context)
        : m_transformer(transformer)
        , m_manifest(manifest)
        , m_replayTiling(replayTiling)
        , m_options(options)
        , m_writer(writer)
        , m_context(context)
        , m_measuresLosses(manifest.request.loss == LossMode::Exact)
        , m_estimatesLosses(manifest.request.loss == LossMode::FirstOrder)
        , m_ahead(surrogates, longestOf(manifest.prompts))
        , m_lossProgress(transformer.config(), context)
        , m_saver(writer, options.saveInterval, context)
        , m_output(manifest, writer, context)
    {
    }

    Certified run()
    {
        MissingWork missing = missingWork(m_manifest, m_writer);
        m_wanted = std::move(missing.blocks);
        m_output.begin(missing.blocksDone, missing.cellsDone);
        std::set<std::int64_t> active;
        for (const Wanted& wanted : m_wanted)
            active.insert(wanted.losses.begin(), wanted.losses.end());
        if (active.empty())
            finishOthers();
        else
            measure({active.begin(), active.end()});
        m_output.drain();
        m_writer.finish();
        std::sort(m_failures.begin(), m_failures.end(),
                  [](const BlockFailure& a, const BlockFailure& b) { return a.block < b.block; });
        return {std::move(m_failures), m_output.rows(), m_work};
    }

private:
    // Blocks to which nothing is missing but the certificate.
    void finishOthers()
    {
        for (const Wanted& wanted : m_wanted)
            if (!m_finished.contains(wanted.block) && !isFailed(wanted.block)) {
                auto surrogate = std::make_shared<const Surrogate>(m_ahead.take(wanted.block, m_context));
                m_finished.insert(wanted.block);
                m_output.finish(wanted.block, std::move(surrogate));
            }
    }

    void measure(std::vector<std::int64_t> active)
    {
        std::optional<WaveState> saved =
            m_measuresLosses ? m_saver.load(m_transformer.config(), m_transformer.dtype(), m_manifest.prompts, active)
                             : std::nullopt;
        m_active = saved ? saved->prompts : std::move(active);
        if (m_estimatesLosses && !findGradients())
            return;
        m_baseline.emplace(m_transformer, idsOf(m_manifest.prompts, m_active), m_options.skipKnownRows);
        m_variants.emplace(m_transformer, *m_baseline);
        if (saved && !resumeFrom(std::move(*saved))) {
            m_baseline.emplace(m_transformer, idsOf(m_manifest.prompts, m_active), m_options.skipKnownRows);
            m_variants.emplace(m_transformer, *m_baseline);
        }
        if (m_measuresLosses)
            planLosses();
        m_saver.begin();
        m_end = m_measuresLosses ? m_transformer.config().layers : lastTracedBlock() + 1;
        prepareNext({m_baseline->next().value - 1});
        while (m_baseline->next().value < m_end) {
            step();
            if (m_measuresLosses)
                m_saver.saveNowAndThen([this] { return stateOfWave(); });
        }
        if (m_measuresLosses)
            measureLosses();
        finishOthers();
    }

    // Of the prompts of the pass, for the blocks that miss a cell. False where the baseline has no finite loss: then no
    // block has an estimate.
    bool findGradients()
    {
        std::vector<LayerIndex> blocks;
        for (const Wanted& wanted : m_wanted)
            if (!wanted.cells.empty())
                blocks.push_back(wanted.block);
        std::optional<BadPlace> bad;
        m_gradients = lossGradients(m_transformer, idsOf(m_manifest.prompts, m_active), blocks, m_options.skipKnownRows,
                                    bad, m_context);
        if (!m_gradients) {
            for (const Wanted& wanted : m_wanted)
                if (!wanted.cells.empty())
                    fail(wanted.block, "non_finite_baseline", runPlace(*bad), wanted.cells.size());
            finishOthers();
            return false;
        }
        m_work.blockRows.computed += m_gradients->forwardRows;
        m_work.headRows.computed += m_gradients->headRows;
        m_work.gradientRows += m_gradients->backwardRows;
        return true;
    }

    [[nodiscard]] std::int32_t lastTracedBlock() const
    {
        std::int32_t last = -1;
        for (const Wanted& wanted : m_wanted)
            if (!wanted.cells.empty())
                last = wanted.block.value;
        return last;
    }

    void prefetchNext()
    {
        if (m_baseline->next().value < m_end)
            m_transformer.prefetch(m_baseline->next());
    }

    // The next block's surrogate, unless weights are streamed: then there is no memory for two of them, and a block
    // takes long enough to make the preparation small.
    void prepareNext(LayerIndex block)
    {
        if (m_transformer.residency() != model::Residency::Whole || model::threadCount() == 1)
            return;
        const auto next = std::find_if(m_wanted.begin(), m_wanted.end(), [&](const Wanted& wanted) {
            return block < wanted.block && !(m_measuresLosses ? wanted.losses : wanted.cells).empty();
        });
        if (next != m_wanted.end())
            m_ahead.begin(next->block);
    }

    // One block: the baseline, the models with an earlier block replaced, then this block's own surrogate.
    void step()
    {
        m_context.step();
        const LayerIndex block = m_baseline->next();
        const auto wanted =
            std::find_if(m_wanted.begin(), m_wanted.end(), [&](const Wanted& each) { return each.block == block; });
        const std::vector<std::int64_t>* needed = nullptr; // prompts of the run
        if (wanted != m_wanted.end())
            needed = m_measuresLosses ? &wanted->losses : &wanted->cells;
        if (needed != nullptr && needed->empty())
            needed = nullptr;
        BlockTrace trace;
        m_transformer.prefetch(block);
        if (needed == nullptr)
            m_baseline->step(m_context);
        else
            trace = m_baseline->tracedStep(m_context);
        countBaselineRows();
        m_variants->advance(m_context, [this](std::int64_t tokens) { m_lossProgress.reportRows(tokens); });
        m_transformer.release(block);
        if (needed != nullptr)
            certifyBlock(*wanted, *needed, trace);
        prefetchNext();
    }

    void certifyBlock(const Wanted& wanted, const std::vector<std::int64_t>& needed, const BlockTrace& trace)
    {
        const LayerIndex block = wanted.block;
        if (const auto bad = firstBadPlace(trace, m_baseline->tree())) {
            fail(block, "non_finite_baseline", runPlace(*bad), wanted.cells.size());
            return;
        }
        const auto surrogate = std::make_shared<Surrogate>(m_ahead.take(block, m_context));
        m_transformer.dropPrefetched(); // a replay needs the memory for longer than reading takes
        prepareNext(block);
        replay::TorchInterpreter interpreter(std::shared_ptr<const ir::BlockIr>(surrogate, &surrogate->block),
                                             m_manifest.request.replayDtype, m_transformer.device(),
                                             m_replayTiling.tiling, m_context);
        interpreter.useBuffers(m_buffers);
        std::vector<std::int64_t> prompts; // of the pass
        std::vector<at::Tensor> outputs;   // of the surrogate, rounded
        std::size_t left = wanted.cells.size();
        for (const std::vector<std::int64_t>& group : groupsOf(needed)) {
            const std::vector<BlockTrace> traces = tracesOf(trace, group);
            const std::vector<ir::BlockReplay> replays = replayOf(interpreter, traces);
            std::vector<CellRecord> cells(group.size());
            model::runTasks(static_cast<std::int64_t>(group.size()), m_context, [&](std::int64_t task) {
                const auto i = static_cast<std::size_t>(task);
                cells[i] = measureCell(traces[i], block, {static_cast<std::int32_t>(group[i])}, replays[i]);
                if (!m_estimatesLosses)
                    return;
                const auto place = static_cast<std::size_t>(placeOf(group[i]));
                addEstimate(cells[i], m_gradients->atOutput.at(block)[place],
                            roundedOutput(replays[i], m_manifest.subject.dModel, m_transformer.dtype()),
                            m_gradients->lossBase[place]);
            });
            for (std::size_t i = 0; i < group.size(); ++i) {
                m_context.step();
                const PromptIndex prompt{static_cast<std::int32_t>(group[i])};
                CellRecord& cell = cells[i];
                if (const auto token = firstBadToken(cell)) {
                    const bool replayed = std::isfinite(cell.error[static_cast<std::size_t>(*token)]);
                    if (m_estimatesLosses && replayed)
                        fail(block, "non_finite_gradient", {"the gradient of the loss", prompt.value, *token}, left);
                    else
                        fail(block, "non_finite_replay", {"a value of the surrogate", prompt.value, *token}, left);
                    return;
                }
                if (m_measuresLosses) {
                    if (const auto token = firstTooLarge(replays[i].output, m_manifest.subject.dModel)) {
                        fail(block, "non_finite_replay",
                             {"the sum of squares of the surrogate's output, which the model's next norm takes in "
                              "single precision,",
                              prompt.value, *token},
                             left, "its losses would mean nothing (--loss none measures its errors alone)");
                        return;
                    }
                    prompts.push_back(placeOf(group[i]));
                    outputs.push_back(
                        model::toTensor(roundedOutput(replays[i], m_manifest.subject.dModel, m_transformer.dtype()),
                                        m_transformer.device()));
                }
                if (!std::binary_search(wanted.cells.begin(), wanted.cells.end(), group[i]))
                    continue; // only its losses are missing
                --left;
                m_output.add(std::move(cell));
            }
        }
        // Of weights by reference ir.h5 holds no values; the next block's need the memory. Nothing is replayed any
        // more.
        std::erase_if(surrogate->block.weights, [&](const auto& weight) {
            return surrogate->block.program.weights.at(weight.first).reference.has_value();
        });
        m_output.add(block, surrogate);
        if (m_measuresLosses) {
            m_variants->add(block, std::move(prompts), outputs);
            m_withSurrogate.insert(block);
        } else {
            if (m_gradients)
                m_gradients->atOutput.erase(block);
            m_finished.insert(block);
            m_output.finish(block);
        }
    }

    [[nodiscard]] std::vector<BlockTrace> tracesOf(const BlockTrace& trace,
                                                   const std::vector<std::int64_t>& group) const
    {
        std::vector<BlockTrace> traces;
        for (const std::int64_t prompt : group)
            traces.push_back(traceOfPrompt(trace, m_baseline->tree(), placeOf(prompt)));
        return traces;
    }

    std::vector<ir::BlockReplay> replayOf(replay::TorchInterpreter& interpreter, const std::vector<BlockTrace>& traces)
    {
        model::Batch batch;
        std::vector<at::Tensor> inputs;
        for (const BlockTrace& trace : traces) {
            batch.add(trace.input.size(0));
            inputs.push_back(trace.input);
        }
        m_work.replayRows += batch.rows();
        return interpreter.run(at::cat(inputs), batch, m_context);
    }

    // The losses of every model with one block replaced, when all of them are behind the last block.
    void measureLosses()
    {
        const std::vector<model::Predictions> base = m_baseline->predict(m_context);
        m_work.headRows.computed += m_baseline->tree().rows;
        const std::optional<BadPlace> bad = firstBadPlace(base);
        for (const Variant& variant : m_variants->all()) {
            if (bad) {
                fail(variant.block, "non_finite_baseline", runPlace(*bad), 0);
                continue;
            }
            const std::vector<model::Predictions> stitched = m_variants->predict(variant, base, m_context);
            m_lossProgress.reportHead(m_variants->tokensOf(variant));
            if (writeLosses(variant, base, stitched))
                finishVariant(variant.block);
        }
        m_work.headRows.computed += m_variants->headRows().computed;
        m_work.headRows.skipped += m_variants->headRows().skipped;
        m_work.blockRows.computed += m_variants->blockRows().computed;
        m_work.blockRows.skipped += m_variants->blockRows().skipped;
    }

    bool writeLosses(const Variant& variant, const std::vector<model::Predictions>& base,
                     const std::vector<model::Predictions>& stitched)
    {
        const auto wanted = std::find_if(m_wanted.begin(), m_wanted.end(),
                                         [&](const Wanted& each) { return each.block == variant.block; });
        for (std::size_t i = 0; i < variant.prompts.size(); ++i) {
            m_context.step();
            const auto place = static_cast<std::size_t>(variant.prompts[i]);
            const PromptIndex prompt{static_cast<std::int32_t>(m_active[place])};
            if (!std::binary_search(wanted->losses.begin(), wanted->losses.end(), m_active[place]))
                continue; // a run before this one has written them
            CellRecord losses = lossesOfCell(variant.block, prompt, base[place], stitched[i]);
            if (const auto token = firstBadToken(losses)) {
                fail(variant.block, "non_finite_replay", {"a value of the surrogate", prompt.value, *token}, 0);
                return false;
            }
            m_output.addLosses(std::move(losses));
        }
        return true;
    }

    void finishVariant(LayerIndex block)
    {
        std::shared_ptr<const Surrogate> surrogate; // of a run that was resumed: ir.h5 is written again
        if (!m_withSurrogate.contains(block))
            surrogate = std::make_shared<const Surrogate>(m_ahead.take(block, m_context));
        m_finished.insert(block);
        m_output.finish(block, std::move(surrogate));
    }

    // ---- the saved wave -------------------------------------------------------------------------------------------

    // False if the state lacks something: the wave then begins anew, and finished cells are kept all the same.
    bool resumeFrom(WaveState saved)
    {
        std::optional<std::vector<Variant>> variants =
            takeVariants(saved, m_wanted, *m_baseline, m_transformer.config().layers);
        if (!variants)
            return false;
        for (const BlockFailure& failure : saved.failures)
            for (const Wanted& wanted : m_wanted)
                if (wanted.block == failure.block)
                    recordFailure(failure, wanted.cells.size());
        m_baseline->restore(saved.next, saved.baseline.to(m_transformer.device()));
        m_variants->restore(std::move(*variants));
        return true;
    }

    // With everything written that it has behind it.
    [[nodiscard]] WaveState stateOfWave()
    {
        m_output.drain();
        return {{},
                digestOf(m_baseline->prompts()),
                m_active,
                m_baseline->isShared(),
                m_baseline->next(),
                m_baseline->state(),
                m_variants->all(),
                m_failures};
    }

    // ---- places ---------------------------------------------------------------------------------------------------

    // A prompt of the run as one of the pass.
    [[nodiscard]] std::int64_t placeOf(std::int64_t prompt) const
    {
        return std::lower_bound(m_active.begin(), m_active.end(), prompt) - m_active.begin();
    }

    [[nodiscard]] BadPlace runPlace(BadPlace place) const
    {
        place.prompt = m_active[static_cast<std::size_t>(place.prompt)];
        return place;
    }

    [[nodiscard]] std::vector<std::vector<std::int64_t>> groupsOf(const std::vector<std::int64_t>& prompts) const
    {
        const std::int64_t most = groupRowsFor(m_transformer.config());
        std::vector<std::vector<std::int64_t>> groups;
        std::int64_t rows = most;
        for (const std::int64_t prompt : prompts) {
            const std::int64_t length = m_baseline->lengths()[static_cast<std::size_t>(placeOf(prompt))];
            if (rows + length > most) {
                groups.emplace_back();
                rows = 0;
            }
            groups.back().push_back(prompt);
            rows += length;
        }
        return groups;
    }

    // ---- failures -------------------------------------------------------------------------------------------------

    // `cells`: how many of the block's cells will now never be measured.
    void fail(LayerIndex block, const std::string& code, const BadPlace& bad, std::size_t cells,
              const std::string& advice = "another --dtype may help")
    {
        const std::string where = "prompt " + std::to_string(bad.prompt) + ", token " + std::to_string(bad.token);
        const BlockFailure failure{block, code, where,
                                   "Block " + std::to_string(block.value) + " has no certificate: at " + where + " " +
                                       bad.what + " is not finite; " + advice + "."};
        recordFailure(failure, cells);
    }

    void recordFailure(const BlockFailure& failure, std::size_t cells)
    {
        m_failures.push_back(failure);
        m_output.add(failure, cells);
    }

    [[nodiscard]] bool isFailed(LayerIndex block) const
    {
        return std::any_of(m_failures.begin(), m_failures.end(),
                           [&](const BlockFailure& failure) { return failure.block == block; });
    }

    // ---- progress -------------------------------------------------------------------------------------------------

    void countBaselineRows()
    {
        std::int64_t tokens = 0;
        for (const std::int64_t length : m_baseline->lengths())
            tokens += length;
        m_work.blockRows.computed += m_baseline->tree().rows;
        m_work.blockRows.skipped += tokens - m_baseline->tree().rows;
    }

    void planLosses()
    {
        for (const Variant& variant : m_variants->all())
            m_lossProgress.plan(m_baseline->next(), m_variants->tokensOf(variant));
        for (const Wanted& wanted : m_wanted)
            if (!(wanted.block < m_baseline->next()))
                for (const std::int64_t prompt : wanted.losses)
                    m_lossProgress.plan({wanted.block.value + 1},
                                        m_baseline->lengths()[static_cast<std::size_t>(placeOf(prompt))]);
    }

    model::Transformer& m_transformer;
    const RunManifest& m_manifest;
    const model::TilingChoice& m_replayTiling;
    CertifierOptions m_options;
    RunWriter& m_writer;
    const RunContext& m_context;
    bool m_measuresLosses;
    bool m_estimatesLosses;
    SurrogateAhead m_ahead;

    std::vector<Wanted> m_wanted;
    std::vector<std::int64_t> m_active; // prompts of the pass, as prompts of the run, ascending
    std::optional<BaselinePass> m_baseline;
    std::optional<Variants> m_variants;
    std::optional<LossGradients> m_gradients; // of runs that estimate to first order
    std::vector<BlockFailure> m_failures;
    std::shared_ptr<replay::RowBuffers> m_buffers = std::make_shared<replay::RowBuffers>();
    std::set<LayerIndex> m_withSurrogate; // ir.h5 has been written by this process
    std::set<LayerIndex> m_finished;      // the certificate has been asked for
    std::int32_t m_end = 0;               // the first block that does not run
    WorkDone m_work;
    LossProgress m_lossProgress;
    WaveSaver m_saver;
    RunOutput m_output; // last: it ends before what its tasks use
};

}

Certified certifyMissing(const Surrogates& surrogates, model::Transformer& transformer, const RunManifest& manifest,
                         const model::TilingChoice& replayTiling, const CertifierOptions& options, RunWriter& writer,
                         const RunContext& context)
{
    return Certifier(surrogates, transformer, manifest, replayTiling, options, writer, context).run();
}

}
