#include "widgets/chart_comparison.h"

#include <QCoreApplication>

#include <algorithm>
#include <string>
#include <utility>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(ChartComparison)
};

std::string utf8(const QString& text)
{
    return text.toStdString();
}

// The map without the cells that the other one does not have.
TokenMap commonCells(const TokenMap& map, const TokenMap& other)
{
    TokenMap common = map;
    for (std::size_t at = 0; at < common.cells.size(); ++at)
        if (at >= other.cells.size() || !other.cells[at])
            common.cells[at].reset();
    return common;
}

// Steps hold their value, so that the curve of the run with the smaller errors goes on to the end of the panel.
void spread(figure::Series& series, double from, double to)
{
    if (series.mark != figure::Mark::Steps || series.points.empty())
        return;
    if (series.points.front().x > from)
        series.points.insert(series.points.begin(), figure::Point{from, series.points.front().y});
    if (series.points.back().x < to)
        series.points.push_back({to, series.points.back().y});
}

figure::Panel panelOf(const figure::Panel& like, figure::Series a, figure::Series b)
{
    figure::Panel panel = like;
    panel.title =
        a.name == b.name
            ? a.name
            : utf8(Text::tr("A: %1 · B: %2").arg(QString::fromStdString(a.name), QString::fromStdString(b.name)));
    a.name = "A";
    b.name = "B";
    if (!a.points.empty() && !b.points.empty()) {
        const double from = std::min(a.points.front().x, b.points.front().x);
        const double to = std::max(a.points.back().x, b.points.back().x);
        spread(a, from, to);
        spread(b, from, to);
    }
    panel.series = {std::move(a), std::move(b)};
    return panel;
}

}

figure::Figure comparedChart(const TokenMap& a, const TokenMap& b, Chart chart, int block)
{
    const figure::Figure first = chartFigure(commonCells(a, b), chart, block);
    const figure::Figure second = chartFigure(commonCells(b, a), chart, block);
    figure::Figure figure = first;
    figure.title = utf8(Text::tr("%1: A and B").arg(QString::fromStdString(first.title)));
    figure.scope = utf8(Text::tr("A: %1 · B: %2").arg(QString::fromStdString(first.scope), b.run));
    figure.caption = utf8(Text::tr("Of what both runs measured, both held against A's threshold. %1")
                              .arg(QString::fromStdString(first.caption)));
    std::erase_if(figure.metadata, [](const auto& entry) { return entry.first == "run"; });
    figure.metadata.insert(figure.metadata.begin(), {{"a", utf8(a.run)}, {"b", utf8(b.run)}});
    const std::vector<figure::Series>& ofA = first.panels.front().series;
    const std::vector<figure::Series>& ofB = second.panels.front().series;
    if (ofA.empty() || ofB.empty())
        return figure;
    figure.panels.clear();
    if (chart ==
        Chart::CoverageByThreshold) { // all blocks, and the last of the others: the chosen one, if there is one
        figure.panels.push_back(panelOf(first.panels.front(), ofA.front(), ofB.front()));
        if (ofA.size() > 1 && ofB.size() > 1)
            figure.panels.push_back(panelOf(first.panels.front(), ofA.back(), ofB.back()));
    } else {
        for (std::size_t i = 0; i < std::min(ofA.size(), ofB.size()); ++i)
            figure.panels.push_back(panelOf(first.panels.front(), ofA[i], ofB[i]));
    }
    figure.columns = 2;
    figure.panelHeight = figure.panels.size() > 2 ? 200 : 300;
    return figure;
}

}
