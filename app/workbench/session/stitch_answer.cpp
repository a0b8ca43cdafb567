#include "app/workbench/session/stitch_answer.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "engine/base/error.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::missing;
using widgets::ValueCell;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("StitchAnswer", text);
}

std::vector<double> numbersOf(const Json& list)
{
    std::vector<double> numbers;
    for (const Json& value : list)
        numbers.push_back(value.is_number() ? value.get<double>() : missing);
    return numbers;
}

std::vector<widgets::TopFive> topsOf(const Json& list)
{
    std::vector<widgets::TopFive> tops;
    for (const Json& entries : list) {
        widgets::TopFive five;
        for (const Json& entry : entries)
            if (entry.is_array() && entry.size() == 3 && entry[0].is_number_integer() && entry[1].is_string() &&
                entry[2].is_number())
                five.push_back({entry[0].get<std::int32_t>(), QString::fromStdString(entry[1].get<std::string>()),
                                entry[2].get<double>()});
        tops.push_back(std::move(five));
    }
    return tops;
}

// The places of the answer's tokens as a map over the layers of the model.
std::shared_ptr<const widgets::TokenMap> residualsOf(const Json& answer, const RunView& run)
{
    auto map = std::make_shared<widgets::TokenMap>();
    map->model = run.model;
    map->run = run.name;
    map->thresholds = run.map->thresholds;
    // What is covered is defined for a surrogate on the baseline's inputs, not for what its errors have become by the
    // end of a stitched model.
    map->thresholds.tauAct = missing;
    map->thresholds.tauRel = missing;
    map->prompts = run.map->prompts;
    const Json& prompts = arrayOf(answer, "tokens");
    const std::size_t layers = prompts.empty() ? 0 : arrayOf(prompts.front(), "residual").size();
    if (layers == 0 || prompts.size() != map->prompts.size())
        throw FormatError("the stitched model's tokens are missing");
    for (std::size_t layer = 0; layer < layers; ++layer)
        map->blocks.push_back(static_cast<int>(layer));
    map->cells.resize(layers * map->prompts.size());
    for (std::size_t p = 0; p < prompts.size(); ++p) {
        const Json& tokens = prompts[p];
        const Json& residual = arrayOf(tokens, "residual");
        const Json& norm = arrayOf(tokens, "norm");
        for (std::size_t layer = 0; layer < layers && layer < residual.size() && layer < norm.size(); ++layer) {
            auto cell = std::make_shared<widgets::MapCell>();
            cell->error = numbersOf(residual[layer]);
            cell->outputNorm = numbersOf(norm[layer]);
            for (std::size_t t = 0; t < cell->error.size() && t < cell->outputNorm.size(); ++t)
                cell->relative.push_back(cell->outputNorm[t] > 0 ? cell->error[t] / cell->outputNorm[t]
                                         : cell->error[t] == 0   ? 0
                                                                 : missing);
            if (layer + 1 == layers) {
                cell->lossBase = numbersOf(arrayOf(tokens, "loss_base"));
                cell->lossStitched = numbersOf(arrayOf(tokens, "loss_stitched"));
                cell->kl = numbersOf(arrayOf(tokens, "kl"));
                cell->topBase = topsOf(arrayOf(tokens, "top_base"));
                cell->topStitched = topsOf(arrayOf(tokens, "top_stitched"));
            }
            map->cells[layer * map->prompts.size() + p] = std::move(cell);
        }
    }
    return map;
}

