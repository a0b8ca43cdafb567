#include "engine/pipeline/experiment/dtype_runs.h"
#include "engine/pipeline/experiment/figure_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace blockcert::pipeline {

namespace {

using namespace figure;

// The paper's sizes, as far as there are prompts, and all of them.
std::vector<std::size_t> sizesFor(std::size_t prompts)
{
    std::set<std::size_t> sizes = {prompts};
    for (const std::size_t size : {1, 4, 10})
        if (size <= prompts)
            sizes.insert(size);
    return {sizes.begin(), sizes.end()};
}

double leastCoverage(const DtypeBlock& block, std::size_t size, double tau)
{
    double least = 1;
    for (std::size_t p = 0; p < size; ++p)
        least = std::min(least, coverageAt(block.prompts[p].error, tau));
    return least;
}

// How far the curves of one dtype fall in all at a threshold, from one prompt to the whole set.
double fallOf(const std::vector<DtypeBlock>& blocks, const std::string& dtype, double tau)
{
    double fall = 0;
    for (const DtypeBlock& block : blocks)
        if (block.dtype == dtype)
            fall += leastCoverage(block, 1, tau) - leastCoverage(block, block.prompts.size(), tau);
    return fall;
}

std::vector<std::string> dtypesIn(const std::vector<DtypeBlock>& blocks)
{
    std::vector<std::string> dtypes;
    for (const DtypeBlock& block : blocks)
        if (std::ranges::find(dtypes, block.dtype) == dtypes.end())
            dtypes.push_back(block.dtype);
    return dtypes;
}

// A policy may leave the relative threshold to the dtype.
double policyThreshold(const std::vector<DtypeBlock>& blocks, const std::string& dtype)
{
    const auto found = std::ranges::find(blocks, dtype, &DtypeBlock::dtype);
    return decidingMeasure(found->certificate.request.policy).tau;
}

// Of 1, 2 and 5 in every decade the one at which the curves of a dtype fall most: elsewhere they lie flat at 0 or 1 and
// show nothing. The policy's where they fall nowhere.
double ownThreshold(const std::vector<DtypeBlock>& blocks, const std::string& dtype)
{
    double best = policyThreshold(blocks, dtype);
    double most = 0;
    for (int decade = -8; decade <= 3; ++decade)
        for (const int digit : {1, 2, 5}) {
            const double tau = std::stod(fmt::format("{}e{}", digit, decade)); // the double nearest to the decimal
            if (const double fall = fallOf(blocks, dtype, tau); fall > most) {
                most = fall;
                best = tau;
            }
        }
    return best;
}

// By dtype.
std::map<std::string, double> ownThresholds(const std::vector<DtypeBlock>& blocks)
{
    std::map<std::string, double> own;
    for (const std::string& dtype : dtypesIn(blocks))
        own[dtype] = ownThreshold(blocks, dtype);
    return own;
}

// The policies' thresholds and every dtype's own, ascending.
std::vector<double> thresholdsFor(const std::map<std::string, double>& own, const std::vector<DtypeBlock>& blocks)
{
    std::set<double> taus;
    for (const auto& [dtype, tau] : own) {
        taus.insert(tau);
        taus.insert(policyThreshold(blocks, dtype));
    }
    return {taus.begin(), taus.end()};
}

Table paperTable(const std::vector<DtypeBlock>& blocks, const DecidingMeasure& measure)
{
    const std::string& dtype = blocks.front().dtype;
    const std::vector<std::size_t> sizes = sizesFor(blocks.front().prompts.size());
    Table table{"table",
                fmt::format("Least {} of the first k prompts ({} baseline, {})", measure.coverage, dtype,
                            measure.atThreshold()),
                {{"block", "block"}},
                {}};
    for (const std::size_t size : sizes)
        table.columns.push_back({fmt::format("k_{}", size), fmt::format("k = {}", size)});
    for (const DtypeBlock& block : blocks) {
        if (block.dtype != dtype)
            continue;
        std::vector<Json> row = {block.certificate.block.value};
        for (const std::size_t size : sizes)
            row.emplace_back(leastCoverage(block, size, measure.tau));
        table.rows.push_back(std::move(row));
    }
    return table;
}

Table curveTable(const std::vector<DtypeBlock>& blocks, const std::vector<double>& taus, const DecidingMeasure& measure)
{
    Table table{"curves",
                "Every prefix of the prompt set, over the threshold and the baseline's dtype",
                {{"dtype", "dtype"},
                 {measure.key("tau_act"), measure.threshold},
                 {"block", "block"},
                 {"prompts", "k"},
                 {measure.key("least_activation_coverage"), "least " + measure.coverage}},
                {}};
    for (const DtypeBlock& block : blocks)
        for (const double tau : taus)
            for (std::size_t size = 1; size <= block.prompts.size(); ++size)
                table.rows.push_back(
                    {block.dtype, tau, block.certificate.block.value, size, leastCoverage(block, size, tau)});
    return table;
}

// What is drawn, and no more: without a second row nothing stands below, and in it a dtype may keep its threshold.
std::string captionOf(const std::vector<DtypeBlock>& blocks, const std::map<std::string, double>& own)
{
    std::string moved;
    std::string kept;
    for (const std::string& dtype : dtypesIn(blocks)) {
        std::string& list = own.at(dtype) == policyThreshold(blocks, dtype) ? kept : moved;
        list += (list.empty() ? "" : " and ") + dtype;
    }
    std::string text = "One column for each dtype of the baseline";
    if (moved.empty())
        text += ", at the policy's threshold.";
    else
        text += ": above at the policy's threshold, below at that of 1, 2 and 5 in every decade at which the dtype's "
                "curves together fall most" +
                (kept.empty() ? "." : ", which for " + kept + " is the policy's again, or there is none.");
    if (blocks.front().prompts.size() == 1)
        return text + " There is one prompt, so every curve is a point.";
    return text + " A curve never rises: more prompts can only find a worse one.";
}

Figure pictureOf(const std::vector<DtypeBlock>& blocks, const std::map<std::string, double>& own,
                 const DecidingMeasure& measure)
{
    const std::vector<std::string> dtypes = dtypesIn(blocks);
    Figure figure;
    figure.title = "Least " + measure.coverage + " of the first k prompts";
    figure.caption = captionOf(blocks, own);
    const bool moves = std::ranges::any_of(
        own, [&](const auto& entry) { return entry.second != policyThreshold(blocks, entry.first); });
    for (const bool below : {false, true})
        for (const std::string& dtype : dtypes) {
            if (below && !moves)
                continue;
            const double tau = below ? own.at(dtype) : policyThreshold(blocks, dtype);
            Panel panel;
            panel.title = dtype + ", " + measure.atThreshold(tau);
            panel.x.label = "prompts k";
            panel.y.label = measure.isRelative ? "least relative coverage" : "least coverage";
            panel.y.lower = 0;
            panel.y.upper = 1;
            for (const DtypeBlock& block : blocks) {
                if (block.dtype != dtype)
                    continue;
                Series series{blockName(block), Mark::LineMarkers, {}};
                for (std::size_t size = 1; size <= block.prompts.size(); ++size)
                    series.points.push_back({static_cast<double>(size), leastCoverage(block, size, tau)});
                for (const std::size_t size : sizesFor(block.prompts.size()))
                    if (panel.x.ticks.empty() || panel.x.ticks.back() < static_cast<double>(size))
                        panel.x.ticks.push_back(static_cast<double>(size));
                panel.series.push_back(std::move(series));
            }
            figure.panels.push_back(std::move(panel));
        }
    figure.columns = static_cast<int>(dtypes.size());
    figure.panelHeight = 168;
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
    const Table table = paperTable(blocks, measure);
    const std::map<std::string, double> own = ownThresholds(blocks);
    made.tables = {table, curveTable(blocks, thresholdsFor(own, blocks), measure)};
    made.figures = {{"figure.svg", pictureOf(blocks, own, measure)}};
    made.scope = scopeOverDtypes(results);
    const auto most = std::ranges::max_element(
        table.rows, {}, [](const std::vector<Json>& row) { return row[1].get<double>() - row.back().get<double>(); });
    const std::size_t prompts = blocks.front().prompts.size();
    if (prompts == 1)
        made.headline = fmt::format("There is one prompt, so nothing can change with their number ({} baseline, {}).",
                                    blocks.front().dtype, measure.atThreshold());
    else if ((*most)[1] == most->back())
        made.headline =
            fmt::format("From one prompt to all {}, the least {} stays the same in every block ({} baseline, "
                        "{}); curves.csv shows where other thresholds and dtypes move it.",
                        prompts, measure.coverage, blocks.front().dtype, measure.atThreshold());
    else
        made.headline = fmt::format(
            "From one prompt to all {}, the least {} falls most in block {}: from {} to {} ({} baseline, {}).", prompts,
            measure.coverage, shortText((*most)[0]), shortText((*most)[1]), shortText(most->back()),
            blocks.front().dtype, measure.atThreshold());
    made.notes = {"The first k prompts are those of the prompt set in its own order.",
                  "Coverages over other thresholds than " + measure.threshold +
                      " are arithmetic on the per-token errors in "
                      "probes.h5, which verification at level 3 replays."};
    noteMeasure(measure, made);
    return made;
}

}

ExperimentKind promptSizeKind()
{
    return {
        "prompt-size",
        "Prompt-set size sensitivity",
        "Table 5, section 6.7",
        {"The paper's table is for TinyLlama with a low-precision baseline; an fp32 baseline agrees with its replay "
         "nearly to rounding, so that its coverages hardly fall at the paper's threshold. The same over other "
         "thresholds and over the dtypes stands beside it.",
         "The paper's first, fourth and tenth prompts are its own; those of the bundled set differ."},
        "stress",
        "spread",
        planDtypes,
        report};
}

}
