#include "widgets/chart_figures.h"

#include "widgets/error_legend.h"
#include "widgets/error_scale.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(ChartFigures)
};

// The measured errors of one block, ascending, prompts together.
struct BlockErrors {
    int block = 0;
    std::vector<double> sorted;
};

std::string utf8(const QString& text)
{
    return text.toStdString();
}

std::optional<double> known(double value)
{
    return isMissing(value) ? std::nullopt : std::optional(value);
}

std::vector<BlockErrors> errorsOf(const TokenMap& map)
{
    const Metric metric = decidingMetric(map.thresholds);
    std::vector<BlockErrors> blocks;
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        BlockErrors errors;
        errors.block = map.blocks[column];
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
            if (const MapCell* cell = map.cell(column, prompt))
                for (std::size_t token = 0; token < map.prompts[prompt].tokens.size(); ++token)
                    if (const double value = valueOf(*cell, metric, token, map.thresholds); !isMissing(value))
                        errors.sorted.push_back(value);
        std::sort(errors.sorted.begin(), errors.sorted.end());
        blocks.push_back(std::move(errors));
    }
    return blocks;
}

double thresholdOf(const TokenMap& map)
{
    return widgets::thresholdOf(map.thresholds, decidingMetric(map.thresholds));
}

std::string thresholdName(const TokenMap& map)
{
    return utf8(
        QStringLiteral("%1 = %2").arg(thresholdSymbol(decidingMetric(map.thresholds)), exactNumber(thresholdOf(map))));
}

std::string errorLabel(const TokenMap& map)
{
    return utf8(map.thresholds.relativeDecides ? Text::tr("relative error ‖ŷ − y‖₂ / ‖y‖₂")
                                               : Text::tr("error ‖ŷ − y‖₂"));
}

// What a figure is of: what was measured of the map, which may have rows and columns of another run or be filled still.
struct Measured {
    std::int64_t blocks = 0;
    std::int64_t prompts = 0;
    std::int64_t tokens = 0;
};

Measured measuredOf(const TokenMap& map)
{
    Measured measured;
    const auto isThere = [&map](std::size_t column, std::size_t prompt) { return map.cell(column, prompt) != nullptr; };
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        bool any = false;
        for (std::size_t prompt = 0; prompt < map.prompts.size() && !any; ++prompt)
            any = isThere(column, prompt);
        measured.blocks += any ? 1 : 0;
    }
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
        bool any = false;
        for (std::size_t column = 0; column < map.blocks.size() && !any; ++column)
            any = isThere(column, prompt);
        measured.prompts += any ? 1 : 0;
        measured.tokens += any ? static_cast<std::int64_t>(map.prompts[prompt].tokens.size()) : 0;
    }
    return measured;
}

QString countOf(std::int64_t measured, std::size_t all)
{
    return measured == static_cast<std::int64_t>(all)
               ? countText(measured)
               : Text::tr("%1 of %2").arg(countText(measured), countText(static_cast<std::int64_t>(all)));
}

figure::Figure frameOf(const TokenMap& map, const QString& title, const QString& caption)
{
    figure::Figure figure;
    figure.title = utf8(title);
    const Measured measured = measuredOf(map);
    figure.scope = utf8(Text::tr("%1 · %2 · %3 prompts, %4 tokens, %5 blocks")
                            .arg(map.model, map.run, countOf(measured.prompts, map.prompts.size()),
                                 countText(measured.tokens), countOf(measured.blocks, map.blocks.size())));
    figure.caption =
        utf8(caption + u' ' + Text::tr("Measured on the listed prompts; it says nothing about other inputs."));
    figure.metadata = {{"model", utf8(map.model)},
                       {"run", utf8(map.run)},
                       {"error", map.thresholds.relativeDecides ? "relative-l2" : "absolute-l2"},
                       {"tau", utf8(exactNumber(thresholdOf(map)))},
                       {"alpha_act", utf8(exactNumber(map.thresholds.alphaAct))}};
    figure.panels.emplace_back();
    figure.panelHeight = 300;
    return figure;
}

// More thresholds than a figure has pixels: of more errors than that some stand for their neighbours.
constexpr std::size_t mostThresholds = 2000;

// Every measured error, between whole powers of ten around them and the threshold: coverage changes there and nowhere
// else. `all` ascends.
std::vector<double> thresholdsOf(const std::vector<double>& all, double tau)
{
    const auto positive = std::upper_bound(all.begin(), all.end(), 0.0);
    const double low = positive == all.end() ? tau / 10 : std::min(tau / 10, *positive);
    const double high = all.empty() ? tau * 10 : std::max(tau * 10, all.back());
    std::vector<double> thresholds = {std::pow(10.0, std::max(-300.0, std::floor(std::log10(low))))};
    const auto count = static_cast<std::size_t>(all.end() - positive);
    const std::size_t stride = std::max<std::size_t>(1, (count + mostThresholds - 1) / mostThresholds);
    for (std::size_t i = 0; i < count; i += stride)
        if (const double error = *(positive + static_cast<std::ptrdiff_t>(i)); error > thresholds.back())
            thresholds.push_back(error);
    if (all.back() > thresholds.back())
        thresholds.push_back(all.back());
    if (const double end = std::pow(10.0, std::min(300.0, std::ceil(std::log10(high)))); end > thresholds.back())
        thresholds.push_back(end);
    return thresholds;
}

