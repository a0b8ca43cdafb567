#include "engine/pipeline/experiment/compared_runs.h"

#include "engine/pipeline/experiment/figure_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace blockcert::pipeline {

namespace {

using namespace figure;

// What one variant has on one block, over all prompts and on the block's best prompt.
struct Measured {
    const Certificate* certificate = nullptr;
    const PromptMetrics* best = nullptr;
};

// Of all variants: they are certified under one policy.
DecidingMeasure measureOf(const RunNumbers& numbers)
{
    return decidingMeasure(numbers.run.manifest.request.policy);
}

struct ComparedNumbers {
    ComparedRun variant;
    RunNumbers numbers;
};

// Blocks that have a certificate in every variant, so that means are over the same blocks.
std::vector<LayerIndex> commonBlocks(const std::vector<ComparedNumbers>& all)
{
    std::vector<LayerIndex> blocks;
    for (const Certificate& certificate : all.front().numbers.certificates)
        if (std::ranges::all_of(
                all, [&](const ComparedNumbers& one) { return one.numbers.find(certificate.block) != nullptr; }))
            blocks.push_back(certificate.block);
    return blocks;
}

// Best prompts are those of the first variant, as the paper perturbs a block on its best-prompt trace.
Measured measuredOn(const ComparedNumbers& one, const ComparedNumbers& first, LayerIndex block)
{
    const Certificate* certificate = one.numbers.find(block);
    const std::size_t best = bestPrompt(*first.numbers.find(block));
    return {certificate, &certificate->metrics.prompts[best]};
}

Json ratio(double value, double base)
{
    return base > 0 ? Json(value / base) : Json();
}

Json lossOf(const LossCoverage& loss)
{
    return loss.value ? Json(*loss.value) : Json();
}

Table blockTable(const std::vector<ComparedNumbers>& all, const std::vector<LayerIndex>& blocks,
                 const ComparisonWords& words)
{
    const DecidingMeasure measure = measureOf(all.front().numbers);
    Table table{"blocks",
                "Every block",
                {{"variant", words.columnTitle},
                 {"block", "block"},
                 {"certified", "certified"},
                 {measure.key("epsilon"), measure.epsilon},
                 {measure.key("mean_error"), measure.meanError},
                 {measure.key("activation_coverage"), measure.coverage},
                 {"loss_coverage", "loss coverage"},
                 {measure.key("error_ratio"), "error ratio"},
                 {"best_prompt", "best prompt"},
                 {measure.key("best_prompt_mean_error"), "its " + measure.meanError},
                 {measure.key("best_prompt_activation_coverage"), "its coverage"}},
                {}};
    for (const ComparedNumbers& one : all)
        for (const LayerIndex block : blocks) {
            const auto [certificate, best] = measuredOn(one, all.front(), block);
            const CoverageMetrics& metrics = certificate->metrics;
            const ErrorSummary& error = measure.of(metrics);
            const double base = measure.of(all.front().numbers.find(block)->metrics).mean;
            table.rows.push_back({one.variant.label, block.value, certificate->certified, error.epsilon, error.mean,
                                  error.coverage.value(), lossOf(metrics.loss), ratio(error.mean, base), best->id,
                                  measure.of(*best).mean, measure.of(*best).coverage.value()});
        }
    return table;
}

Table meanTable(const std::vector<ComparedNumbers>& all, const std::vector<LayerIndex>& blocks,
                const ComparisonWords& words)
{
    const DecidingMeasure measure = measureOf(all.front().numbers);
    Table table{"table",
                words.tableTitle,
                {{"variant", words.columnTitle},
                 {measure.key("mean_activation_coverage"), "mean " + measure.coverage},
                 {measure.key("mean_error"), measure.meanError},
                 {measure.key("error_ratio"), "error ratio"},
                 {measure.key("best_prompt_mean_activation_coverage"), "coverage, best prompts"},
                 {measure.key("best_prompt_mean_error"), "error, best prompts"},
                 {measure.key("best_prompt_error_ratio"), "ratio, best prompts"},
                 {"mean_loss_coverage", "mean loss coverage"},
                 {"certified", "certified"},
                 {"blocks", "blocks"}},
                {}};
    double baseError = 0;
    double baseBest = 0;
    for (const ComparedNumbers& one : all) {
        std::vector<double> error, coverage, bestError, bestCoverage, loss;
        std::int64_t certified = 0;
        for (const LayerIndex block : blocks) {
            const auto [certificate, best] = measuredOn(one, all.front(), block);
            error.push_back(measure.of(certificate->metrics).mean);
            coverage.push_back(measure.of(certificate->metrics).coverage.value());
            bestError.push_back(measure.of(*best).mean);
            bestCoverage.push_back(measure.of(*best).coverage.value());
            if (certificate->metrics.loss.value)
                loss.push_back(*certificate->metrics.loss.value);
            certified += certificate->certified ? 1 : 0;
        }
        if (&one == &all.front()) {
            baseError = meanOf(error);
            baseBest = meanOf(bestError);
        }
        table.rows.push_back({one.variant.label, meanOf(coverage), meanOf(error), ratio(meanOf(error), baseError),
                              meanOf(bestCoverage), meanOf(bestError), ratio(meanOf(bestError), baseBest),
                              loss.size() == blocks.size() ? Json(meanOf(loss)) : Json(), certified, blocks.size()});
    }
    return table;
}

Figure pictureOf(const std::vector<ComparedNumbers>& all, const std::vector<LayerIndex>& blocks,
                 const ComparisonWords& words)
{
    const Policy& policy = all.front().numbers.run.manifest.request.policy;
    const DecidingMeasure measure = decidingMeasure(policy);
    Panel error = errorPanel(measure.isRelative ? "Mean relative error" : "Mean error", policy);
    Panel coverage = coveragePanel(measure.isRelative ? "Relative coverage" : "Activation coverage", policy);
    error.y.label = measure.meanError + " of a token";
    error.x.label = coverage.x.label = words.columnTitle;
    std::vector<const ComparedNumbers*> order;
    for (const ComparedNumbers& one : all)
        order.push_back(&one);
    if (words.firstAtTheEnd)
        std::ranges::rotate(order, order.begin() + 1);
    for (const ComparedNumbers* one : order) {
        error.x.categories.push_back(one->variant.label);
        coverage.x.categories.push_back(one->variant.label);
    }
    for (const LayerIndex block : blocks) {
        Series errors{"block " + std::to_string(block.value), words.mark, {}};
        Series coverages = errors;
        for (std::size_t v = 0; v < order.size(); ++v) {
            const CoverageMetrics& metrics = order[v]->numbers.find(block)->metrics;
            errors.points.push_back({static_cast<double>(v), measure.of(metrics).mean});
            coverages.points.push_back({static_cast<double>(v), measure.of(metrics).coverage.value()});
        }
        error.series.push_back(std::move(errors));
        coverage.series.push_back(std::move(coverages));
    }
    Figure figure;
    figure.title = words.figureTitle;
    figure.caption = words.caption;
    figure.panels = {error, coverage};
    figure.columns = 2;
    return figure;
}

}

