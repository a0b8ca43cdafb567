#include "engine/certificate/verify_stitch_model.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/memory_archive.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/model_comparison.h"
#include "engine/certificate/rebuilt_ir.h"
#include "engine/certificate/reference_model.h"
#include "engine/certificate/rounding_probe.h"
#include "engine/certificate/stitch_labels.h"
#include "engine/edit/patch_check.h"
#include "engine/edit/patched_block.h"
#include "engine/ir/block_ir_codec.h"
#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace blockcert::certificate {

namespace {

using artifact::Checkpoint;
using States = std::vector<std::vector<double>>; // [P][token, width]

// Rows whose logits of two models are in memory at once.
constexpr std::size_t rowsAtOnce = 32;

// One stitched model on its way through the layers.
struct Stitched {
    const StitchCertificate* certificate = nullptr;
    const StitchColumns* columns = nullptr;
    States states;
    bool same = true; // the states are the baseline's, bit for bit
    std::optional<RoundingProbe> probe;
    Worst residual, norm, lossBase, lossStitched, divergence, top;
    std::vector<TokenLoss> ownBase, ownStitched; // of every predicted token, by both models in double

    [[nodiscard]] bool isDoubtful() const
    {
        const auto all = {&residual, &norm, &lossBase, &lossStitched, &divergence, &top};
        return std::any_of(all.begin(), all.end(), [](const Worst* worst) { return worst->ratio > 1; });
    }
};

class StitchModelVerifier {
public:
    StitchModelVerifier(BlockContext& block, const std::vector<StitchOutcome>& outcomes,
                        const std::vector<EditOutcome>& edits, CheckList& checks, const RunContext& context)
        : m_block(block)
        , m_edits(edits)
        , m_manifest(block.contents.run.manifest)
        , m_dtype(m_manifest.request.baselineDtype)
        , m_allowance(allowanceFor(m_dtype))
        , m_stitchAllowance(stitchAllowanceFor(m_dtype))
        , m_threads(block.options.threads)
        , m_checks(checks)
        , m_context(context)
    {
        for (const StitchOutcome& outcome : outcomes)
            if (outcome.columns)
                m_stitched.push_back(asRecorded(outcome.certificate, &*outcome.columns));
        for (const EncodedPrompt& prompt : m_manifest.prompts.prompts)
            m_longest = std::max(m_longest, static_cast<std::int64_t>(prompt.tokenIds.size()));
    }

    void run()
    {
        if (m_stitched.empty())
            return;
        const Checkpoint* model = m_block.weights.checkpoint(m_context);
        if (model == nullptr || !m_checks.verified("model.files") || m_checks.anyFailed()) {
            for (const Stitched& stitched : m_stitched)
                m_checks.add(row(stitched, "stitch.model_residuals", "Residuals of the stitched model")
                                 .notChecked(m_checks.anyFailed() ? "Not run: something already failed."
                                                                  : "The model of this run was not found."));
            return;
        }
        try {
            checkLabels(*model);
            runModels(*model);
            // Allowances were measured on some models and prompts; where they do not suffice, it is weighed how much
            // further rounding is carried here.
            if (std::any_of(m_stitched.begin(), m_stitched.end(), [](const Stitched& s) { return s.isDoubtful(); })) {
                m_weighs = true;
                for (Stitched& stitched : m_stitched)
                    stitched = asRecorded(stitched.certificate, stitched.columns);
                runModels(*model);
            }
            for (const Stitched& stitched : m_stitched)
                report(stitched);
        } catch (const Error& error) {
            for (const Stitched& stitched : m_stitched)
                m_checks.add(
                    row(stitched, "stitch.model_residuals", "Residuals of the stitched model").failed(error.what()));
        }
    }

private:
    static Stitched asRecorded(const StitchCertificate* certificate, const StitchColumns* columns)
    {
        Stitched stitched;
        stitched.certificate = certificate;
        stitched.columns = columns;
        return stitched;
    }

    static Row row(const Stitched& stitched, const char* id, const char* title)
    {
        return {id, group::reEvaluation, stitchText(*stitched.certificate), title};
    }

