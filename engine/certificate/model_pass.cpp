#include "engine/certificate/model_pass.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/estimate_check.h"
#include "engine/certificate/memory_archive.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/probe_reader.h"
#include "engine/certificate/rebuilt_ir.h"
#include "engine/certificate/reference_model.h"
#include "engine/certificate/rounded_coverage.h"
#include "engine/certificate/rounding_probe.h"
#include "engine/certificate/widen.h"
#include "engine/ir/block_ir_codec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace blockcert::certificate {

namespace {

using artifact::Checkpoint;
using States = std::vector<std::vector<double>>; // [P][token, width]

// The model with one block replaced, on its way through the blocks behind it.
struct Stitched {
    std::size_t head = 0; // its block among those that are compared
    States states;
    std::vector<NudgedState> nudges;    // [P] of runs that estimate to first order, without their states
    std::optional<RoundingProbe> probe; // where it is weighed how far it carries rounding
};

void requireSameDigests(std::vector<TensorDigest> named, std::vector<TensorDigest> found, const std::string& path)
{
    const auto byName = [](const TensorDigest& a, const TensorDigest& b) { return a.name < b.name; };
    std::sort(named.begin(), named.end(), byName);
    std::sort(found.begin(), found.end(), byName);
    if (named != found)
        throw FormatError(path + " changed while it was being verified.");
}

Worst& seen(std::optional<Worst>& worst)
{
    return worst ? *worst : worst.emplace();
}

std::vector<const std::vector<double>*> pointersTo(const States& states)
{
    std::vector<const std::vector<double>*> all;
    for (const std::vector<double>& state : states)
        all.push_back(&state);
    return all;
}

class ModelPass {
public:
    // With `first`, an earlier pass over the same, rounding is weighed.
    ModelPass(const ModelSubject& subject, const std::vector<BlockComparison>* first, CheckList& checks,
              const RunContext& context)
        : m_subject(subject)
        , m_block(subject.block)
        , m_manifest(subject.block.contents.run.manifest)
        , m_model(subject.model)
        , m_first(first)
        , m_dtype(m_manifest.request.baselineDtype)
        , m_allowance(allowanceFor(m_dtype))
        , m_width(static_cast<std::size_t>(m_manifest.subject.dModel))
        , m_threads(subject.block.options.threads)
        , m_checks(checks)
        , m_context(context)
    {
        for (const EncodedPrompt& prompt : m_manifest.prompts.prompts)
            m_longest = std::max(m_longest, static_cast<std::int64_t>(prompt.tokenIds.size()));
    }

    std::vector<BlockComparison> run()
    {
        States states = embedded();
        if (m_first != nullptr)
            m_probe.emplace(m_dtype, m_width, states);
        m_largest.resize(states.size());
        raiseNorms(states, m_width, m_largest);
        for (std::int32_t layer = 0; layer < m_manifest.subject.layers; ++layer) {
            passBlock({layer}, states);
            m_context.step(Progress{m_first != nullptr ? "rounding" : "model", layer + 1, m_manifest.subject.layers,
                                    layer, std::nullopt, "blocks", ""});
        }
        compareHeads(states);
        return std::move(m_heads);
    }

private:
    // What the model starts from, prompt by prompt.
    [[nodiscard]] States embedded()
    {
        const ReferenceEmbedding embedding(m_model, m_dtype);
        TensorHasher hasher(m_dtype, {m_manifest.prompts.tokenCount(), m_manifest.subject.dModel});
        States states;
        for (const EncodedPrompt& prompt : m_manifest.prompts.prompts) {
            const HostTensor rows = embedding.rows(prompt.tokenIds);
            hasher.add(rows.bytes);
            states.push_back(ir::widened(rows));
        }
        checkEmbedding(hasher.finish());
        return states;
    }

    void checkEmbedding(const std::string& digest)
    {
        for (const BlockOutcome& outcome : m_subject.outcomes)
            if (outcome.trace && outcome.trace->block.value == 0)
                m_checks.add(
                    Row("model.embedding", group::provenance, blockText(0), "Input of block 0 is the embedding")
                        .issuer(outcome.trace->input)
                        .recomputed(digest)
                        .how("looked up, bit for bit")
                        .passedIf(outcome.trace->input == digest,
                                  "The recorded input of block 0 is not the model's embedding of the token ids."));
    }

