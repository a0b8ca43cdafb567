#include "widgets/heatmap_export.h"

#include "widgets/change.h"
#include "widgets/error_legend.h"
#include "widgets/heatmap_painter.h"
#include "widgets/number_text.h"
#include "widgets/token_heatmap.h"

#include <QCoreApplication>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(HeatmapExport)
};

constexpr double tallestPicture = 2400;
constexpr double rowHeight = 18;
constexpr int largestAsShapes = 20'000; // cells; beyond, an SVG would open slowly
constexpr double legendHeight = 48;

struct Snapshot {
    std::shared_ptr<const TokenMap> map;
    ComparedMaps compared;
    Metric metric = Metric::Error;
    Aggregate aggregate = Aggregate::Extreme;
    HeatmapArrangement shown;
    HeatmapValues values;
    HeatmapGeometry grid;
    ErrorScale scale;
    HeatmapMargins margins;
    QRect area;
    QSize size;
};

void lay(Snapshot& shot)
{
    const auto rows = static_cast<double>(std::max<std::size_t>(1, shot.shown.rows.size()));
    const double columns = std::max(1.0, static_cast<double>(shot.shown.columns.size()));
    const double height = std::min(rowHeight, tallestPicture / rows);
    shot.grid.setRows(shot.shown.rows);
    shot.grid.setColumns(static_cast<int>(shot.shown.columns.size()));
    shot.grid.setCellSize(std::clamp(std::floor(720 / columns), 4.0, 40.0), height >= 4 ? std::floor(height) : height);
    shot.grid.setHeadingHeight(height >= 10 ? 30 : 3);
    shot.margins = marginsOf(*shot.map, shot.grid, 1000);
    const QSizeF content = shot.grid.contentSize();
    shot.area = QRect(shot.margins.left, shot.margins.top, static_cast<int>(std::ceil(content.width())),
                      static_cast<int>(std::ceil(content.height())));
    const int width = shot.margins.left + shot.area.width() + shot.margins.right;
    shot.size = QSize(std::max(width, 640),
                      shot.margins.top + shot.area.height() + space::medium + static_cast<int>(legendHeight));
}

void paint(QPainter& painter, const Snapshot& shot, bool shapes)
{
    const Tokens& tokens = printTokens();
    const HeatmapFrame frame{
        *shot.map,         shot.shown, shot.values, shot.grid, shot.scale, shot.aggregate, shot.margins, shot.area,
        shot.size.width(), {},         {},          {},        {},         std::nullopt,   false};
    const HeatmapPainter map(painter, frame, tokens);
    if (shapes && shot.values.rows() * shot.values.columns() <= largestAsShapes) {
        map.paintShapes();
    } else {
        QImage raster;
        map.paintRaster(raster, 2);
    }
    map.paintAxes();
    paintLegend(painter,
                QRectF(shot.margins.left, shot.area.bottom() + space::medium, shot.size.width() - shot.margins.left,
                       legendHeight),
                shot.scale, shot.metric, tokens);
}

// What the metric says of one run where a map shows B − A: of losses that is the surrogate's loss.
double numberOf(const MapCell* cell, Metric metric, std::size_t token, const Thresholds& thresholds)
{
    if (cell == nullptr)
        return missing;
    if (metric == Metric::LossDifference)
        return token < cell->lossStitched.size() ? cell->lossStitched[token] : missing;
    return valueOf(*cell, metric, token, thresholds);
}

QString written(double value)
{
    return isMissing(value) ? QString() : exactNumber(value);
}

// A, B, and whether either covers the token: by A's thresholds, as the coverage of two runs is counted.
void addBoth(QStringList& fields, const Snapshot& shot, int block, const HeatmapRow& key)
{
    const Thresholds& thresholds = shot.compared.a->thresholds;
    const auto token = static_cast<std::size_t>(key.token);
    const auto cellOf = [&](const TokenMap& map) {
        const int column = map.columnOf(block);
        return column < 0 ? nullptr : map.cell(static_cast<std::size_t>(column), static_cast<std::size_t>(key.prompt));
    };
    const MapCell* a = cellOf(*shot.compared.a);
    const MapCell* b = cellOf(*shot.compared.b);
    for (const MapCell* cell : {a, b})
        fields << written(numberOf(cell, shot.metric, token, thresholds));
    for (const MapCell* cell : {a, b})
        fields << written(cell == nullptr ? missing : valueOf(*cell, Metric::Coverage, token, thresholds));
}