figure::Figure layerFigure(const Json& answer, const StitchResult& result, const RunView& run)
{
    figure::Figure figure;
    figure.title = tr("How far the residual streams are apart").toStdString();
    figure.scope =
        tr("%1 · %2 · %3 blocks replaced").arg(run.model, run.name).arg(result.switches.blocks.size()).toStdString();
    figure.caption =
        tr("‖ĥ − h‖₂ after every block, over all tokens: the mean (eq. 5) and the largest. Measured on the "
           "run's prompts; a zero has no place on the axis.")
            .toStdString();
    figure.metadata = {{"model", run.model.toStdString()}, {"run", run.name.toStdString()}};
    figure::Panel panel;
    panel.x.label = tr("after block").toStdString();
    panel.y = {.label = tr("residual ‖ĥ − h‖₂").toStdString(), .scale = figure::Scale::Log};
    figure::Series mean{tr("mean").toStdString(), figure::Mark::LineMarkers, {}};
    figure::Series largest{tr("largest").toStdString(), figure::Mark::LineMarkers, {}};
    double at = 0;
    for (const Json& layer : arrayOf(answer, "layers")) {
        const auto add = [at](figure::Series& series, double value) {
            series.points.push_back({at, value > 0 ? std::optional(value) : std::nullopt});
        };
        add(mean, realOf(layer, "mae").value_or(0));
        add(largest, realOf(layer, "largest").value_or(0));
        ++at;
    }
    panel.series = {std::move(mean), std::move(largest)};
    if (run.map->thresholds.tauAct > 0 && !run.map->thresholds.relativeDecides)
        panel.rules = {{figure::Direction::Horizontal, run.map->thresholds.tauAct,
                        u"τ_act = %1"_s.arg(widgets::exactNumber(run.map->thresholds.tauAct)).toStdString()}};
    figure.panels = {std::move(panel)};
    figure.panelHeight = 300;
    return figure;
}

StitchBlame blameOf(const Json& event, const RunView& run)
{
    StitchBlame blame;
    const Json& at = objectOf(event, "at");
    blame.at = {0, static_cast<int>(wholeOf(at, "prompt")), static_cast<int>(wholeOf(at, "token"))};
    blame.prefix = indexOf(event, "smallest_prefix");
    blame.single = indexOf(event, "single");
    const bool isDivergence = textOf(event, "event").contains("divergence"_L1);
    const QString prompt = static_cast<std::size_t>(blame.at.prompt) < run.map->prompts.size()
                               ? run.map->prompts[static_cast<std::size_t>(blame.at.prompt)].id
                               : QString::number(blame.at.prompt);
    blame.sentence = (isDivergence ? tr("The first other next token, after token %1 “%2” of %3")
                                   : tr("The largest change of a loss, at token %1 “%2” of %3"))
                         .arg(blame.at.token)
                         .arg(widgets::visiblePiece(textOf(at, "piece")), prompt);
    blame.sentence += blame.prefix ? tr(", happens once blocks up to %1 are replaced").arg(*blame.prefix)
                                   : tr(", happens with no prefix of the blocks");
    blame.sentence += blame.single ? tr("; block %1 alone brings it about.").arg(*blame.single)
                                   : tr("; no block alone brings it about.");
    blame.rows.columns = {
        {tr("Block"), true, 8, {}},
        {tr("Up to this block"), true, 18, tr("With this and every chosen block before it replaced")},
        {tr("This block alone"), true, 18, tr("With this block alone replaced")},
        {isDivergence ? tr("Logit of the other token minus the model's own") : tr("Change of the loss, nats"),
         false,
         30,
         {}}};
    for (const Json& row : arrayOf(event, "rows")) {
        ValueCell block = ValueCell::of(static_cast<double>(wholeOf(row, "block")));
        block.text = QString::number(wholeOf(row, "block"));
        ValueCell prefix = ValueCell::of(numberOf(row, "prefix"));
        ValueCell single = ValueCell::of(numberOf(row, "single"));
        prefix.isSigned = single.isSigned = true;
        ValueCell note;
        const auto number = static_cast<int>(wholeOf(row, "block"));
        note.text = blame.single == number ? tr("does it alone") : blame.prefix == number ? tr("from here on") : u" "_s;
        prefix.isWeaker = blame.prefix && number >= *blame.prefix;
        single.isWeaker = blame.single == number;
        blame.rows.rows.push_back({block, prefix, single, note});
    }
    return blame;
}

QString orMissing(const Json& object, const char* key)
{
    const std::optional<double> value = realOf(object, key);
    return value ? widgets::exactNumber(*value) : tr("not measured");
}