ExperimentReport compareRuns(const ExperimentResults& results, const std::vector<ComparedRun>& compared,
                             const ComparisonWords& words)
{
    std::vector<ComparedNumbers> all;
    for (const ComparedRun& variant : compared)
        all.push_back({variant, results.numbers(variant.run)});
    const std::vector<LayerIndex> blocks = commonBlocks(all);
    ExperimentReport report;
    if (blocks.empty()) {
        report.headline = "No block has a certificate in every run.";
        return report;
    }
    const Table means = meanTable(all, blocks, words);
    report.tables = {means, blockTable(all, blocks, words)};
    report.figures = {{"figure.svg", pictureOf(all, blocks, words)}};
    std::string parts;
    for (const std::vector<Json>& row : means.rows)
        parts += (parts.empty() ? "" : "; ") + shortText(row[0]) + " " + shortText(row[2]) +
                 (&row == &means.rows.front() ? "" : " (×" + shortText(row[3]) + ")") + ", coverage " +
                 shortText(row[1]);
    const DecidingMeasure measure = measureOf(all.front().numbers);
    report.headline =
        fmt::format("{} and {} over {} block{}: {}.", measure.isRelative ? "Mean relative error" : "Mean error",
                    measure.isRelative ? measure.coverage + " (" + measure.atThreshold() + ")" : measure.coverage,
                    blocks.size(), blocks.size() == 1 ? "" : "s", parts);
    report.notes = {
        "Means are over blocks, each counting once; ratios are to the first row.",
        "Best prompts are those of the first row's run: highest coverage, then smallest mean error. The paper's "
        "table gives these."};
    noteMeasure(measure, report);
    return report;
}

}
