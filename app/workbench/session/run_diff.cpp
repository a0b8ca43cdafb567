#include "app/workbench/session/run_diff.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::ValueCell;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("RunDiff", text);
}

QString nameOf(const QString& code)
{
    static const std::pair<QLatin1String, const char*> names[] = {
        {"epsilon"_L1, QT_TRANSLATE_NOOP("RunDiff", "ε, largest error")},
        {"mae"_L1, QT_TRANSLATE_NOOP("RunDiff", "Mean error")},
        {"relative.epsilon"_L1, QT_TRANSLATE_NOOP("RunDiff", "Relative ε")},
        {"relative.mean"_L1, QT_TRANSLATE_NOOP("RunDiff", "Mean relative error")},
        {"relative.coverage"_L1, QT_TRANSLATE_NOOP("RunDiff", "Relative coverage")},
        {"activation_coverage"_L1, QT_TRANSLATE_NOOP("RunDiff", "Activation coverage")},
        {"path_coverage"_L1, QT_TRANSLATE_NOOP("RunDiff", "Path coverage")},
        {"loss_coverage"_L1, QT_TRANSLATE_NOOP("RunDiff", "Loss coverage")},
        {"max_loss_difference"_L1, QT_TRANSLATE_NOOP("RunDiff", "Largest loss difference")},
        {"quantiles.q50"_L1, QT_TRANSLATE_NOOP("RunDiff", "Error, 50 % quantile")},
        {"quantiles.q90"_L1, QT_TRANSLATE_NOOP("RunDiff", "Error, 90 % quantile")},
        {"quantiles.q95"_L1, QT_TRANSLATE_NOOP("RunDiff", "Error, 95 % quantile")},
        {"quantiles.q99"_L1, QT_TRANSLATE_NOOP("RunDiff", "Error, 99 % quantile")},
        {"certified"_L1, QT_TRANSLATE_NOOP("RunDiff", "Certified")},
        {"complete"_L1, QT_TRANSLATE_NOOP("RunDiff", "Complete")},
        {"block_missing"_L1, QT_TRANSLATE_NOOP("RunDiff", "Block is gone")},
        {"block_added"_L1, QT_TRANSLATE_NOOP("RunDiff", "Block is new")},
        {"prompt_missing"_L1, QT_TRANSLATE_NOOP("RunDiff", "Prompt is gone (tokens)")},
        {"prompt_added"_L1, QT_TRANSLATE_NOOP("RunDiff", "Prompt is new (tokens)")},
        {"prompt_name"_L1, QT_TRANSLATE_NOOP("RunDiff", "Prompt has another name")},
        {"stitch_missing"_L1, QT_TRANSLATE_NOOP("RunDiff", "Stitched model is gone")},
        {"stitch_added"_L1, QT_TRANSLATE_NOOP("RunDiff", "Stitched model is new")},
        {"tau_act"_L1, "τ_act"},
        {"tau_rel"_L1, "τ_rel"},
        {"tau_loss"_L1, "τ_loss"},
        {"alpha_act"_L1, "α_act"},
        {"alpha_loss"_L1, "α_loss"},
        {"model_files"_L1, QT_TRANSLATE_NOOP("RunDiff", "Model files (SHA-256)")},
        {"baseline_dtype"_L1, QT_TRANSLATE_NOOP("RunDiff", "Baseline")},
        {"replay_dtype"_L1, QT_TRANSLATE_NOOP("RunDiff", "Replay")},
        {"surrogate"_L1, QT_TRANSLATE_NOOP("RunDiff", "Surrogate")},
        {"ablation"_L1, QT_TRANSLATE_NOOP("RunDiff", "Ablation")},
        {"tool_version"_L1, QT_TRANSLATE_NOOP("RunDiff", "Tool version")},
        {"prompt_set"_L1, QT_TRANSLATE_NOOP("RunDiff", "Prompts")},
        {"next_token_agreement"_L1, QT_TRANSLATE_NOOP("RunDiff", "Next-token agreement")},
        {"kl.mean"_L1, QT_TRANSLATE_NOOP("RunDiff", "Mean KL")},
        {"kl.largest"_L1, QT_TRANSLATE_NOOP("RunDiff", "Largest KL")},
        {"perplexity.stitched"_L1, QT_TRANSLATE_NOOP("RunDiff", "Perplexity")},
        {"largest_layer_mae"_L1, QT_TRANSLATE_NOOP("RunDiff", "Largest MAE of a layer")},
        {"max_residual"_L1, QT_TRANSLATE_NOOP("RunDiff", "Largest residual")}};
    for (const auto& [key, name] : names)
        if (code == key)
            return tr(name);
    QString text = code;
    text.replace(u'_', u' ');
    return text.isEmpty() ? text : text.left(1).toUpper() + text.mid(1);
}

// A number at full precision, because this is what is compared; everything else as a text.
ValueCell cellOf(const Json& object, const char* key)
{
    ValueCell cell;
    const auto found = object.find(key);
    if (found == object.end() || found->is_null())
        return cell;
    if (found->is_boolean())
        cell.text = found->get<bool>() ? tr("yes") : tr("no");
    else if (found->is_number()) {
        cell.number = found->get<double>();
        cell.text = widgets::exactNumber(cell.number);
    } else if (found->is_string())
        cell.text = QString::fromStdString(found->get<std::string>());
    else
        cell.text = QString::fromStdString(found->dump());
    return cell;
}

QString wordOf(const Json& change, const char* key)
{
    const QString text = cellOf(change, key).text;
    return text.isEmpty() ? u"–"_s : text;
}

