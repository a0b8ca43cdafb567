#include "app/workbench/session/failure_list.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/run_settings.h"
#include "app/workbench/session/run_view.h"
#include "widgets/cell_facts.h"
#include "widgets/error_scale.h"
#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::FailureReason;
using widgets::FailureRow;
using widgets::Metric;

namespace {

constexpr double massiveFactor = 20; // of the block's median norm

QString tr(const char* text)
{
    return QCoreApplication::translate("FailureList", text);
}

struct Deciding {
    Metric metric;
    FailureReason reason;
    double threshold;
};

Deciding decidingOf(const widgets::TokenMap& map)
{
    const Metric metric = widgets::decidingMetric(map.thresholds);
    return {metric, metric == Metric::Relative ? FailureReason::RelativeError : FailureReason::Error,
            widgets::thresholdOf(map.thresholds, metric)};
}

bool isMassiveAt(const widgets::MapCell& cell, std::size_t token, double median)
{
    return token < cell.outputNorm.size() && median > 0 && cell.outputNorm[token] >= massiveFactor * median;
}

// By falling error, as `blockcert failures` takes them: the l2 distance, whatever measure decides.
void addLargestCovered(const widgets::TokenMap& map, std::size_t column, double median, std::vector<FailureRow>& rows)
{
    const Deciding deciding = decidingOf(map);
    std::vector<std::pair<double, widgets::CellKey>> covered;
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
        const widgets::MapCell* cell = map.cell(column, prompt);
        for (std::size_t token = 0; cell && token < map.prompts[prompt].tokens.size(); ++token) {
            const double value = widgets::valueOf(*cell, deciding.metric, token, map.thresholds);
            const double error = widgets::valueOf(*cell, Metric::Error, token, map.thresholds);
            if (value <= deciding.threshold && !widgets::isMissing(error))
                covered.emplace_back(
                    error, widgets::CellKey{map.blocks[column], static_cast<int>(prompt), static_cast<int>(token)});
        }
    }
    std::stable_sort(covered.begin(), covered.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    covered.resize(std::min(covered.size(), largestCovered));
    for (const auto& [error, key] : covered) {
        const auto prompt = static_cast<std::size_t>(key.prompt);
        const auto token = static_cast<std::size_t>(key.token);
        const widgets::MapCell& cell = *map.cell(column, prompt);
        rows.push_back({deciding.reason,
                        key,
                        map.prompts[prompt].id,
                        map.prompts[prompt].tokens[token].piece,
                        widgets::valueOf(cell, deciding.metric, token, map.thresholds),
                        deciding.threshold,
                        isMassiveAt(cell, token, median),
                        0,
                        {}});
    }
}

Json numberOrNull(double value)
{
    return std::isfinite(value) ? Json(value) : Json();
}

}

FailureList failuresOf(const widgets::TokenMap& map)
{
    FailureList list;
    auto rows = std::make_shared<std::vector<FailureRow>>();
    auto covered = std::make_shared<std::vector<FailureRow>>();
    const auto [deciding, reason, threshold] = decidingOf(map);
    const double lossThreshold = widgets::thresholdOf(map.thresholds, Metric::LossDifference);
    std::map<std::tuple<FailureReason, int, int>, int> times; // reason, prompt, token
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        const double median = widgets::medianNorm(map, map.blocks[column]);
        addLargestCovered(map, column, median, *covered);
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
            const widgets::MapPrompt& shown = map.prompts[prompt];
            const widgets::MapCell* cell = map.cell(column, prompt);
            if (!cell) {
                list.notMeasured += static_cast<qint64>(shown.tokens.size());
                continue;
            }
            for (std::size_t token = 0; token < shown.tokens.size(); ++token) {
                const widgets::CellKey key{map.blocks[column], static_cast<int>(prompt), static_cast<int>(token)};
                const bool isMassive = isMassiveAt(*cell, token, median);
                const auto add = [&](FailureReason why, double observed, double limit) {
                    ++times[{why, key.prompt, key.token}];
                    rows->push_back({why, key, shown.id, shown.tokens[token].piece, observed, limit, isMassive, 1, {}});
                };
                const double error = widgets::valueOf(*cell, deciding, token, map.thresholds);
                if (widgets::isMissing(error))
                    ++list.notMeasured;
                else
                    ++list.measured;
                if (error > threshold) {
                    ++list.above;
                    add(reason, error, threshold);
                }
                const double loss = std::abs(widgets::valueOf(*cell, Metric::LossDifference, token, map.thresholds));
                list.lossMeasured += widgets::isMissing(loss) ? 0 : 1;
                if (loss > lossThreshold) {
                    ++list.lossAbove;
                    add(FailureReason::LossDifference, loss, lossThreshold);
                }
            }
        }
    }
    for (auto* some : {rows.get(), covered.get()})
        std::stable_sort(some->begin(), some->end(),
                         [](const FailureRow& a, const FailureRow& b) { return a.excess() > b.excess(); });
    if (rows->size() > mostFailures)
        rows->resize(mostFailures);
    for (auto* some : {rows.get(), covered.get()})
        for (FailureRow& row : *some)
            row.blocksFailing = times[{row.reason, row.key.prompt, row.key.token}];
    list.rows = std::move(rows);
    list.covered = std::move(covered);
    list.decidingScale = widgets::ErrorScale::fitted(map, deciding);
    list.lossScale = widgets::ErrorScale::fitted(map, Metric::LossDifference);
    return list;
}

