#include "engine/certificate/verify_edit_model.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/model_comparison.h"
#include "engine/certificate/reference_model.h"
#include "engine/certificate/retokenise.h"
#include "engine/certificate/rounding_probe.h"
#include "engine/certificate/verify_stitch_model.h"
#include "engine/edit/patched_block.h"
#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

namespace blockcert::certificate {

namespace {

using artifact::Checkpoint;

constexpr double undecidedMargin = 1e-3;

// A token sequence on its way through the layers of one model.
struct Stream {
    std::vector<TokenId> ids;
    std::vector<double> state;   // [token, width]
    std::vector<double> largest; // [token] largest norm so far
};

// Sequences that go through one model.
struct Model {
    std::vector<Stream> streams;
    std::optional<RoundingProbe> probe; // where it is weighed how far it carries rounding

    [[nodiscard]] double factor(std::size_t stream, std::size_t token, double allowance) const
    {
        return probe ? factorWithin(allowance, probe->factor(stream, token)) : 1;
    }
};

std::vector<TokenId> sliceOf(const std::vector<std::int32_t>& ids, const std::vector<std::int64_t>& offset,
                             std::size_t prompt)
{
    return {ids.begin() + offset[prompt], ids.begin() + offset[prompt + 1]};
}

class EditModelVerifier {
public:
    EditModelVerifier(const EditCertificate& certificate, const EditColumns& columns, BlockContext& block,
                      CheckList& checks, const RunContext& context)
        : m_certificate(certificate)
        , m_columns(columns)
        , m_where(editText(certificate))
        , m_dtype(certificate.baselineDtype)
        , m_allowance(allowanceFor(m_dtype))
        , m_stitchAllowance(stitchAllowanceFor(m_dtype))
        , m_width(static_cast<std::size_t>(certificate.subject.dModel))
        , m_threads(block.options.threads)
        , m_checks(checks)
        , m_context(context)
    {
    }

    void run(const Checkpoint& model)
    {
        checkTexts(model);
        std::vector<std::vector<TokenId>> heldout;
        for (std::size_t q = 0; q + 1 < m_columns.heldoutOffset.size(); ++q)
            heldout.push_back(sliceOf(m_columns.heldoutTokenId, m_columns.heldoutOffset, q));
        checkHeldOutTokens(m_certificate.heldout, heldout, m_where, model, m_checks);
        m_found = compared(model, false);
        // Allowances were measured on some models and prompts; where they do not suffice, it is weighed how much
        // further rounding is carried here.
        if (m_found.isDoubtful())
            m_found = compared(model, true);
        report();
    }

private:
    // What the comparison with both models in double gives.
    struct Found {
        Worst deviation, final, loss, kl, margin;
        std::string wrongTop;
        std::string wrongToken;
        std::int64_t undecided = 0; // tokens of completions

        [[nodiscard]] bool isDoubtful() const
        {
            const auto all = {&deviation, &final, &loss, &kl, &margin};
            return !wrongTop.empty() || !wrongToken.empty() ||
                   std::any_of(all.begin(), all.end(), [](const Worst* worst) { return worst->ratio > 1; });
        }
    };

    Found compared(const Checkpoint& model, bool weighs)
    {
        m_found = {};
        makeStreams(model, weighs);
        runLayers(model);
        const ReferenceHead head(model, m_dtype, m_threads);
        compareFinal(head);
        compareHeldout(head);
        compareCompletions(head, m_base, m_columns.before, "before");
        compareCompletions(head, m_edited, m_columns.after, "after");
        return std::move(m_found);
    }

    Row row(const char* id, const char* title) const { return {id, group::reEvaluation, m_where, title}; }

    void checkTexts(const Checkpoint& model)
    {
        Row texts = row("edit.texts", "Completions decoded again, and how they end");
        std::string wrong;
        std::string wrongEnd;
        try {
            const tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::of(model);
            std::set<TokenId> stop(model.config().eos.begin(), model.config().eos.end());
            for (const TokenId id : tokenizer.endOfText())
                stop.insert(id);
            const auto compare = [&](const CompletionColumns& columns, bool before) {
                for (std::size_t p = 0; p < m_certificate.rows.size(); ++p) {
                    const RefusalRow& row = m_certificate.rows[p];
                    const CompletionText& text = before ? row.before : row.after;
                    const std::vector<TokenId> ids = sliceOf(columns.id, columns.offset, p);
                    if (tokenizer.decode(ids, true) != text.text)
                        wrong = row.id;
                    if (!endsAs(text.end, ids, m_columns.offset[p + 1] - m_columns.offset[p], stop, model.config()))
                        wrongEnd = row.id;
                }
            };
            compare(m_columns.before, true);
            compare(m_columns.after, false);
        } catch (const Error& error) {
            m_checks.add(texts.notChecked(error.what()));
            return;
        }
        texts.how("ids decoded by the model's tokenizer; ends held against stop tokens, length and context");
        if (!wrong.empty())
            texts.failed("The text of prompt \"" + wrong + "\" is not what its completion's ids decode to.");
        else
            texts.passedIf(wrongEnd.empty(),
                           "The completion of prompt \"" + wrongEnd + "\" does not end the way it says.");
        m_checks.add(texts);
    }

