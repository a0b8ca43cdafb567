#include "app/workbench/session/failure_anatomy.h"

#include "app/workbench/process/json_reading.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::exactNumber;

namespace {

constexpr int around = 12; // tokens on either side

QString tr(const char* text)
{
    return QCoreApplication::translate("FailureAnatomy", text);
}

widgets::Fact factOf(const QString& label, const Json& object, const char* key)
{
    const std::optional<double> value = realOf(object, key);
    return {label, value ? exactNumber(*value) : tr("not known"), {}, !value};
}

QString nearestOf(const Json& nearest)
{
    if (nearest.empty())
        return {};
    const qint64 distance = wholeOf(nearest, "distance");
    return tr("The nearest passing token is %1 “%2”, %3 away: error %4, output norm %5.")
        .arg(wholeOf(nearest, "token"))
        .arg(widgets::visiblePiece(textOf(nearest, "piece")))
        .arg(distance == 1 ? tr("1 position") : tr("%1 positions").arg(distance))
        .arg(exactNumber(realOf(nearest, "error").value_or(widgets::missing)),
             exactNumber(realOf(nearest, "output_norm").value_or(widgets::missing)));
}

FailureDetail detailOf(const Json& row)
{
    FailureDetail detail;
    detail.facts = {factOf(tr("Attention part"), row, "error_attn"),
                    factOf(tr("MLP part"), row, "error_mlp"),
                    factOf(tr("Input norm"), row, "input_norm"),
                    factOf(tr("Output norm"), row, "output_norm"),
                    factOf(tr("Norm / block median"), row, "norm_ratio"),
                    factOf(tr("Key norm, median"), objectOf(row, "key_norm"), "median"),
                    factOf(tr("Key norm, largest"), objectOf(row, "key_norm"), "max"),
                    factOf(tr("Value norm, median"), objectOf(row, "value_norm"), "median"),
                    factOf(tr("Value norm, largest"), objectOf(row, "value_norm"), "max"),
                    factOf(tr("Smallest margin"), objectOf(row, "margin"), "min"),
                    factOf(tr("Margin, median of heads"), objectOf(row, "margin"), "median"),
                    factOf(tr("Change of the loss"), row, "loss_change")};
    if (const std::optional<int> head = indexOf(objectOf(row, "margin"), "head"))
        detail.facts[9].label = tr("Smallest margin, head %1").arg(*head);
    detail.nearest = nearestOf(objectOf(row, "nearest_passing"));
    std::vector<std::pair<double, int>> heads;
    for (const Json& margin : arrayOf(row, "margin_heads"))
        heads.emplace_back(margin.is_number() ? margin.get<double>() : widgets::missing,
                           static_cast<int>(heads.size()));
    std::sort(heads.begin(), heads.end());
    for (const auto& [margin, head] : heads)
        if (!widgets::isMissing(margin))
            detail.margins << tr("head %1: %2").arg(head).arg(widgets::tableNumber(margin));
    return detail;
}

}

FailureAnatomy failureAnatomyOf(const Json& answer)
{
    FailureAnatomy anatomy;
    anatomy.run = textOf(answer, "run");
    anatomy.summary = textsOf(answer, "notes");
    for (const Json& block : arrayOf(answer, "blocks"))
        anatomy.notes[static_cast<int>(wholeOf(block, "block"))] = textsOf(block, "notes");
    for (const Json& row : arrayOf(answer, "failures"))
        anatomy.details[{static_cast<int>(wholeOf(row, "block")), static_cast<int>(wholeOf(row, "prompt")),
                         static_cast<int>(wholeOf(row, "token"))}] = detailOf(row);
    return anatomy;
}

MinimisedPrompt minimisedPromptOf(const Json& answer)
{
    MinimisedPrompt result;
    const Json& before = objectOf(answer, "before");
    const Json& after = objectOf(answer, "after");
    const auto errorOf = [](const Json& side) { return exactNumber(realOf(side, "error").value_or(widgets::missing)); };
    result.prompt = static_cast<int>(wholeOf(objectOf(answer, "prompt"), "prompt", -1));
    result.block = static_cast<int>(wholeOf(answer, "block", -1));
    result.sentence =
        tr("%1 of %2 tokens still fail at block %3: error %4, before %5, threshold %6. %7 prompts were tried.")
            .arg(wholeOf(after, "tokens"))
            .arg(wholeOf(before, "tokens"))
            .arg(result.block)
            .arg(errorOf(after), errorOf(before), exactNumber(realOf(answer, "threshold").value_or(widgets::missing)))
            .arg(wholeOf(answer, "tests"));
    result.sentence +=
        u' ' + (flagOf(answer, "minimal") ? tr("No single token can be left out.")
                                          : tr("More tokens might be left out; the tries were used up."));
    result.line = textOf(answer, "line");
    auto tokens = std::make_shared<std::vector<widgets::Token>>();
    const QStringList pieces = textsOf(answer, "pieces");
    qsizetype at = 0;
    for (const Json& id : arrayOf(answer, "token_ids")) {
        tokens->push_back(
            {id.is_number_integer() ? id.get<std::int32_t>() : -1, at < pieces.size() ? pieces[at] : QString(), {}});
        ++at;
    }
    result.tokens = std::move(tokens);
    for (const Json& kept : arrayOf(answer, "kept"))
        if (kept.is_number_integer())
            result.kept.push_back(kept.get<int>());
    return result;
}

figure::Figure aroundFigure(const widgets::TokenMap& map, const widgets::CellKey& key)
{
    figure::Figure figure;
    const widgets::MapPrompt& prompt = map.prompts[static_cast<std::size_t>(key.prompt)];
    figure.title = tr("Norm and margin around token %1").arg(key.token).toStdString();
    figure.scope = tr("%1 · %2 · prompt %3 · block %4").arg(map.model, map.run, prompt.id).arg(key.block).toStdString();
    figure.caption = tr("As recorded: the norm of the block's output, and the smallest attention margin over heads "
                        "where a token may attend to two keys.")
                         .toStdString();
    figure.metadata = {{"model", map.model.toStdString()}, {"run", map.run.toStdString()}};
    const int column = map.columnOf(key.block);
    const widgets::MapCell* cell =
        column < 0 ? nullptr : map.cell(static_cast<std::size_t>(column), static_cast<std::size_t>(key.prompt));
    const auto panelOf = [&](const QString& title, const QString& label, const std::vector<double>* values) {
        figure::Panel panel;
        panel.x.label = tr("token").toStdString();
        panel.y = {.label = label.toStdString(), .scale = figure::Scale::Log};
        figure::Series series{title.toStdString(), figure::Mark::LineMarkers, {}};
        const int last = std::min(static_cast<int>(prompt.tokens.size()) - 1, key.token + around);
        for (int t = std::max(0, key.token - around); values && t <= last; ++t) {
            const auto at = static_cast<std::size_t>(t);
            const double value = at < values->size() ? (*values)[at] : widgets::missing;
            series.points.push_back({static_cast<double>(t), value > 0 ? std::optional(value) : std::nullopt});
        }
        panel.series = {std::move(series)};
        panel.rules = {
            {figure::Direction::Vertical, static_cast<double>(key.token), tr("token %1").arg(key.token).toStdString()}};
        return panel;
    };
    figure.panels = {panelOf(tr("Output norm"), u"‖y‖₂"_s, cell ? &cell->outputNorm : nullptr),
                     panelOf(tr("Smallest attention margin"), tr("margin"), cell ? &cell->margin : nullptr)};
    figure.columns = 2;
    figure.sameRange = false;
    figure.panelHeight = 150;
    return figure;
}

}