ExportTable tableOf(const Snapshot& shot)
{
    ExportTable table;
    table.columns = {QStringLiteral("block"), QStringLiteral("prompt"),   QStringLiteral("prompt_id"),
                     QStringLiteral("token"), QStringLiteral("token_id"), QStringLiteral("piece"),
                     QStringLiteral("value")};
    const bool isDifference = isChange(*shot.map);
    const bool hasBoth = isDifference && shot.compared.a && shot.compared.b &&
                         std::any_of(shot.shown.rows.begin(), shot.shown.rows.end(),
                                     [](const HeatmapRow& row) { return row.token >= 0; });
    if (hasBoth)
        table.columns << QStringLiteral("value_a") << QStringLiteral("value_b") << QStringLiteral("covered_a")
                      << QStringLiteral("covered_b");
    else if (!isDifference) // which is held against none
        table.columns << QStringLiteral("within_threshold");
    for (int row = 0; row < shot.values.rows(); ++row) {
        const HeatmapRow& key = shot.shown.rows[static_cast<std::size_t>(row)];
        if (key.isHeading())
            continue;
        const MapPrompt& prompt = shot.map->prompts[static_cast<std::size_t>(key.prompt)];
        for (int column = 0; column < shot.values.columns(); ++column) {
            const double value = shot.values.value(row, column);
            const int block =
                shot.map->blocks[static_cast<std::size_t>(shot.shown.columns[static_cast<std::size_t>(column)])];
            const bool isToken = key.token >= 0;
            const auto at = static_cast<std::size_t>(std::max(0, key.token));
            QString within;
            if (!isMissing(value) && shot.scale.hasThreshold())
                within = shot.scale.isWithin(value) ? QStringLiteral("1") : QStringLiteral("0");
            table.rows.push_back({QString::number(block), QString::number(key.prompt), prompt.id,
                                  isToken ? QString::number(key.token) : QString(),
                                  isToken ? QString::number(prompt.tokens[at].id) : QString(),
                                  isToken ? prompt.tokens[at].piece : QString(), written(value)});
            if (hasBoth && isToken)
                addBoth(table.rows.back(), shot, block, key);
            else if (!isDifference)
                table.rows.back() << within;
        }
    }
    return table;
}

QString captionOf(const Snapshot& shot)
{
    const bool whole = std::any_of(shot.shown.rows.begin(), shot.shown.rows.end(),
                                   [](const HeatmapRow& row) { return row.token == HeatmapRow::wholePrompt; });
    const bool mean = aggregateOf(shot.metric, shot.aggregate) == Aggregate::Mean;
    QString text = whole ? (mean ? Text::tr("Mean %1 of the tokens of each prompt, by block.")
                                 : Text::tr("Most striking %1 of the tokens of each prompt, by block."))
                               .arg(metricPhrase(shot.metric))
                         : Text::tr("%1 of each token, by block.").arg(metricPhrase(shot.metric));
    text.replace(0, 1, text.at(0).toUpper());
    if (isChange(*shot.map))
        text = Text::tr("B − A, blue where B is smaller and orange where it is larger. ") + text;
    const QString symbol = thresholdSymbol(shot.metric);
    if (shot.scale.hasThreshold() && !shot.scale.isPlain())
        text += u' ' + (shot.scale.isCoverage() ? Text::tr("Warm colours: below %1 = %2.")
                                                : Text::tr("Warm colours: above %1 = %2."))
                           .arg(symbol, exactNumber(shot.scale.threshold()));
    if (shot.scale.clipsLow() || shot.scale.clipsHigh())
        text += u' ' + Text::tr("Values beyond %1 … %2 take the end colours.")
                           .arg(tickNumber(shot.scale.low()), tickNumber(shot.scale.high()));
    if (shot.grid.cellHeight() < 1)
        text += u' ' + Text::tr("Rows are thinner than a pixel; each pixel shows the most striking token under it.");
    return text + u' ' +
           Text::tr("Hatched: not measured. Measured on the listed prompts; it says nothing about other inputs.");
}

}

