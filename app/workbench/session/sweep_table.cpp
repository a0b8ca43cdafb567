#include "app/workbench/session/sweep_table.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "app/workbench/session/run_settings.h"
#include "engine/base/error.h"
#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QDir>

#include <algorithm>
#include <cmath>
#include <limits>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::missing;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("SweepTable", text);
}

void addRequest(const Json& request, SweepTable& table)
{
    table.model = textOf(objectOf(request, "model"), "name");
    table.prompts = textOf(request, "prompts");
    const QString dtype = textOf(request, "dtype"); // "F32", as the engine names types
    table.dtype = dtype == "F32"_L1    ? u"fp32"_s
                  : dtype == "BF16"_L1 ? u"bf16"_s
                  : dtype == "F16"_L1  ? u"fp16"_s
                                       : QString();
    table.target = textOf(request, "target");
    table.maxNew = static_cast<int>(wholeOf(request, "max_new"));
    for (const Json& condition : arrayOf(request, "conditions"))
        table.conditions << textOf(condition, "name");
    for (const Json& block : arrayOf(request, "blocks"))
        if (block.is_number_integer())
            table.blocks.push_back(block.get<int>());
    for (const Json& alpha : arrayOf(request, "alphas"))
        if (alpha.is_number())
            table.alphas.push_back(alpha.get<double>());
    std::ranges::sort(table.alphas);
}

double priceOf(const SweepRow& row, SweepPrice price)
{
    return price == SweepPrice::Answers ? -row.answerShare() : row.finalPost;
}

QString alphaText(double alpha)
{
    return widgets::exactNumber(alpha);
}

}

SweepRow sweepRowOf(const Json& row)
{
    SweepRow made;
    made.condition = textOf(row, "condition");
    made.block = indexOf(row, "block");
    made.alpha = realOf(row, "alpha");
    made.answer = shareOf(row, "answer");
    made.refuse = shareOf(row, "refuse");
    made.epsilon = numberOf(row, "epsilon_edit");
    made.finalPre = numberOf(objectOf(row, "final_deviation"), "pre_norm");
    made.finalPost = numberOf(objectOf(row, "final_deviation"), "post_norm");
    made.empty = static_cast<int>(wholeOf(row, "empty"));
    made.truncated = static_cast<int>(wholeOf(row, "truncated"));
    made.file = textOf(row, "file");
    made.failure = textOf(row, "failed");
    return made;
}

SweepTable sweepTableOf(const Json& sweep)
{
    SweepTable table;
    addRequest(objectOf(sweep, "request"), table);
    if (table.blocks.empty() || table.alphas.empty())
        throw FormatError("it names no blocks or strengths");
    for (const Json& row : arrayOf(sweep, "rows"))
        table.rows.push_back(sweepRowOf(row));
    table.out = textOf(sweep, "out");
    table.command = textOf(sweep, "command");
    table.isComplete = true;
    return table;
}

SweepTable readSweepFolder(const QString& folder)
{
    const QDir dir(folder);
    if (dir.exists(u"sweep.json"_s)) {
        const QString file = dir.filePath(u"sweep.json"_s);
        const Json sweep = readJsonFile(file);
        try {
            SweepTable table = sweepTableOf(sweep);
            table.out = folder;
            return table;
        } catch (const FormatError& error) {
            throw FormatError("'" + file.toStdString() + "' holds no sweep: " + error.what() + ".");
        }
    }
    if (!dir.exists(u"request.json"_s))
        throw FileError("'" + folder.toStdString() + "' holds no sweep: there is neither sweep.json nor request.json.");
    SweepTable table;
    addRequest(readJsonFile(dir.filePath(u"request.json"_s)), table);
    if (table.blocks.empty() || table.alphas.empty())
        throw FormatError("'" + folder.toStdString() + "' holds no sweep: its request names no blocks or strengths.");
    for (const QString& name : QDir(dir.filePath(u"rows"_s)).entryList({u"*.json"_s}, QDir::Files, QDir::Name)) {
        SweepRow row = sweepRowOf(readJsonFile(dir.filePath(u"rows/"_s + name)));
        row.file = u"rows/"_s + name;
        table.rows.push_back(std::move(row));
    }
    table.out = folder;
    return table;
}

