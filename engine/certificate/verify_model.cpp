#include "engine/certificate/verify_model.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/estimate_check.h"
#include "engine/certificate/memory_archive.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/model_comparison.h"
#include "engine/certificate/probe_reader.h"
#include "engine/certificate/rebuilt_ir.h"
#include "engine/certificate/reference_model.h"
#include "engine/certificate/retokenise.h"
#include "engine/certificate/widen.h"
#include "engine/ir/block_ir_codec.h"
#include "engine/surrogate/model_differences.h"

#include <algorithm>
#include <array>

namespace blockcert::certificate {

namespace {

using artifact::Checkpoint;

// The model with one block replaced, on its way through the blocks behind it.
struct Stitched {
    std::size_t head = 0;                    // its block among those that are compared
    std::vector<std::vector<double>> states; // [P][token, width]
    std::vector<NudgedState> nudges;         // [P] of runs that estimate to first order, without their states
};

class ModelVerifier {
public:
    ModelVerifier(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                  const RunContext& context)
        : m_block(block)
        , m_manifest(block.contents.run.manifest)
        , m_outcomes(outcomes)
        , m_dtype(m_manifest.request.baselineDtype)
        , m_allowance(allowanceFor(m_dtype))
        , m_threads(block.options.threads)
        , m_checks(checks)
        , m_context(context)
    {
        for (const EncodedPrompt& prompt : m_manifest.prompts.prompts)
            m_longest = std::max(m_longest, static_cast<std::int64_t>(prompt.tokenIds.size()));
    }

    void run()
    {
        const Checkpoint* model = m_block.weights.checkpoint(m_context);
        Row files("model.files", group::provenance, "", "Weight files of the model");
        if (model == nullptr) {
            m_checks.add(
                files.notChecked("Level 4 needs the model: " + m_block.weights.problem() + "; name it with --model."));
            return;
        }
        if (const std::string other = otherFiles(m_manifest.subject, *model); !other.empty()) {
            m_checks.add(files.notChecked(model->path().string() + " is not the model of this run: " + other + "."));
            return;
        }
        m_checks.add(files.how("re-hashed, " + counted(static_cast<std::int64_t>(model->files().size()), "file"))
                         .passedIf(true, ""));
        checkConfig(*model);
        checkOther(*model);
        checkRetokenised(m_manifest, *model, m_checks);
        if (m_checks.anyFailed()) {
            m_checks.add(Row("model.states", group::reEvaluation, "", "The whole model from its token ids")
                             .notChecked("Not run: something already failed."));
            return;
        }
        try {
            runModel(*model);
        } catch (const Error& error) {
            m_checks.add(Row("model.states", group::reEvaluation, "", "The whole model from its token ids")
                             .failed(error.what()));
        }
    }

private:
    // Every file the run states must be one of the model's, and the other way round: by digest and size.
    static std::string otherFiles(const Subject& subject, const Checkpoint& model)
    {
        const auto& stated = subject.files;
        if (stated.size() != model.files().size())
            return "it has " + counted(static_cast<std::int64_t>(model.files().size()), "weight file") +
                   ", the run states " + std::to_string(stated.size());
        for (const SubjectFile& file : stated)
            if (std::none_of(model.files().begin(), model.files().end(), [&](const artifact::WeightFile& found) {
                    return found.sha256 == file.sha256 && found.size == file.size;
                }))
                return "none of its files has the SHA-256 " + file.sha256;
        return "";
    }

    void checkConfig(const Checkpoint& model)
    {
        const Subject& subject = m_manifest.subject;
        const bool same = describes(subject, model);
        m_checks.add(Row("model.config", group::provenance, "", "Configuration of the model")
                         .issuer(subject.configSha256)
                         .recomputed(model.configSha256())
                         .how("read from the model")
                         .passedIf(same, "The run describes another configuration than the model's own."));
    }

    static bool describes(const Subject& subject, const Checkpoint& model)
    {
        const TransformerConfig& config = model.config();
        const std::string architecture = config.architecture == Architecture::Gpt2 ? "gpt2" : "llama";
        return subject.configSha256 == model.configSha256() && subject.layers == config.layers &&
               subject.dModel == config.dModel && subject.heads == config.heads && subject.architecture == architecture;
    }

