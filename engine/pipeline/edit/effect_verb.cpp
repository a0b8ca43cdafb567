#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/edit/classifier.h"
#include "engine/edit/patch_check.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/edit/edit.h"
#include "engine/pipeline/edit/edit_effect.h"
#include "engine/pipeline/edit/edit_lab.h"
#include "engine/pipeline/edit/edit_source.h"
#include "engine/pipeline/edit/effect_rows.h"
#include "engine/pipeline/edit/patch_request.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace blockcert::pipeline {

namespace {

using certificate::CompletionColumns;
using certificate::EditColumns;

// Partial texts are shown this often, whatever the number of prompts.
constexpr double partialInterval = 1.0 / 20;

// Stage "generate": counts tokens, hands out finished completions, and now and then a growing one.
class CompletionNews {
public:
    CompletionNews(const EditEffectOptions& options, const PromptSet& prompts, const tokenizer::Tokenizer& tokenizer,
                   const MarkerLists& markers, std::int64_t limit, const RunContext& context)
        : m_seconds(options.seconds)
        , m_maxNew(options.refusal.maxNew)
        , m_prompts(prompts)
        , m_tokenizer(tokenizer)
        , m_markers(markers)
        , m_context(context)
    {
        m_progress.stage = "generate";
        m_progress.unit = "tokens";
        for (std::size_t p = 0; p < prompts.prompts.size(); ++p)
            if (static_cast<std::int64_t>(prompts.prompts[p].tokenIds.size()) < limit)
                m_prompt.push_back(static_cast<std::int32_t>(p));
        m_progress.total = 2 * m_maxNew * static_cast<std::int64_t>(m_prompt.size());
    }

    void begin(const char* side)
    {
        m_side = side;
        m_shown.assign(m_prompt.size(), 0);
        m_context.step(m_progress);
    }

    void grown(std::int64_t slot, const generate::Completion& completion, bool goesOn)
    {
        const auto index = static_cast<std::size_t>(slot);
        ++m_progress.done;
        if (!goesOn) {
            finished(index, completion);
            return;
        }
        const double now = m_seconds ? m_seconds() : 0;
        // Each time the one that was not shown for longest.
        if (!m_seconds || now - m_last < partialInterval ||
            m_shown[index] > *std::min_element(m_shown.begin(), m_shown.end())) {
            m_context.step(m_progress);
            return;
        }
        m_last = m_shown[index] = now;
        tell(index, Json{{"partial",
                          {{"prompt", m_prompt[index]},
                           {"side", m_side},
                           {"text", m_tokenizer.decode(completion.ids, true)}}}});
    }

    // Completions that nobody watched growing.
    void known(const std::vector<generate::Completion>& completions)
    {
        for (std::size_t index = 0; index < completions.size(); ++index) {
            m_progress.done += static_cast<std::int64_t>(completions[index].ids.size());
            finished(index, completions[index]);
        }
    }

private:
    void finished(std::size_t index, const generate::Completion& completion)
    {
        m_shown[index] = std::numeric_limits<double>::infinity();
        const auto tokens = static_cast<std::int64_t>(completion.ids.size());
        m_progress.done += m_maxNew - tokens;
        const CompletionText text{m_tokenizer.decode(completion.ids, true), endOf(completion, m_maxNew)};
        Json row = completionRow(text, tokens, m_markers);
        const EncodedPrompt& prompt = m_prompts.prompts[static_cast<std::size_t>(m_prompt[index])];
        row["id"] = prompt.id;
        row["label"] = prompt.label.empty() ? Json() : Json(prompt.label);
        tell(index, Json{{"completion", {{"prompt", m_prompt[index]}, {"side", m_side}, {"row", std::move(row)}}}});
    }

    void tell(std::size_t index, const Json& detail)
    {
        Progress progress = m_progress;
        progress.prompt = m_prompt[index];
        progress.detail = writeJsonLine(detail);
        m_context.step(progress);
    }