    void checkLabels(const Checkpoint& model)
    {
        std::vector<std::int32_t> labels;
        std::string problem;
        const bool any = std::any_of(m_manifest.prompts.prompts.begin(), m_manifest.prompts.prompts.end(),
                                     [](const EncodedPrompt& prompt) { return !prompt.label.empty(); });
        try {
            labels = any ? labelIds(m_manifest.prompts, tokenizer::Tokenizer::of(model))
                         : std::vector<std::int32_t>(m_manifest.prompts.prompts.size(), -1);
        } catch (const Error& error) {
            problem = error.what(); // a model without a tokenizer that could be read
        }
        for (const Stitched& stitched : m_stitched) {
            Row labelled = row(stitched, "stitch.labels", "First tokens of the labels");
            labelled.how("encoded");
            if (!problem.empty())
                labelled.notChecked(problem);
            else
                labelled.passedIf(stitched.columns->labelId == labels,
                                  "The recorded labels are not what the model's tokenizer gives for them.");
            m_checks.add(labelled);
        }
    }

    void runModels(const Checkpoint& model)
    {
        const ReferenceEmbedding embedding(model, m_dtype);
        States states;
        for (const EncodedPrompt& prompt : m_manifest.prompts.prompts)
            states.push_back(ir::widened(embedding.rows(prompt.tokenIds)));
        m_largest.assign(states.size(), {});
        raiseNorms(states, width(), m_largest);
        if (m_weighs)
            m_probe.emplace(m_dtype, width(), states);
        for (std::int32_t layer = 0; layer < m_manifest.subject.layers; ++layer) {
            const ir::BlockIr baseline = rebuildIr(model, {layer}, WeightOrigin::Baseline, m_dtype, m_longest);
            advanceAll(baseline, layer, states);
            raiseNorms(states, width(), m_largest);
            for (Stitched& stitched : m_stitched)
                compareResiduals(stitched, states, static_cast<std::size_t>(layer));
            m_context.step(
                Progress{"stitched model", layer + 1, m_manifest.subject.layers, layer, std::nullopt, "blocks", ""});
        }
        const ReferenceHead head(model, m_dtype, m_threads);
        for (Stitched& stitched : m_stitched)
            compareHeads(head, states, stitched);
    }

    // The baseline last: as long as a stitched model has its states, they are not computed twice.
    void advanceAll(const ir::BlockIr& baseline, std::int32_t layer, States& states)
    {
        std::optional<ir::BlockIr> surrogate;
        bool sameFunction = true;
        const auto isReplaced = [&](const Stitched& stitched) {
            return contains(stitched.certificate->request.blocks, {layer});
        };
        if (std::any_of(m_stitched.begin(), m_stitched.end(), isReplaced)) {
            surrogate = readSurrogate({layer});
            sameFunction = isSameFunction(*surrogate, baseline);
        }
        for (Stitched& stitched : m_stitched) {
            const bool replaced = isReplaced(stitched);
            std::optional<ir::BlockIr> edited;
            if (replaced && stitched.certificate->request.edits({layer}))
                edited = editedBlock(stitched, *surrogate);
            const bool other = edited ? !isSameFunction(*edited, baseline) : replaced && !sameFunction;
            if (stitched.same && !other)
                continue;
            if (stitched.same) {
                stitched.states = states;
                stitched.probe = m_probe;
            }
            stitched.same = false;
            advance(edited ? *edited : other ? *surrogate : baseline, stitched.states, stitched.probe);
        }
        advance(baseline, states, m_probe);
    }