std::vector<double> alphasOf(const QString& text)
{
    std::vector<double> alphas;
    const auto number = [](const QString& part, bool* isNumber) {
        const double value = part.trimmed().toDouble(isNumber);
        *isNumber = *isNumber && std::isfinite(value);
        return value;
    };
    const QStringList range = text.split(u':');
    bool isFine = true;
    if (range.size() == 3) {
        bool ok[3] = {};
        const double from = number(range[0], &ok[0]);
        const double to = number(range[1], &ok[1]);
        const double signedStep = number(range[2], &ok[2]);
        const double step = signedStep < 0 && to > from ? 0 : std::abs(signedStep); // away from the end: none
        const double count = step > 0 ? std::floor(std::abs(to - from) / step + 1e-9) : -1;
        isFine = ok[0] && ok[1] && ok[2] && count >= 0 && count <= 1000;
        for (int i = 0; isFine && i <= static_cast<int>(count); ++i)
            alphas.push_back(std::round((from + (to < from ? -step : step) * i) * 1e12) / 1e12);
    } else {
        for (const QString& part : text.split(u',')) {
            bool isNumber = false;
            alphas.push_back(number(part, &isNumber));
            isFine = isFine && isNumber;
        }
    }
    if (!isFine)
        return {};
    std::ranges::sort(alphas);
    const auto rest = std::ranges::unique(alphas);
    alphas.erase(rest.begin(), rest.end());
    return alphas;
}

std::optional<SweepTable> emptyTableOf(const SweepSpec& spec, int layers)
{
    SweepTable table;
    table.blocks = parseBlocks(spec.blocks, layers).blocks;
    table.alphas = alphasOf(spec.alphas);
    if (table.blocks.empty() || table.alphas.empty() || spec.conditions.isEmpty())
        return std::nullopt;
    table.conditions = spec.conditions;
    table.target = spec.target;
    table.maxNew = spec.maxNew;
    table.out = spec.out;
    return table;
}

std::vector<int> frontOf(const SweepTable& table, const QString& condition, SweepPrice price)
{
    std::vector<int> front;
    const auto counts = [&](const SweepRow& row) {
        return row.condition == condition && !std::isnan(row.refuseShare()) && !std::isnan(priceOf(row, price));
    };
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const SweepRow& row = table.rows[i];
        const bool isBeaten = std::ranges::any_of(table.rows, [&](const SweepRow& other) {
            return counts(other) && other.refuseShare() >= row.refuseShare() &&
                   priceOf(other, price) <= priceOf(row, price) &&
                   (other.refuseShare() > row.refuseShare() || priceOf(other, price) < priceOf(row, price));
        });
        if (counts(row) && !isBeaten)
            front.push_back(static_cast<int>(i));
    }
    std::ranges::stable_sort(front, {}, [&](int at) { return table.rows[static_cast<std::size_t>(at)].refuseShare(); });
    return front;
}

int bestOf(const SweepTable& table, const QString& condition, SweepPrice price)
{
    double largest = 0;
    for (const SweepRow& row : table.rows)
        if (row.condition == condition && row.finalPost > largest)
            largest = row.finalPost;
    int best = -1;
    double bestValue = -std::numeric_limits<double>::infinity();
    for (const int at : frontOf(table, condition, price)) {
        const SweepRow& row = table.rows[static_cast<std::size_t>(at)];
        const double cost = price == SweepPrice::Answers ? -row.answerShare()
                            : largest > 0                ? row.finalPost / largest
                                                         : 0;
        // Of equals the one that changes less.
        const double value = row.refuseShare() - cost - (largest > 0 ? 1e-9 * row.finalPost / largest : 0);
        if (row.block && row.finalPost > 0 && value > bestValue) { // one that changes something
            bestValue = value;
            best = at;
        }
    }
    return best;
}

const SweepRow* baselineOf(const SweepTable& table, const QString& condition)
{
    const auto found =
        std::ranges::find_if(table.rows, [&](const SweepRow& row) { return row.condition == condition && !row.block; });
    return found == table.rows.end() ? nullptr : &*found;
}

QString sweepRowText(const SweepRow& row)
{
    const QString which =
        row.block ? tr("block %1, α %2").arg(*row.block).arg(alphaText(row.alpha.value_or(missing))) : tr("unedited");
    if (!row.failure.isEmpty())
        return tr("%1 failed: %2").arg(which, row.failure);
    return which + tr(": answers %1, refuses %2").arg(shareText(row.answer), shareText(row.refuse));
}

int rowAt(const SweepTable& table, const QString& condition, int gridRow, int gridColumn)
{
    if (gridRow < 0 || gridColumn < 0 || static_cast<std::size_t>(gridRow) >= table.blocks.size() ||
        static_cast<std::size_t>(gridColumn) >= table.alphas.size())
        return -1;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const SweepRow& row = table.rows[i];
        if (row.condition == condition && row.block == table.blocks[static_cast<std::size_t>(gridRow)] &&
            row.alpha == table.alphas[static_cast<std::size_t>(gridColumn)])
            return static_cast<int>(i);
    }
    return -1;
}

