#include "widgets/cell_facts.h"

#include "widgets/change.h"
#include "widgets/error_legend.h"
#include "widgets/error_scale.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(CellFacts)
};

double at(const std::vector<double>& values, std::size_t token)
{
    return token < values.size() ? values[token] : missing;
}

Fact numberFact(const QString& label, double value, const QString& toolTip = {})
{
    if (isMissing(value))
        return {label, Text::tr("not measured"), toolTip, true};
    return {label, exactNumber(value), toolTip, false};
}

// Recorded, but nothing that a token with a single key could have.
bool isMarginUndefined(const MapCell& cell, std::size_t token)
{
    return token < cell.margin.size() && isMissing(cell.margin[token]);
}

// Of a difference every number has its sign; what a single run would be judged by is left out.
std::vector<Fact> changeFacts(const MapCell& cell, std::size_t token)
{
    std::vector<Fact> facts;
    const auto add = [&facts](const QString& label, double value, const QString& toolTip = {}) {
        if (isMissing(value))
            facts.push_back({label, Text::tr("not measured in both"), toolTip, true});
        else
            facts.push_back({label, signedNumber(value), toolTip, false});
    };
    const QString what = Text::tr("B − A: positive where it is larger in B");
    add(Text::tr("Δ error"), at(cell.error, token), what);
    add(Text::tr("Δ relative error"), at(cell.relative, token), what);
    add(Text::tr("Δ attention part"), at(cell.errorAttention, token), what);
    add(Text::tr("Δ MLP part"), at(cell.errorMlp, token), what);
    add(Text::tr("Δ recorded output norm"), at(cell.outputNorm, token), what);
    add(Text::tr("Δ smallest margin"), at(cell.margin, token), what);
    add(Text::tr("Δ loss of the surrogate"), at(cell.lossStitched, token) - at(cell.lossBase, token),
        Text::tr("nats; B − A"));
    if (const double kl = at(cell.kl, token); !isMissing(kl))
        add(Text::tr("Δ KL divergence"), kl, what);
    return facts;
}

QString thresholdSentence(double value, double threshold, Metric metric)
{
    const QString symbol = thresholdSymbol(metric);
    const QString what = metricPhrase(metric);
    const double magnitude = std::abs(value);
    if (magnitude <= threshold)
        return Text::tr("%1 is within %2").arg(what, symbol);
    const double excess = magnitude / threshold - 1;
    return excess < 10 ? Text::tr("%1 exceeds %2 by %3").arg(what, symbol, percentText(excess))
                       : Text::tr("%1 is %2× %3").arg(what, tableNumber(magnitude / threshold), symbol);
}

}

CellReading readCell(const TokenMap& map, const CellKey& key, Metric shown)
{
    CellReading reading;
    // A token is covered by its error, so that is what coverage shows of one token.
    const Metric metric = shown == Metric::Coverage ? decidingMetric(map.thresholds) : shown;
    if (!key.isValid() || key.prompt >= static_cast<int>(map.prompts.size()))
        return reading;
    const MapPrompt& prompt = map.prompts[static_cast<std::size_t>(key.prompt)];
    const int column = map.columnOf(key.block);
    if (column < 0 || key.token >= static_cast<int>(prompt.tokens.size()))
        return reading;
    reading.token = &prompt.tokens[static_cast<std::size_t>(key.token)];
    reading.cell = map.cell(static_cast<std::size_t>(column), static_cast<std::size_t>(key.prompt));
    reading.threshold = thresholdOf(map.thresholds, metric);
    if (reading.cell != nullptr)
        reading.value = valueOf(*reading.cell, metric, static_cast<std::size_t>(key.token), map.thresholds);
    if (metric == Metric::Margin && reading.cell != nullptr &&
        isMarginUndefined(*reading.cell, static_cast<std::size_t>(key.token))) {
        reading.headline = Text::tr("Not defined");
        reading.sentence = Text::tr("a margin needs two keys, and this token attends to one");
        return reading;
    }
    if (isMissing(reading.value)) {
        reading.headline = Text::tr("Not measured");
        reading.sentence = reading.cell == nullptr ? Text::tr("this block was not replayed on this prompt")
                           : metric == Metric::LossDifference && key.token == 0
                               ? Text::tr("the first token is not predicted, so it has no loss")
                               : Text::tr("the run did not record this number");
        return reading;
    }
    if (isChange(map)) {
        reading.headline = signedNumber(reading.value);
        reading.sentence = Text::tr("B − A, %1").arg(differencePhrase(metric));
        return reading;
    }
    if (isMissing(reading.threshold)) {
        reading.headline = exactNumber(reading.value);
        reading.sentence = metricPhrase(metric);
        return reading;
    }
    // The decision is on the total; its parts are shown against the same number only for scale.
    const bool decides = metric != Metric::AttentionPart && metric != Metric::MlpPart;
    if (decides)
        reading.covered = std::abs(reading.value) <= reading.threshold;
    reading.headline =
        decides ? comparisonText(std::abs(reading.value), reading.threshold) : exactNumber(reading.value);
    reading.sentence = decides ? thresholdSentence(reading.value, reading.threshold, metric) : metricPhrase(metric);
    return reading;
}