    // The checkpoint that the surrogates were taken from; m_other stays null if it was not found.
    void checkOther(const Checkpoint& model)
    {
        const std::optional<SurrogateModel>& stated = m_manifest.surrogateModel;
        if (!stated)
            return;
        Row files("model.surrogate_files", group::provenance, "", "Weight files of the surrogates' model");
        const Checkpoint* other = m_block.surrogateWeights.checkpoint(m_context);
        m_otherProblem = other == nullptr ? m_block.surrogateWeights.problem() : otherFiles(stated->subject, *other);
        if (!m_otherProblem.empty()) {
            m_otherProblem =
                "The surrogates' model was not found: " + m_otherProblem + "; name it with --surrogate-model.";
            m_checks.add(files.notChecked(m_otherProblem));
            return;
        }
        m_other = other;
        m_checks.add(files.how("re-hashed, " + counted(static_cast<std::int64_t>(other->files().size()), "file"))
                         .passedIf(true, ""));
        const bool same =
            describes(stated->subject, *other) && stated->differences == surrogate::modelDifferences(model, *other);
        m_checks.add(Row("model.surrogate_config", group::provenance, "",
                         "Configuration of the surrogates' model, and how it differs")
                         .issuer(stated->subject.configSha256)
                         .recomputed(other->configSha256())
                         .how("read from both models")
                         .passedIf(same, "The run describes another configuration of the surrogates' model, or other "
                                         "differences from the model, than the files have."));
    }

    void runModel(const Checkpoint& model)
    {
        TensorHasher hasher(m_dtype, {m_manifest.prompts.tokenCount(), m_manifest.subject.dModel});
        std::vector<std::vector<double>> states = embedded(model, &hasher);
        checkEmbedding(hasher.finish());

        std::vector<BlockComparison> heads;
        m_largest.resize(states.size());
        for (std::size_t p = 0; p < states.size(); ++p)
            noteNorms(p, states[p]);
        for (std::int32_t layer = 0; layer < m_manifest.subject.layers; ++layer) {
            const ir::BlockIr block = rebuildIr(model, {layer}, WeightOrigin::Baseline, m_dtype, m_longest);
            const std::vector<std::vector<double>> before = states;
            std::vector<std::vector<std::vector<double>>*> all = {&states};
            for (Stitched& stitched : m_stitched)
                all.push_back(&stitched.states);
            const auto at = positionOf({layer});
            const bool isRecorded = at < m_block.contents.certificates.size();
            std::vector<ir::BlockReplay> sublayers(isRecorded ? states.size() : 0);
            advance(block, all, sublayers);
            for (std::size_t p = 0; p < states.size(); ++p)
                noteNorms(p, states[p]);
            if (isRecorded) {
                heads.push_back(compareStates(at, before, states, sublayers));
                if (m_block.contents.certificates[at].surrogateModel && m_other == nullptr)
                    heads.back().unknownSurrogate = m_otherProblem;
                heads.back().sameBlock = replaceBlock(model, block, at, before, states, heads);
                for (CellRecord& cell : heads.back().cells)
                    cell.input = cell.output = cell.lossGradient = {};
            }
            m_context.step(Progress{"model", layer + 1, m_manifest.subject.layers, layer, std::nullopt, "blocks", ""});
        }
        compareHeads(model, states, heads);
        weighRounding(model, heads);
        for (const BlockComparison& head : heads)
            head.report(m_dtype, m_manifest.request.loss, m_checks);
        reportLosses(heads);
    }

    // What the model starts from, prompt by prompt.
    [[nodiscard]] std::vector<std::vector<double>> embedded(const Checkpoint& model,
                                                            TensorHasher* hasher = nullptr) const
    {
        const ReferenceEmbedding embedding(model, m_dtype);
        std::vector<std::vector<double>> states;
        for (const EncodedPrompt& prompt : m_manifest.prompts.prompts) {
            const HostTensor rows = embedding.rows(prompt.tokenIds);
            if (hasher != nullptr)
                hasher->add(rows.bytes);
            states.push_back(ir::widened(rows));
        }
        return states;
    }