widgets::GridValues sweepGrid(const SweepTable& table, const QString& condition, SweepQuantity quantity)
{
    widgets::GridValues grid;
    grid.rowTitle = tr("block");
    grid.columnTitle = tr("α");
    grid.quantity = quantity == SweepQuantity::Answer ? tr("answered where it should answer")
                                                      : tr("refused where it should refuse");
    grid.scale = widgets::ErrorScale::anchored(0, 1, 2, widgets::ScaleKind::Linear); // all of it in the calm half
    for (const int block : table.blocks)
        grid.rows << QString::number(block);
    for (const double alpha : table.alphas)
        grid.columns << alphaText(alpha);
    grid.cells.resize(table.blocks.size() * table.alphas.size());
    const std::vector<int> front = frontOf(table, condition, SweepPrice::Answers);
    for (std::size_t row = 0; row < table.blocks.size(); ++row)
        for (std::size_t column = 0; column < table.alphas.size(); ++column) {
            widgets::GridCell& cell = grid.cells[row * table.alphas.size() + column];
            const int at = rowAt(table, condition, static_cast<int>(row), static_cast<int>(column));
            if (at < 0) {
                cell.toolTip =
                    tr("block %1, α %2: not measured yet").arg(table.blocks[row]).arg(alphaText(table.alphas[column]));
                continue;
            }
            const SweepRow& measured = table.rows[static_cast<std::size_t>(at)];
            const std::optional<Share>& share = quantity == SweepQuantity::Answer ? measured.answer : measured.refuse;
            cell.value = share ? share->value() : missing;
            if (!measured.failure.isEmpty()) {
                cell.text = tr("failed");
                cell.toolTip = sweepRowText(measured);
                continue;
            }
            cell.text = share ? u"%1/%2"_s.arg(share->hits).arg(share->total) : u"–"_s;
            cell.isMarked = std::ranges::find(front, at) != front.end();
            cell.toolTip = sweepRowText(measured) +
                           tr("; ε %1, final deviation %2 before and %3 after the final norm%4")
                               .arg(widgets::tableNumber(measured.epsilon), widgets::tableNumber(measured.finalPre),
                                    widgets::tableNumber(measured.finalPost),
                                    cell.isMarked ? tr("; on the trade-off front") : QString());
        }
    return grid;
}

namespace {

widgets::ValueCell textCell(const QString& words, double number = missing, const QString& toolTip = {})
{
    widgets::ValueCell cell;
    cell.text = words;
    cell.number = number;
    cell.toolTip = toolTip;
    return cell;
}

widgets::ValueCell failedCell(const QString& why)
{
    widgets::ValueCell cell = textCell(tr("failed"), missing, why);
    cell.isWeaker = true;
    return cell;
}

widgets::ValueCell blockCell(const SweepRow& row)
{
    return row.block ? textCell(QString::number(*row.block), *row.block) : textCell(tr("unedited"));
}

widgets::ValueCell alphaCell(const SweepRow& row)
{
    return row.alpha ? textCell(alphaText(*row.alpha), *row.alpha) : textCell(u"–"_s);
}

// "9/12 47–91 %"
QString shortShareText(const std::optional<Share>& share)
{
    if (!share || share->total == 0)
        return u"–"_s;
    return u"%1/%2 %3–%4 %"_s.arg(share->hits)
        .arg(share->total)
        .arg(share->low * 100, 0, 'f', 0)
        .arg(share->high * 100, 0, 'f', 0);
}

}

widgets::ValueRows sweepRows(const SweepTable& table, const std::vector<int>& rows)
{
    widgets::ValueRows values;
    values.columns = {{tr("Condition"), false, 11, {}},
                      {tr("Block"), true, 8, {}},
                      {tr("α"), true, 6, {}},
                      {tr("Answers"), true, 21, tr("Where it should answer, with the Wilson 95 % interval")},
                      {tr("Refuses"), true, 21, tr("Where it should refuse, with the Wilson 95 % interval")},
                      {tr("ε local"), true, 8, {}},
                      {tr("Final, before norm"), true, 8, tr("Largest deviation of the state before the final norm")},
                      {tr("After norm"), true, 8, tr("Largest deviation of the state after the final norm")},
                      {tr("Empty"), true, 5, {}},
                      {tr("Cut"), true, 5, tr("Completions that were cut at the length")}};
    for (const int at : rows) {
        const SweepRow& row = table.rows[static_cast<std::size_t>(at)];
        const bool isMeasured = row.failure.isEmpty();
        values.rows.push_back(
            {textCell(row.condition), blockCell(row), alphaCell(row),
             isMeasured ? textCell(shareText(row.answer), row.answerShare()) : failedCell(row.failure),
             isMeasured ? textCell(shareText(row.refuse), row.refuseShare()) : textCell(u"–"_s),
             widgets::ValueCell::of(row.epsilon), widgets::ValueCell::of(row.finalPre),
             widgets::ValueCell::of(row.finalPost), textCell(QString::number(row.empty), row.empty),
             textCell(QString::number(row.truncated), row.truncated)});
    }
    return values;
}