void addFacts(const Json& answer, StitchResult& result)
{
    const Json& perplexity = objectOf(answer, "perplexity");
    const Json& kl = objectOf(answer, "kl");
    const auto add = [&](const QString& label, const Json& object, const char* key) {
        result.facts.push_back({label, orMissing(object, key), {}, !realOf(object, key)});
    };
    add(tr("Perplexity, original"), perplexity, "baseline");
    add(tr("Perplexity, stitched"), perplexity, "stitched");
    add(tr("Loss coverage"), answer, "loss_coverage");
    add(tr("Largest loss difference"), answer, "max_loss_difference");
    add(tr("Same next token"), answer, "next_token_agreement");
    add(tr("KL, mean"), kl, "mean");
    add(tr("KL, largest"), kl, "largest");
    add(tr("Largest residual"), objectOf(answer, "max_residual"), "value");
}

QString blocksText(std::size_t count)
{
    return count == 1 ? tr("1 block") : tr("%1 blocks").arg(count);
}

// "30 blocks replaced" or "30 blocks replaced, block 15 edited,"
QString replacedText(const StitchSwitches& switches)
{
    const QString text = tr("%1 replaced").arg(blocksText(switches.blocks.size()));
    if (switches.edited.empty())
        return text;
    return switches.edited.size() == 1 ? tr("%1, block %2 edited,").arg(text).arg(switches.edited.front())
                                       : tr("%1, %2 edited,").arg(text, blocksText(switches.edited.size()));
}

QString sentenceOf(const Json& answer)
{
    const std::optional<double> agreement = realOf(answer, "next_token_agreement");
    const Json& perplexity = objectOf(answer, "perplexity");
    QString text = tr("With %1 the next token is the same for %2 of the tokens")
                       .arg(replacedText(stitchSwitchesOf(answer)))
                       .arg(agreement ? widgets::percentText(*agreement) : u"–"_s);
    if (const std::optional<double> stitched = realOf(perplexity, "stitched"))
        text += tr(", perplexity goes from %1 to %2")
                    .arg(widgets::tableNumber(numberOf(perplexity, "baseline")), widgets::tableNumber(*stitched));
    return text + tr(", and the mean divergence is %1 nats.")
                      .arg(widgets::tableNumber(numberOf(objectOf(answer, "kl"), "mean")));
}

StitchText::Side sideOf(const Json& completion)
{
    StitchText::Side side;
    auto tokens = std::make_shared<std::vector<widgets::Token>>();
    const QStringList pieces = textsOf(completion, "pieces");
    qsizetype at = 0;
    for (const Json& id : arrayOf(completion, "token_ids")) {
        const QString piece = at < pieces.size() ? pieces[at] : QString();
        tokens->push_back({id.is_number_integer() ? id.get<std::int32_t>() : -1, piece, {}});
        ++at;
    }
    side.tokens = std::move(tokens);
    side.margins = numbersOf(arrayOf(completion, "margin"));
    side.ended = textOf(completion, "stopped") == "eos"_L1;
    return side;
}

QString pieceAt(const StitchText::Side& side, int at)
{
    if (static_cast<std::size_t>(at) >= side.tokens->size())
        return tr("the end");
    const widgets::Token& token = (*side.tokens)[static_cast<std::size_t>(at)];
    return u"“%1”"_s.arg(token.piece.isEmpty() ? QString::number(token.id) : widgets::visiblePiece(token.piece));
}

}

StitchResult stitchResultOf(const Json& answer, const RunView& run)
{
    StitchResult result;
    result.name = widgets::shownName(textOf(answer, "name"));
    result.kind = textOf(answer, "kind");
    result.switches = stitchSwitchesOf(answer);
    result.isWritten = flagOf(answer, "written", true);
    result.isCertified = flagOf(answer, "certified");
    for (const Json& finding : arrayOf(answer, "findings"))
        result.reasons << textOf(finding, "code").replace(u'_', u' ') +
                              (textOf(finding, "where").isEmpty() ? QString()
                                                                  : u" (%1)"_s.arg(textOf(finding, "where")));
    result.residuals = residualsOf(answer, run);
    for (const Json& prompt : arrayOf(answer, "prompts")) {
        const Json& first = objectOf(prompt, "first_divergence");
        result.prompts.push_back({indexOf(first, "token"), indexOf(first, "layer")});
    }
    result.isBisected = hasValue(answer, "bisect");
    for (const Json& event : arrayOf(answer, "bisect"))
        result.blames.push_back(blameOf(event, run));
    addFacts(answer, result);
    result.sentence = sentenceOf(answer);
    result.layers = std::make_shared<const figure::Figure>(layerFigure(answer, result, run));
    return result;
}

