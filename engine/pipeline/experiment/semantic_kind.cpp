#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/certificate/run_folder.h"
#include "engine/pipeline/experiment/experiment_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace blockcert::pipeline {

namespace {

using namespace figure;

constexpr const char* runName = "exact";
constexpr const char* stitchName = "all";

std::vector<SubRun> plan(const ExperimentOptions& options, const PlannedModel&)
{
    Json parameters = certifyParameters(options);
    if (!parameters.contains("loss"))
        parameters["loss"] = "none"; // stitching measures the losses of the whole model itself
    SubRun run{runName, std::move(parameters)};
    run.stitch = stitchName;
    return {run};
}

// One labelled prompt: the token that its label begins with, and those the two models give.
struct Answer {
    std::string prompt;
    std::string tag; // the first one, or empty
    std::int32_t label = -1;
    std::int32_t baseline = -1;
    std::int32_t stitched = -1;
};

std::vector<std::int64_t> integersOf(artifact::ArchiveReader& archive, const char* name)
{
    const HostTensor tensor = archive.readAll(name);
    std::vector<std::int64_t> values;
    const std::size_t size = tensor.dtype == DType::I64 ? 8 : 4;
    if (tensor.dtype != DType::I64 && tensor.dtype != DType::I32)
        throw FormatError(std::string("replay.h5: ") + name + " holds no whole numbers.");
    for (std::size_t at = 0; at + size <= tensor.bytes.size(); at += size) {
        std::int64_t wide = 0;
        std::int32_t narrow = 0;
        std::memcpy(size == 8 ? static_cast<void*>(&wide) : static_cast<void*>(&narrow), &tensor.bytes[at], size);
        values.push_back(size == 8 ? wide : narrow);
    }
    return values;
}

// Labelled prompts alone, in the order of the set.
std::vector<Answer> answersOf(const ExperimentResults& results, const PromptSet& prompts)
{
    const std::string path = std::string("stitch/") + stitchName + "/replay.h5";
    const certificate::OpenFile file = certificate::RunFolder(results.run(runName).folder).open(path);
    const auto archive = artifact::openForeignArchive(file.descriptor(), path, results.childProgram);
    const auto offset = integersOf(*archive, "prompt_offset");
    const auto label = integersOf(*archive, "label_id");
    const auto baseline = integersOf(*archive, "top_id_base");
    const auto stitched = integersOf(*archive, "top_id_stitched");
    const std::size_t count = prompts.prompts.size();
    const std::size_t top =
        offset.empty() || offset.back() <= 0 ? 0 : baseline.size() / static_cast<std::size_t>(offset.back());
    if (offset.size() != count + 1 || label.size() != count || top == 0 || stitched.size() != baseline.size())
        throw FormatError(path + " does not fit the prompts of its run.");
    std::vector<Answer> answers;
    for (std::size_t p = 0; p < count; ++p) {
        const auto last = static_cast<std::size_t>(offset[p + 1] - 1) * top;
        if (label[p] < 0 || last >= baseline.size())
            continue;
        const EncodedPrompt& prompt = prompts.prompts[p];
        answers.push_back({prompt.id, prompt.tags.empty() ? "" : prompt.tags.front(),
                           static_cast<std::int32_t>(label[p]), static_cast<std::int32_t>(baseline[last]),
                           static_cast<std::int32_t>(stitched[last])});
    }
    return answers;
}

// A share with the ends of its Wilson score interval at 95 %.
struct Share {
    std::int64_t hits = 0;
    std::int64_t count = 0;
    double value = 0;
    double lower = 0;
    double upper = 0;
};

Share shareOf(std::int64_t hits, std::int64_t count)
{
    if (count == 0)
        return {};
    constexpr double z = 1.959963984540054; // the normal distribution's 0.975 quantile
    const auto n = static_cast<double>(count);
    const double p = static_cast<double>(hits) / n;
    const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return {hits, count, p, hits == 0 ? 0 : centre - half, hits == count ? 1 : centre + half};
}

struct Measure {
    std::string name;
    bool (*hit)(const Answer&);
};

const std::vector<Measure>& measures()
{
    static const std::vector<Measure> all = {
        {"stitched = baseline", [](const Answer& a) { return a.stitched == a.baseline; }},
        {"baseline = label", [](const Answer& a) { return a.baseline == a.label; }},
        {"stitched = label", [](const Answer& a) { return a.stitched == a.label; }},
    };
    return all;
}

// "" stands for all of them.
Share shareOf(const std::vector<Answer>& answers, const Measure& measure, const std::string& tag)
{
    std::int64_t hits = 0;
    std::int64_t count = 0;
    for (const Answer& answer : answers)
        if (tag.empty() || answer.tag == tag) {
            ++count;
            hits += measure.hit(answer) ? 1 : 0;
        }
    return shareOf(hits, count);
}

std::vector<std::string> groupsOf(const std::vector<Answer>& answers)
{
    std::vector<std::string> tags = {""};
    for (const Answer& answer : answers)
        if (std::ranges::find(tags, answer.tag) == tags.end())
            tags.push_back(answer.tag);
    return tags;
}

std::string groupName(const std::string& tag)
{
    return tag.empty() ? "all" : tag;
}

Table shareTable(const std::vector<Answer>& answers)
{
    Table table{"table",
                "Next token after each labelled prompt",
                {{"prompts", "prompts"},
                 {"measure", "measure"},
                 {"hits", "hits"},
                 {"count", "of"},
                 {"accuracy", "share"},
                 {"wilson_lower", "95 % from"},
                 {"wilson_upper", "to"}},
                {}};
    for (const std::string& tag : groupsOf(answers))
        for (const Measure& measure : measures()) {
            const Share share = shareOf(answers, measure, tag);
            table.rows.push_back(
                {groupName(tag), measure.name, share.hits, share.count, share.value, share.lower, share.upper});
        }
    return table;
}

Table answerTable(const std::vector<Answer>& answers, const ExperimentResults& results)
{
    Table table{"answers",
                "Every labelled prompt",
                {{"prompt", "prompt"},
                 {"tag", "tag"},
                 {"label_id", "label id"},
                 {"label", "label"},
                 {"baseline_id", "baseline id"},
                 {"baseline", "baseline"},
                 {"stitched_id", "stitched id"},
                 {"stitched", "stitched"}},
                {}};
    for (const Answer& a : answers)
        table.rows.push_back({a.prompt, a.tag, a.label, results.pieceOf(a.label), a.baseline,
                              results.pieceOf(a.baseline), a.stitched, results.pieceOf(a.stitched)});
    return table;
}

// What the whole stitched model is besides its answers.
Table modelTable(const Json& stitch)
{
    const Json& perplexity = stitch.at("perplexity");
    const auto of = [&](const char* key) { return perplexity.is_null() ? Json() : perplexity.at(key); };
    double mae = 0;
    double worst = 0;
    for (const Json& layer : stitch.at("per_layer_mae")) {
        mae += layer.get<double>() / static_cast<double>(stitch.at("per_layer_mae").size());
        worst = std::max(worst, layer.get<double>());
    }
    return {"model",
            "The whole stitched model",
            {{"blocks", "blocks"},
             {"perplexity_baseline", "perplexity, baseline"},
             {"perplexity_stitched", "stitched"},
             {"perplexity_difference", "difference"},
             {"next_token_agreement", "next-token agreement"},
             {"mean_layer_mae", "mean per-layer MAE"},
             {"worst_layer_mae", "worst layer"},
             {"max_residual", "max residual"},
             {"mean_kl", "mean KL"}},
            {{stitch.at("blocks").size(), of("baseline"), of("stitched"), of("difference"),
              stitch.at("next_token_agreement"), mae, worst, stitch.at("max_residual").at("value"),
              stitch.at("kl").at("mean")}}};
}

Figure pictureOf(const std::vector<Answer>& answers)
{
    Panel panel;
    panel.y.label = "share of prompts";
    panel.y.lower = 0;
    panel.y.upper = 1;
    const std::vector<std::string> groups = groupsOf(answers);
    for (const std::string& tag : groups)
        panel.x.categories.push_back(
            fmt::format("{} ({})", groupName(tag), shareOf(answers, measures()[0], tag).count));
    for (const Measure& measure : measures()) {
        Series series{measure.name, Mark::Bars, {}};
        for (std::size_t g = 0; g < groups.size(); ++g) {
            const Share share = shareOf(answers, measure, groups[g]);
            series.points.push_back({static_cast<double>(g), share.value, share.lower, share.upper});
        }
        panel.series.push_back(std::move(series));
    }
    Figure figure;
    figure.title = "Next tokens of the stitched model";
    figure.caption =
        "Every block replaced by its surrogate. Agreement with the baseline says that behaviour is kept, agreement "
        "with the label whether it was right; whiskers are Wilson 95 % intervals.";
    figure.panels = {panel};
    return figure;
}

ExperimentReport report(const ExperimentResults& results)
{
    const RunNumbers numbers = results.numbers(runName);
    const std::vector<Answer> answers = answersOf(results, numbers.run.manifest.prompts);
    const Json& stitch = results.run(runName).stitched;
    ExperimentReport made;
    made.tables = {shareTable(answers), modelTable(stitch), answerTable(answers, results)};
    made.figures = {{"figure.svg", pictureOf(answers)}};
    const auto words = [&](std::size_t m) {
        const Share share = shareOf(answers, measures()[m], "");
        return fmt::format("{} of {} ({} to {})", share.hits, share.count, shortText(share.lower),
                           shortText(share.upper));
    };
    made.headline = fmt::format(
        "With {} block{} replaced, the next token is the baseline's in {}; it is the label's first token in {} "
        "for the baseline and in {} for the stitched model (Wilson 95 % intervals).",
        stitch.at("blocks").size(), stitch.at("blocks").size() == 1 ? "" : "s", words(0), words(1), words(2));
    made.notes = {
        "A label counts as given if the next token is the first token that the label adds to the prompt.",
        "The stitched model's certificate is runs/exact.blockcert/stitch/all; verify recomputes its summaries from "
        "recorded per-token numbers at level 3, and the numbers themselves at level 4."};
    return made;
}

}

ExperimentKind semanticKind()
{
    return {"semantic",
            "Semantic preservation",
            "Section 6.7, Semantic behavior preservation; section 6.6 for perplexity",
            {"The paper's 30 prompts are its own and its model TinyLlama; here the bundled set has ten arithmetic "
             "questions, ten "
             "facts and ten yes-or-no questions.",
             "The paper reports 1.0 for stitched against baseline and 0.067 against labels without an interval; here "
             "both carry "
             "Wilson 95 % intervals."},
            "semantic",
            "all",
            plan,
            report,
            true};
}

}