widgets::ValueRows shortSweepRows(const SweepTable& table, const std::vector<int>& rows)
{
    widgets::ValueRows values;
    values.columns = {
        {tr("Block"), true, 5, {}},
        {tr("α"), true, 4, {}},
        {tr("Answers"), true, 14, tr("Where it should answer: how many of how many, and the Wilson 95 % interval")},
        {tr("Refuses"), true, 14, tr("Where it should refuse: how many of how many, and the Wilson 95 % interval")},
        {tr("ε"), true, 7, tr("Local error of the edit: the largest over all tokens")},
        {tr("Pre-norm"), true, 7, tr("Largest deviation of the final state, before the final norm")},
        {tr("Post-norm"), true, 7, tr("Largest deviation of the final state, after the final norm")}};
    for (const int at : rows) {
        const SweepRow& row = table.rows[static_cast<std::size_t>(at)];
        const bool isMeasured = row.failure.isEmpty();
        const auto share = [&row](const std::optional<Share>& of, double number) {
            return textCell(shortShareText(of), number,
                            tr("%1; of all completions %2 empty, %3 cut at the length")
                                .arg(shareText(of))
                                .arg(row.empty)
                                .arg(row.truncated));
        };
        values.rows.push_back({blockCell(row), alphaCell(row),
                               isMeasured ? share(row.answer, row.answerShare()) : failedCell(row.failure),
                               isMeasured ? share(row.refuse, row.refuseShare()) : textCell(u"–"_s),
                               widgets::ValueCell::of(row.epsilon), widgets::ValueCell::of(row.finalPre),
                               widgets::ValueCell::of(row.finalPost)});
    }
    return values;
}

figure::Figure tradeOffFigure(const SweepTable& table, const QString& condition, SweepPrice price)
{
    figure::Figure figure;
    figure.title = tr("What refusing costs").toStdString();
    figure.scope = u"%1 · %2 · condition %3"_s.arg(table.model, table.prompts, condition).toStdString();
    figure.caption =
        tr("Every marker is a measured row. No other row beats those on the front in both; the dashed line "
           "only joins them; ×3 beside one: three rows stand there. With a dozen prompts the intervals are wide: see "
           "the table.")
            .toStdString();
    figure.metadata = {{"model", table.model.toStdString()}, {"condition", condition.toStdString()}};
    figure.panelHeight = 280;
    figure::Panel panel;
    panel.x.label = price == SweepPrice::Answers ? tr("answered where it should answer").toStdString()
                                                 : tr("largest final deviation, after the norm").toStdString();
    if (price == SweepPrice::Answers) {
        panel.x.lower = 0;
        panel.x.upper = 1;
    }
    panel.y = {.label = tr("refused where it should refuse").toStdString(), .lower = 0, .upper = 1};
    const std::vector<int> front = frontOf(table, condition, price);
    const auto pointOf = [price](const SweepRow& row) {
        return figure::Point{price == SweepPrice::Answers ? row.answerShare() : row.finalPost, row.refuseShare()};
    };
    figure::Series best{tr("on the front").toStdString(), figure::Mark::Markers, {}};
    figure::Series others{tr("other rows").toStdString(), figure::Mark::Markers, {}};
    figure::Series unedited{tr("unedited").toStdString(), figure::Mark::Markers, {}};
    figure::Series between{tr("joins the front").toStdString(), figure::Mark::Between, {}};
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const SweepRow& row = table.rows[i];
        const figure::Point point = pointOf(row);
        if (row.condition != condition || std::isnan(point.x) || std::isnan(*point.y))
            continue;
        const bool isFront = std::ranges::find(front, static_cast<int>(i)) != front.end();
        (!row.block ? unedited : isFront ? best : others).points.push_back(point);
    }
    for (const int at : front)
        between.points.push_back(pointOf(table.rows[static_cast<std::size_t>(at)]));
    for (figure::Series* series : {&best, &others, &unedited, &between})
        if (!series->points.empty())
            panel.series.push_back(std::move(*series));
    figure.panels = {std::move(panel)};
    return figure;
}

}