QString summaryOf(const FailureList& list, int shown)
{
    QStringList parts{
        list.above == 0
            ? tr("Every one of the %1 measured errors is within its threshold").arg(widgets::countText(list.measured))
            : tr("%1 of %2 errors are above their threshold")
                  .arg(widgets::countText(list.above), widgets::countText(list.measured))};
    if (list.lossMeasured > 0)
        parts << tr("%1 of %2 losses differ by more than τ_loss")
                     .arg(widgets::countText(list.lossAbove), widgets::countText(list.lossMeasured));
    else
        parts << tr("losses were not measured");
    if (list.notMeasured > 0)
        parts << tr("%1 were never measured").arg(widgets::countText(list.notMeasured));
    QString text = parts.join(u"; "_s) + u'.';
    if (list.above + list.lossAbove > static_cast<qint64>(list.rows->size()))
        text += u' ' + tr("The worst %1 are listed.").arg(widgets::countText(static_cast<qint64>(list.rows->size())));
    if (shown != static_cast<int>(list.rows->size()))
        text += u' ' + tr("%1 shown.").arg(widgets::countText(shown));
    return text;
}

QString coveredSummaryOf(const FailureList& list, int shown)
{
    QString text =
        tr("The %1 largest errors of each block that are within their threshold: %2 of %3 measured errors.")
            .arg(largestCovered)
            .arg(widgets::countText(static_cast<qint64>(list.covered->size())), widgets::countText(list.measured));
    if (shown != static_cast<int>(list.covered->size()))
        text += u' ' + tr("%1 shown.").arg(widgets::countText(shown));
    return text;
}

std::optional<FailureRow> rowAt(const widgets::TokenMap& map, const widgets::CellKey& key)
{
    const int column = map.columnOf(key.block);
    const auto prompt = static_cast<std::size_t>(std::max(0, key.prompt));
    const auto token = static_cast<std::size_t>(std::max(0, key.token));
    if (!key.isValid() || column < 0 || prompt >= map.prompts.size() || token >= map.prompts[prompt].tokens.size())
        return std::nullopt;
    const widgets::MapCell* cell = map.cell(static_cast<std::size_t>(column), prompt);
    const auto [deciding, reason, threshold] = decidingOf(map);
    const double observed = cell ? widgets::valueOf(*cell, deciding, token, map.thresholds) : widgets::missing;
    if (widgets::isMissing(observed))
        return std::nullopt;
    int failing = 0;
    for (std::size_t block = 0; block < map.blocks.size(); ++block) {
        const widgets::MapCell* other = map.cell(block, prompt);
        failing += other && widgets::valueOf(*other, deciding, token, map.thresholds) > threshold ? 1 : 0;
    }
    return FailureRow{reason,
                      key,
                      map.prompts[prompt].id,
                      map.prompts[prompt].tokens[token].piece,
                      observed,
                      threshold,
                      isMassiveAt(*cell, token, widgets::medianNorm(map, key.block)),
                      failing,
                      {}};
}