    // Greedy decoding goes on until a token that ends it, the asked length or the end of the model's context, whichever
    // comes first: a completion that ends sooner has been cut.
    [[nodiscard]] bool endsAs(CompletionEnd end, const std::vector<TokenId>& ids, std::int64_t promptTokens,
                              const std::set<TokenId>& stop, const TransformerConfig& config) const
    {
        const auto length = static_cast<std::int64_t>(ids.size());
        const auto first = std::find_if(ids.begin(), ids.end(), [&](TokenId id) { return stop.contains(id); });
        const bool runsOn = first == ids.end() && length > 0;
        switch (end) {
        case CompletionEnd::EndOfText: return !ids.empty() && first == ids.end() - 1;
        case CompletionEnd::Length: return runsOn && length == m_certificate.request.maxNew;
        case CompletionEnd::Context:
            return runsOn && length < m_certificate.request.maxNew && promptTokens + length == config.context;
        case CompletionEnd::NeverRan: return ids.empty() && promptTokens >= config.context;
        }
        return false;
    }

    void makeStreams(const Checkpoint& model, bool weighs)
    {
        for (Model* each : {&m_base, &m_edited, &m_heldoutBase, &m_heldoutEdited})
            *each = {};
        const ReferenceEmbedding embedding(model, m_dtype);
        const auto add = [&](Model& to, std::vector<TokenId> ids) {
            m_longest = std::max(m_longest, static_cast<std::int64_t>(ids.size()));
            std::vector<double> state = ir::widened(embedding.rows(ids));
            to.streams.push_back({std::move(ids), std::move(state), {}});
        };
        const auto completed = [&](const CompletionColumns& completions, std::size_t p) {
            std::vector<TokenId> ids = sliceOf(m_columns.tokenId, m_columns.offset, p);
            const std::vector<TokenId> more = sliceOf(completions.id, completions.offset, p);
            // The last token is predicted and never fed.
            ids.insert(ids.end(), more.begin(), more.empty() ? more.end() : more.end() - 1);
            return ids;
        };
        for (std::size_t p = 0; p + 1 < m_columns.offset.size(); ++p) {
            add(m_base, completed(m_columns.before, p));
            add(m_edited, completed(m_columns.after, p));
        }
        for (std::size_t q = 0; q + 1 < m_columns.heldoutOffset.size(); ++q) {
            add(m_heldoutBase, sliceOf(m_columns.heldoutTokenId, m_columns.heldoutOffset, q));
            m_heldoutEdited.streams.push_back(m_heldoutBase.streams.back());
        }
        if (!weighs)
            return;
        for (Model* each : {&m_base, &m_edited, &m_heldoutBase, &m_heldoutEdited}) {
            std::vector<std::vector<double>> states;
            for (const Stream& stream : each->streams)
                states.push_back(stream.state);
            each->probe.emplace(m_dtype, m_width, std::move(states));
        }
    }

    void runLayers(const Checkpoint& model)
    {
        const TransformerConfig& config = model.config();
        for (std::int32_t layer = 0; layer < config.layers; ++layer) {
            const ir::BlockIr baseline = rebuildIr(model, {layer}, WeightOrigin::Baseline, m_dtype, m_longest);
            advance(baseline, m_base);
            advance(baseline, m_heldoutBase);
            if (contains(m_certificate.request.blocks, {layer})) {
                const ir::BlockIr edited =
                    edit::patchedBlock(baseline, m_certificate.request.patch, m_columns.patch, config);
                advance(edited, m_edited);
                advance(edited, m_heldoutEdited);
            } else {
                advance(baseline, m_edited);
                advance(baseline, m_heldoutEdited);
            }
            compareLayer(static_cast<std::size_t>(layer));
            m_context.step(Progress{"edited model", layer + 1, config.layers, layer, std::nullopt, "blocks", ""});
        }
    }