    // Read once more, digest included: what runs here is what was verified before.
    ir::BlockIr readSurrogate(LayerIndex layer)
    {
        const std::string path = irPath(layer);
        const OpenFile file = m_block.folder.open(path);
        const auto& certificates = m_block.contents.certificates;
        const auto certificate = std::find_if(certificates.begin(), certificates.end(),
                                              [&](const Certificate& c) { return c.block == layer; });
        if (certificate == certificates.end() ||
            sha256OfDescriptor(file.descriptor(), m_context) != certificate->artifacts[0].sha256)
            throw FormatError(path + " changed while it was being verified.");
        const auto archive = artifact::openForeignArchive(file.descriptor(), path, m_block.options.childProgram);
        MemoryArchive memory(*archive, m_context);
        ir::BlockIr ir = ir::readBlockIr(memory, path);
        for (const auto& [name, weight] : ir.program.weights)
            if (weight.reference && !m_block.weights.load(*weight.reference, ir.weights[name], m_context) &&
                !m_block.surrogateWeights.load(*weight.reference, ir.weights[name], m_context))
                throw FormatError(path + ": the weight " + name + " was not found: " + m_block.weights.problem() + ".");
        if (!ir::wrongWeights(ir).empty())
            throw FormatError(path + ": a weight does not have the digest that the program names.");
        return ir;
    }

    // The patch worked into the surrogate once more, from the edit's certificate and file as they were read.
    [[nodiscard]] ir::BlockIr editedBlock(const Stitched& stitched, const ir::BlockIr& surrogate) const
    {
        const StitchedEdit& stated = *stitched.certificate->request.edit;
        const auto outcome = std::find_if(m_edits.begin(), m_edits.end(), [&](const EditOutcome& own) {
            return own.certificate->name == stated.name && own.columns;
        });
        if (outcome == m_edits.end())
            throw FormatError(stated.path + ": what the edit's patch works with could not be read.");
        const Patch& patch = outcome->certificate->request.patch;
        const TransformerConfig shapes = edit::shapesOf(surrogate.program, m_manifest.subject.layers);
        edit::requireSense(patch, shapes);
        edit::requireFit(patch, outcome->columns->patch, shapes);
        return edit::patchedBlock(surrogate, patch, outcome->columns->patch, shapes);
    }

    void advance(const ir::BlockIr& block, States& states, std::optional<RoundingProbe>& probe)
    {
        std::vector<std::vector<double>*> all;
        for (std::vector<double>& state : states)
            all.push_back(&state);
        advanceStates(block, all, m_threads, m_context);
        if (probe)
            probe->advance(block, std::vector<const std::vector<double>*>(all.begin(), all.end()), m_threads,
                           m_context);
    }

    // Of the baseline and of the stitched model, one of which is as wrong as the other.
    [[nodiscard]] std::array<double, 2> stateFactors(const Stitched& stitched, std::size_t prompt,
                                                     std::size_t token) const
    {
        if (!m_probe)
            return {1, 1};
        const double base = factorWithin(m_allowance.state, m_probe->factor(prompt, token));
        const double own =
            stitched.same ? base : factorWithin(m_stitchAllowance.residual, stitched.probe->factor(prompt, token));
        return {base, std::max(base, own)};
    }

    void compareResiduals(Stitched& stitched, const States& states, std::size_t layer) const
    {
        const std::size_t width = this->width();
        const StitchColumns& columns = *stitched.columns;
        for (std::size_t p = 0; p < states.size(); ++p)
            for (std::size_t t = 0; t < m_largest[p].size(); ++t) {
                const auto base = std::span(states[p]).subspan(t * width, width);
                const auto own = stitched.same ? base : std::span(stitched.states[p]).subspan(t * width, width);
                double sum = 0;
                double most = 0;
                for (std::size_t i = 0; i < width; ++i) {
                    sum += std::abs(own[i] - base[i]);
                    most = std::max(most, std::abs(own[i] - base[i]));
                }
                const std::size_t at = layer * columns.tokens() + columns.begin(p) + t;
                const double scale = std::max(m_largest[p][t], l2Norm(own));
                const double allowed = m_stitchAllowance.residual * scale;
                const auto prompt = static_cast<std::int32_t>(p);
                const auto [baseFactor, factor] = stateFactors(stitched, p, t);
                const auto see = [&, wider = factor](double recorded, double computed, double within) {
                    stitched.residual.see(std::abs(recorded - computed), within, prompt, t, recorded, computed, wider);
                };
                see(columns.residualL2[at], l2Distance(own, base), allowed);
                see(columns.residualMax[at], most, allowed);
                // A mean over coordinates differs by no more than the l2 norm over √d.
                const auto coordinates = static_cast<double>(width);
                see(columns.residualMae[at], sum / coordinates, allowed / std::sqrt(coordinates));
                const double norm = l2Norm(base);
                stitched.norm.see(std::abs(columns.residualNorm[at] - norm), m_allowance.state * m_largest[p][t],
                                  prompt, t, columns.residualNorm[at], norm, baseFactor);
            }
    }