    // Every model through one block, and what was recorded there beside it.
    void passBlock(LayerIndex layer, States& states)
    {
        const ir::BlockIr block = rebuildIr(m_model, layer, WeightOrigin::Baseline, m_dtype, m_longest);
        const States before = states;
        const std::optional<RoundingProbe> probeBefore = m_probe;
        std::vector<States*> all = {&states};
        for (Stitched& stitched : m_stitched)
            all.push_back(&stitched.states);
        const auto& certificates = m_block.contents.certificates;
        const auto found = std::find_if(certificates.begin(), certificates.end(),
                                        [&](const Certificate& c) { return c.block == layer; });
        std::vector<ir::BlockReplay> sublayers(found != certificates.end() ? states.size() : 0);
        advance(block, all, sublayers);
        if (m_probe)
            m_probe->advance(block, pointersTo(states), m_threads, m_context);
        for (Stitched& stitched : m_stitched)
            if (stitched.probe)
                stitched.probe->advance(block, pointersTo(stitched.states), m_threads, m_context);
        raiseNorms(states, m_width, m_largest);
        if (found == certificates.end())
            return;
        const auto at = static_cast<std::size_t>(found - certificates.begin());
        m_heads.push_back(compareStates(at, before, probeBefore, states, sublayers));
        if (certificates[at].surrogateModel && m_subject.other == nullptr)
            m_heads.back().unknownSurrogate = m_subject.otherProblem;
        m_heads.back().sameBlock = replaceBlock(block, at, before, probeBefore, states);
        for (CellRecord& cell : m_heads.back().cells)
            cell.input = cell.output = cell.lossGradient = {};
    }

    // Every prompt's state of every model in `all` through one block.
    void advance(const ir::BlockIr& block, const std::vector<States*>& all, std::span<ir::BlockReplay> kept = {})
    {
        std::vector<std::vector<double>*> states;
        for (States* model : all)
            for (std::vector<double>& state : *model)
                states.push_back(&state);
        advanceStates(block, states, m_threads, m_context, kept);
    }

    void compareRows(const HostTensor& recorded, const std::vector<double>& computed, std::int32_t prompt,
                     const std::optional<RoundingProbe>& probe, Worst& worst) const
    {
        const std::vector<double> rows = ir::widened(recorded);
        const auto p = static_cast<std::size_t>(prompt);
        for (std::size_t t = 0; t < m_largest[p].size(); ++t) {
            const auto row = [&](const std::vector<double>& all) {
                return std::span(all).subspan(t * m_width, m_width);
            };
            worst.see(l2Distance(row(rows), row(computed)), m_allowance.state * m_largest[p][t], prompt, t,
                      l2Norm(row(rows)), l2Norm(row(computed)),
                      probe ? factorWithin(m_allowance.state, probe->factor(p, t)) : 1);
        }
    }

    // Reads the block's probes once more, digests included: what is compared here is what was verified before.
    BlockComparison compareStates(std::size_t at, const States& before, const std::optional<RoundingProbe>& probeBefore,
                                  const States& after, const std::vector<ir::BlockReplay>& sublayers)
    {
        const Certificate& certificate = m_block.contents.certificates[at];
        BlockComparison head;
        head.where = blockText(certificate.block.value);
        head.block = certificate.block;
        const std::string path = probesPath(certificate.block);
        const OpenFile file = m_block.folder.open(path);
        ProbeReader probes(artifact::openForeignArchive(file.descriptor(), path, m_block.options.childProgram),
                           probeShapeOf(certificate), certificate.block);
        for (std::size_t p = 0; p < before.size(); ++p) {
            CellRecord cell = probes.read({static_cast<std::int32_t>(p)});
            const std::int32_t prompt = cell.prompt.value;
            compareRows(cell.input, before[p], prompt, probeBefore, head.state);
            compareRows(cell.output, after[p], prompt, m_probe, head.state);
            if (certificate.request.hasSublayers()) {
                compareRows(cell.attentionOutput, sublayers[p].attention, prompt, m_probe, seen(head.attention));
                compareRows(cell.mlpOutput, sublayers[p].mlp, prompt, m_probe, seen(head.mlp));
            }
            if (!head.mask)
                head.mask = maskFault(cell.mask, prompt);
            for (HostTensor* wide : {&cell.attentionOutput, &cell.mlpOutput, &cell.mask})
                *wide = {};
            if (!comparesSlopes())
                cell.output = cell.lossGradient = {};
            head.cells.push_back(std::move(cell));
        }
        requireSameDigests(certificate.artifacts[1].tensors, probes.finishDigests(), path);
        return head;
    }