QString placeOf(const Json& change)
{
    if (hasValue(change, "block"))
        return tr("block %1").arg(wholeOf(change, "block"));
    if (hasValue(change, "prompt"))
        return tr("prompt %1").arg(textOf(change, "prompt"));
    return hasValue(change, "stitch") ? tr("stitched %1").arg(textOf(change, "stitch")) : tr("whole run");
}

ChangeKind kindOf(const Json& change)
{
    const QString kind = textOf(change, "kind");
    return kind == "weaker"_L1 ? ChangeKind::Weaker : kind == "stronger"_L1 ? ChangeKind::Stronger : ChangeKind::Other;
}

void addChange(const Json& change, RunDiff& diff)
{
    const ChangeKind kind = kindOf(change);
    ++diff.counts[static_cast<int>(kind)];
    diff.kinds.push_back(kind);
    diff.blocks.push_back(indexOf(change, "block").value_or(-1));
    ValueCell delta;
    if (const std::optional<double> value = realOf(change, "delta")) {
        delta.number = *value;
        delta.text = widgets::signedNumber(*value);
    }
    delta.isWeaker = kind == ChangeKind::Weaker;
    ValueCell what;
    what.text = nameOf(textOf(change, "code"));
    ValueCell where;
    where.text = placeOf(change);
    if (const std::optional<int> block = indexOf(change, "block"))
        where.number = *block;
    if (kind == ChangeKind::Other && !hasValue(change, "block") && !hasValue(change, "prompt"))
        diff.differences << (arrayOf(change, "a").empty() && arrayOf(change, "b").empty()
                                 ? tr("%1: %2 in A, %3 in B").arg(what.text, wordOf(change, "a"), wordOf(change, "b"))
                                 : what.text);
    diff.changes.rows.push_back({what, where, cellOf(change, "a"), cellOf(change, "b"), delta});
}

void addCell(const Json& cell, RunDiff& diff)
{
    const auto at = [&](const char* metric, const char* side) {
        return numberOf(objectOf(objectOf(cell, "metrics"), metric), side);
    };
    const int block = static_cast<int>(wholeOf(cell, "block"));
    diff.places.push_back({block, static_cast<int>(wholeOf(cell, "prompt")), 0});
    ValueCell prompt;
    prompt.text = textOf(cell, "id");
    ValueCell delta = ValueCell::of(at("epsilon", "delta"));
    delta.isSigned = true;
    delta.isWeaker = delta.number > 0;
    ValueCell coverage = ValueCell::of(at("activation_coverage", "delta"));
    coverage.isSigned = true;
    coverage.isWeaker = coverage.number < 0;
    ValueCell number;
    number.text = QString::number(block);
    number.number = block;
    diff.cells.rows.push_back({number, prompt, ValueCell::of(at("epsilon", "a")), ValueCell::of(at("epsilon", "b")),
                               delta, ValueCell::of(at("activation_coverage", "a")),
                               ValueCell::of(at("activation_coverage", "b")), coverage});
}

QString sentenceOf(const RunDiff& diff, const Json& answer)
{
    const Json& prompts = objectOf(answer, "prompts");
    const auto onlyA = arrayOf(prompts, "only_a").size();
    const auto onlyB = arrayOf(prompts, "only_b").size();
    QString text = textOf(answer, "result") == "equal"_L1 ? tr("B claims the same as A.")
                   : diff.isWeaker
                       ? tr("B claims less than A in %1 points and more in %2.").arg(diff.counts[0]).arg(diff.counts[1])
                       : tr("B claims no less than A; it claims more in %1 points.").arg(diff.counts[1]);
    if (wholeOf(prompts, "common") == 0)
        text +=
            u' ' + tr("The runs have no prompt in common: their numbers are about other tokens and are not compared.");
    else if (onlyA > 0 || onlyB > 0)
        text += u' ' + tr("%1 prompts are in both, %2 in A alone, %3 in B alone; blocks are compared on those in both.")
                           .arg(wholeOf(prompts, "common"))
                           .arg(onlyA)
                           .arg(onlyB);
    return text;
}

}

RunDiff runDiffOf(const Json& answer)
{
    RunDiff diff;
    diff.isWeaker = textOf(answer, "result") == "weaker"_L1;
    diff.changes.columns = {{tr("What"), false, 26, {}},
                            {tr("Where"), false, 16, {}},
                            {u"A"_s, true, 26, tr("At full precision")},
                            {u"B"_s, true, 26, tr("At full precision")},
                            {tr("B − A"), true, 26, tr("The difference of the two numbers")}};
    diff.cells.columns = {{tr("Block"), true, 8, {}},
                          {tr("Prompt"), false, 20, tr("With the same token ids in both runs")},
                          {tr("ε  A"), true, 11, {}},
                          {tr("ε  B"), true, 11, {}},
                          {u"Δ"_s, true, 11, tr("B minus A; what is worse in B is set in bold")},
                          {tr("Cover  A"), true, 11, {}},
                          {tr("Cover  B"), true, 11, {}},
                          {u"Δ"_s, true, 11, tr("B minus A; what is worse in B is set in bold")}};
    for (const Json& change : arrayOf(answer, "changes"))
        addChange(change, diff);
    for (const Json& cell : arrayOf(answer, "cells"))
        addCell(cell, diff);
    diff.sentence = sentenceOf(diff, answer);
    return diff;
}

std::shared_ptr<const widgets::ValueRows> changesOf(const RunDiff& diff, ChangeKind kind, std::vector<int>& positions)
{
    auto rows = std::make_shared<widgets::ValueRows>();
    rows->columns = diff.changes.columns;
    positions.clear();
    for (std::size_t i = 0; i < diff.kinds.size(); ++i) {
        if (diff.kinds[i] != kind)
            continue;
        rows->rows.push_back(diff.changes.rows[i]);
        positions.push_back(static_cast<int>(i));
    }
    return rows;
}

}