    void compareHeads(const ReferenceHead& head, const States& states, Stitched& stitched)
    {
        const std::size_t width = this->width();
        for (std::size_t p = 0; p < states.size(); ++p) {
            const std::size_t tokens = states[p].size() / width;
            for (std::size_t begin = 0; begin < tokens; begin += rowsAtOnce) {
                const std::size_t count = std::min(rowsAtOnce, tokens - begin);
                const auto logitsOf = [&](const std::vector<double>& all) {
                    std::vector<double> logits;
                    head.forEachLogits(
                        std::span(all).subspan(begin * width, count * width),
                        [&](std::size_t, std::span<const double> rows) {
                            logits.insert(logits.end(), rows.begin(), rows.end());
                        },
                        m_threads, m_context);
                    return logits;
                };
                const std::vector<double> base = logitsOf(states[p]);
                const std::vector<double> own = stitched.same ? base : logitsOf(stitched.states[p]);
                const std::vector<double> baseFactors =
                    headFactors(m_probe, head, p, begin, base, m_threads, m_context);
                const std::vector<double> ownFactors =
                    stitched.same ? baseFactors
                                  : headFactors(stitched.probe, head, p, begin, own, m_threads, m_context);
                for (std::size_t t = begin; t < begin + count; ++t) {
                    const std::size_t at = (t - begin) * head.vocabulary();
                    compareToken(stitched, p, t, std::span(base).subspan(at, head.vocabulary()),
                                 std::span(own).subspan(at, head.vocabulary()), baseFactors[t - begin],
                                 ownFactors[t - begin]);
                }
            }
            m_context.step(Progress{"stitched losses", static_cast<std::int64_t>(p) + 1,
                                    static_cast<std::int64_t>(states.size()), std::nullopt,
                                    static_cast<std::int32_t>(p), "prompts", ""});
        }
    }

    void compareToken(Stitched& stitched, std::size_t p, std::size_t t, std::span<const double> base,
                      std::span<const double> own, double baseFactor, double ownFactor) const
    {
        const StitchColumns& columns = *stitched.columns;
        const auto& ids = m_manifest.prompts.prompts[p].tokenIds;
        const auto prompt = static_cast<std::int32_t>(p);
        const std::size_t at = columns.begin(p) + t;
        if (t + 1 < ids.size()) {
            const auto see = [&](Worst& worst, std::vector<TokenLoss>& all, double recorded,
                                 std::span<const double> logits, double factor) {
                const double computed = negativeLogLikelihood(logits, ids[t + 1]);
                all.push_back({t, true, computed, factor});
                worst.see(std::abs(recorded - computed), m_allowance.loss, prompt, t + 1, recorded, computed, factor);
            };
            see(stitched.lossBase, stitched.ownBase, columns.lossBase[at - p], base, baseFactor);
            see(stitched.lossStitched, stitched.ownStitched, columns.lossStitched[at - p], own, ownFactor);
        }
        const double recorded = columns.divergence[at];
        const double computed = stitched.same ? 0 : divergence(base, own);
        stitched.divergence.see(std::abs(std::sqrt(recorded) - std::sqrt(computed)), m_stitchAllowance.rootKl, prompt,
                                t, recorded, computed, std::max(baseFactor, ownFactor));
        const auto five = [&](const auto& values) { return std::span(values).subspan(stitchTops * at, stitchTops); };
        TokenLogits(base).compareTop(five(columns.topIdBase), five(columns.topLogitBase), m_allowance.logit, prompt, t,
                                     stitched.top, baseFactor);
        TokenLogits(own).compareTop(five(columns.topIdStitched), five(columns.topLogitStitched), m_allowance.logit,
                                    prompt, t, stitched.top, ownFactor);
    }

