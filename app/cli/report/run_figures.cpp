#include "app/cli/report/run_figures.h"

#include "app/terminal/number_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace blockcert::cli {

namespace {

using namespace figure;
using terminal::plainNumber;

constexpr std::size_t mostRows = 40;    // prompts of the map
constexpr std::size_t mostColumns = 64; // blocks of the map

std::optional<double> known(const Json& value)
{
    return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

Rule tauRule(const ReportedRun& run, Direction direction)
{
    return {direction, run.tau(), (run.relativeDecides() ? "τ_rel = " : "τ_act = ") + plainNumber(run.tau())};
}

Rule shareRule(const ReportedRun& run, const char* name, const std::string& symbol)
{
    return {Direction::Horizontal, run.threshold(name), symbol + " = " + plainNumber(run.threshold(name))};
}

std::string errorName(const ReportedRun& run)
{
    return run.relativeDecides() ? "relative error ‖ŷ − y‖₂ / ‖y‖₂" : "error ‖ŷ − y‖₂";
}

Figure framed(const ReportedRun& run, const std::string& title, const std::string& caption)
{
    Figure figure;
    figure.title = title;
    figure.scope = fmt::format(
        "{} · {}, {}, {}", run.model(),
        terminal::counted(static_cast<std::int64_t>(run.manifest().at("prompts").at("items").size()), "prompt"),
        terminal::counted(run.tokenCount(), "token"),
        terminal::counted(static_cast<std::int64_t>(run.listing.at("blocks").size()), "block"));
    figure.caption = caption;
    figure.width = 800;
    figure.metadata = {{"model", run.model()}, {"run", run.folderName()}};
    if (run.listing.at("digest").is_string())
        figure.metadata.emplace_back("run.sha256", run.listing.at("digest").get<std::string>());
    return figure;
}

Figure byBlock(const ReportedRun& run)
{
    const bool relative = run.relativeDecides();
    Series largest{"largest error ε", Mark::LineMarkers, {}};
    Series mean{"mean error", Mark::LineMarkers, {}};
    Series activation{relative ? "relative coverage" : "activation coverage", Mark::LineMarkers, {}};
    Series loss{"loss coverage", Mark::LineMarkers, {}};
    Axis blocks{.label = "block"};
    bool losses = false;
    const Json& rows = run.listing.at("blocks");
    for (const Json& row : rows) {
        const auto x = row.at("block").get<double>();
        const Json& other = row.at("relative");
        largest.points.push_back({x, relative ? known(other.at("epsilon")) : known(row.at("epsilon"))});
        mean.points.push_back({x, relative ? known(other.at("mean")) : known(row.at("mae"))});
        activation.points.push_back({x, relative ? known(other.at("coverage")) : known(row.at("activation_coverage"))});
        loss.points.push_back({x, known(row.at("loss_coverage"))});
        losses = losses || !row.at("loss_coverage").is_null();
        if (rows.size() <= 12)
            blocks.ticks.push_back(x);
    }
    Panel error;
    error.title = "Error";
    error.x = blocks;
    error.y = {.label = errorName(run), .scale = Scale::Log};
    error.series = {std::move(largest), std::move(mean)};
    error.rules = {tauRule(run, Direction::Horizontal)};
    Panel coverage;
    coverage.title = "Coverage";
    coverage.x = blocks;
    coverage.y = {.label = "coverage", .lower = 0.0, .upper = 1.0};
    coverage.series = {std::move(activation)};
    coverage.rules = {shareRule(run, "alpha_act", "α_act")};
    if (losses) {
        coverage.series.push_back(std::move(loss));
        coverage.rules.push_back(shareRule(run, "alpha_loss", "α_loss"));
    }
    Figure figure = framed(run, "Error and coverage by block",
                           "Measured on these prompts alone. Dots are measurements, lines only join them; an arrow at "
                           "the edge of a log axis is an error of exactly 0.");
    figure.panels = {std::move(error), std::move(coverage)};
    figure.columns = 2;
    figure.panelHeight = 240;
    return figure;
}

// The largest error that decides of each cell, by prompt and block.
std::map<std::pair<std::size_t, int>, double> largestErrors(const ReportedRun& run)
{
    std::map<std::pair<std::size_t, int>, double> largest;
    for (const Json& cell : run.listing.at("cells"))
        for (const Json& value : decidingErrors(run, cell))
            if (!value.is_null()) {
                double& slot = largest[{cell.at("prompt").get<std::size_t>(), cell.at("block").get<int>()}];
                slot = std::max(slot, value.get<double>());
            }
    return largest;
}

Figure map(const ReportedRun& run)
{
    const auto largest = largestErrors(run);
    const std::size_t prompts = run.manifest().at("prompts").at("items").size();
    const Json& blocks = run.request().at("blocks");
    std::vector<double> byPrompt(prompts, -1);
    std::vector<double> byBlock(blocks.size(), -1);
    for (std::size_t p = 0; p < prompts; ++p)
        for (std::size_t b = 0; b < blocks.size(); ++b)
            if (const auto found = largest.find({p, blocks[b].get<int>()}); found != largest.end()) {
                byPrompt[p] = std::max(byPrompt[p], found->second);
                byBlock[b] = std::max(byBlock[b], found->second);
            }
    const Kept rows = keepLargest(byPrompt, mostRows, "prompt", "with the largest errors");
    const Kept columns = keepLargest(byBlock, mostColumns, "block", "with the largest errors");
    Heat heat;
    heat.threshold = run.tau();
    heat.name = "largest error";
    for (const std::size_t b : columns.rows)
        heat.columns.push_back(blocks[b].dump());
    for (const std::size_t p : rows.rows) {
        heat.rows.push_back(run.promptName(p));
        for (const std::size_t b : columns.rows) {
            const auto found = largest.find({p, blocks[b].get<int>()});
            heat.cells.push_back(found == largest.end() ? std::nullopt : std::optional(found->second));
        }
    }
    Figure figure = framed(run, "Largest error by prompt and block",
                           "Blue cells hold no token beyond " + tauRule(run, Direction::Horizontal).name +
                               ", warm ones at least one; a hatched cell was not measured.");
    for (const std::string& sentence : {rows.leftOut, columns.leftOut})
        if (!sentence.empty())
            figure.caption += " " + sentence;
    figure.panelHeight = std::max(130.0, 60 + 20.0 * static_cast<double>(rows.rows.size()));
    Panel panel;
    panel.x.label = "block";
    panel.heat = std::move(heat);
    figure.panels = {std::move(panel)};
    return figure;
}

Figure byThreshold(const ReportedRun& run, std::vector<double> errors)
{
    std::ranges::sort(errors);
    const double least = std::ranges::find_if(errors, [](double e) { return e > 0; }) != errors.end()
                             ? *std::ranges::find_if(errors, [](double e) { return e > 0; })
                             : run.tau();
    const int first = static_cast<int>(std::floor(std::log10(std::min(least, run.tau()))));
    const int last = static_cast<int>(std::ceil(std::log10(std::max(errors.back(), run.tau()) * 1.0001)));
    Series series{"all blocks", Mark::LineMarkers, {}};
    for (int exponent = std::max(first, last - 24); exponent <= last; ++exponent)
        for (const double factor : {1.0, 2.0, 5.0})
            if (exponent < last || factor == 1) {
                const double tau = factor * std::pow(10.0, exponent);
                const auto within = std::ranges::upper_bound(errors, tau) - errors.begin();
                series.points.push_back({tau, static_cast<double>(within) / static_cast<double>(errors.size())});
            }
    Panel panel;
    panel.x = {.label = run.relativeDecides() ? "threshold τ_rel" : "threshold τ_act", .scale = Scale::Log};
    panel.y = {.label = "coverage", .lower = 0.0, .upper = 1.0};
    panel.series = {std::move(series)};
    panel.rules = {tauRule(run, Direction::Vertical), shareRule(run, "alpha_act", "α_act")};
    Figure figure = framed(run, "Coverage by threshold",
                           "The share of measured tokens, of all blocks together, whose error is at most the "
                           "threshold.");
    figure.panels = {std::move(panel)};
    figure.panelHeight = 260;
    return figure;
}

}

std::vector<Figure> runFigures(const ReportedRun& run)
{
    std::vector<Figure> figures;
    if (!run.listing.at("blocks").empty())
        figures.push_back(byBlock(run));
    std::vector<double> errors;
    for (const Json& cell : run.listing.at("cells"))
        for (const Json& value : decidingErrors(run, cell))
            if (!value.is_null())
                errors.push_back(value.get<double>());
    if (!errors.empty()) {
        figures.push_back(map(run));
        figures.push_back(byThreshold(run, std::move(errors)));
    }
    return figures;
}

}