    [[nodiscard]] std::size_t positionOf(LayerIndex layer) const
    {
        const auto& certificates = m_block.contents.certificates;
        const auto found = std::find_if(certificates.begin(), certificates.end(),
                                        [&](const Certificate& c) { return c.block == layer; });
        return static_cast<std::size_t>(found - certificates.begin());
    }

    void checkEmbedding(const std::string& digest)
    {
        for (const BlockOutcome& outcome : m_outcomes)
            if (outcome.trace && outcome.trace->block.value == 0)
                m_checks.add(
                    Row("model.embedding", group::provenance, blockText(0), "Input of block 0 is the embedding")
                        .issuer(outcome.trace->input)
                        .recomputed(digest)
                        .how("looked up, bit for bit")
                        .passedIf(outcome.trace->input == digest,
                                  "The recorded input of block 0 is not the model's embedding of the token ids."));
    }

    // Errors of a low-precision baseline are carried along from the token's largest state, not from its present one.
    void noteNorms(std::size_t prompt, const std::vector<double>& rows)
    {
        const auto width = static_cast<std::size_t>(m_manifest.subject.dModel);
        std::vector<double>& largest = m_largest[prompt];
        largest.resize(rows.size() / width, 0.0);
        for (std::size_t t = 0; t < largest.size(); ++t)
            largest[t] = std::max(largest[t], l2Norm(std::span(rows).subspan(t * width, width)));
    }

    // Every prompt's state of every model in `all` through one block.
    void advance(const ir::BlockIr& block, const std::vector<std::vector<std::vector<double>>*>& all,
                 std::span<ir::BlockReplay> kept = {})
    {
        std::vector<std::vector<double>*> states;
        for (std::vector<std::vector<double>>* model : all)
            for (std::vector<double>& state : *model)
                states.push_back(&state);
        advanceStates(block, states, m_threads, m_context, kept);
    }

    void compareRows(const HostTensor& recorded, const std::vector<double>& computed, std::int32_t prompt,
                     Worst& worst) const
    {
        const auto width = static_cast<std::size_t>(m_manifest.subject.dModel);
        const std::vector<double> rows = ir::widened(recorded);
        const std::vector<double>& largest = m_largest[static_cast<std::size_t>(prompt)];
        for (std::size_t t = 0; t < largest.size(); ++t) {
            const auto row = [&](const std::vector<double>& all) { return std::span(all).subspan(t * width, width); };
            const double distance = l2Distance(row(rows), row(computed));
            worst.see(distance, m_allowance.state * largest[t], prompt, t, l2Norm(row(rows)), l2Norm(row(computed)));
        }
    }

    static Worst& seen(std::optional<Worst>& worst) { return worst ? *worst : worst.emplace(); }

    // Reads the block's probes once more, digests included: what is compared here is what was verified before.
    BlockComparison compareStates(std::size_t at, const std::vector<std::vector<double>>& before,
                                  const std::vector<std::vector<double>>& after,
                                  const std::vector<ir::BlockReplay>& sublayers)
    {
        const Certificate& certificate = m_block.contents.certificates[at];
        BlockComparison head;
        head.where = blockText(certificate.block.value);
        head.block = certificate.block;
        head.stitchedLosses.resize(before.size());
        const std::string path = probesPath(certificate.block);
        const OpenFile file = m_block.folder.open(path);
        ProbeReader probes(artifact::openForeignArchive(file.descriptor(), path, m_block.options.childProgram),
                           probeShapeOf(certificate), certificate.block);
        for (std::size_t p = 0; p < before.size(); ++p) {
            CellRecord cell = probes.read({static_cast<std::int32_t>(p)});
            compareRows(cell.input, before[p], cell.prompt.value, head.state);
            compareRows(cell.output, after[p], cell.prompt.value, head.state);
            if (certificate.request.hasSublayers()) {
                compareRows(cell.attentionOutput, sublayers[p].attention, cell.prompt.value, seen(head.attention));
                compareRows(cell.mlpOutput, sublayers[p].mlp, cell.prompt.value, seen(head.mlp));
            }
            if (!head.mask)
                head.mask = maskFault(cell.mask, cell.prompt.value);
            for (HostTensor* wide : {&cell.attentionOutput, &cell.mlpOutput, &cell.mask})
                *wide = {};
            if (!comparesSlopes())
                cell.input = cell.output = cell.lossGradient = {};
            head.cells.push_back(std::move(cell));
        }
        requireSameDigests(certificate.artifacts[1].tensors, probes.finishDigests(), path);
        return head;
    }