std::vector<Fact> cellFacts(const TokenMap& map, const CellKey& key)
{
    const CellReading reading = readCell(map, key, Metric::Error);
    if (reading.token == nullptr)
        return {};
    const MapCell none;
    const MapCell& cell = reading.cell != nullptr ? *reading.cell : none;
    const auto token = static_cast<std::size_t>(key.token);
    if (isChange(map))
        return changeFacts(cell, token);
    const double norm = at(cell.outputNorm, token);
    const double median = medianNorm(map, key.block);
    std::vector<Fact> facts;
    facts.push_back(numberFact(Text::tr("Error"), at(cell.error, token), Text::tr("‖ŷ − y‖₂, equation 3")));
    facts.push_back(numberFact(Text::tr("Relative error"), at(cell.relative, token), Text::tr("‖ŷ − y‖₂ / ‖y‖₂")));
    facts.push_back(numberFact(Text::tr("Attention part"), at(cell.errorAttention, token),
                               Text::tr("‖·‖₂ between the two attention outputs")));
    facts.push_back(
        numberFact(Text::tr("MLP part"), at(cell.errorMlp, token), Text::tr("‖·‖₂ between the two MLP outputs")));
    facts.push_back(numberFact(Text::tr("Recorded output norm"), norm, Text::tr("‖y‖₂")));
    if (!isMissing(norm) && !isMissing(median) && median > 0)
        facts.push_back({Text::tr("Norm / block median"), tableNumber(norm / median) + u'×',
                         Text::tr("median %1 over all measured tokens of the block").arg(exactNumber(median)), false});
    const double margin = at(cell.margin, token);
    if (!isMissing(margin) && token < cell.marginHead.size() && cell.marginHead[token] >= 0)
        facts.push_back({Text::tr("Margin, head %1").arg(cell.marginHead[token]), exactNumber(margin),
                         Text::tr("largest minus second largest attention score; the smallest of all heads"), false});
    else if (isMarginUndefined(cell, token))
        facts.push_back({Text::tr("Smallest margin"), Text::tr("not defined"),
                         Text::tr("a margin needs two keys, and this token attends to one"), true});
    else
        facts.push_back(numberFact(Text::tr("Smallest margin"), margin));
    const double base = at(cell.lossBase, token);
    const double stitched = at(cell.lossStitched, token);
    if (isMissing(base) || isMissing(stitched)) {
        facts.push_back(
            {Text::tr("Loss difference"), token == 0 ? Text::tr("not predicted") : Text::tr("not measured"), {}, true});
    } else {
        facts.push_back({Text::tr("Loss, original"), exactNumber(base), Text::tr("nats"), false});
        facts.push_back({Text::tr("Loss difference"), signedNumber(stitched - base),
                         Text::tr("surrogate minus original, nats"), false});
    }
    if (const double kl = at(cell.kl, token); !isMissing(kl))
        facts.push_back({Text::tr("KL divergence"), exactNumber(kl),
                         Text::tr("KL(original ‖ surrogate) of the next token, nats"), false});
    return facts;
}

QString promptName(const TokenMap& map, int prompt)
{
    const auto at = static_cast<std::size_t>(std::max(0, prompt));
    const QString id = at < map.prompts.size() ? map.prompts[at].id : QString();
    return id.isEmpty() || id == QString::number(prompt) ? Text::tr("prompt %1").arg(prompt)
                                                         : Text::tr("prompt %1 · %2").arg(prompt).arg(id);
}

QString topTitle(const TokenMap& map)
{
    return isChange(map) ? Text::tr("Next token, surrogate of A and of B")
                         : Text::tr("Next token, original and surrogate");
}

double medianNorm(const TokenMap& map, int block)
{
    const int column = map.columnOf(block);
    if (column < 0)
        return missing;
    std::vector<double> norms;
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
        if (const MapCell* cell = map.cell(static_cast<std::size_t>(column), prompt))
            std::copy_if(cell->outputNorm.begin(), cell->outputNorm.end(), std::back_inserter(norms),
                         [](double norm) { return !isMissing(norm); });
    if (norms.empty())
        return missing;
    const auto middle = norms.begin() + static_cast<std::ptrdiff_t>((norms.size() - 1) / 2);
    std::nth_element(norms.begin(), middle, norms.end());
    return *middle;
}

}