namespace {

std::shared_ptr<Snapshot> snapshotOf(const TokenHeatmap& heatmap)
{
    auto shot = std::make_shared<Snapshot>();
    shot->map = heatmap.map() ? heatmap.map() : std::make_shared<const TokenMap>();
    shot->metric = heatmap.metric();
    shot->aggregate = heatmap.view().aggregate;
    shot->scale = heatmap.scale();
    shot->shown = heatmap.arrangement();
    if (const auto& chosen = heatmap.selection()) {
        const HeatmapArrangement all = shot->shown;
        shot->shown.rows.assign(all.rows.begin() + chosen->from.row, all.rows.begin() + chosen->to.row + 1);
        shot->shown.columns.assign(all.columns.begin() + chosen->from.column,
                                   all.columns.begin() + chosen->to.column + 1);
    }
    return shot;
}

// The snapshot with its rows chosen, as something to export.
ViewExport exportOf(const std::shared_ptr<Snapshot>& shot)
{
    shot->values.build(*shot->map, shot->metric, shot->shown, shot->aggregate, shot->scale);
    lay(*shot);

    const Thresholds& thresholds = shot->map->thresholds;
    ViewExport view;
    view.name = QStringLiteral("%1-by-token").arg(metricName(shot->metric).toLower().replace(u' ', u'-'));
    view.title = metricTitle(shot->metric);
    if (isChange(*shot->map)) {
        view.name += QStringLiteral("-difference");
        view.title = Text::tr("%1: B − A").arg(view.title);
    }
    view.scope = Text::tr("%1 · %2 · %3 rows × %4 blocks")
                     .arg(shot->map->model, shot->map->run,
                          countText(std::count_if(shot->shown.rows.begin(), shot->shown.rows.end(),
                                                  [](const HeatmapRow& row) { return !row.isHeading(); })),
                          countText(static_cast<std::int64_t>(shot->shown.columns.size())));
    view.caption = captionOf(*shot);
    view.metadata = {
        {QStringLiteral("model"), shot->map->model},
        {QStringLiteral("run"), shot->map->run},
        {QStringLiteral("metric"), metricPhrase(shot->metric)},
        {QStringLiteral("scale"),
         QStringLiteral("%1 … %2, %3")
             .arg(exactNumber(shot->scale.low()), exactNumber(shot->scale.high()),
                  shot->scale.kind() == ScaleKind::Linear ? QStringLiteral("linear") : QStringLiteral("logarithmic"))}};
    for (const auto& [name, threshold] :
         {std::pair{"tau_act", thresholds.tauAct}, {"tau_rel", thresholds.tauRel}, {"tau_loss", thresholds.tauLoss}})
        if (!isMissing(threshold)) // a difference has none of its own
            view.metadata.emplace_back(QString::fromLatin1(name), exactNumber(threshold));
    view.size = shot->size;
    view.paint = [shot](QPainter& painter, bool shapes) {
        if (!shot->map->blocks.empty() && !shot->shown.rows.empty())
            paint(painter, *shot, shapes);
    };
    view.table = [shot] { return tableOf(*shot); };
    return view;
}

// Rows in the order shown, in groups that end where a prompt does.
std::vector<std::vector<HeatmapRow>> groupsOf(const std::vector<HeatmapRow>& rows, int most, int mostOfTheFirst)
{
    std::vector<std::vector<HeatmapRow>> groups;
    std::vector<HeatmapRow> group;
    const auto limit = [&] { return groups.empty() ? mostOfTheFirst : most; };
    const auto close = [&] {
        if (!group.empty())
            groups.push_back(std::exchange(group, {}));
    };
    for (std::size_t row = 0; row < rows.size();) {
        std::size_t end = row + 1; // of what stays together: a heading with what is under it
        while (end < rows.size() && !rows[end].isHeading())
            ++end;
        if (rows[row].token == HeatmapRow::tagHeading && end < rows.size() && end == row + 1)
            while (++end < rows.size() && !rows[end].isHeading()) {
            }
        if (static_cast<int>(group.size() + (end - row)) > limit())
            close();
        for (; row < end; ++row) {
            if (static_cast<int>(group.size()) >= limit()) {
                close();
                group.push_back({rows[row].prompt, HeatmapRow::promptHeading}); // it goes on
            }
            group.push_back(rows[row]);
        }
    }
    close();
    return groups;
}

}

ViewExport heatmapExport(const TokenHeatmap& heatmap, const ComparedMaps& compared)
{
    const std::shared_ptr<Snapshot> shot = snapshotOf(heatmap);
    shot->compared = compared;
    return exportOf(shot);
}

std::vector<ViewExport> heatmapPages(const TokenHeatmap& heatmap, int mostRows, int mostOnTheFirst)
{
    constexpr std::size_t mostPages = 16;
    const std::shared_ptr<Snapshot> whole = snapshotOf(heatmap);
    const std::vector<std::vector<HeatmapRow>> groups = groupsOf(whole->shown.rows, mostRows, mostOnTheFirst);
    if (groups.size() <= 1 || groups.size() > mostPages)
        return {exportOf(whole)};
    std::vector<ViewExport> pages;
    for (const std::vector<HeatmapRow>& rows : groups) {
        auto page = std::make_shared<Snapshot>(*whole);
        page->shown.rows = rows;
        pages.push_back(exportOf(page));
    }
    return pages;
}

}