    // Rows of the block's surrogate. True if it is the baseline's own block; else the states behind it are kept, to be
    // carried through the rest of the model.
    bool replaceBlock(const Checkpoint& model, const ir::BlockIr& baseline, std::size_t at,
                      const std::vector<std::vector<double>>& before, const std::vector<std::vector<double>>& after,
                      const std::vector<BlockComparison>& heads)
    {
        const Certificate& certificate = m_block.contents.certificates[at];
        if (certificate.surrogateModel && m_other == nullptr) {
            m_checks.add(Row("model.ir", group::provenance, blockText(certificate.block.value),
                             "Surrogate rebuilt from the model")
                             .notChecked(m_otherProblem));
            return false;
        }
        if (certificate.request.surrogate.family == SurrogateFamily::Given) {
            m_checks.add(Row("model.ir", group::provenance, blockText(certificate.block.value),
                             "Surrogate rebuilt from the model")
                             .optional()
                             .notChecked("Its weights are somebody's files: where they come from cannot be rebuilt."));
            if (const std::optional<ir::BlockIr> stored = storedIr(at))
                carry(*stored, before, after, heads);
            return false;
        }
        const RebuiltSurrogate rebuilt = rebuildSurrogate(certificate, model, m_other, storedIr(at), m_longest);
        checkRebuiltIr(certificate, m_outcomes[at].program, rebuilt, m_checks);
        const bool same = isSame(rebuilt.block, baseline);
        if (!same || comparesSlopes())
            carry(rebuilt.block, before, after, heads);
        return same;
    }

    // The surrogate that replaceBlock() looked at, where it is known.
    [[nodiscard]] std::optional<ir::BlockIr> surrogateAt(const Checkpoint& model, std::size_t at) const
    {
        const Certificate& certificate = m_block.contents.certificates[at];
        if (certificate.surrogateModel && m_other == nullptr)
            return std::nullopt;
        if (certificate.request.surrogate.family == SurrogateFamily::Given)
            return storedIr(at);
        return rebuildSurrogate(certificate, model, m_other, storedIr(at), m_longest).block;
    }