    void advance(const ir::BlockIr& block, Model& model) const
    {
        std::vector<std::vector<double>*> states;
        for (Stream& stream : model.streams)
            states.push_back(&stream.state);
        advanceStates(block, states, m_threads, m_context);
        if (model.probe)
            model.probe->advance(block, std::vector<const std::vector<double>*>(states.begin(), states.end()),
                                 m_threads, m_context);
        for (Stream& stream : model.streams) {
            stream.largest.resize(stream.ids.size(), 0.0);
            for (std::size_t t = 0; t < stream.ids.size(); ++t)
                stream.largest[t] = std::max(stream.largest[t], l2Norm(rowOf(stream.state, t)));
        }
    }

    [[nodiscard]] std::span<const double> rowOf(const std::vector<double>& state, std::size_t token) const
    {
        return std::span(state).subspan(token * m_width, m_width);
    }

    void compareLayer(std::size_t layer)
    {
        for (std::size_t p = 0; p < m_base.streams.size(); ++p) {
            const Stream& base = m_base.streams[p];
            const Stream& edited = m_edited.streams[p];
            const auto begin = static_cast<std::size_t>(m_columns.offset[p]);
            const auto count = static_cast<std::size_t>(m_columns.offset[p + 1]) - begin;
            for (std::size_t t = 0; t < count; ++t) {
                const double recorded = m_columns.deviation[layer * m_columns.tokenId.size() + begin + t];
                const double computed = l2Distance(rowOf(edited.state, t), rowOf(base.state, t));
                const double scale = std::max(base.largest[t], edited.largest[t]);
                m_found.deviation.see(std::abs(recorded - computed), m_stitchAllowance.residual * scale,
                                      static_cast<std::int32_t>(p), t, recorded, computed, stateFactor(p, t));
            }
        }
    }

    [[nodiscard]] double stateFactor(std::size_t p, std::size_t t) const
    {
        return std::max(m_base.factor(p, t, m_stitchAllowance.residual),
                        m_edited.factor(p, t, m_stitchAllowance.residual));
    }

    // A norm divides by the state's own size: an error of ε of the largest norm so far grows by that ratio.
    void compareFinal(const ReferenceHead& head)
    {
        for (std::size_t p = 0; p < m_base.streams.size(); ++p) {
            const Stream& baseStream = m_base.streams[p];
            const Stream& editedStream = m_edited.streams[p];
            const auto begin = static_cast<std::size_t>(m_columns.offset[p]);
            const auto count = static_cast<std::size_t>(m_columns.offset[p + 1]) - begin;
            const std::vector<double> base = head.normed(std::span(baseStream.state).first(count * m_width));
            const std::vector<double> edited = head.normed(std::span(editedStream.state).first(count * m_width));
            for (std::size_t t = 0; t < count; ++t) {
                const double recorded = m_columns.finalPost[begin + t];
                const double computed = l2Distance(rowOf(edited, t), rowOf(base, t));
                const auto growth = [&](const Stream& stream, const std::vector<double>& normed) {
                    return l2Norm(rowOf(normed, t)) * stream.largest[t] /
                           std::max(l2Norm(rowOf(stream.state, t)), 1e-300);
                };
                const double scale = std::max(growth(baseStream, base), growth(editedStream, edited));
                m_found.final.see(std::abs(recorded - computed), m_stitchAllowance.residual * scale,
                                  static_cast<std::int32_t>(p), t, recorded, computed, stateFactor(p, t));
            }
        }
    }

    std::vector<double> logitsOf(const ReferenceHead& head, const Stream& stream, std::size_t first, std::size_t count)
    {
        std::vector<double> logits;
        head.forEachLogits(
            std::span(stream.state).subspan(first * m_width, count * m_width),
            [&](std::size_t, std::span<const double> rows) { logits.insert(logits.end(), rows.begin(), rows.end()); },
            m_threads, m_context);
        return logits;
    }