    // Errors of the last block by itself: what the surrogate and the model's block (the same, where it is null) make of
    // the recorded inputs. The recorded outputs, which whoever recorded them may have moved, play no part.
    void compareErrors(const ir::BlockIr& baseline, const ir::BlockIr* surrogate)
    {
        BlockComparison& head = m_heads.back();
        if (m_first != nullptr) { // none of it hangs on how far rounding is carried
            const BlockComparison& known = (*m_first)[m_heads.size() - 1];
            head.errors = known.errors;
            head.relative = known.relative;
            head.error = known.error;
            return;
        }
        States inputs;
        for (const CellRecord& cell : head.cells)
            inputs.push_back(ir::widened(cell.input));
        States outputs = inputs;
        advance(baseline, {&outputs});
        States replayed;
        if (surrogate != nullptr) {
            replayed = inputs;
            advance(*surrogate, {&replayed});
        }
        const double width = roundingWidthFor(m_dtype).output;
        const double rho = m_manifest.request.comparisonTolerance(); // of replays in the issuer's dtype
        for (std::size_t p = 0; p < inputs.size(); ++p)
            for (std::size_t t = 0; t < head.cells[p].error.size(); ++t) {
                const auto row = [&](const States& all) { return std::span(all[p]).subspan(t * m_width, m_width); };
                const double error = surrogate != nullptr ? l2Distance(row(replayed), row(outputs)) : 0;
                const double norm = l2Norm(row(outputs));
                const double scale = std::max(l2Norm(row(inputs)), norm);
                const double moved =
                    width * scale + rho * std::max(scale, surrogate != nullptr ? l2Norm(row(replayed)) : 0.0);
                const double least = std::max(0.0, error - moved);
                head.errors.push_back({least, error + moved});
                head.relative.push_back(norm > 0 ? Interval{least / norm, (error + moved) / norm}
                                                 : Interval{0, HUGE_VAL});
                const double recorded = head.cells[p].error[t];
                head.error.see(std::max(0.0, error - recorded), errorSlack * moved, static_cast<std::int32_t>(p), t,
                               recorded, error);
            }
    }

    // Rows of the block's surrogate. True if it is the baseline's own block; else the states behind it are kept, to be
    // carried through the rest of the model.
    bool replaceBlock(const ir::BlockIr& baseline, std::size_t at, const States& before,
                      const std::optional<RoundingProbe>& probeBefore, const States& after)
    {
        const Certificate& certificate = m_block.contents.certificates[at];
        Row row("model.ir", group::provenance, blockText(certificate.block.value), "Surrogate rebuilt from the model");
        if (certificate.surrogateModel && m_subject.other == nullptr) {
            m_checks.add(row.notChecked(m_subject.otherProblem));
            return false;
        }
        if (certificate.request.surrogate.family == SurrogateFamily::Given) {
            m_checks.add(
                row.optional().notChecked("Its weights are somebody's files: where they come from cannot be rebuilt."));
            if (const std::optional<ir::BlockIr> stored = storedIr(at)) {
                compareErrors(baseline, &*stored);
                carry(*stored, before, probeBefore, after);
            }
            return false;
        }
        const RebuiltSurrogate rebuilt =
            rebuildSurrogate(certificate, m_model, m_subject.other, storedIr(at), m_longest);
        checkRebuiltIr(certificate, m_subject.outcomes[at].program, rebuilt, m_checks);
        const bool same = isSameFunction(rebuilt.block, baseline);
        compareErrors(baseline, same ? nullptr : &rebuilt.block);
        if (!same || comparesSlopes())
            carry(rebuilt.block, before, probeBefore, after);
        return same;
    }

    // Keeps the states behind the surrogate of the last block, if losses are to be compared; where they were
    // estimated, the model's own states moved a little.
    void carry(const ir::BlockIr& surrogate, const States& before, const std::optional<RoundingProbe>& probeBefore,
               const States& after)
    {
        const std::size_t head = m_heads.size() - 1;
        if (m_manifest.request.loss == LossMode::Exact) {
            m_stitched.push_back({head, before, {}, std::nullopt});
            Stitched& stitched = m_stitched.back();
            advance(surrogate, {&stitched.states});
            if (m_first != nullptr && (*m_first)[head].needsStitchedProbe()) {
                stitched.probe = probeBefore;
                stitched.probe->advance(surrogate, pointersTo(stitched.states), m_threads, m_context);
            }
            return;
        }
        if (!comparesSlopes())
            return;
        States outputs; // of the surrogate on the recorded inputs
        for (const CellRecord& cell : m_heads.back().cells)
            outputs.push_back(ir::widened(cell.input));
        advance(surrogate, {&outputs});
        std::array<Stitched, 2> moved;
        for (std::size_t p = 0; p < outputs.size(); ++p) {
            std::array<NudgedState, 2> both = nudged(m_heads.back().cells[p], outputs[p], after[p]);
            for (std::size_t i = 0; i < moved.size(); ++i) {
                moved[i].states.push_back(std::move(both[i].state));
                both[i].state.clear();
                moved[i].nudges.push_back(std::move(both[i]));
            }
        }
        for (Stitched& each : moved) {
            each.head = head;
            m_stitched.push_back(std::move(each));
        }
    }

    // A 16-bit baseline's states are too far from the model's in double for a comparison of derivatives.
    [[nodiscard]] bool comparesSlopes() const
    {
        return m_manifest.request.loss == LossMode::FirstOrder && m_dtype == DType::F32;
    }

