#include "engine/pipeline/experiment/deciding_measure.h"
#include "engine/pipeline/experiment/experiment_kind.h"
#include "engine/pipeline/experiment/figure_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace blockcert::pipeline {

namespace {

using namespace figure;

std::vector<SubRun> plan(const ExperimentOptions& options, const PlannedModel&)
{
    return {{"exact", certifyParameters(options)}};
}

DecidingMeasure measureOf(const RunNumbers& numbers)
{
    return decidingMeasure(numbers.run.manifest.request.policy);
}

std::vector<double> promptCoverages(const Certificate& certificate)
{
    const DecidingMeasure measure = decidingMeasure(certificate.request.policy);
    std::vector<double> values;
    for (const PromptMetrics& prompt : certificate.metrics.prompts)
        values.push_back(measure.of(prompt).coverage.value());
    return values;
}

// First the measure that certifies, then the other one.
Table blockTable(const RunNumbers& numbers)
{
    const DecidingMeasure measure = measureOf(numbers);
    Policy turned = numbers.run.manifest.request.policy;
    turned.measure = measure.isRelative ? ErrorMeasure::L2 : ErrorMeasure::RelativeL2;
    const DecidingMeasure other = decidingMeasure(turned);
    Table table{"table",
                "Error and coverage of every block",
                {{"block", "block"},
                 {"certified", "certified"},
                 {measure.key("epsilon"), measure.epsilon},
                 {measure.key("mean_error"), measure.meanError},
                 {measure.key("activation_coverage"), measure.coverage},
                 {measure.key("mean_prompt_coverage"), "mean over prompts"},
                 {measure.key("min_prompt_coverage"), "least of a prompt"},
                 {"best_prompt", "best prompt"},
                 {other.key("epsilon"), other.epsilon},
                 {other.key("mean_error"), other.meanError},
                 {other.key("activation_coverage"), other.coverage},
                 {"path_coverage", "path coverage"},
                 {"loss_coverage", "loss coverage"},
                 {"worst_prompt", "prompt of " + measure.epsilon},
                 {"worst_token", "token of " + measure.epsilon}},
                {}};
    for (const Certificate& certificate : numbers.certificates) {
        const CoverageMetrics& metrics = certificate.metrics;
        const std::vector<double> coverages = promptCoverages(certificate);
        const ErrorSummary& error = measure.of(metrics);
        const ErrorSummary& beside = other.of(metrics);
        table.rows.push_back(
            {certificate.block.value, certificate.certified, error.epsilon, error.mean, error.coverage.value(),
             meanOf(coverages), *std::ranges::min_element(coverages), metrics.prompts[bestPrompt(certificate)].id,
             beside.epsilon, beside.mean, beside.coverage.value(), metrics.path.value(),
             metrics.loss.value ? Json(*metrics.loss.value) : Json(),
             metrics.prompts[static_cast<std::size_t>(error.worst.prompt.value)].id, error.worst.token});
    }
    return table;
}

// Means over blocks, each block counting once, as in the paper's text.
Table summaryTable(const RunNumbers& numbers)
{
    const DecidingMeasure measure = measureOf(numbers);
    std::vector<double> errors;
    std::vector<double> coverages;
    std::vector<double> losses;
    double epsilon = 0;
    for (const Certificate& certificate : numbers.certificates) {
        const ErrorSummary& error = measure.of(certificate.metrics);
        errors.push_back(error.mean);
        coverages.push_back(error.coverage.value());
        if (certificate.metrics.loss.value)
            losses.push_back(*certificate.metrics.loss.value);
        epsilon = std::max(epsilon, error.epsilon);
    }
    const bool allLosses = !losses.empty() && losses.size() == coverages.size();
    Table table{"summary",
                "Means over the blocks",
                {{"blocks", "blocks"},
                 {"certified", "certified"},
                 {measure.key("mean_activation_coverage"), "mean " + measure.coverage},
                 {measure.key("least_activation_coverage"), "least " + measure.coverage},
                 {measure.key("mean_error"), measure.meanError},
                 {measure.key("largest_epsilon"), "largest " + measure.epsilon},
                 {"mean_loss_coverage", "mean loss coverage"}},
                {}};
    if (!numbers.certificates.empty())
        table.rows.push_back({numbers.certificates.size(),
                              std::ranges::count(numbers.certificates, true, &Certificate::certified),
                              meanOf(coverages), *std::ranges::min_element(coverages), meanOf(errors), epsilon,
                              allLosses ? Json(meanOf(losses)) : Json()});
    return table;
}

Figure curves(const RunNumbers& numbers)
{
    const Policy& policy = numbers.run.manifest.request.policy;
    const DecidingMeasure measure = measureOf(numbers);
    Panel error = errorPanel("Error", policy);
    Panel coverage = coveragePanel("Coverage", policy);
    Series largest{measure.isRelative ? "largest relative error" : "largest error ε", Mark::LineMarkers, {}};
    Series mean{measure.meanError, Mark::LineMarkers, {}};
    Series activation{measure.coverage, Mark::LineMarkers, {}};
    Series loss{"loss coverage", Mark::LineMarkers, {}};
    std::vector<double> blocks;
    for (const Certificate& certificate : numbers.certificates) {
        const double x = certificate.block.value;
        blocks.push_back(x);
        const ErrorSummary& summary = measure.of(certificate.metrics);
        largest.points.push_back({x, summary.epsilon});
        mean.points.push_back({x, summary.mean});
        activation.points.push_back({x, summary.coverage.value()});
        loss.points.push_back({x, certificate.metrics.loss.value});
    }
    error.series = {largest, mean};
    coverage.series = {activation};
    const bool hasLosses = numbers.run.manifest.request.loss == LossMode::Exact;
    if (hasLosses) {
        coverage.series.push_back(loss);
        coverage.rules.push_back(
            {Direction::Horizontal, policy.alphaLoss, "α_loss = " + plainNumber(policy.alphaLoss)});
    }
    error.x = coverage.x = blockAxis(blocks);
    Figure figure;
    figure.title = "Error and coverage by block";
    figure.caption = fmt::format(
        "Measured on these prompts alone. Left: largest and mean {0} of a token; right: share of the tokens with {1} "
        "{0} of at most {2}{3}. Dots are measurements, lines only join them.",
        measure.error, measure.isRelative ? "a" : "an", measure.threshold,
        hasLosses ? ", and share of the loss on tokens whose loss moves by at most τ_loss" : "");
    figure.panels = {error, coverage};
    figure.columns = 2;
    return figure;
}

Figure cells(const RunNumbers& numbers)
{
    Heat heat;
    const DecidingMeasure measure = measureOf(numbers);
    heat.threshold = measure.tau;
    heat.name = "largest " + measure.error;
    for (const EncodedPrompt& prompt : numbers.run.manifest.prompts.prompts)
        heat.rows.push_back(prompt.id);
    for (const Certificate& certificate : numbers.certificates)
        heat.columns.push_back(std::to_string(certificate.block.value));
    for (std::size_t p = 0; p < heat.rows.size(); ++p)
        for (const Certificate& certificate : numbers.certificates) {
            const std::vector<PromptMetrics>& prompts = certificate.metrics.prompts;
            heat.cells.push_back(p < prompts.size() ? std::optional(measure.of(prompts[p]).epsilon) : std::nullopt);
        }
    Panel panel;
    panel.title = "Largest " + measure.error + " of a token, by prompt and block";
    panel.x.label = "block";
    Figure figure;
    figure.title = "Where the errors lie";
    figure.caption = "Blue cells hold no token beyond " + measure.atThreshold() + ", warm ones at least one.";
    figure.panelHeight = 60 + 20.0 * static_cast<double>(std::min<std::size_t>(heat.rows.size(), 40));
    panel.heat = std::move(heat);
    figure.panels = {panel};
    return figure;
}

ExperimentReport report(const ExperimentResults& results)
{
    const RunNumbers numbers = results.numbers("exact");
    ExperimentReport made;
    made.tables = {blockTable(numbers), summaryTable(numbers)};
    made.figures = {{"figure.svg", curves(numbers)}, {"figure-prompts.svg", cells(numbers)}};
    if (made.tables[1].rows.empty()) {
        made.headline = "No block has a certificate.";
        return made;
    }
    const std::vector<Json>& row = made.tables[1].rows[0];
    const DecidingMeasure measure = measureOf(numbers);
    const std::string coverage =
        measure.isRelative ? measure.coverage + " (" + measure.atThreshold() + ")" : measure.coverage;
    const bool isOne = row[0] == 1;
    made.headline =
        isOne
            ? fmt::format("The block is {}certified; {} is {}", row[1] == 1 ? "" : "not ", coverage, shortText(row[2]))
            : fmt::format("{} of {} blocks are certified; over the blocks, {} is {} in the mean and at "
                          "least {}",
                          shortText(row[1]), shortText(row[0]), coverage, shortText(row[2]), shortText(row[3]));
    made.headline += fmt::format(", the {} {}, and the largest {} of a token {}.", measure.meanError, shortText(row[4]),
                                 measure.error, shortText(row[5]));
    made.notes = {measure.key("activation_coverage") + " counts every token once; " +
                      measure.key("mean_prompt_coverage") +
                      " is the mean of the prompts' own coverages, which the paper's tables give.",
                  "best_prompt has the highest coverage, then the smallest mean error."};
    noteMeasure(measure, made);
    return made;
}

}

ExperimentKind blocksKind()
{
    return {
        "blocks",
        "Block sweep",
        "Table 1 and sections 6.1 to 6.4",
        {"The paper's models are GPT-2 small, TinyLlama, Llama-3.2-3B and Llama-2-7B; this is the model named above.",
         "The paper's errors of 1e-3 to 1e-2 come from a low-precision baseline against a replay of higher precision; "
         "with --dtype fp32 both agree to rounding, with bf16 or fp16 the baseline's own rounding is what is measured.",
         "The paper reports coverage 1.000 beside a mean error four times its threshold, which its equation 6 "
         "excludes; "
         "here coverage is equation 6."},
        "stress",
        "all",
        plan,
        report};
}

}