figure::Series coverageSeries(const QString& name, std::span<const double> sorted,
                              const std::vector<double>& thresholds)
{
    figure::Series series;
    series.name = utf8(name);
    series.mark = figure::Mark::Steps;
    for (const double tau : thresholds)
        series.points.push_back({tau, known(shareWithin(sorted, tau))});
    return series;
}

figure::Figure coverageByThreshold(const TokenMap& map, int block)
{
    const std::vector<BlockErrors> blocks = errorsOf(map);
    const double tau = thresholdOf(map);
    std::vector<double> all;
    const BlockErrors* least = nullptr;
    const BlockErrors* chosen = nullptr;
    for (const BlockErrors& one : blocks) {
        all.insert(all.end(), one.sorted.begin(), one.sorted.end());
        if (one.sorted.empty())
            continue;
        // Of blocks that cover alike the one with the largest error.
        const auto rank = [tau](const BlockErrors& errors) {
            return std::pair(shareWithin(errors.sorted, tau), -errors.sorted.back());
        };
        if (least == nullptr || rank(one) < rank(*least))
            least = &one;
        if (one.block == block)
            chosen = &one;
    }
    std::sort(all.begin(), all.end());
    // No block has the least coverage where all cover alike.
    const bool areAlike = std::all_of(blocks.begin(), blocks.end(), [&](const BlockErrors& one) {
        return one.sorted.empty() || shareWithin(one.sorted, tau) == shareWithin(least->sorted, tau);
    });
    const QString which =
        areAlike ? Text::tr("of the block with the largest error; at the run's own threshold every block covers the "
                            "same share.")
                 : Text::tr("of the block with the least coverage at the run's own threshold.");
    figure::Figure figure =
        frameOf(map, Text::tr("Activation coverage by threshold"),
                Text::tr("The share of measured tokens whose error is at most the threshold: of all blocks together, "
                         "and %1")
                    .arg(which));
    figure::Panel& panel = figure.panels.front();
    panel.x = {.label =
                   utf8(map.thresholds.relativeDecides ? Text::tr("threshold τ_rel") : Text::tr("threshold τ_act")),
               .scale = figure::Scale::Log};
    panel.y = {.label = utf8(Text::tr("coverage")), .lower = 0.0, .upper = 1.0};
    if (all.empty())
        return figure;
    const std::vector<double> grid = thresholdsOf(all, tau);
    panel.series.push_back(coverageSeries(Text::tr("all blocks"), all, grid));
    if (least != nullptr)
        panel.series.push_back(coverageSeries(
            (areAlike ? Text::tr("largest error: block %1") : Text::tr("least: block %1")).arg(least->block),
            least->sorted, grid));
    if (chosen != nullptr && chosen != least)
        panel.series.push_back(coverageSeries(Text::tr("block %1").arg(chosen->block), chosen->sorted, grid));
    panel.rules = {{figure::Direction::Vertical, tau, thresholdName(map)},
                   {figure::Direction::Horizontal, map.thresholds.alphaAct,
                    utf8(QStringLiteral("α_act = %1").arg(exactNumber(map.thresholds.alphaAct)))}};
    return figure;
}

figure::Figure promptSetSize(const TokenMap& map)
{
    figure::Figure figure = frameOf(
        map, Text::tr("Coverage by size of the prompt set"),
        Text::tr("Activation coverage over the first k prompts, in the order of the run: of the block where it is "
                 "smallest, and on average over the blocks."));
    figure::Panel& panel = figure.panels.front();
    panel.x.label = utf8(Text::tr("prompts k"));
    panel.y = {.label = utf8(Text::tr("coverage")), .upper = 1.0};
    figure::Series smallest{utf8(Text::tr("smallest of the blocks")), figure::Mark::LineMarkers, {}};
    figure::Series mean{utf8(Text::tr("mean of the blocks")), figure::Mark::LineMarkers, {}};
    std::vector<std::int64_t> covered(map.blocks.size(), 0);
    std::vector<std::int64_t> measured(map.blocks.size(), 0);
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
        double least = missing;
        double sum = 0;
        int counted = 0;
        for (std::size_t column = 0; column < map.blocks.size(); ++column) {
            if (const MapCell* cell = map.cell(column, prompt))
                for (std::size_t token = 0; token < map.prompts[prompt].tokens.size(); ++token)
                    if (const double value = valueOf(*cell, Metric::Coverage, token, map.thresholds);
                        !isMissing(value)) {
                        ++measured[column];
                        covered[column] += value >= 1 ? 1 : 0;
                    }
            if (measured[column] == 0)
                continue;
            const double share = static_cast<double>(covered[column]) / static_cast<double>(measured[column]);
            least = isMissing(least) ? share : std::min(least, share);
            sum += share;
            ++counted;
        }
        const auto k = static_cast<double>(prompt + 1);
        smallest.points.push_back({k, known(least)});
        mean.points.push_back({k, counted > 0 ? std::optional(sum / counted) : std::nullopt});
        if (map.prompts.size() <= 12)
            panel.x.ticks.push_back(k);
    }
    panel.series = {std::move(smallest), std::move(mean)};
    panel.rules = {{figure::Direction::Horizontal, map.thresholds.alphaAct,
                    utf8(QStringLiteral("α_act = %1").arg(exactNumber(map.thresholds.alphaAct)))}};
    return figure;
}