    void addWorst(const Stitched& stitched, const char* id, const char* title, const Worst& worst, double allowed,
                  const char* of)
    {
        if (worst.ratio < 0)
            return;
        m_checks.add(worstRow(row(stitched, id, title), worst,
                              "both models in double, within " + exactText(allowed) + of + " for " +
                                  std::string(nameOf(m_dtype)),
                              "the models compute"));
    }

    void report(const Stitched& stitched)
    {
        std::int64_t untold = 0;
        for (const Worst* worst : {&stitched.residual, &stitched.norm, &stitched.lossBase, &stitched.lossStitched,
                                   &stitched.divergence, &stitched.top})
            untold += worst->untold;
        if (const std::optional<Row> row = untoldRow(stitchText(*stitched.certificate), untold))
            m_checks.add(*row);
        addWorst(stitched, "stitch.model_residuals", "Residuals of the stitched model", stitched.residual,
                 m_stitchAllowance.residual, " of the largest norm");
        addWorst(stitched, "stitch.model_norms", "Norms of the baseline's states", stitched.norm, m_allowance.state,
                 " of the largest norm");
        addWorst(stitched, "stitch.model_loss_base", "Baseline losses are the model's", stitched.lossBase,
                 m_allowance.loss, " nats");
        addWorst(stitched, "stitch.model_loss_stitched", "Losses of the stitched model", stitched.lossStitched,
                 m_allowance.loss, " nats");
        reportLossCoverage(stitched, m_manifest.request.policy, "");
        if (m_block.options.policy)
            reportLossCoverage(stitched, *m_block.options.policy, " under the policy you gave");
        addWorst(stitched, "stitch.model_kl", "Divergences of the stitched model", stitched.divergence,
                 m_stitchAllowance.rootKl, " between square roots");
        addWorst(stitched, "stitch.model_top", "Highest logits of both models", stitched.top, m_allowance.logit, "");
    }

    // As of a single block: verify_model.cpp.
    void reportLossCoverage(const Stitched& stitched, const Policy& policy, const std::string& under)
    {
        if (stitched.ownBase.empty())
            return;
        const StitchColumns& columns = *stitched.columns;
        const double recorded =
            coverLosses(columns.lossBase, columns.lossStitched, columns.lossBase.size(), policy.tauLoss)
                .value.value_or(0);
        Row row("stitch.loss_rounding", group::reEvaluation, stitchText(*stitched.certificate),
                "Loss coverage whatever the baseline rounded" + under);
        if (!m_block.options.requireLosses)
            row.optional();
        if (roundingWidthFor(m_dtype).loss == 0) {
            m_checks.add(row.notChecked("The baseline's own rounding in " + std::string(nameOf(m_dtype)) +
                                        " is larger than tau_loss: only a second run of the engine can repeat it."));
            return;
        }
        m_checks.add(lossRoundingRow(row, recorded, stitched.ownBase, stitched.ownStitched, policy, m_dtype));
    }

    [[nodiscard]] std::size_t width() const { return static_cast<std::size_t>(m_manifest.subject.dModel); }

    BlockContext& m_block;
    const std::vector<EditOutcome>& m_edits;
    const RunManifest& m_manifest;
    DType m_dtype;
    Allowance m_allowance;
    StitchAllowance m_stitchAllowance;
    int m_threads;
    CheckList& m_checks;
    const RunContext& m_context;
    std::int64_t m_longest = 0;
    std::vector<Stitched> m_stitched;
    std::vector<std::vector<double>> m_largest; // [P][token] largest norm so far, of the baseline
    bool m_weighs = false;                      // how far rounding is carried
    std::optional<RoundingProbe> m_probe;       // of the baseline
};

}

StitchAllowance stitchAllowanceFor(DType baseline)
{
    switch (baseline) {
    case DType::BF16: return {0.3, 0.8};
    case DType::F16: return {0.07, 0.06};
    default: return {1e-4, 2e-4};
    }
}

void verifyStitchedModels(BlockContext& block, const std::vector<StitchOutcome>& stitches,
                          const std::vector<EditOutcome>& edits, CheckList& checks, const RunContext& context)
{
    StitchModelVerifier(block, stitches, edits, checks, context).run();
}

}
