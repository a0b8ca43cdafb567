#include "widgets/compare_figure.h"

#include "widgets/number_text.h"

#include <QCoreApplication>

#include <string>
#include <utility>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(CompareFigure)
};

double errorOf(const BlockRow& row, bool isRelative, bool isLargest)
{
    if (isRelative)
        return isLargest ? row.relativeEpsilon : row.relativeMean;
    return isLargest ? row.epsilon : row.mae;
}

figure::Panel panelOf(const ComparedRuns& runs, bool isLargest)
{
    figure::Panel panel;
    panel.title = (isLargest ? Text::tr("Largest error, ε") : Text::tr("Mean error")).toStdString();
    panel.x.label = Text::tr("block").toStdString();
    panel.y = {
        .label =
            (runs.isRelative ? Text::tr("relative error ‖ŷ − y‖₂ / ‖y‖₂") : Text::tr("error ‖ŷ − y‖₂")).toStdString(),
        .scale = figure::Scale::Log};
    figure::Series a{Text::tr("A: %1").arg(runs.a).toStdString(), figure::Mark::LineMarkers, {}};
    figure::Series b{Text::tr("B: %1").arg(runs.b).toStdString(), figure::Mark::LineMarkers, {}};
    for (const ComparedBlock& row : runs.blocks) {
        const auto point = [&](const std::optional<BlockRow>& side) -> figure::Point {
            const double value = side ? errorOf(*side, runs.isRelative, isLargest) : missing;
            return {static_cast<double>(row.block), value > 0 ? std::optional(value) : std::nullopt};
        };
        a.points.push_back(point(row.a));
        b.points.push_back(point(row.b));
        if (runs.blocks.size() <= 12)
            panel.x.ticks.push_back(row.block);
    }
    panel.series = {std::move(a), std::move(b)};
    if (runs.tau > 0)
        panel.rules = {
            {figure::Direction::Horizontal, runs.tau,
             QStringLiteral("%1 = %2")
                 .arg(runs.isRelative ? QStringLiteral("τ_rel") : QStringLiteral("τ_act"), exactNumber(runs.tau))
                 .toStdString()}};
    return panel;
}

}

figure::Figure compareFigure(const ComparedRuns& runs)
{
    figure::Figure figure;
    figure.title = Text::tr("Errors by block in two runs").toStdString();
    figure.scope = Text::tr("A: %1 · B: %2").arg(runs.a, runs.b).toStdString();
    figure.caption =
        Text::tr("Each run on its own prompts, as its certificates state them; nothing was recomputed. The "
                 "threshold is A's.")
            .toStdString();
    figure.metadata = {{"a", runs.a.toStdString()},
                       {"b", runs.b.toStdString()},
                       {"error", runs.isRelative ? "relative-l2" : "absolute-l2"}};
    figure.panels = {panelOf(runs, true), panelOf(runs, false)};
    figure.columns = 2;
    figure.panelHeight = 300;
    return figure;
}

}
