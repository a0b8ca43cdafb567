#include "app/workbench/session/edit_effect_answer.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "engine/base/error.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::missing;

namespace {

std::vector<double> numbersOf(const Json& list)
{
    std::vector<double> numbers;
    numbers.reserve(list.size());
    for (const Json& value : list)
        numbers.push_back(value.is_number() ? value.get<double>() : missing);
    return numbers;
}

LocalEffect localOf(const Json& answer)
{
    LocalEffect local;
    local.tokens = static_cast<int>(wholeOf(answer, "tokens"));
    local.epsilon = numberOf(answer, "epsilon");
    local.mean = numberOf(answer, "mean");
    takeQuantiles(objectOf(answer, "quantiles"), local);
    local.worstBlock = indexOf(objectOf(answer, "worst"), "block").value_or(-1);
    local.worst = tokenPlaceOf(objectOf(answer, "worst"));
    for (const Json& block : arrayOf(answer, "blocks"))
        local.blocks.push_back(
            {static_cast<int>(wholeOf(block, "block")), numberOf(block, "epsilon"), numberOf(block, "mean")});
    for (const Json& prompt : arrayOf(answer, "prompts"))
        local.prompts.push_back({widgets::shownName(textOf(prompt, "id")), numberOf(prompt, "largest"),
                                 numbersOf(arrayOf(prompt, "errors"))});
    local.seconds = numberOf(answer, "seconds");
    return local;
}

DownstreamEffect downstreamOf(const Json& answer)
{
    DownstreamEffect effect;
    effect.finalPre = numberOf(objectOf(answer, "final_deviation"), "pre_norm");
    effect.finalPost = numberOf(objectOf(answer, "final_deviation"), "post_norm");
    effect.amplificationPre = numberOf(objectOf(answer, "amplification"), "pre_norm");
    effect.amplificationPost = numberOf(objectOf(answer, "amplification"), "post_norm");
    for (const Json& layer : arrayOf(answer, "layers")) {
        effect.layerMean.push_back(numberOf(layer, "mean"));
        effect.layerLargest.push_back(numberOf(layer, "largest"));
    }
    const Json& heldout = objectOf(answer, "heldout");
    effect.heldoutTokens = static_cast<int>(wholeOf(heldout, "tokens"));
    effect.perplexityBefore = numberOf(objectOf(heldout, "perplexity"), "before");
    effect.perplexityAfter = numberOf(objectOf(heldout, "perplexity"), "after");
    const Json& kl = objectOf(heldout, "kl");
    effect.klMean = numberOf(kl, "mean");
    effect.klLargest = numberOf(kl, "largest");
    effect.klWorst = tokenPlaceOf(objectOf(kl, "worst"));
    effect.agreement = numberOf(heldout, "agreement");
    for (const Json& prompt : arrayOf(heldout, "prompts"))
        effect.prompts.push_back({widgets::shownName(textOf(prompt, "id")), numberOf(prompt, "loss_change"),
                                  numberOf(prompt, "mean_kl"), numberOf(prompt, "agreement")});
    effect.seconds = numberOf(answer, "seconds");
    return effect;
}

CompletionsEffect completionsOf(const Json& answer)
{
    CompletionsEffect effect;
    for (const Json& row : arrayOf(answer, "rows"))
        effect.rows.push_back(completionRowOf(row));
    const Json& accuracy = objectOf(answer, "accuracy");
    effect.before = accuraciesOf(objectOf(accuracy, "before"));
    effect.after = accuraciesOf(objectOf(accuracy, "after"));
    const Json& counts = objectOf(answer, "counts");
    effect.countsBefore = textCountsOf(objectOf(counts, "before"));
    effect.countsAfter = textCountsOf(objectOf(counts, "after"));
    effect.markers = markerTableOf(objectOf(answer, "markers"));
    effect.isComplete = true;
    effect.seconds = numberOf(answer, "seconds");
    return effect;
}

EditReceipt receiptOf(const Json& answer)
{
    EditReceipt receipt;
    for (const Json& one : arrayOf(answer, "touched")) {
        const QString tensor = textOf(one, "tensor").isEmpty() ? textOf(one, "role") : textOf(one, "tensor");
        const QString before = textOf(one, "before");
        const QString after = textOf(one, "after");
        receipt.touched.push_back(
            {static_cast<int>(wholeOf(one, "block")), tensor, before, after, flagOf(one, "changed", before != after)});
    }
    receipt.whyNothing = textOf(answer, "why_nothing");
    return receipt;
}

}

QString shareText(const std::optional<Share>& share)
{
    if (!share || share->total == 0)
        return QCoreApplication::translate("EditEffect", "no such prompts");
    return QCoreApplication::translate("EditEffect", "%1 of %2 [%3, %4]")
        .arg(share->hits)
        .arg(share->total)
        .arg(share->low, 0, 'f', 2)
        .arg(share->high, 0, 'f', 2);
}

