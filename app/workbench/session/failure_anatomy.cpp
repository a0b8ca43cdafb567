#include "app/workbench/session/failure_anatomy.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
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
        .arg(exactNumber(numberOf(nearest, "error")), exactNumber(numberOf(nearest, "output_norm")));
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

BlockAnatomy blockOf(const Json& row, bool relativeDecides)
{
    BlockAnatomy block;
    block.block = static_cast<int>(wholeOf(row, "block"));
    block.uncovered = wholeOf(row, "uncovered");
    block.epsilon = numberOf(row, relativeDecides ? "relative_epsilon" : "epsilon");
    block.epsilonRatio = numberOf(row, "epsilon_ratio");
    block.massive = wholeOf(row, "massive");
    block.halfOfError = wholeOf(row, "tokens_of_half_the_error");
    block.failingAreUncovered = textOf(row, "failing") == "uncovered"_L1;
    block.failing = wholeOf(row, "failing_tokens");
    const Json& worst = objectOf(row, "worst");
    block.worst = {block.block, indexOf(worst, "prompt").value_or(-1), indexOf(worst, "token").value_or(-1)};
    block.notes = textsOf(row, "notes");
    for (const Json& contrast : arrayOf(row, "contrasts"))
        block.contrasts.push_back({textOf(contrast, "quantity"), numberOf(contrast, "failing"),
                                   numberOf(contrast, "passing"), numberOf(contrast, "ratio"),
                                   numberOf(contrast, "correlation")});
    return block;
}

struct QuantityWords {
    const char* name;
    const char* meaning;
};

