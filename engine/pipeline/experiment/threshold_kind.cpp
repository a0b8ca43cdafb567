#include "engine/figure/ticks.h"
#include "engine/pipeline/experiment/dtype_runs.h"
#include "engine/pipeline/experiment/figure_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace blockcert::pipeline {

namespace {

using namespace figure;

constexpr std::array<double, 3> alphas = {0.90, 0.94, 0.97};
constexpr double leastLoss = 0.90; // the paper holds loss coverage at this

// 1, 2 and 5 in every decade from 1e-6 to 1e2, and the policy's own threshold.
std::vector<double> thresholdsFor(const Policy& policy)
{
    std::vector<double> taus;
    for (int decade = -6; decade < 2; ++decade)
        for (const int digit : {1, 2, 5})
            taus.push_back(std::stod(fmt::format("{}e{}", digit, decade))); // the double nearest to the decimal
    taus.push_back(100);
    if (std::ranges::find(taus, policy.tauAct) == taus.end())
        taus.push_back(policy.tauAct);
    std::ranges::sort(taus);
    return taus;
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

Table paperTable(const std::vector<DtypeBlock>& blocks, const std::string& dtype, double tau)
{
    Table table{"table",
                fmt::format("Prompts that reach a coverage ({} baseline, τ_act = {}, loss coverage ≥ {:.2f})", dtype,
                            plainNumber(tau), leastLoss),
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
            row.emplace_back(promptsReaching(block, tau, alpha).both);
        row.emplace_back(block.prompts.size());
        table.rows.push_back(std::move(row));
    }
    return table;
}

Table sweepTable(const std::vector<DtypeBlock>& blocks, const std::vector<double>& taus)
{
    Table table{"sweep",
                "The same over the threshold and the baseline's dtype",
                {{"dtype", "dtype"},
                 {"block", "block"},
                 {"tau_act", "τ_act"},
                 {"alpha_act", "α_act"},
                 {"prompts_reaching", "prompts reaching"},
                 {"prompts_reaching_activation", "by activation alone"},
                 {"prompts", "prompts"}},
                {}};
    for (const DtypeBlock& block : blocks)
        for (const double tau : taus)
            for (const double alpha : alphas) {
                const Reached reached = promptsReaching(block, tau, alpha);
                table.rows.push_back({block.dtype, block.certificate.block.value, tau, alpha, reached.both,
                                      reached.activation, block.prompts.size()});
            }
    return table;
}

// The thresholds of one dtype from where no prompt reaches the coverage to where all do, in every block: beside that
// the curves are flat.
std::vector<double> drawnOf(const std::vector<DtypeBlock>& blocks, const std::string& dtype,
                            const std::vector<double>& taus, double alpha)
{
    std::size_t first = 0;
    std::size_t last = taus.size() - 1;
    const auto allBlocks = [&](double tau, bool reached) {
        return std::ranges::all_of(blocks, [&](const DtypeBlock& block) {
            const auto wanted = reached ? static_cast<std::int64_t>(block.prompts.size()) : 0;
            return block.dtype != dtype || promptsReaching(block, tau, alpha).activation == wanted;
        });
    };
    while (first + 1 < last && allBlocks(taus[first + 1], false))
        ++first;
    while (last > first + 1 && allBlocks(taus[last - 1], true))
        --last;
    return {taus.begin() + static_cast<std::ptrdiff_t>(first), taus.begin() + static_cast<std::ptrdiff_t>(last) + 1};
}

Figure pictureOf(const std::vector<DtypeBlock>& blocks, const std::vector<double>& taus, const Policy& policy)
{
    Figure figure;
    figure.title = "How many prompts reach a coverage of " + plainNumber(policy.alphaAct);
    figure.caption = fmt::format(
        "Prompts whose activation coverage is at least {} when a token counts as covered up to the threshold on the x "
        "axis, by block and by the baseline's dtype. Loss coverage is not asked for here; sweep.csv has both counts, "
        "and more thresholds. Each panel shows the thresholds between which its curves rise.",
        plainNumber(policy.alphaAct));
    std::vector<double> drawn; // of the panel's dtype
    for (const DtypeBlock& block : blocks) {
        if (figure.panels.empty() || figure.panels.back().title != block.dtype + " baseline") {
            Panel panel;
            panel.title = block.dtype + " baseline";
            panel.x.label = "activation threshold τ_act";
            panel.x.scale = Scale::Log;
            panel.y.label = "prompts";
            panel.y.lower = 0;
            panel.y.upper = static_cast<double>(block.prompts.size());
            panel.y.ticks = wholeTicks(0, *panel.y.upper);
            panel.rules = {{Direction::Vertical, policy.tauAct, "τ_act = " + plainNumber(policy.tauAct)}};
            figure.panels.push_back(std::move(panel));
            drawn = drawnOf(blocks, block.dtype, taus, policy.alphaAct);
        }
        Series series{blockName(block), Mark::LineMarkers, {}};
        for (const double tau : drawn)
            series.points.push_back(
                {tau, static_cast<double>(promptsReaching(block, tau, policy.alphaAct).activation)});
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
    const std::vector<double> taus = thresholdsFor(policy);
    const Table table = paperTable(blocks, blocks.front().dtype, policy.tauAct);
    made.tables = {table, sweepTable(blocks, taus)};
    made.figures = {{"figure.svg", pictureOf(blocks, taus, policy)}};
    made.figures.front().figure.scope = scopeOverDtypes(results);
    std::int64_t reached = 0;
    std::int64_t all = 0;
    for (const std::vector<Json>& row : table.rows) {
        reached += row.back().get<std::int64_t>() == row[2].get<std::int64_t>() ? 1 : 0;
        ++all;
    }
    made.headline = fmt::format(
        "With {} as the baseline's dtype and τ_act = {}, every prompt reaches an activation coverage of {:.2f} "
        "with loss coverage at least {:.2f} in {} of {} blocks.",
        blocks.front().dtype, plainNumber(policy.tauAct), alphas[1], leastLoss, reached, all);
    made.notes = {
        "A prompt whose loss coverage was not measured reaches nothing in table.csv; sweep.csv also counts by "
        "activation coverage alone.",
        "Coverages over other thresholds than τ_act are arithmetic on the per-token errors in probes.h5, which "
        "verification at level 3 replays."};
    return made;
}

}

ExperimentKind thresholdsKind()
{
    return {"thresholds",
            "Threshold sensitivity",
            "Table 4, section 6.7",
            {"The paper's table is for TinyLlama with a low-precision baseline, where coverage at τ_act = 0.01 lies "
             "near its "
             "thresholds; for an fp32 baseline it is flat, so the same counts over τ_act and over the dtypes stand "
             "beside it.",
             "The paper counts ten prompts of 22 to 36 tokens, so that one token moves a coverage by 0.03 to 0.05."},
            "stress",
            "spread",
            planDtypes,
            report};
}

}