    // Read once more, digests included, and only where weights were fitted or given: nobody else has those.
    [[nodiscard]] std::optional<ir::BlockIr> storedIr(std::size_t at) const
    {
        const Certificate& certificate = m_block.contents.certificates[at];
        const std::optional<ir::BlockProgram>& program = m_subject.outcomes[at].program;
        const bool given = certificate.request.surrogate.family == SurrogateFamily::Given;
        if (!program || (!given && fittedWeights(certificate, *program).empty()))
            return std::nullopt;
        const std::string path = irPath(certificate.block);
        const OpenFile file = m_block.folder.open(path);
        const auto archive = artifact::openForeignArchive(file.descriptor(), path, m_block.options.childProgram);
        MemoryArchive memory(*archive, m_context);
        requireSameDigests(certificate.artifacts[0].tensors, memory.digests(), path);
        return ir::readBlockIr(memory, path);
    }

    void compareHeads(const States& states)
    {
        if (m_manifest.request.loss == LossMode::None || m_heads.empty())
            return;
        const ReferenceHead reference(m_model, m_dtype, m_threads);
        const bool exact = m_manifest.request.loss == LossMode::Exact;
        for (std::size_t p = 0; p < states.size(); ++p) {
            const auto prompt = static_cast<std::int32_t>(p);
            double sum = 0;
            double widest = 1; // factor of the prompt's tokens
            const auto seeBase = [&](const TokenLoss& token, const TokenLogits& logits) {
                sum += token.loss;
                widest = std::max(widest, token.factor);
                for (BlockComparison& head : m_heads) {
                    head.seeBase(prompt, token, logits, m_allowance);
                    if (head.sameBlock && exact)
                        head.seeStitched(prompt, token, logits, m_allowance);
                }
            };
            forEachToken(reference, p, states[p], m_probe, seeBase);
            for (const Stitched& stitched : m_stitched) {
                double moved = 0;
                const auto seeStitched = [&](const TokenLoss& token, const TokenLogits& logits) {
                    moved += token.loss;
                    if (exact)
                        m_heads[stitched.head].seeStitched(prompt, token, logits, m_allowance);
                };
                forEachToken(reference, p, stitched.states[p], stitched.probe, seeStitched);
                if (exact)
                    continue;
                const NudgedState& nudge = stitched.nudges[p];
                m_heads[stitched.head].seeSlope(prompt, nudge.expected, nudge.step > 0 ? (moved - sum) / nudge.step : 0,
                                                nudge.scale, m_allowance, widest);
            }
            m_context.step(Progress{"losses", static_cast<std::int64_t>(p) + 1,
                                    static_cast<std::int64_t>(states.size()), std::nullopt,
                                    static_cast<std::int32_t>(p), "prompts", ""});
        }
    }

    template <class See>
    void forEachToken(const ReferenceHead& reference, std::size_t prompt, const std::vector<double>& states,
                      const std::optional<RoundingProbe>& probe, See see) const
    {
        const auto& ids = m_manifest.prompts.prompts[prompt].tokenIds;
        const std::size_t vocabulary = reference.vocabulary();
        const auto use = [&](std::size_t first, std::span<const double> logits) {
            const std::vector<double> factors =
                headFactors(probe, reference, prompt, first, logits, m_threads, m_context);
            for (std::size_t i = 0; i < factors.size(); ++i) {
                const std::span<const double> row = logits.subspan(i * vocabulary, vocabulary);
                TokenLoss token{first + i, first + i + 1 < ids.size(), 0, factors[i]};
                if (token.predicts)
                    token.loss = negativeLogLikelihood(row, ids[first + i + 1]);
                see(token, TokenLogits(row));
            }
        };
        reference.forEachLogits(states, use, m_threads, m_context);
    }

    const ModelSubject& m_subject;
    BlockContext& m_block;
    const RunManifest& m_manifest;
    const Checkpoint& m_model;
    const std::vector<BlockComparison>* m_first;
    DType m_dtype;
    Allowance m_allowance;
    std::size_t m_width;
    int m_threads;
    CheckList& m_checks;
    const RunContext& m_context;
    std::int64_t m_longest = 0;
    std::vector<std::vector<double>> m_largest; // [P][token] largest norm so far
    std::optional<RoundingProbe> m_probe;       // of the model itself
    std::vector<Stitched> m_stitched;
    std::vector<BlockComparison> m_heads;
};

}

std::vector<BlockComparison> compareWithModel(const ModelSubject& subject, CheckList& checks, const RunContext& context)
{
    return ModelPass(subject, nullptr, checks, context).run();
}

std::vector<BlockComparison> compareWithRounding(const ModelSubject& subject, const std::vector<BlockComparison>& first,
                                                 const RunContext& context)
{
    CheckList seenBefore;
    return ModelPass(subject, &first, seenBefore, context).run();
}

}
