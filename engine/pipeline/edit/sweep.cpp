#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/block_list.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/token_ids.h"
#include "engine/edit/classifier.h"
#include "engine/edit/patched_block.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/edit/edit.h"
#include "engine/pipeline/edit/edit_effect.h"
#include "engine/pipeline/edit/edit_session.h"
#include "engine/pipeline/edit/patch_request.h"
#include "engine/pipeline/edit/sweep_decoding.h"
#include "engine/pipeline/edit/sweep_folder.h"
#include "engine/pipeline/surrogate.h"
#include "engine/protocol/edit_rows.h"
#include "engine/replay/torch_interpreter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace blockcert::pipeline {

namespace {

std::vector<std::string> partsOf(std::string_view list, char separator)
{
    std::vector<std::string> parts;
    while (true) {
        const std::size_t end = list.find(separator);
        parts.emplace_back(list.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        list.remove_prefix(end + 1);
    }
}

double strengthOf(const std::string& text)
{
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        throw UsageError("--alphas: \"" + text + "\" is not a number; give 1,0.5,0 or from:to:step.");
    return value;
}

// Distinct strengths in the order of a chain: from one downwards, then from one upwards.
std::vector<double> strengthsOf(const std::string& text)
{
    std::vector<double> strengths;
    if (const std::vector<std::string> range = partsOf(text, ':'); range.size() == 3) {
        const double from = strengthOf(range[0]);
        const double to = strengthOf(range[1]);
        if (strengthOf(range[2]) < 0 && to > from)
            throw UsageError("--alphas " + text + " steps away from its end; write " + range[0] + ":" + range[1] + ":" +
                             range[2].substr(1) + ".");
        const double step = std::abs(strengthOf(range[2]));
        const double count = step > 0 ? std::floor(std::abs(to - from) / step + 1e-9) : -1;
        if (!(count >= 0) || count > 1000)
            throw UsageError("--alphas " + text + " is not a range of at most a thousand steps.");
        for (int i = 0; i <= static_cast<int>(count); ++i) // rounded to what a person would write
            strengths.push_back(std::round((from + (to < from ? -step : step) * i) * 1e12) / 1e12);
    } else {
        for (const std::string& part : partsOf(text, ','))
            strengths.push_back(strengthOf(part) + 0.0); // there is one zero
    }
    std::sort(strengths.begin(), strengths.end());
    strengths.erase(std::unique(strengths.begin(), strengths.end()), strengths.end());
    std::vector<double> chain;
    for (auto strength = strengths.rbegin(); strength != strengths.rend(); ++strength)
        if (*strength <= 1)
            chain.push_back(*strength);
    for (const double strength : strengths)
        if (strength > 1)
            chain.push_back(strength);
    return chain;
}

std::string nameOfRow(std::size_t condition, std::int32_t block, double alpha)
{
    char buffer[32];
    const std::string strength(buffer, std::to_chars(buffer, buffer + sizeof buffer, alpha).ptr);
    return std::to_string(condition) + "_block_" + std::to_string(block) + "_" + strength;
}

// One condition of a sweep: its prompts, decoded and edited.
class ConditionSweep {
public:
    ConditionSweep(const SweepOptions& options, const OpenedModel& opened, model::Transformer& transformer,
                   const MarkerLists& markers, const PromptSet& prompts, std::string condition,
                   const RunContext& context)
        : m_options(options)
        , m_opened(opened)
        , m_transformer(transformer)
        , m_markers(markers)
        , m_prompts(prompts)
        , m_condition(std::move(condition))
        , m_context(context)
        , m_decoding(transformer, tokenIdsOf(prompts), greedy(), context)
    {
    }

    Json baselineRow() const { return rowOf(std::nullopt, 1, {{m_decoding.baseline(), 0, 0, 0, 0}, 0, {}}); }

    void enter(LayerIndex block)
    {
        m_decoding.enter(block, m_context);
        RunRequest request;
        request.baselineDtype = m_options.model.dtype;
        std::int64_t longest = 0;
        for (const EncodedPrompt& prompt : m_prompts.prompts)
            longest = std::max(longest, static_cast<std::int64_t>(prompt.tokenIds.size()));
        m_block = Surrogates(*m_opened.checkpoint, request).block(block, longest, m_context).block;
        m_tiling = m_transformer.tilingForReplay(DType::F64, m_context).tiling;
        m_unedited = replay(m_block);
    }

    void restart() { m_decoding.restart(); }

    Json row(double alpha)
    {
        const LayerIndex block = m_block.program.layer;
        if (alpha == 1)
            return rowOf(block, alpha, {{m_decoding.baseline(), 0, 0, 0, 0}, 0, {}});
        Patch patch;
        PatchStep& step = patch.steps.emplace_back();
        step.block = block;
        step.target = m_options.target == "mlp" ? PatchTarget::Mlp : PatchTarget::Attention;
        step.strength = alpha;
        Swept swept;
        try {
            EditTaps taps(patch, {}, m_transformer);
            static_cast<SweptEdit&>(swept) = m_decoding.run(taps, m_context);
        } catch (const NumericError& error) { // this edit's, and no reason to give up the others
            swept = {};
            swept.failure = error.what();
        }
        swept.epsilon = localError(patch);
        return rowOf(block, alpha, swept);
    }

private:
    struct Swept : SweptEdit {
        double epsilon = 0;  // largest ε_edit; may be no finite number
        std::string failure; // why there is neither a completion nor a deviation; empty: there are
    };

    [[nodiscard]] generate::GreedyOptions greedy() const
    {
        generate::GreedyOptions greedy;
        greedy.maxNew = m_options.maxNew;
        greedy.stop = stopTokens(m_opened);
        return greedy;
    }

    double localError(const Patch& patch)
    {
        const std::vector<double> edited =
            replay(edit::patchedBlock(m_block, patch, {}, m_opened.checkpoint->config()));
        const auto width = static_cast<std::size_t>(m_block.program.width);
        double epsilon = 0;
        for (std::size_t at = 0; at < edited.size(); at += width) {
            const double error =
                certificate::l2Distance(std::span(edited).subspan(at, width), std::span(m_unedited).subspan(at, width));
            if (!std::isfinite(error))
                return error;
            epsilon = std::max(epsilon, error);
        }
        return epsilon;
    }

    // The block's program on the prompts' states before it, in double.
    std::vector<double> replay(const ir::BlockIr& block)
    {
        replay::TorchInterpreter interpreter(block, DType::F64, m_transformer.device(), m_tiling, m_context);
        std::vector<double> outputs;
        for (const ir::BlockReplay& prompt : interpreter.run(m_decoding.below(), m_decoding.batch(), m_context))
            outputs.insert(outputs.end(), prompt.output.begin(), prompt.output.end());
        return outputs;
    }

    Json rowOf(std::optional<LayerIndex> block, double alpha, const Swept& swept) const
    {
        const bool ran = swept.failure.empty();
        std::vector<RefusalRow> rows;
        Json texts = Json::array();
        for (std::size_t p = 0; p < m_prompts.prompts.size(); ++p) {
            const generate::Completion completion = ran ? swept.completions[p] : generate::Completion();
            RefusalRow& row = rows.emplace_back();
            row.id = m_prompts.prompts[p].id;
            row.label = m_prompts.prompts[p].label;
            row.after = {m_opened.tokenizer->decode(completion.ids, true),
                         ran ? endOf(completion, m_options.maxNew) : CompletionEnd::NeverRan};
            texts.push_back({{"id", row.id},
                             {"label", row.label},
                             {"text", row.after.text},
                             {"end", edit::nameOf(row.after.end)},
                             {"judgement", edit::nameOf(edit::judge(row.after, m_markers))},
                             {"token_ids", completion.ids},
                             {"smallest_margin",
                              completion.margin.empty()
                                  ? Json()
                                  : Json(*std::min_element(completion.margin.begin(), completion.margin.end()))}});
        }
        Json row = protocol::plainNumbers(
            certificate::refusalsToJson(edit::measureRefusals(rows, edit::Side::After, m_markers)));
        const auto accuracy = [&](const char* key) {
            const Json& share = row.at(key);
            return share.at("total").get<std::int64_t>() > 0
                       ? Json(share.at("covered").get<double>() / share.at("total").get<double>())
                       : Json();
        };
        row["answer_accuracy"] = accuracy("answer");
        row["refuse_accuracy"] = accuracy("refuse");
        row["condition"] = m_condition;
        row["block"] = block ? Json(block->value) : Json();
        row["alpha"] = block ? Json(alpha) : Json();
        row["epsilon_edit"] = std::isfinite(swept.epsilon) ? Json(swept.epsilon) : Json();
        row["final_deviation"] = {{"pre_norm", ran ? Json(swept.finalPre) : Json()},
                                  {"post_norm", ran ? Json(swept.finalPost) : Json()}};
        row["drafted"] = swept.drafted;
        row["accepted"] = swept.accepted;
        row["failed"] = ran ? Json() : Json(swept.failure);
        row["completions"] = std::move(texts);
        return row;
    }

    const SweepOptions& m_options;
    const OpenedModel& m_opened;
    model::Transformer& m_transformer;
    const MarkerLists& m_markers;
    const PromptSet& m_prompts;
    std::string m_condition;
    const RunContext& m_context;
    SweepDecoding m_decoding;
    ir::BlockIr m_block;
    model::Tiling m_tiling;
    std::vector<double> m_unedited;
};

struct Conditions {
    std::vector<edit::Preamble> preambles;
    std::vector<PromptSet> prompts; // below the preamble
    std::string promptsName;        // of the set itself
};

Conditions conditionsOf(const SweepOptions& options, const OpenedModel& opened)
{
    Conditions conditions;
    conditions.promptsName = promptsName(options.prompts);
    const std::vector<std::string> given = partsOf(options.conditions, ',');
    for (const std::string& name : given) {
        RefusalOptions refusal;
        refusal.condition = name;
        edit::Preamble preamble = requestedPreamble(refusal);
        // Rows, their front and their baseline are told apart by the name alone.
        for (std::size_t i = 0; i < conditions.preambles.size(); ++i)
            if (conditions.preambles[i].condition.name == preamble.condition.name)
                throw UsageError("--conditions has the name \"" + preamble.condition.name + "\" twice (" + given[i] +
                                 " and " + name + "); give each condition once and each preamble a name of its own.");
        conditions.preambles.push_back(std::move(preamble));
    }
    for (const edit::Preamble& preamble : conditions.preambles) {
        conditions.prompts.push_back(loadPrompts(conditionedPrompts(options.prompts, preamble), opened, Heldout::Keep));
        requireWhole(conditions.prompts.back(), opened.checkpoint->config().context);
    }
    return conditions;
}

// Everything that decides the rows.
Json requestOf(const SweepOptions& options, const OpenedModel& opened, const std::vector<LayerIndex>& blocks,
               const std::vector<double>& strengths, const Conditions& conditions, const MarkerLists& markers)
{
    Json files = Json::array();
    for (const artifact::WeightFile& file : opened.checkpoint->files())
        files.push_back(file.sha256);
    Json names = Json::array();
    for (std::size_t i = 0; i < conditions.preambles.size(); ++i)
        names.push_back({{"name", conditions.preambles[i].condition.name},
                         {"sha256", conditions.preambles[i].condition.sha256},
                         {"prompts", certificate::tokenIdsDigest(conditions.prompts[i])}});
    Json numbers = Json::array();
    for (const LayerIndex block : blocks)
        numbers.push_back(block.value);
    return {{"schema", "blockcert.sweep-request/1"},
            {"model", {{"name", opened.checkpoint->name()}, {"files", std::move(files)}}},
            {"dtype", nameOf(options.model.dtype)},
            {"prompts", conditions.promptsName},
            {"conditions", std::move(names)},
            {"target", options.target},
            {"blocks", std::move(numbers)},
            {"alphas", strengths},
            {"max_new", options.maxNew},
            {"markers", {{"name", markers.name}, {"version", markers.version}, {"sha256", markers.sha256}}}};
}

}

Json sweep(const SweepOptions& options, ModelCache& cache, const RunContext& context)
{
    if (options.target != "mlp" && options.target != "attention")
        throw UsageError("--target is mlp or attention, not " + options.target + ".");
    return model::guarded([&]() -> Json {
        const std::vector<double> strengths = strengthsOf(options.alphas);
        OpenedModel opened = cache.state().open(options.model.model, context);
        opened.checkpoint->hashFiles(context);
        requireTokenizer(opened);
        const std::vector<LayerIndex> blocks =
            certificate::blocksFrom(options.blocks, opened.checkpoint->config().layers);
        RefusalOptions refusal;
        refusal.markers = options.markers;
        const MarkerLists markers = requestedMarkers(refusal);
        const Conditions conditions = conditionsOf(options, opened);
        const Json request = requestOf(options, opened, blocks, strengths, conditions, markers);
        SweepFolder folder(options.out, request, options.resume);

        std::vector<std::string> names;
        const auto perCondition = static_cast<std::int64_t>(1 + blocks.size() * strengths.size());
        Progress progress{"sweep", 0, perCondition * static_cast<std::int64_t>(conditions.prompts.size()), {}, {},
                          "edits", ""};
        const auto finished = [&](const std::string& name, std::optional<std::int32_t> block) {
            names.push_back(name);
            Json row = *folder.row(name);
            row.erase("completions");
            ++progress.done;
            progress.block = block;
            progress.detail = writeJsonLine(row);
            context.step(progress);
        };
        for (std::size_t c = 0; c < conditions.prompts.size(); ++c) {
            std::optional<ConditionSweep> work; // made when the first row is missing
            const auto needed = [&]() -> ConditionSweep& {
                if (!work)
                    work.emplace(options, opened, cache.state().load(opened, options.model, context), markers,
                                 conditions.prompts[c], conditions.preambles[c].condition.name, context);
                return *work;
            };
            const std::string baseline = std::to_string(c) + "_baseline";
            if (folder.row(baseline) == nullptr)
                folder.write(baseline, needed().baselineRow());
            finished(baseline, std::nullopt);
            for (const LayerIndex block : blocks) {
                bool entered = false;
                bool below = true; // the chain from one downwards
                for (const double alpha : strengths) {
                    const std::string name = nameOfRow(c, block.value, alpha);
                    if (folder.row(name) == nullptr) {
                        if (!entered)
                            needed().enter(block);
                        else if (below && alpha > 1)
                            needed().restart();
                        entered = true;
                        below = alpha <= 1;
                        folder.write(name, needed().row(alpha));
                    }
                    finished(name, block.value);
                }
            }
        }
        Json head = {{"schema", "blockcert.sweep/1"},
                     {"created", options.created},
                     {"tool", {{"version", cache.state().host.toolVersion}, {"build", cache.state().host.toolBuild}}},
                     {"command", options.commandLine},
                     {"request", request}};
        Json result = folder.finish(names, std::move(head));
        result["out"] = options.out.string();
        return result;
    });
}

}
