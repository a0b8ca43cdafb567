#include "engine/figure/ticks.h"
#include "engine/pipeline/experiment/dtype_runs.h"
#include "engine/pipeline/experiment/figure_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace blockcert::pipeline {

namespace {

using namespace figure;

constexpr std::array<double, 3> alphas = {0.90, 0.94, 0.97};
constexpr double leastLoss = 0.90; // the paper holds loss coverage at this

// 1, 2 and 5 in every decade, and the policy's own threshold. Relative errors are smaller than errors by the norm of a
// residual, about two decades.
std::vector<double> thresholdsFor(const DecidingMeasure& measure)
{
    std::vector<double> taus;
    const int first = measure.isRelative ? -8 : -6;
    const int last = measure.isRelative ? 0 : 2;
    for (int decade = first; decade < last; ++decade)
        for (const int digit : {1, 2, 5})
            taus.push_back(std::stod(fmt::format("{}e{}", digit, decade))); // the double nearest to the decimal
    taus.push_back(std::stod(fmt::format("1e{}", last)));
    if (std::ranges::find(taus, measure.tau) == taus.end())
        taus.push_back(measure.tau);
    std::ranges::sort(taus);
    return taus;
}

DecidingMeasure measureOf(const DtypeBlock& block)
{
    return decidingMeasure(block.certificate.request.policy);
}

struct Reached {
    std::int64_t both = 0;       // activation and loss coverage
    std::int64_t activation = 0; // activation coverage alone
};

Reached promptsReaching(const DtypeBlock& block, double tau, double alpha)
{
    Reached reached;
    for (std::size_t p = 0; p < block.prompts.size(); ++p) {
        const std::optional<double>& loss = block.certificate.metrics.prompts[p].loss.value;
        const bool activation = coverageAt(block.prompts[p].error, tau) >= alpha;
        reached.activation += activation ? 1 : 0;
        reached.both += activation && loss && *loss >= leastLoss ? 1 : 0;
    }
    return reached;
}

std::string alphaKey(double alpha)
{
    return fmt::format("at_least_{:.2f}", alpha);
}

Table paperTable(const std::vector<DtypeBlock>& blocks, const std::string& dtype, const DecidingMeasure& measure)
{
    Table table{"table",
                fmt::format("Prompts that reach a {}coverage ({} baseline, {}, loss coverage ≥ {:.2f})",
                            measure.isRelative ? "relative " : "", dtype, measure.atThreshold(), leastLoss),
                {{"block", "block"}},
                {}};
    for (const double alpha : alphas)
        table.columns.push_back({alphaKey(alpha), fmt::format("≥ {:.2f}", alpha)});
    table.columns.push_back({"prompts", "prompts"});
    for (const DtypeBlock& block : blocks) {
        if (block.dtype != dtype)
            continue;
        std::vector<Json> row = {block.certificate.block.value};
        for (const double alpha : alphas)
            row.emplace_back(promptsReaching(block, measure.tau, alpha).both);
        row.emplace_back(block.prompts.size());
        table.rows.push_back(std::move(row));
    }
    return table;
}

Table sweepTable(const std::vector<DtypeBlock>& blocks)
{
    const DecidingMeasure own = measureOf(blocks.front());
    Table table{"sweep",
                "The same over the threshold and the baseline's dtype",
                {{"dtype", "dtype"},
                 {"block", "block"},
                 {own.key("tau_act"), own.threshold},
                 {"alpha_act", "α_act"},
                 {"prompts_reaching", "prompts reaching"},
                 {"prompts_reaching_activation", "by " + own.coverage + " alone"},
                 {"prompts", "prompts"}},
                {}};
    for (const DtypeBlock& block : blocks)
        for (const double tau : thresholdsFor(measureOf(block)))
            for (const double alpha : alphas) {
                const Reached reached = promptsReaching(block, tau, alpha);
                table.rows.push_back({block.dtype, block.certificate.block.value, tau, alpha, reached.both,
                                      reached.activation, block.prompts.size()});
            }
    return table;
}

// The least threshold at which a prompt has this coverage: one of its own errors, so that the curves' steps are exact.
double thresholdOf(const PromptNumbers& prompt, double alpha)
{
    std::vector<double> errors = prompt.error;
    std::ranges::sort(errors);
    const auto tokens = static_cast<double>(errors.size());
    for (std::size_t i = 0; i < errors.size(); ++i)
        if (static_cast<double>(i + 1) / tokens >= alpha) // as coverageAt() counts
            return errors[i];
    return std::numeric_limits<double>::infinity(); // a coverage above 1 is reached nowhere
}

Table stepTable(const std::vector<DtypeBlock>& blocks)
{
    const DecidingMeasure own = measureOf(blocks.front());
    Table table{"steps",
                "The threshold from which on each prompt reaches the policy's coverage",
                {{"dtype", "dtype"},
                 {"block", "block"},
                 {"prompt", "prompt"},
                 {"alpha_act", "α_act"},
                 {own.key("tau_act"), own.threshold}},
                {}};
    for (const DtypeBlock& block : blocks) {
        const double alpha = block.certificate.request.policy.alphaAct;
        for (std::size_t p = 0; p < block.prompts.size(); ++p) {
            const double tau = thresholdOf(block.prompts[p], alpha);
            table.rows.push_back({block.dtype, block.certificate.block.value, block.certificate.metrics.prompts[p].id,
                                  alpha, std::isfinite(tau) ? Json(tau) : Json()});
        }
    }
    return table;
}

// Ascending.
std::vector<double> stepsOf(const DtypeBlock& block)
{
    std::vector<double> steps;
    for (const PromptNumbers& prompt : block.prompts)
        steps.push_back(thresholdOf(prompt, block.certificate.request.policy.alphaAct));
    std::ranges::sort(steps);
    return steps;
}

// From the largest of 1, 2 and 5 in a decade below every step of a dtype and its policy's threshold to the smallest one
// above them: beside that the curves are flat.
figure::Range drawnRange(const std::vector<DtypeBlock>& blocks, const std::string& dtype)
{
    double least = std::numeric_limits<double>::infinity();
    double most = 0;
    const auto take = [&](double tau) {
        if (tau > 0 && std::isfinite(tau)) {
            least = std::min(least, tau);
            most = std::max(most, tau);
        }
    };
    for (const DtypeBlock& block : blocks)
        if (block.dtype == dtype) {
            take(measureOf(block).tau);
            for (const double step : stepsOf(block))
                take(step);
        }
    if (most == 0)
        return {1e-6, 1}; // nothing to show but prompts without an error
    const auto decade = [](double tau) { return static_cast<int>(std::floor(std::log10(tau))); };
    figure::Range range{0, std::numeric_limits<double>::infinity()};
    for (int d = decade(least) - 1; d <= decade(most) + 1; ++d)
        for (const int digit : {1, 2, 5}) {
            const double tau = std::stod(fmt::format("{}e{}", digit, d));
            if (tau < least)
                range.lower = tau;
            if (tau > most)
                range.upper = std::min(range.upper, tau);
        }
    return range;
}

Figure pictureOf(const std::vector<DtypeBlock>& blocks, const Policy& policy)
{
    const DecidingMeasure own = decidingMeasure(policy);
    Figure figure;
    figure.title = "How many prompts reach a " + std::string(own.isRelative ? "relative " : "") + "coverage of " +
                   plainNumber(policy.alphaAct);
    figure.caption = fmt::format(
        "Prompts whose {} is at least {} when a token counts as covered up to the threshold on the x axis, by block "
        "and "
        "by the baseline's dtype. Every step is one prompt, at the exact threshold from which on it reaches the "
        "coverage (steps.csv). Loss coverage is not asked for here; sweep.csv has both counts.",
        own.coverage, plainNumber(policy.alphaAct));
    figure::Range drawn; // of the panel's dtype
    for (const DtypeBlock& block : blocks) {
        const DecidingMeasure measure = measureOf(block);
        if (figure.panels.empty() || figure.panels.back().title != block.dtype + " baseline") {
            drawn = drawnRange(blocks, block.dtype);
            Panel panel;
            panel.title = block.dtype + " baseline";
            panel.x.label = measure.thresholdAxis;
            panel.x.scale = Scale::Log;
            panel.x.lower = drawn.lower;
            panel.x.upper = drawn.upper;
            panel.y.label = "prompts";
            panel.y.lower = 0;
            panel.y.upper = static_cast<double>(block.prompts.size());
            panel.y.ticks = wholeTicks(0, *panel.y.upper);
            panel.rules = {{Direction::Vertical, measure.tau, measure.atThreshold()}};
            figure.panels.push_back(std::move(panel));
        }
        Series series{blockName(block), Mark::Steps, {{drawn.lower, 0.0}}};
        for (const double step : stepsOf(block)) {
            const double reached = *series.points.back().y + 1;
            if (step <= series.points.back().x)
                series.points.back().y = reached; // several prompts at one threshold, or left of what is drawn
            else if (std::isfinite(step))
                series.points.push_back({step, reached});
        }
        series.points.push_back({drawn.upper, series.points.back().y});
        figure.panels.back().series.push_back(std::move(series));
    }
    figure.columns = std::min(3, static_cast<int>(figure.panels.size()));
    figure.sameRange = false; // each dtype where its own curves rise
    return figure;
}

ExperimentReport report(const ExperimentResults& results)
{
    const std::vector<DtypeBlock> blocks = readDtypeBlocks(results);
    ExperimentReport made;
    if (blocks.empty()) {
        made.headline = "No block has a certificate.";
        return made;
    }
    const Policy& policy = blocks.front().certificate.request.policy;
    const DecidingMeasure measure = decidingMeasure(policy);
    const Table table = paperTable(blocks, blocks.front().dtype, measure);
    made.tables = {table, stepTable(blocks), sweepTable(blocks)};
    made.figures = {{"figure.svg", pictureOf(blocks, policy)}};
    made.scope = scopeOverDtypes(results);
    std::int64_t reached = 0;
    std::int64_t all = 0;
    for (const std::vector<Json>& row : table.rows) {
        reached += row.back().get<std::int64_t>() == row[2].get<std::int64_t>() ? 1 : 0;
        ++all;
    }
    made.headline = fmt::format("With {} as the baseline's dtype and {}, every prompt reaches {} {} of {:.2f} with "
                                "loss coverage at least {:.2f} "
                                "in {} of {} block{}.",
                                blocks.front().dtype, measure.atThreshold(), measure.isRelative ? "a" : "an",
                                measure.coverage, alphas[1], leastLoss, reached, all, all == 1 ? "" : "s");
    made.notes = {
        "A prompt whose loss coverage was not measured reaches nothing in table.csv; sweep.csv also counts by "
        "activation coverage alone.",
        "Coverages over other thresholds than " + measure.threshold +
            " are arithmetic on the per-token errors in "
            "probes.h5, which verification at level 3 replays."};
    noteMeasure(measure, made);
    return made;
}

}

ExperimentKind thresholdsKind()
{
    return {
        "thresholds",
        "Threshold sensitivity",
        "Table 4, section 6.7",
        {"The paper's table is for TinyLlama with a low-precision baseline, where coverage at τ_act = 0.01 lies "
         "near its thresholds; an fp32 baseline agrees with its replay nearly to rounding, so that nearly every prompt "
         "reaches every coverage there. The same counts over the threshold and over the dtypes stand beside it.",
         "The paper counts ten prompts of 22 to 36 tokens, so that one token moves a coverage by 0.03 to 0.05."},
        "stress",
        "spread",
        planDtypes,
        report};
}

}