    const std::function<double()>& m_seconds;
    std::int64_t m_maxNew;
    const PromptSet& m_prompts;
    const tokenizer::Tokenizer& m_tokenizer;
    const MarkerLists& m_markers;
    const RunContext& m_context;
    std::vector<std::int32_t> m_prompt; // of each slot
    std::vector<double> m_shown;        // when
    double m_last = -1;
    const char* m_side = "";
    Progress m_progress;
};

// One call: what is asked for, and where its parts come from.
class EffectCall {
public:
    EffectCall(const EditEffectOptions& options, ModelCache& cache, const RunContext& context)
        : m_options(options)
        , m_context(context)
        , m_opened(cache.state().open(options.model.model, context))
    {
        m_opened.checkpoint->hashFiles(context);
        m_requested = requested();
        m_edited = edit::editedBlocks(m_requested.patch);
        m_prompts = loadPrompts(conditionedPrompts(options.prompts, requestedPreamble(options.refusal)), m_opened,
                                Heldout::Drop);
        requireWhole(m_prompts, m_opened.checkpoint->config().context);
        if (options.downstream) {
            m_heldout = loadPrompts(options.heldout, m_opened, Heldout::Keep);
            requireWhole(m_heldout, m_opened.checkpoint->config().context);
        }
        if (options.completions) {
            requireTokenizer(m_opened);
            m_markers = requestedMarkers(options.refusal);
        }
        m_transformer = &cache.state().load(m_opened, options.model, context);
        m_lab = &EditLab::of(cache.state(), *m_transformer);
    }

    Json run()
    {
        Json result = {{"edits", stepTexts(m_requested.patch)},
                       {"neutral", isNeutral(m_requested.patch)},
                       {"local", nullptr},
                       {"downstream", nullptr},
                       {"completions", nullptr},
                       {"receipt", nullptr}};
        const std::vector<std::vector<TokenId>> ids = tokenIdsOf(m_prompts);
        const std::vector<std::vector<TokenId>> heldout = tokenIdsOf(m_heldout);
        double begin = now();
        // First all that the baseline has to say: matrices that are laid over it would be in the way.
        BaselineStates* states = nullptr;
        BaselineStates* others = nullptr;
        if (m_options.local || m_options.downstream)
            states = &m_lab->states(ids, m_context);
        if (m_options.downstream)
            others = heldout == ids ? states : &m_lab->states(heldout, m_context);
        const std::map<LayerIndex, ir::BlockIr> none;
        const std::vector<LayerIndex> programs = m_options.receipt ? m_edited : matrixBlocks();
        const std::map<LayerIndex, ir::BlockIr>& blocks =
            programs.empty() ? none : m_lab->blocks(*m_opened.checkpoint, programs, m_context);
        {
            EditSession session(*m_transformer, m_requested.patch, m_requested.tensors, blocks, m_context);
            EditColumns columns;
            columns.blocks = static_cast<std::int64_t>(m_edited.size());
            if (states != nullptr) {
                columns.offset = states->batch().offset;
                columns.error = nativeErrors(*m_transformer, *states, session, m_edited, m_context);
            }
            if (m_options.local)
                result["local"] = timed(localRows(columns, m_edited, m_prompts), begin);
            if (m_options.downstream) {
                begin = m_options.local ? now() : begin;
                result["downstream"] = timed(downstream(*states, *others, session, columns), begin);
            }
        }
        if (m_options.receipt)
            result["receipt"] = receiptRows(m_requested.patch,
                                            receiptOf(blocks, m_requested.patch, m_requested.tensors,
                                                      m_opened.checkpoint->config(), m_options.model.dtype),
                                            blocks);
        if (m_options.completions) {
            begin = now();
            result["completions"] = timed(completions(ids, blocks), begin);
        }
        m_lab->dropLargePrograms();
        return result;
    }

private:
    [[nodiscard]] double now() const { return m_options.seconds ? m_options.seconds() : 0; }

