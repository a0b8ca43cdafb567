#include "engine/certificate/verify_model.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/probe_reader.h"
#include "engine/certificate/reference_model.h"
#include "engine/certificate/retokenise.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/ir/share_out.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace blockcert::certificate {

namespace {

using artifact::Checkpoint;

// The largest of many ratios "difference / allowed", and where it stands.
struct Worst {
    double ratio = -1;
    std::int32_t prompt = 0;
    std::size_t token = 0;
    double recorded = 0;
    double computed = 0;

    void see(double difference, double allowed, std::int32_t p, std::size_t t, double recordedValue,
             double computedValue)
    {
        const double found = difference / allowed;
        if (found <= ratio)
            return;
        *this = {found, p, t, recordedValue, computedValue};
    }
};

// Numbers of one block that are compared once the whole model has run.
struct RecordedHead {
    std::string where;
    bool sameWeights = false;      // the surrogate is the baseline's block, so stitched and baseline are one function
    std::vector<CellRecord> cells; // [P], numbers only
    Worst state;
    Worst baseLoss;
    Worst stitchedLoss;
    Worst top;
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
        if (const std::string other = otherFiles(*model); !other.empty()) {
            m_checks.add(files.notChecked(model->path().string() + " is not the model of this run: " + other + "."));
            return;
        }
        m_checks.add(files.how("re-hashed, " + counted(static_cast<std::int64_t>(model->files().size()), "file"))
                         .passedIf(true, ""));
        checkConfig(*model);
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
    [[nodiscard]] std::string otherFiles(const Checkpoint& model) const
    {
        const auto& stated = m_manifest.subject.files;
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
        const TransformerConfig& config = model.config();
        const Subject& subject = m_manifest.subject;
        const std::string architecture = config.architecture == Architecture::Gpt2 ? "gpt2" : "llama";
        const bool same = subject.configSha256 == model.configSha256() && subject.layers == config.layers &&
                          subject.dModel == config.dModel && subject.heads == config.heads &&
                          subject.architecture == architecture;
        m_checks.add(Row("model.config", group::provenance, "", "Configuration of the model")
                         .issuer(subject.configSha256)
                         .recomputed(model.configSha256())
                         .how("read from the model")
                         .passedIf(same, "The run describes another configuration than the model's own."));
    }

    // The stored surrogate against the one rebuilt from the model: program, weights, mask, tables.
    [[nodiscard]] std::string irDifference(const Certificate& certificate, const BlockOutcome& outcome,
                                           const ir::BlockIr& rebuilt) const
    {
        if (!outcome.program)
            return "it could not be read";
        const ir::BlockProgram& stored = *outcome.program;
        if (stored.operations != rebuilt.program.operations || stored.width != rebuilt.program.width ||
            stored.ropeHalf != rebuilt.program.ropeHalf || stored.positions != rebuilt.program.positions)
            return "its operations are not the model's";
        if (stored.weights.size() != rebuilt.program.weights.size())
            return "it has other weights than the model";
        for (const auto& [name, weight] : rebuilt.program.weights) {
            const auto found = stored.weights.find(name);
            if (found == stored.weights.end() || found->second.dtype != weight.dtype ||
                found->second.shape != weight.shape || found->second.sha256 != weight.sha256)
                return "its weight " + name + " is not the model's";
            if (found->second.reference && found->second.reference != weight.reference)
                return "its reference to " + name + " is not the one that leads to the model's weight";
        }
        const auto differs = [&](const std::string& name, const HostTensor& tensor) {
            const auto& tensors = certificate.artifacts[0].tensors;
            const auto digest =
                std::find_if(tensors.begin(), tensors.end(), [&](const TensorDigest& d) { return d.name == name; });
            return digest == tensors.end() || digest->sha256 != sha256OfTensor(tensor);
        };
        if (differs("mask", rebuilt.mask))
            return "its mask is not causal";
        if (rebuilt.program.ropeHalf > 0 &&
            (differs("rope_cos", rebuilt.ropeCos) || differs("rope_sin", rebuilt.ropeSin)))
            return "its positional tables are not the model's";
        return "";
    }