StitchText stitchTextOf(const Json& answer, int prompt)
{
    const Json& prompts = arrayOf(answer, "prompts");
    if (prompts.empty())
        throw FormatError("there is no text in it");
    StitchText text;
    text.prompt = prompt;
    text.switches = stitchSwitchesOf(answer);
    text.original = sideOf(prompts.front());
    text.stitched = sideOf(objectOf(prompts.front(), "stitched"));
    text.firstDivergence = indexOf(prompts.front(), "first_divergence");
    if (!text.firstDivergence) {
        text.sentence = tr("Both models write the same %1 tokens.").arg(text.original.tokens->size());
        return text;
    }
    const int at = *text.firstDivergence;
    text.sentence = tr("The same for %1; then the original writes %2 and the stitched model %3.")
                        .arg(at == 1 ? tr("1 token") : tr("%1 tokens").arg(at))
                        .arg(pieceAt(text.original, at), pieceAt(text.stitched, at));
    if (static_cast<std::size_t>(at) < text.original.margins.size())
        text.sentence += u' ' + tr("The original's was ahead by %1 logits.")
                                    .arg(widgets::tableNumber(text.original.margins[static_cast<std::size_t>(at)]));
    return text;
}

figure::Figure stitchTokenFigure(const StitchResult& result, int prompt)
{
    const widgets::MapPrompt& about = result.residuals->prompts[static_cast<std::size_t>(prompt)];
    figure::Figure figure;
    figure.title = tr("Loss and divergence, token by token").toStdString();
    figure.scope = tr("%1 · %2 · prompt %3 · %4 blocks replaced")
                       .arg(result.residuals->model, result.residuals->run, about.id)
                       .arg(result.switches.blocks.size())
                       .toStdString();
    figure.caption = tr("Teacher-forced: both models read the prompt as it is. Measured on the listed prompts; it says "
                        "nothing about other inputs.")
                         .toStdString();
    figure.metadata = {{"model", result.residuals->model.toStdString()},
                       {"run", result.residuals->run.toStdString()},
                       {"prompt", about.id.toStdString()}};
    figure.columns = 2;
    const widgets::MapCell* cell = result.ends(prompt);
    const auto panelOf = [&](const QString& title, const QString& label) {
        figure::Panel panel;
        panel.title = title.toStdString();
        panel.x.label = tr("token").toStdString();
        panel.y.label = label.toStdString();
        return panel;
    };
    figure::Panel loss = panelOf(tr("Loss, stitched − original"), tr("nats"));
    figure::Panel kl = panelOf(tr("KL of the next token"), tr("nats "));
    figure::Series change{tr("loss difference").toStdString(), figure::Mark::LineMarkers, {}};
    figure::Series divergence{tr("KL(original ‖ stitched)").toStdString(), figure::Mark::LineMarkers, {}};
    for (std::size_t t = 0; cell && t < about.tokens.size(); ++t) {
        const auto x = static_cast<double>(t);
        const double difference = t < cell->lossBase.size() && t < cell->lossStitched.size()
                                      ? cell->lossStitched[t] - cell->lossBase[t]
                                      : missing;
        change.points.push_back({x, std::isnan(difference) ? std::nullopt : std::optional(difference)});
        divergence.points.push_back({x, t < cell->kl.size() ? std::optional(cell->kl[t]) : std::nullopt});
    }
    loss.series = {std::move(change)};
    const std::string tauLoss =
        u"± τ_loss = %1"_s.arg(widgets::exactNumber(result.residuals->thresholds.tauLoss)).toStdString();
    loss.rules = {{figure::Direction::Horizontal, result.residuals->thresholds.tauLoss, tauLoss},
                  {figure::Direction::Horizontal, -result.residuals->thresholds.tauLoss, tauLoss}};
    kl.series = {std::move(divergence)};
    figure.panels = {std::move(loss), std::move(kl)};
    figure.sameRange = false;
    return figure;
}

}