    [[nodiscard]] Json timed(Json part, double begin) const
    {
        part["seconds"] = now() - begin;
        return part;
    }

    [[nodiscard]] RequestedPatch requested() const
    {
        const bool fromFile = m_options.edits.size() == 1 && !m_options.edits.front().file.empty();
        return fromFile ? requestedPatch(m_options.edits.front(), *m_opened.checkpoint)
                        : requestedStack(m_options.edits, *m_opened.checkpoint);
    }

    // Blocks with changed matrices.
    [[nodiscard]] std::vector<LayerIndex> matrixBlocks() const
    {
        Patch matrices = m_requested.patch;
        std::erase_if(matrices.steps, [](const PatchStep& step) { return step.operation != PatchOperation::RankK; });
        return edit::editedBlocks(matrices);
    }

    Json downstream(BaselineStates& states, BaselineStates& others, EditSession& session, EditColumns& columns)
    {
        if (&states == &others) {
            measureBoth(*m_transformer, states, session, columns, m_context);
        } else {
            measureDeviations(*m_transformer, states, session, columns, m_context);
            measureHeldout(*m_transformer, others, session, columns, m_context);
        }
        std::vector<std::string> names;
        for (const EncodedPrompt& prompt : m_heldout.prompts)
            names.push_back(prompt.id);
        return downstreamRows(certificate::measureEdit(columns, m_edited, names), m_heldout);
    }

    Json completions(const std::vector<std::vector<TokenId>>& ids, const std::map<LayerIndex, ir::BlockIr>& blocks)
    {
        const std::int64_t limit = m_transformer->config().context;
        CompletionNews news(m_options, m_prompts, *m_opened.tokenizer, m_markers, limit, m_context);
        const auto grown = [&news](std::int64_t slot, const generate::Completion& completion, bool goesOn) {
            news.grown(slot, completion, goesOn);
        };
        bool watched = false;
        generate::GreedyOptions greedy;
        greedy.maxNew = m_options.refusal.maxNew;
        greedy.stop = stopTokens(m_opened);
        greedy.grown = [&](std::int64_t slot, const generate::Completion& completion, bool goesOn) {
            watched = true;
            grown(slot, completion, goesOn);
        };
        news.begin("before");
        EditLab::Completions& both = m_lab->completions(withRoom(ids, limit), greedy, m_context);
        if (!watched)
            news.known(both.before);
        EditSession session(*m_transformer, m_requested.patch, m_requested.tensors, blocks, m_context);
        news.begin("after");
        const bool same = session.first().value >= m_transformer->config().layers;
        const std::vector<generate::Completion> edited = m_lab->edited(both, session, grown, m_context);
        if (same)
            news.known(edited);
        const CompletionColumns before = columnsOf(ids, both.before, greedy.maxNew, limit);
        const CompletionColumns after = columnsOf(ids, edited, greedy.maxNew, limit);
        return completionRows(rowsOf(m_prompts, before, after, *m_opened.tokenizer), before, after, m_markers);
    }

    const EditEffectOptions& m_options;
    const RunContext& m_context;
    OpenedModel m_opened;
    RequestedPatch m_requested;
    std::vector<LayerIndex> m_edited;
    PromptSet m_prompts;
    PromptSet m_heldout;
    MarkerLists m_markers;
    model::Transformer* m_transformer = nullptr;
    EditLab* m_lab = nullptr;
};

}

Json editEffect(const EditEffectOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.refusal.maxNew < 1)
        throw UsageError("--max-new must be at least 1.");
    if (!options.local && !options.downstream && !options.completions && !options.receipt)
        throw UsageError("Nothing is asked for: name parts among local, downstream, completions and receipt.");
    return model::guarded([&] { return EffectCall(options, cache, context).run(); });
}

}
