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

QString wordOf(TokenCoverage state, bool isChange)
{
    switch (state) {
    case TokenCoverage::Covered: return isChange ? QStringLiteral("covered in both") : QStringLiteral("covered");
    case TokenCoverage::Uncovered: return isChange ? QStringLiteral("covered in neither") : QStringLiteral("uncovered");
    case TokenCoverage::Undecided: return QStringLiteral("undecided");
    case TokenCoverage::OnlyInA: return QStringLiteral("covered in A only");
    case TokenCoverage::OnlyInB: return QStringLiteral("covered in B only");
    case TokenCoverage::NotMeasured: break;
    }
    return isChange ? QStringLiteral("not measured in both") : QStringLiteral("not measured");
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
                                  wordOf(row.tokens[i], rows.isChange)});
        }
    return table;
}

}

ViewExport coverageExport(std::shared_ptr<const TokenMap> map, std::shared_ptr<const CoverageRows> rows)
{
    ViewExport view;
    view.name = rows->isChange ? QStringLiteral("coverage-difference-by-block") : QStringLiteral("coverage-by-block");
    view.title = rows->isChange ? Text::tr("Coverage, token by token: B − A") : Text::tr("Coverage, token by token");
    view.scope = Text::tr("%1 · %2 · %3 tokens × %4 blocks")
                     .arg(map->model, map->run, countText(static_cast<std::int64_t>(rows->places.size())),
                          countText(static_cast<std::int64_t>(rows->rows.size())));
    const QString rule = QStringLiteral("%1 = %2").arg(thresholdSymbol(rows->metric), exactNumber(rows->tau));
    view.caption =
        (rows->isChange
             ? Text::tr(
                   "Covered: the %1 is at most %2, in A and in B. Up, orange: covered in A only. Down, blue: covered "
                   "in B only. In the middle, grey: a line in both, a bar in neither. Hatched: not measured in "
                   "both. Numbers are B − A of the share that is covered.")
             : Text::tr(
                   "Low marks: covered, the %1 is at most %2. High marks: not covered. Hollow: undecided. Hatched: "
                   "not measured."))
            .arg(metricPhrase(rows->metric), rule) +
        u' ' +
        Text::tr("Prompts stand one after the other. Measured on the listed prompts; it says nothing about other "
                 "inputs.");
    view.metadata = {{QStringLiteral("model"), map->model},
                     {QStringLiteral("run"), map->run},
                     {QStringLiteral("error"), metricPhrase(rows->metric)},
                     {QStringLiteral("tau"), exactNumber(rows->tau)}};
    if (!rows->isChange)
        view.metadata.emplace_back(QStringLiteral("alpha_act"), exactNumber(rows->alpha));
    view.size = QSizeF(pictureWidth, CoverageLanes::rowHeight * static_cast<double>(rows->rows.size()));
    view.paint = [rows](QPainter& painter, bool) {
        const CoverageLanes lanes = CoverageLanes::measure(rows.get(), pictureWidth);
        double top = 0;
        for (const CoverageRow& row : rows->rows) {
            paintCoverageRow(painter, *rows, row, lanes, top, printTokens(), false);
            top += CoverageLanes::rowHeight;
        }
    };
    view.table = [map = std::move(map), rows] { return tableOf(*map, *rows); };
    return view;
}

}