std::optional<Share> shareOf(const Json& object, const char* key)
{
    if (!hasValue(object, key))
        return std::nullopt;
    const Json& share = objectOf(object, key);
    const char* hits = share.contains("hits") ? "hits" : "covered"; // as a certificate says it
    return Share{static_cast<int>(wholeOf(share, hits)), static_cast<int>(wholeOf(share, "total")),
                 realOf(share, "low").value_or(0), realOf(share, "high").value_or(1)};
}

QString MarkerTable::title() const
{
    return version.isEmpty() ? name : QCoreApplication::translate("EditEffect", "%1, version %2").arg(name, version);
}

QString apartText(const TextCounts& counts, int texts)
{
    return QCoreApplication::translate("EditEffect", "%1 of %2 cut, %3 empty, %4 never ran")
        .arg(counts.truncated)
        .arg(texts)
        .arg(counts.empty)
        .arg(counts.neverRan);
}

TokenPlace tokenPlaceOf(const Json& object)
{
    return {indexOf(object, "prompt").value_or(-1), indexOf(object, "token").value_or(-1), textOf(object, "piece")};
}

void takeQuantiles(const Json& quantiles, LocalEffect& local)
{
    local.q50 = numberOf(quantiles, "q50");
    local.q90 = numberOf(quantiles, "q90");
    local.q95 = numberOf(quantiles, "q95");
    local.q99 = numberOf(quantiles, "q99");
}

Accuracies accuraciesOf(const Json& object)
{
    return {shareOf(object, "answer"), shareOf(object, "refuse")};
}

MarkerTable markerTableOf(const Json& markers)
{
    if (!markers.is_object())
        throw FormatError("the marker lists are no object");
    return {textOf(markers, "name"), textOf(markers, "version"), textOf(markers, "sha256"), textsOf(markers, "refusal"),
            textsOf(markers, "harmful")};
}

TextCounts textCountsOf(const Json& counts)
{
    TextCounts read;
    read.empty = static_cast<int>(wholeOf(counts, "empty"));
    read.truncated = static_cast<int>(wholeOf(counts, "truncated"));
    read.neverRan = static_cast<int>(wholeOf(counts, "never_ran"));
    for (const Json& marker : arrayOf(counts, "markers"))
        (flagOf(marker, "harmful") ? read.harmful : read.refusal)[textOf(marker, "marker")] =
            static_cast<int>(wholeOf(marker, "texts"));
    return read;
}

CompletedText completedTextOf(const Json& text)
{
    CompletedText completed;
    completed.text = textOf(text, "text");
    const Json& tokens = arrayOf(text, "tokens");
    completed.tokens = tokens.empty() ? static_cast<int>(wholeOf(text, "tokens")) : static_cast<int>(tokens.size());
    completed.end = textOf(text, "end");
    completed.verdict = textOf(text, "verdict");
    completed.markers = textsOf(text, "markers");
    return completed;
}

CompletionRow completionRowOf(const Json& row)
{
    CompletionRow completion;
    completion.prompt = indexOf(row, "prompt").value_or(0);
    completion.id = widgets::shownName(textOf(row, "id"));
    completion.label = textOf(row, "label");
    if (hasValue(row, "before"))
        completion.before = completedTextOf(objectOf(row, "before"));
    if (hasValue(row, "after"))
        completion.after = completedTextOf(objectOf(row, "after"));
    completion.firstDifference = indexOf(row, "first_difference");
    return completion;
}

EditEffect editEffectOf(const Json& answer)
{
    if (!answer.is_object())
        throw FormatError("the effect of the edits is no object");
    EditEffect effect;
    effect.edits = textsOf(answer, "edits");
    effect.isNeutral = flagOf(answer, "neutral");
    if (hasValue(answer, "local"))
        effect.local = std::make_shared<const LocalEffect>(localOf(objectOf(answer, "local")));
    if (hasValue(answer, "downstream"))
        effect.downstream = std::make_shared<const DownstreamEffect>(downstreamOf(objectOf(answer, "downstream")));
    if (hasValue(answer, "completions"))
        effect.completions = std::make_shared<const CompletionsEffect>(completionsOf(objectOf(answer, "completions")));
    if (hasValue(answer, "receipt"))
        effect.receipt = std::make_shared<const EditReceipt>(receiptOf(objectOf(answer, "receipt")));
    return effect;
}

std::vector<int> worstFirst(const DownstreamEffect& effect)
{
    std::vector<int> order(effect.prompts.size());
    std::iota(order.begin(), order.end(), 0);
    const auto change = [&](int at) { return effect.prompts[static_cast<std::size_t>(at)].lossChange; };
    std::ranges::stable_sort(order, [&](int a, int b) {
        if (std::isnan(change(a)) || std::isnan(change(b)))
            return !std::isnan(change(a)) && std::isnan(change(b));
        return change(a) > change(b);
    });
    return order;
}

}