    // Keeps the states behind the surrogate of the last of `heads`, if losses are to be compared; where they were
    // estimated, the model's own states moved a little.
    void carry(const ir::BlockIr& surrogate, const std::vector<std::vector<double>>& before,
               const std::vector<std::vector<double>>& after, const std::vector<BlockComparison>& heads)
    {
        const std::size_t head = heads.size() - 1;
        if (m_manifest.request.loss == LossMode::Exact) {
            m_stitched.push_back({head, before, {}});
            advance(surrogate, {&m_stitched.back().states});
            return;
        }
        if (!comparesSlopes())
            return;
        std::vector<std::vector<double>> outputs; // of the surrogate on the recorded inputs
        for (const CellRecord& cell : heads.back().cells)
            outputs.push_back(ir::widened(cell.input));
        advance(surrogate, {&outputs});
        std::array<Stitched, 2> moved;
        for (std::size_t p = 0; p < outputs.size(); ++p) {
            std::array<NudgedState, 2> both = nudged(heads.back().cells[p], outputs[p], after[p]);
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

    static bool isSame(const ir::BlockIr& a, const ir::BlockIr& b)
    {
        const auto sameWeight = [](const auto& x, const auto& y) { return x.second.sha256 == y.second.sha256; };
        return a.program.operations == b.program.operations && a.mask == b.mask && a.ropeCos == b.ropeCos &&
               a.ropeSin == b.ropeSin &&
               std::equal(a.program.weights.begin(), a.program.weights.end(), b.program.weights.begin(),
                          b.program.weights.end(), sameWeight);
    }

    // Read once more, digests included, and only where weights were fitted or given: nobody else has those.
    std::optional<ir::BlockIr> storedIr(std::size_t at) const
    {
        const Certificate& certificate = m_block.contents.certificates[at];
        const std::optional<ir::BlockProgram>& program = m_outcomes[at].program;
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

    static void requireSameDigests(std::vector<TensorDigest> named, std::vector<TensorDigest> found,
                                   const std::string& path)
    {
        const auto byName = [](const TensorDigest& a, const TensorDigest& b) { return a.name < b.name; };
        std::sort(named.begin(), named.end(), byName);
        std::sort(found.begin(), found.end(), byName);
        if (named != found)
            throw FormatError(path + " changed while it was being verified.");
    }

    void compareHeads(const Checkpoint& model, const std::vector<std::vector<double>>& states,
                      std::vector<BlockComparison>& heads)
    {
        if (m_manifest.request.loss == LossMode::None || heads.empty())
            return;
        const ReferenceHead reference(model, m_dtype, m_threads);
        m_losses.resize(states.size());
        for (std::size_t p = 0; p < states.size(); ++p) {
            const auto prompt = static_cast<std::int32_t>(p);
            const bool exact = m_manifest.request.loss == LossMode::Exact;
            double sum = 0;
            forEachToken(reference, p, states[p],
                         [&](std::size_t t, bool predicts, double loss, const TokenLogits& token) {
                             sum += loss;
                             if (predicts)
                                 m_losses[p].push_back(loss);
                             for (BlockComparison& head : heads) {
                                 head.seeBase(prompt, t, predicts, loss, token, m_allowance);
                                 if (head.sameBlock && exact)
                                     head.seeStitched(prompt, t, predicts, loss, token, m_allowance);
                             }
                         });
            for (const Stitched& stitched : m_stitched) {
                double moved = 0;
                forEachToken(reference, p, stitched.states[p],
                             [&](std::size_t t, bool predicts, double loss, const TokenLogits& token) {
                                 moved += loss;
                                 if (exact)
                                     heads[stitched.head].seeStitched(prompt, t, predicts, loss, token, m_allowance);
                             });
                if (exact)
                    continue;
                const NudgedState& nudge = stitched.nudges[p];
                heads[stitched.head].seeSlope(prompt, nudge.expected, nudge.step > 0 ? (moved - sum) / nudge.step : 0,
                                              nudge.scale, m_allowance);
            }
            m_context.step(Progress{"losses", static_cast<std::int64_t>(p) + 1,
                                    static_cast<std::int64_t>(states.size()), std::nullopt,
                                    static_cast<std::int32_t>(p), "prompts", ""});
        }
    }

    // Allowances were measured on models themselves. Where a loss with a surrogate in place is beyond them, that model
    // may carry rounding further, and how much further is measured here: both of them once more with every state
    // rounded to the baseline's dtype. The largest change of a loss of the one, in units of the other's, widens the
    // allowance.
    void weighRounding(const Checkpoint& model, std::vector<BlockComparison>& heads)
    {
        if (std::none_of(heads.begin(), heads.end(), [](const BlockComparison& head) { return head.isDoubtful(); }))
            return;
        std::vector<std::vector<double>> states = embedded(model);
        std::vector<Stitched> stitched;
        for (std::int32_t layer = 0; layer < m_manifest.subject.layers; ++layer) {
            const std::vector<std::vector<double>> before = states;
            std::vector<std::vector<std::vector<double>>*> all = {&states};
            for (Stitched& each : stitched)
                all.push_back(&each.states);
            advanceRounded(rebuildIr(model, {layer}, WeightOrigin::Baseline, m_dtype, m_longest), all);
            for (std::size_t h = 0; h < heads.size(); ++h)
                if (heads[h].block.value == layer && heads[h].isDoubtful())
                    if (const std::optional<ir::BlockIr> surrogate = surrogateAt(model, positionOf({layer}))) {
                        stitched.push_back({h, before, {}});
                        advanceRounded(*surrogate, {&stitched.back().states});
                    }
            m_context.step(
                Progress{"rounding", layer + 1, m_manifest.subject.layers, layer, std::nullopt, "blocks", ""});
        }
        const ReferenceHead reference(model, m_dtype, m_threads);
        const double own = largestChange(reference, states, m_losses);
        for (const Stitched& each : stitched)
            if (own > 0)
                heads[each.head].amplification =
                    std::max(1.0, largestChange(reference, each.states, heads[each.head].stitchedLosses) / own);
    }

    // One block, and every state rounded behind it.
    void advanceRounded(const ir::BlockIr& block, const std::vector<std::vector<std::vector<double>>*>& all)
    {
        advance(block, all);
        for (std::vector<std::vector<double>>* states : all)
            for (std::vector<double>& state : *states)
                state = roundedTo(m_dtype, state);
    }

    // Of the losses behind `states`, from the given ones: [P] of the tokens that are predicted.
    [[nodiscard]] double largestChange(const ReferenceHead& reference, const std::vector<std::vector<double>>& states,
                                       const std::vector<std::vector<double>>& losses) const
    {
        double largest = 0;
        for (std::size_t p = 0; p < states.size(); ++p)
            forEachToken(reference, p, states[p], [&](std::size_t t, bool predicts, double loss, const TokenLogits&) {
                if (predicts)
                    largest = std::max(largest, std::abs(loss - losses[p][t]));
            });
        return largest;
    }

    template <class See>
    void forEachToken(const ReferenceHead& reference, std::size_t prompt, const std::vector<double>& states,
                      See see) const
    {
        const auto& ids = m_manifest.prompts.prompts[prompt].tokenIds;
        const std::size_t vocabulary = reference.vocabulary();
        const auto use = [&](std::size_t first, std::span<const double> logits) {
            for (std::size_t t = first; t < first + logits.size() / vocabulary; ++t) {
                const std::span<const double> row = logits.subspan((t - first) * vocabulary, vocabulary);
                const bool predicts = t + 1 < ids.size();
                see(t, predicts, predicts ? negativeLogLikelihood(row, ids[t + 1]) : 0, TokenLogits(row));
            }
        };
        reference.forEachLogits(states, use, m_threads, m_context);
    }

    // A 16-bit baseline rounds by more than τ_loss: whether a loss changed by less cannot be told from outside.
    void reportLosses(const std::vector<BlockComparison>& heads)
    {
        if (m_manifest.request.loss == LossMode::None)
            return;
        const bool exact = m_manifest.request.loss == LossMode::Exact;
        Row row(exact ? "loss.tokens" : "loss.gradients", group::reEvaluation, "",
                exact ? "Per-token losses" : "Gradients behind the estimated loss changes");
        row.how("whole model in double");
        if (m_dtype == DType::F32) {
            m_checks.add(row.passedIf(
                std::all_of(heads.begin(), heads.end(), [](const BlockComparison& head) { return head.holdsLosses(); }),
                "Not every recorded loss is the model's; the blocks' own rows say which."));
            reportRounding(heads);
            return;
        }
        if (!m_block.options.requireLosses)
            row.optional();
        m_checks.add(
            row.notChecked("The baseline's own rounding in " + std::string(nameOf(m_dtype)) +
                           (exact ? " is larger than tau_loss: only a second run of the engine can repeat its loss "
                                    "coverage."
                                  : " moves its states too far from the model's in double to compare derivatives.")));
    }

    // The same for single blocks whose surrogate lets rounding in fp32 grow as large.
    void reportRounding(const std::vector<BlockComparison>& heads)
    {
        for (const BlockComparison& head : heads) {
            if (head.amplification <= 1 || head.amplification * m_allowance.loss <= m_manifest.request.policy.tauLoss)
                continue;
            Row row("loss.rounding", group::reEvaluation, head.where, "Loss coverage with the surrogate in place");
            if (!m_block.options.requireLosses)
                row.optional();
            m_checks.add(
                row.notChecked("With this surrogate in place the model carries rounding so far that losses may "
                               "differ by more than tau_loss: only a second run of the engine can repeat its "
                               "loss coverage."));
        }
    }

    BlockContext& m_block;
    const RunManifest& m_manifest;
    const std::vector<BlockOutcome>& m_outcomes;
    DType m_dtype;
    Allowance m_allowance;
    int m_threads;
    CheckList& m_checks;
    const RunContext& m_context;
    std::int64_t m_longest = 0;
    std::vector<std::vector<double>> m_largest; // [P][token] largest norm so far
    const Checkpoint* m_other = nullptr;        // of surrogates from another checkpoint
    std::string m_otherProblem;
    std::vector<Stitched> m_stitched;
    std::vector<std::vector<double>> m_losses; // [P] of the tokens that are predicted, by the model in double
};

}

void verifyModel(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                 const RunContext& context)
{
    ModelVerifier(block, outcomes, checks, context).run();
}

}