widgets::ValueCell quantityCell(const QString& quantity)
{
    static const std::map<QString, QuantityWords> words = {
        {u"input_norm"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Residual norm, in"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "l2 norm of the residual on the way into the block")}},
        {u"output_norm"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Residual norm, out"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "l2 norm of the residual on the way out of the block")}},
        {u"key_norm"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Key norm"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "l2 norm of the token's key, median over heads")}},
        {u"value_norm"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Value norm"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "l2 norm of the token's value, median over heads")}},
        {u"margin"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Attention margin"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "Largest minus second largest score, median over heads")}},
        {u"margin_smallest"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Smallest margin"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "Largest minus second largest score, of the head where they are "
                                              "nearest")}},
        {u"error_attn"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Error, attention"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "Error of the attention sublayer's output")}},
        {u"error_mlp"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Error, MLP"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "Error of the MLP's output")}},
        {u"position"_s,
         {QT_TRANSLATE_NOOP("FailureAnatomy", "Position"),
          QT_TRANSLATE_NOOP("FailureAnatomy", "Of the token in its prompt, from 0")}}};
    widgets::ValueCell cell;
    const auto found = words.find(quantity);
    cell.text = found == words.end() ? QString(quantity).replace(u'_', u' ') : tr(found->second.name);
    cell.toolTip = found == words.end() ? QString() : tr(found->second.meaning);
    return cell;
}

widgets::ValueCell countCell(qint64 count)
{
    widgets::ValueCell cell = widgets::ValueCell::of(static_cast<double>(count));
    cell.text = widgets::countText(count);
    return cell;
}

widgets::ValueCell timesCell(double ratio)
{
    widgets::ValueCell cell = widgets::ValueCell::of(ratio);
    if (!widgets::isMissing(ratio))
        cell.text = widgets::tableNumber(ratio) + u'×';
    return cell;
}

}

const BlockAnatomy* FailureAnatomy::ofBlock(int block) const
{
    const auto found =
        std::find_if(blocks.begin(), blocks.end(), [block](const BlockAnatomy& one) { return one.block == block; });
    return found == blocks.end() ? nullptr : &*found;
}

QString FailureAnatomy::headline() const
{
    const BlockAnatomy* block = outstanding ? ofBlock(*outstanding) : nullptr;
    if (block != nullptr && !block->notes.isEmpty())
        return block->notes.front();
    if (block != nullptr)
        return tr("Block %1 stands out.").arg(block->block);
    return blocks.size() < 3 ? tr("Of fewer than three blocks none can be said to stand out.")
                             : tr("No block stands out: the largest ε is less than three times the median ε of the %1 "
                                  "blocks.")
                                   .arg(blocks.size());
}

widgets::ValueRows blockRowsOf(const FailureAnatomy& anatomy, const widgets::TokenMap& map)
{
    widgets::ValueRows rows;
    rows.columns = {
        {tr("Block"), true, 7, {}},
        {map.thresholds.relativeDecides ? tr("Relative ε") : tr("ε"), true, 13,
         map.thresholds.relativeDecides ? tr("The largest relative error of the block")
                                        : tr("The largest error of the block")},
        {tr("× median"), true, 10, tr("ε divided by the median ε of the run's blocks; three times it stands out")},
        {tr("Above τ"), true, 8, tr("Tokens above the deciding threshold")},
        {tr("Half in"), true, 8, tr("So few tokens carry half of the block's summed error")},
        {tr("Massive"), true, 8, tr("Tokens whose output norm is at least 20 times the block's median")},
        {tr("Largest error at"), false, 20, tr("The token that ε falls on, and its prompt")}};
    for (const BlockAnatomy& block : anatomy.blocks) {
        const auto prompt = static_cast<std::size_t>(std::max(0, block.worst.prompt));
        const auto token = static_cast<std::size_t>(std::max(0, block.worst.token));
        QString worst;
        if (block.worst.isValid() && prompt < map.prompts.size() && token < map.prompts[prompt].tokens.size())
            worst = tr("“%1”, token %2 of %3")
                        .arg(widgets::visiblePiece(map.prompts[prompt].tokens[token].piece))
                        .arg(block.worst.token)
                        .arg(map.prompts[prompt].id);
        widgets::ValueCell times = timesCell(block.epsilonRatio);
        times.isWeaker = anatomy.outstanding == block.block;
        widgets::ValueCell number = countCell(block.block);
        number.isWeaker = times.isWeaker;
        rows.rows.push_back({number, widgets::ValueCell::of(block.epsilon), times, countCell(block.uncovered),
                             countCell(block.halfOfError), countCell(block.massive),
                             widgets::ValueCell::ofText(worst)});
    }
    return rows;
}

widgets::ValueRows contrastRowsOf(const BlockAnatomy& block)
{
    const QString group = block.failingAreUncovered ? tr("Not covered") : tr("%1 largest").arg(block.failing);
    widgets::ValueRows rows;
    rows.columns = {{tr("Median of"), false, 22, {}},
                    {group, true, 12,
                     block.failingAreUncovered ? tr("Over the %1 tokens that are not covered").arg(block.failing)
                                               : tr("Over the %1 tokens with the largest errors").arg(block.failing)},
                    {tr("Others"), true, 11, tr("Over the other tokens of the block")},
                    {tr("Ratio"), true, 11, tr("The first divided by the second")},
                    {tr("ρ"), true, 11,
                     tr("Spearman's rank correlation of the error with this quantity, over all tokens of the block")}};
    for (const BlockContrast& contrast : block.contrasts) {
        widgets::ValueCell correlation = widgets::ValueCell::of(contrast.correlation);
        correlation.isSigned = true;
        rows.rows.push_back({quantityCell(contrast.quantity), widgets::ValueCell::of(contrast.failing),
                             widgets::ValueCell::of(contrast.passing), timesCell(contrast.ratio), correlation});
    }
    return rows;
}

FailureAnatomy failureAnatomyOf(const Json& answer)
{
    FailureAnatomy anatomy;
    anatomy.run = textOf(answer, "run");
    anatomy.outstanding = indexOf(answer, "outstanding");
    anatomy.problems = textsOf(answer, "problems");
    const bool relativeDecides = textOf(answer, "measure") == "relative-l2"_L1;
    for (const Json& block : arrayOf(answer, "blocks"))
        anatomy.blocks.push_back(blockOf(block, relativeDecides));
    std::stable_sort(anatomy.blocks.begin(), anatomy.blocks.end(),
                     [](const BlockAnatomy& a, const BlockAnatomy& b) { return a.epsilon > b.epsilon; });
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
    const auto errorOf = [](const Json& side) { return exactNumber(numberOf(side, "error")); };
    result.prompt = static_cast<int>(wholeOf(objectOf(answer, "prompt"), "prompt", -1));
    result.block = static_cast<int>(wholeOf(answer, "block", -1));
    result.sentence =
        tr("%1 of %2 tokens still fail at block %3: error %4, before %5, threshold %6. %7 prompts were tried.")
            .arg(wholeOf(after, "tokens"))
            .arg(wholeOf(before, "tokens"))
            .arg(result.block)
            .arg(errorOf(after), errorOf(before), exactNumber(numberOf(answer, "threshold")))
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
    figure.title = tr("Norm and margin around token %1, dashed").arg(key.token).toStdString();
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
        panel.rules = {{figure::Direction::Vertical, static_cast<double>(key.token), {}}}; // the title names it
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
