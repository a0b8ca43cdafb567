#include "app/workbench/session/change_summary.h"

#include "widgets/error_legend.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <cmath>

namespace blockcert::workbench {

using widgets::Metric;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("ChangeSummary", text);
}

}

MapSummary summariseChange(const widgets::TokenMap& map, Metric metric)
{
    if (metric == Metric::Coverage)
        return {tr("A difference of two runs covers nothing: choose A or B to see coverage."), {}};
    qint64 measured = 0;
    qint64 larger = 0;
    qint64 smaller = 0;
    double extreme = 0;
    widgets::CellKey worst;
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
            const widgets::MapCell* cell = map.cell(column, prompt);
            for (std::size_t token = 0; cell && token < map.prompts[prompt].tokens.size(); ++token) {
                const double value = widgets::valueOf(*cell, metric, token, map.thresholds);
                if (widgets::isMissing(value))
                    continue;
                ++measured;
                larger += value > 0 ? 1 : 0;
                smaller += value < 0 ? 1 : 0;
                if (!worst.isValid() || std::abs(value) > std::abs(extreme)) {
                    extreme = value;
                    worst = {map.blocks[column], static_cast<int>(prompt), static_cast<int>(token)};
                }
            }
        }
    }
    if (measured == 0)
        return {tr("This number was not measured in both runs, so there is no difference to show."), {}};
    const QString what = widgets::differencePhrase(metric);
    if (larger + smaller == 0)
        return {tr("B − A of the %1 is 0 at all %2 cells measured in both.").arg(what, widgets::countText(measured)),
                worst};
    const widgets::MapPrompt& prompt = map.prompts[static_cast<std::size_t>(worst.prompt)];
    return {tr("B − A of the %1: larger in B at %2 of %3 cells, smaller at %4; furthest apart by %5, at block %6: "
               "“%7”, token %8 of prompt %9.")
                .arg(what, widgets::countText(larger), widgets::countText(measured), widgets::countText(smaller),
                     widgets::signedTableNumber(extreme), QString::number(worst.block),
                     widgets::visiblePiece(prompt.tokens[static_cast<std::size_t>(worst.token)].piece),
                     QString::number(worst.token), prompt.id),
            worst};
}

}