    void checkIr(const Certificate& certificate, const BlockOutcome& outcome, const ir::BlockIr& rebuilt)
    {
        Row row("model.ir", group::provenance, blockText(certificate.block.value), "Surrogate rebuilt from the model");
        if (certificate.request.surrogate != "exact") {
            m_checks.add(row.notChecked("The surrogate is \"" + certificate.request.surrogate +
                                        "\", not an exact copy: where its weights come from cannot be rebuilt."));
            return;
        }
        const std::string differs = irDifference(certificate, outcome, rebuilt);
        m_checks.add(row.how("rebuilt, bit for bit")
                         .passedIf(differs.empty(), "The surrogate is not the model's block: " + differs + "."));
    }

    void runModel(const Checkpoint& model)
    {
        const ReferenceEmbedding embedding(model, m_dtype);
        std::vector<std::vector<double>> states;
        Sha256Rows embedded(m_dtype, m_manifest.prompts.tokenCount(), m_manifest.subject.dModel);
        for (const EncodedPrompt& prompt : m_manifest.prompts.prompts) {
            const HostTensor rows = embedding.rows(prompt.tokenIds);
            embedded.add(rows);
            states.push_back(ir::widened(rows));
        }
        checkEmbedding(embedded.finish());

        std::vector<RecordedHead> heads;
        m_largest.resize(states.size());
        for (std::size_t p = 0; p < states.size(); ++p)
            noteNorms(p, states[p]);
        for (std::int32_t layer = 0; layer < m_manifest.subject.layers; ++layer) {
            const ir::BlockIr block = rebuildIr(model, {layer}, WeightOrigin::Baseline, m_dtype, m_longest);
            const std::vector<std::vector<double>> before = states;
            advance(block, states);
            for (std::size_t p = 0; p < states.size(); ++p)
                noteNorms(p, states[p]);
            if (const auto at = positionOf({layer}); at < m_block.contents.certificates.size())
                heads.push_back(compareStates(model, block, at, before, states));
            m_context.step(Progress{"model", layer + 1, m_manifest.subject.layers, layer, std::nullopt, "blocks", ""});
        }
        compareHeads(model, states, heads);
        report(heads);
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

    void advance(const ir::BlockIr& block, std::vector<std::vector<double>>& states)
    {
        const bool across = states.size() >= static_cast<std::size_t>(m_threads);
        const ir::ReferenceInterpreter interpreter(block, across ? 1 : m_threads);
        ir::shareOut(across ? m_threads : 1, static_cast<std::int64_t>(states.size()), [&](std::int64_t p) {
            std::vector<double>& state = states[static_cast<std::size_t>(p)];
            std::vector<std::int32_t> positions(
                m_manifest.prompts.prompts[static_cast<std::size_t>(p)].tokenIds.size());
            std::iota(positions.begin(), positions.end(), 0);
            state = interpreter.run(state, positions, m_context).output;
        });
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

    // Reads the block's probes once more, digests included: what is compared here is what was verified before.
    RecordedHead compareStates(const Checkpoint& model, const ir::BlockIr& baseline, std::size_t at,
                               const std::vector<std::vector<double>>& before,
                               const std::vector<std::vector<double>>& after)
    {
        const Certificate& certificate = m_block.contents.certificates[at];
        const ir::BlockIr surrogate = certificate.request.weights == WeightOrigin::Baseline
                                          ? baseline
                                          : rebuildIr(model, certificate.block, WeightOrigin::File, m_dtype, m_longest);
        checkIr(certificate, m_outcomes[at], surrogate);

        RecordedHead head;
        head.where = blockText(certificate.block.value);
        head.sameWeights = surrogate.program.weights.size() == baseline.program.weights.size() &&
                           std::equal(surrogate.program.weights.begin(), surrogate.program.weights.end(),
                                      baseline.program.weights.begin(),
                                      [](const auto& a, const auto& b) { return a.second.sha256 == b.second.sha256; });
        const std::string path = probesPath(certificate.block);
        const OpenFile file = m_block.folder.open(path);
        ProbeReader probes(artifact::openForeignArchive(file.descriptor(), path, m_block.options.childProgram),
                           probeShapeOf(certificate), certificate.block);
        for (std::size_t p = 0; p < before.size(); ++p) {
            CellRecord cell = probes.read({static_cast<std::int32_t>(p)});
            compareRows(cell.input, before[p], cell.prompt.value, head.state);
            compareRows(cell.output, after[p], cell.prompt.value, head.state);
            for (HostTensor* wide : {&cell.input, &cell.output, &cell.attentionOutput, &cell.mlpOutput, &cell.mask})
                *wide = {};
            head.cells.push_back(std::move(cell));
        }
        auto named = certificate.artifacts[1].tensors;
        auto found = probes.finishDigests();
        const auto byName = [](const TensorDigest& a, const TensorDigest& b) { return a.name < b.name; };
        std::sort(named.begin(), named.end(), byName);
        std::sort(found.begin(), found.end(), byName);
        if (named != found)
            throw FormatError(path + " changed while it was being verified.");
        return head;
    }

    void compareHeads(const Checkpoint& model, const std::vector<std::vector<double>>& states,
                      std::vector<RecordedHead>& heads)
    {
        if (m_manifest.request.loss != LossMode::Exact || heads.empty())
            return;
        const ReferenceHead reference(model, m_dtype, m_threads);
        const std::size_t vocabulary = reference.vocabulary();
        for (std::size_t p = 0; p < states.size(); ++p) {
            const auto& ids = m_manifest.prompts.prompts[p].tokenIds;
            reference.forEachLogits(
                states[p],
                [&](std::size_t first, std::span<const double> logits) {
                    for (std::size_t t = first; t < first + logits.size() / vocabulary; ++t) {
                        const std::span<const double> row = logits.subspan((t - first) * vocabulary, vocabulary);
                        const double loss = t + 1 < ids.size() ? negativeLogLikelihood(row, ids[t + 1]) : 0;
                        for (RecordedHead& head : heads)
                            compareToken(head, static_cast<std::int32_t>(p), t, t + 1 < ids.size(), loss, row);
                    }
                },
                m_threads, m_context);
            m_context.step(Progress{"losses", static_cast<std::int64_t>(p) + 1,
                                    static_cast<std::int64_t>(states.size()), std::nullopt,
                                    static_cast<std::int32_t>(p), "prompts", ""});
        }
    }

    void compareToken(RecordedHead& head, std::int32_t prompt, std::size_t token, bool predicts, double loss,
                      std::span<const double> logits) const
    {
        const CellRecord& cell = head.cells[static_cast<std::size_t>(prompt)];
        if (predicts) {
            const double base = cell.lossBase[token];
            const double stitched = cell.lossStitched[token];
            head.baseLoss.see(std::abs(base - loss), m_allowance.loss, prompt, token + 1, base, loss);
            if (head.sameWeights)
                head.stitchedLoss.see(std::abs(stitched - loss), m_allowance.loss, prompt, token + 1, stitched, loss);
        }
        compareTop(head, cell.topIdBase, cell.topLogitBase, prompt, token, logits);
        if (head.sameWeights)
            compareTop(head, cell.topIdStitched, cell.topLogitStitched, prompt, token, logits);
    }

    // The recorded five have the logits they claim, and no other token is clearly above the lowest of them.
    void compareTop(RecordedHead& head, const std::vector<std::int32_t>& ids, const std::vector<double>& recorded,
                    std::int32_t prompt, std::size_t token, std::span<const double> logits) const
    {
        double lowest = 0;
        std::vector<double> rest(logits.begin(), logits.end());
        for (std::size_t k = 5 * token; k < 5 * token + 5; ++k) {
            if (ids[k] == -1 && cellHasNoTops(ids, token))
                return; // a prompt of one token, not recorded
            if (ids[k] < 0 || static_cast<std::size_t>(ids[k]) >= logits.size())
                throw FormatError("A recorded top id is outside the vocabulary.");
            const double logit = logits[static_cast<std::size_t>(ids[k])];
            head.top.see(std::abs(recorded[k] - logit), m_allowance.logit, prompt, token, recorded[k], logit);
            rest[static_cast<std::size_t>(ids[k])] = -HUGE_VAL;
            lowest = recorded[k];
        }
        const double highest = *std::max_element(rest.begin(), rest.end());
        if (highest > lowest)
            head.top.see(highest - lowest, m_allowance.logit, prompt, token, lowest, highest);
    }

    static bool cellHasNoTops(const std::vector<std::int32_t>& ids, std::size_t token)
    {
        return std::all_of(ids.begin() + static_cast<std::ptrdiff_t>(5 * token),
                           ids.begin() + static_cast<std::ptrdiff_t>(5 * token + 5),
                           [](std::int32_t id) { return id == -1; });
    }

    Row worstRow(const char* id, const char* title, const std::string& where, const Worst& worst, double allowed) const
    {
        Row row(id, group::reEvaluation, where, title);
        const std::string at = "prompt " + std::to_string(worst.prompt) + ", token " + std::to_string(worst.token);
        row.how("whole model in double, within " + exactText(allowed) + " for " + std::string(nameOf(m_dtype)));
        row.issuer(exactText(worst.recorded)).recomputed(exactText(worst.computed));
        row.note("widest at " + at + ": " + exactText(worst.ratio) + " of the allowance");
        return row.passedIf(worst.ratio <= 1, "At " + at + " the recorded value (" + exactText(worst.recorded) +
                                                  ") is not what the model computes (" + exactText(worst.computed) +
                                                  "): " + exactText(worst.ratio) + " times the allowance.");
    }

    void report(const std::vector<RecordedHead>& heads)
    {
        for (const RecordedHead& head : heads) {
            m_checks.add(
                worstRow("model.states", "Recorded states are the model's", head.where, head.state, m_allowance.state));
            if (m_manifest.request.loss != LossMode::Exact)
                continue;
            if (head.baseLoss.ratio >= 0)
                m_checks.add(worstRow("model.loss_base", "Baseline losses are the model's", head.where, head.baseLoss,
                                      m_allowance.loss));
            if (head.stitchedLoss.ratio >= 0)
                m_checks.add(worstRow("model.loss_stitched", "Losses with the surrogate in place", head.where,
                                      head.stitchedLoss, m_allowance.loss));
            else if (!head.sameWeights)
                m_checks.add(
                    Row("model.loss_stitched", group::reEvaluation, head.where, "Losses with the surrogate in place")
                        .notChecked(
                            "The surrogate's weights are not those of the baseline; its losses need the engine."));
            if (head.top.ratio >= 0)
                m_checks.add(
                    worstRow("model.top", "Highest logits are the model's", head.where, head.top, m_allowance.logit));
        }
        reportLosses();
    }

    // A 16-bit baseline rounds by more than τ_loss: whether a loss changed by less cannot be told from outside.
    void reportLosses()
    {
        if (m_manifest.request.loss != LossMode::Exact)
            return;
        Row row("loss.tokens", group::reEvaluation, "", "Per-token losses");
        row.how("whole model in double");
        if (m_dtype == DType::F32) {
            m_checks.add(row.passedIf(true, ""));
            return;
        }
        if (!m_block.options.requireLosses)
            row.optional();
        m_checks.add(
            row.notChecked("The baseline's own rounding in " + std::string(nameOf(m_dtype)) +
                           " is larger than tau_loss: only a second run of the engine can repeat its loss coverage."));
    }

    // Digest of [N, d] rows given prompt by prompt.
    class Sha256Rows {
    public:
        Sha256Rows(DType dtype, std::int64_t tokens, std::int64_t width)
            : m_hasher(dtype, {tokens, width})
        {
        }

        void add(const HostTensor& rows) { m_hasher.add(rows.bytes); }

        [[nodiscard]] std::string finish() { return m_hasher.finish(); }

    private:
        TensorHasher m_hasher;
    };

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
};

}

Allowance allowanceFor(DType baseline)
{
    switch (baseline) {
    case DType::BF16: return {0.1, 1.0, 2.0};
    case DType::F16: return {0.02, 0.2, 0.4};
    default: return {1e-4, 1e-3, 5e-3};
    }
}

void verifyModel(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                 const RunContext& context)
{
    ModelVerifier(block, outcomes, checks, context).run();
}

}