    void compareHeldout(const ReferenceHead& head)
    {
        constexpr std::size_t rowsAtOnce = 32;
        const std::size_t vocabulary = head.vocabulary();
        for (std::size_t q = 0; q < m_heldoutBase.streams.size(); ++q) {
            const std::vector<TokenId>& ids = m_heldoutBase.streams[q].ids;
            const auto begin = static_cast<std::size_t>(m_columns.heldoutOffset[q]);
            for (std::size_t first = 0; first < ids.size(); first += rowsAtOnce) {
                const std::size_t count = std::min(rowsAtOnce, ids.size() - first);
                const std::vector<double> base = logitsOf(head, m_heldoutBase.streams[q], first, count);
                const std::vector<double> edited = logitsOf(head, m_heldoutEdited.streams[q], first, count);
                const std::vector<double> baseFactors =
                    headFactors(m_heldoutBase.probe, head, q, first, base, m_threads, m_context);
                const std::vector<double> editedFactors =
                    headFactors(m_heldoutEdited.probe, head, q, first, edited, m_threads, m_context);
                for (std::size_t t = first; t < first + count; ++t) {
                    const auto own = std::span(base).subspan((t - first) * vocabulary, vocabulary);
                    const auto other = std::span(edited).subspan((t - first) * vocabulary, vocabulary);
                    compareHeldoutToken(q, t, begin + t, ids, {own, baseFactors[t - first]},
                                        {other, editedFactors[t - first]});
                }
            }
            m_context.step(Progress{"edited losses", static_cast<std::int64_t>(q) + 1,
                                    static_cast<std::int64_t>(m_heldoutBase.streams.size()), std::nullopt, std::nullopt,
                                    "prompts", ""});
        }
    }

    struct TokenRow {
        std::span<const double> logits; // [vocabulary]
        double factor = 1;              // of their allowance
    };

    void compareHeldoutToken(std::size_t q, std::size_t t, std::size_t at, const std::vector<TokenId>& ids,
                             const TokenRow& base, const TokenRow& edited)
    {
        const auto prompt = static_cast<std::int32_t>(q);
        if (t + 1 < ids.size()) {
            const auto see = [&](double recorded, const TokenRow& row) {
                const double computed = negativeLogLikelihood(row.logits, ids[t + 1]);
                m_found.loss.see(std::abs(recorded - computed), m_allowance.loss, prompt, t + 1, recorded, computed,
                                 row.factor);
            };
            see(m_columns.lossBase[at - q], base);
            see(m_columns.lossEdited[at - q], edited);
        }
        const double computed = divergence(base.logits, edited.logits);
        m_found.kl.see(std::abs(std::sqrt(m_columns.divergence[at]) - std::sqrt(computed)), m_stitchAllowance.rootKl,
                       prompt, t, m_columns.divergence[at], computed, std::max(base.factor, edited.factor));
        const auto isHighest = [&](const TokenRow& row, std::int32_t id) {
            const double most = *std::max_element(row.logits.begin(), row.logits.end());
            return static_cast<std::size_t>(id) < row.logits.size() &&
                   most - row.logits[static_cast<std::size_t>(id)] <= 2 * m_allowance.logit * row.factor;
        };
        if (!isHighest(base, m_columns.topBase[at]) || !isHighest(edited, m_columns.topEdited[at]))
            m_found.wrongTop = "held-out prompt " + std::to_string(q) + ", token " + std::to_string(t);
    }

    void compareCompletions(const ReferenceHead& head, const Model& model, const CompletionColumns& completions,
                            const char* side)
    {
        const std::vector<Stream>& streams = model.streams;
        const std::size_t vocabulary = head.vocabulary();
        for (std::size_t p = 0; p < streams.size(); ++p) {
            const std::vector<TokenId> ids = sliceOf(completions.id, completions.offset, p);
            if (ids.empty())
                continue;
            const std::size_t first = streams[p].ids.size() - ids.size();
            const std::vector<double> logits = logitsOf(head, streams[p], first, ids.size());
            const std::vector<double> factors = headFactors(model.probe, head, p, first, logits, m_threads, m_context);
            for (std::size_t k = 0; k < ids.size(); ++k) {
                const auto own = std::span(logits).subspan(k * vocabulary, vocabulary);
                if (static_cast<std::size_t>(ids[k]) >= vocabulary) {
                    m_found.wrongToken =
                        std::string(side) + " the edit, prompt " + std::to_string(p) + ", token " + std::to_string(k);
                    continue;
                }
                const double mine = own[static_cast<std::size_t>(ids[k])];
                double rival = -std::numeric_limits<double>::infinity();
                for (std::size_t i = 0; i < vocabulary; ++i)
                    if (i != static_cast<std::size_t>(ids[k]))
                        rival = std::max(rival, own[i]);
                const double recorded = completions.margin[static_cast<std::size_t>(completions.offset[p]) + k];
                m_found.margin.see(std::abs(recorded - std::max(0.0, mine - rival)), 2 * m_allowance.logit,
                                   static_cast<std::int32_t>(p), k, recorded, mine - rival, factors[k]);
                if (std::abs(mine - rival) < std::max(undecidedMargin, 2 * m_allowance.logit * factors[k]))
                    ++m_found.undecided;
                else if (mine < rival)
                    m_found.wrongToken =
                        std::string(side) + " the edit, prompt " + std::to_string(p) + ", token " + std::to_string(k);
            }
            m_context.step(Progress{"completions", static_cast<std::int64_t>(p) + 1,
                                    static_cast<std::int64_t>(streams.size()), std::nullopt, std::nullopt, "prompts",
                                    ""});
        }
    }

