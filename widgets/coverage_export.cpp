#include "widgets/coverage_export.h"

#include "widgets/coverage_painter.h"
#include "widgets/error_legend.h"
#include "widgets/error_scale.h"
#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QPainter>

#include <utility>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(CoverageExport)
};

constexpr double pictureWidth = 1000;

QString wordOf(TokenCoverage state)
{
    switch (state) {
    case TokenCoverage::Covered: return QStringLiteral("covered");
    case TokenCoverage::Uncovered: return QStringLiteral("uncovered");
    case TokenCoverage::Undecided: return QStringLiteral("undecided");
    case TokenCoverage::NotMeasured: break;
    }
    return QStringLiteral("not measured");
}

ExportTable tableOf(const TokenMap& map, const CoverageRows& rows)
{
    ExportTable table;
    table.columns = {QStringLiteral("block"), QStringLiteral("prompt"),   QStringLiteral("prompt_id"),
                     QStringLiteral("token"), QStringLiteral("token_id"), QStringLiteral("piece"),
                     QStringLiteral("state")};
    for (const CoverageRow& row : rows.rows)
        for (std::size_t i = 0; i < rows.places.size(); ++i) {
            const MapSlice::Place& place = rows.places[i];
            const MapPrompt& prompt = map.prompts[static_cast<std::size_t>(place.prompt)];
            const Token& token = prompt.tokens[static_cast<std::size_t>(place.token)];
            table.rows.push_back({QString::number(row.block), QString::number(place.prompt), prompt.id,
                                  QString::number(place.token), QString::number(token.id), token.piece,
                                  wordOf(row.tokens[i])});
        }
    return table;
}

}

ViewExport coverageExport(std::shared_ptr<const TokenMap> map, std::shared_ptr<const CoverageRows> rows)
{
    const Metric metric = decidingMetric(map->thresholds);
    const double threshold = thresholdOf(map->thresholds, metric);
    ViewExport view;
    view.name = QStringLiteral("coverage-by-block");
    view.title = Text::tr("Coverage, token by token");
    view.scope = Text::tr("%1 · %2 · %3 tokens × %4 blocks")
                     .arg(map->model, map->run, countText(static_cast<std::int64_t>(rows->places.size())),
                          countText(static_cast<std::int64_t>(rows->rows.size())));
    view.caption =
        Text::tr(
            "Low marks: covered, the %1 is at most %2 = %3. High marks: not covered. Hollow: undecided. Hatched: not "
            "measured. Prompts stand one after the other. Measured on the listed prompts; it says nothing about other "
            "inputs.")
            .arg(metricPhrase(metric), thresholdSymbol(metric), exactNumber(threshold));
    view.metadata = {{QStringLiteral("model"), map->model},
                     {QStringLiteral("run"), map->run},
                     {QStringLiteral("error"), metricPhrase(metric)},
                     {QStringLiteral("tau"), exactNumber(threshold)},
                     {QStringLiteral("alpha_act"), exactNumber(rows->alpha)}};
    view.size = QSizeF(pictureWidth, CoverageLanes::rowHeight * static_cast<double>(rows->rows.size()));
    view.paint = [rows](QPainter& painter, bool) {
        const CoverageLanes lanes = CoverageLanes::measure(rows.get(), pictureWidth);
        double top = 0;
        for (const CoverageRow& row : rows->rows) {
            paintCoverageRow(painter, row, lanes, rows->alpha, top, printTokens(), false);
            top += CoverageLanes::rowHeight;
        }
    };
    view.table = [map = std::move(map), rows] { return tableOf(*map, *rows); };
    return view;
}

}