// A figure over the blocks, with a log axis of errors: zero has no place there and is left out.
figure::Figure byBlock(const TokenMap& map, const QString& title, const QString& caption)
{
    figure::Figure figure = frameOf(map, title, caption);
    figure::Panel& panel = figure.panels.front();
    panel.x.label = utf8(Text::tr("block"));
    panel.y = {.label = errorLabel(map), .scale = figure::Scale::Log};
    panel.rules = {{figure::Direction::Horizontal, thresholdOf(map), thresholdName(map)}};
    if (map.blocks.size() <= 12)
        for (const int block : map.blocks)
            panel.x.ticks.push_back(block);
    return figure;
}

void addPoint(figure::Series& series, int block, double value)
{
    series.points.push_back({static_cast<double>(block), value > 0 ? std::optional(value) : std::nullopt});
}

figure::Figure meanErrorByBlock(const TokenMap& map)
{
    figure::Figure figure = byBlock(map, Text::tr("Mean and largest error by block"),
                                    Text::tr("The mean over the tokens, and ε, their maximum."));
    figure::Series mean{utf8(Text::tr("mean error")), figure::Mark::LineMarkers, {}};
    figure::Series largest{utf8(Text::tr("ε, largest error")), figure::Mark::LineMarkers, {}};
    for (const BlockErrors& block : errorsOf(map)) {
        double sum = 0;
        for (const double value : block.sorted)
            sum += value;
        const bool any = !block.sorted.empty();
        addPoint(mean, block.block, any ? sum / static_cast<double>(block.sorted.size()) : missing);
        addPoint(largest, block.block, any ? block.sorted.back() : missing);
    }
    figure.panels.front().series = {std::move(mean), std::move(largest)};
    return figure;
}

figure::Figure errorQuantiles(const TokenMap& map)
{
    figure::Figure figure =
        byBlock(map, Text::tr("Error quantiles by block"),
                Text::tr("By nearest rank: at least that share of the tokens has an error of at most the value."));
    constexpr std::array<std::pair<double, const char*>, 4> shares{
        {{0.5, "50 %"}, {0.9, "90 %"}, {0.99, "99 %"}, {1.0, "100 % (ε)"}}};
    const std::vector<BlockErrors> blocks = errorsOf(map);
    for (const auto& [share, name] : shares) {
        figure::Series series{name, figure::Mark::LineMarkers, {}};
        for (const BlockErrors& block : blocks)
            addPoint(series, block.block, nearestRank(block.sorted, share));
        figure.panels.front().series.push_back(std::move(series));
    }
    return figure;
}

}

QString chartName(Chart chart)
{
    switch (chart) {
    case Chart::CoverageByThreshold: return Text::tr("Coverage by threshold");
    case Chart::PromptSetSize: return Text::tr("By prompt-set size");
    case Chart::MeanErrorByBlock: return Text::tr("Mean error");
    case Chart::ErrorQuantiles: return Text::tr("Quantiles");
    }
    return {};
}

figure::Figure chartFigure(const TokenMap& map, Chart chart, int block)
{
    switch (chart) {
    case Chart::CoverageByThreshold: return coverageByThreshold(map, block);
    case Chart::PromptSetSize: return promptSetSize(map);
    case Chart::MeanErrorByBlock: return meanErrorByBlock(map);
    case Chart::ErrorQuantiles: return errorQuantiles(map);
    }
    return {};
}

double shareWithin(std::span<const double> sorted, double threshold)
{
    if (sorted.empty())
        return missing;
    const auto within = std::upper_bound(sorted.begin(), sorted.end(), threshold) - sorted.begin();
    return static_cast<double>(within) / static_cast<double>(sorted.size());
}

double nearestRank(std::span<const double> sorted, double share)
{
    if (sorted.empty())
        return missing;
    // ⌈share · n⌉, counted from one; a product a hair above a whole number is that number.
    const double rank = std::ceil(share * static_cast<double>(sorted.size()) - 1e-9);
    const auto at = static_cast<std::size_t>(std::clamp(rank, 1.0, static_cast<double>(sorted.size()))) - 1;
    return sorted[at];
}

}