    void addWorst(const char* id, const char* title, const Worst& worst, double allowed, const char* of)
    {
        if (worst.ratio < 0)
            return;
        m_checks.add(worstRow(row(id, title), worst,
                              "both models in double, within " + exactText(allowed) + of + " for " +
                                  std::string(nameOf(m_dtype)),
                              "the models compute"));
    }

    void report()
    {
        std::int64_t untold = 0;
        for (const Worst* worst : {&m_found.deviation, &m_found.final, &m_found.loss, &m_found.kl, &m_found.margin})
            untold += worst->untold;
        if (const std::optional<Row> row = untoldRow(m_where, untold))
            m_checks.add(*row);
        addWorst("edit.model_deviation", "Deviations of the residual stream, before the final norm", m_found.deviation,
                 m_stitchAllowance.residual, " of the largest norm");
        addWorst("edit.model_final", "Deviation after the final norm", m_found.final, m_stitchAllowance.residual,
                 " of the largest norm");
        addWorst("edit.model_loss", "Held-out losses of both models", m_found.loss, m_allowance.loss, " nats");
        addWorst("edit.model_kl", "Held-out divergences", m_found.kl, m_stitchAllowance.rootKl,
                 " between square roots");
        m_checks.add(
            row("edit.model_top", "Held-out next tokens")
                .how("both models in double: no logit is higher than the recorded token's by more than " +
                     exactText(2 * m_allowance.logit))
                .passedIf(m_found.wrongTop.empty(), "At " + m_found.wrongTop + " another token lies clearly higher."));
        addWorst("edit.model_margins", "Margins of the completions", m_found.margin, 2 * m_allowance.logit, "");
        const auto total = static_cast<std::int64_t>(m_columns.before.id.size() + m_columns.after.id.size());
        m_checks.add(
            row("edit.model_completions", "Completions teacher-forced in double")
                .how("each recorded token against the highest logit of the model in double, " + counted(total, "token"))
                .note(std::to_string(m_found.undecided) + " undecided: their margin is too small for double and " +
                      std::string(nameOf(m_dtype)) + " to agree by necessity")
                .passedIf(m_found.wrongToken.empty(),
                          "The token " + m_found.wrongToken + " is not the one the model in double would choose."));
    }

    const EditCertificate& m_certificate;
    const EditColumns& m_columns;
    std::string m_where;
    DType m_dtype;
    Allowance m_allowance;
    StitchAllowance m_stitchAllowance;
    std::size_t m_width;
    int m_threads;
    CheckList& m_checks;
    const RunContext& m_context;
    std::int64_t m_longest = 0;
    Model m_base, m_edited;               // [P] prompt and completion
    Model m_heldoutBase, m_heldoutEdited; // [Q]
    Found m_found;
};

}

void verifyEditedModels(BlockContext& block, const std::vector<EditOutcome>& edits, CheckList& checks,
                        const RunContext& context)
{
    for (const EditOutcome& edit : edits) {
        if (!edit.columns)
            continue;
        Row row("edit.model_completions", group::reEvaluation, editText(*edit.certificate),
                "Completions teacher-forced in double");
        const Checkpoint* model = block.weights.checkpoint(context);
        if (model == nullptr || !checks.verified("model.files") || checks.anyFailed()) {
            checks.add(row.notChecked(checks.anyFailed() ? "Not run: something already failed."
                                                         : "The model of this run was not found."));
            continue;
        }
        try {
            EditModelVerifier(*edit.certificate, *edit.columns, block, checks, context).run(*model);
        } catch (const Error& error) {
            checks.add(row.failed(error.what()));
        }
    }
}

}