namespace {

// In the words of the command it stands for a file beside it.
QString besideIt(const QString& file)
{
    return u"@here@/"_s + file;
}

// Where the run's command found it, when a file or folder of that name was meant; a name such as "demo" means the same
// everywhere.
QString fromAnywhere(const QString& word, const RunView* run)
{
    if (QDir::isAbsolutePath(word) || !run)
        return word;
    for (const QString& folder : {QFileInfo(run->path).absolutePath(), QDir::currentPath()}) {
        const QFileInfo found(folder + u'/' + word);
        if (found.exists())
            return found.absoluteFilePath();
    }
    return word;
}

// The run's own command, on this prompt and block alone.
QStringList commandOf(const widgets::TokenMap& map, const FailureRow& failure, const RunView* run)
{
    QStringList words = shellWords(run ? run->command : QString());
    if (words.isEmpty())
        words << u"blockcert"_s << u"certify"_s << map.model;
    words.removeAll(u"--resume"_s);
    if (const qsizetype shortOut = words.indexOf(u"-o"_s); shortOut >= 0)
        words[shortOut] = u"--out"_s;
    const auto replace = [&words](const QString& option, const QString& value) {
        const qsizetype at = words.indexOf(option);
        if (at >= 0 && at + 1 < words.size())
            words[at + 1] = value;
        else
            words << option << value;
    };
    replace(u"--blocks"_s, QString::number(failure.key.block));
    replace(u"--prompts"_s, besideIt(u"prompt.jsonl"_s));
    replace(u"--out"_s, besideIt(u"again.blockcert"_s));
    if (const qsizetype at = words.indexOf(u"--surrogate-model"_s); at >= 0 && at + 1 < words.size())
        words[at + 1] = fromAnywhere(words[at + 1], run);
    return words;
}

QString scriptOf(QStringList words, const RunView* run)
{
    QString model;
    if (words.size() > 2 && !words[2].startsWith(u'-')) {
        model = fromAnywhere(words[2], run);
        words[2] = u"@model@"_s;
    }
    QString command = shellCommand(words);
    // Quoted by hand: the shell puts the folder and the model in.
    for (const QString& file : {u"prompt.jsonl"_s, u"again.blockcert"_s}) {
        const QString word = besideIt(file);
        command.replace(shellCommand({word}), u"\"$here/%1\""_s.arg(file));
    }
    command.replace(shellCommand({u"@model@"_s}), u"\"$model\""_s);
    QString script = u"#!/bin/sh\n# Measures this prompt at this block again, beside this file.\n"_s;
    if (!model.isEmpty())
        script += u"# sh command.sh [MODEL]: where the model lies, if not where it lay then.\n"_s;
    script += u"set -eu\nhere=$(cd -- \"$(dirname -- \"$0\")\" && pwd)\n"_s;
    if (!model.isEmpty())
        script += u"model=%1\n[ $# -eq 0 ] || model=$1\n"_s.arg(shellCommand({model}));
    return script + command + u'\n';
}

// Which run, model, policy and program the numbers come from; nulls where the run has not said so yet.
void addOrigin(Json& numbers, const RunView* run, int block)
{
    const auto found = run ? run->certificates.find(block) : decltype(run->certificates.end())();
    const Json nothing = Json::object();
    const Json& certificate = run && found != run->certificates.end() ? *found->second : nothing;
    const auto valueOrNull = [&certificate](const char* key) {
        return certificate.contains(key) ? certificate.at(key) : Json();
    };
    numbers["run_digest"] = run && !run->digest.isEmpty() ? Json(run->digest.toStdString()) : Json();
    numbers["model_files"] = Json::array();
    for (const Json& file : arrayOf(objectOf(certificate, "subject"), "files"))
        numbers["model_files"].push_back(
            {{"name", textOf(file, "name").toStdString()}, {"sha256", textOf(file, "sha256").toStdString()}});
    numbers["policy"] = valueOrNull("policy");
    numbers["tool"] = valueOrNull("tool");
    numbers["surrogate"] = run ? Json(run->surrogate.toStdString()) : Json();
    numbers["baseline_dtype"] = run ? Json(run->baselineDtype.toStdString()) : Json();
}

}

FailureBundle bundleOf(const widgets::TokenMap& map, const FailureRow& failure, const RunView* run, const QString& note)
{
    const widgets::MapPrompt& prompt = map.prompts[static_cast<std::size_t>(failure.key.prompt)];
    Json ids = Json::array();
    for (const widgets::Token& token : prompt.tokens)
        ids.push_back(token.id);
    FailureBundle bundle;
    bundle.prompts = writeJsonLine({{"id", prompt.id.toStdString()}, {"token_ids", ids}});
    if (bundle.prompts.empty() || bundle.prompts.back() != '\n')
        bundle.prompts += '\n';
    const auto token = static_cast<std::size_t>(failure.key.token);
    Json blocks = Json::array();
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        const widgets::MapCell* cell = map.cell(column, static_cast<std::size_t>(failure.key.prompt));
        if (!cell)
            continue;
        Json numbers = {{"block", map.blocks[column]}};
        const std::pair<const char*, Metric> metrics[] = {
            {"error", Metric::Error},       {"error_attn", Metric::AttentionPart},       {"error_mlp", Metric::MlpPart},
            {"relative", Metric::Relative}, {"loss_difference", Metric::LossDifference}, {"margin", Metric::Margin}};
        for (const auto& [name, metric] : metrics)
            numbers[name] = numberOrNull(widgets::valueOf(*cell, metric, token, map.thresholds));
        numbers["output_norm"] = token < cell->outputNorm.size() ? numberOrNull(cell->outputNorm[token]) : Json();
        blocks.push_back(std::move(numbers));
    }
    Json numbers = {
        {"schema", "blockcert.failure/1"},    {"model", map.model.toStdString()},
        {"run", map.run.toStdString()},       {"reason", widgets::reasonSymbol(failure.reason).toStdString()},
        {"block", failure.key.block},         {"prompt", prompt.id.toStdString()},
        {"token", failure.key.token},         {"piece", failure.piece.toStdString()},
        {"observed", failure.observed},       {"threshold", failure.threshold},
        {"mark", failure.mark.toStdString()}, {"note", note.toStdString()},
        {"blocks", std::move(blocks)}};
    addOrigin(numbers, run, failure.key.block);
    bundle.numbers = writeJson(numbers);
    bundle.script = scriptOf(commandOf(map, failure, run), run);
    return bundle;
}

}
