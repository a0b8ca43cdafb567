#include "app/workbench/session/certified_edit.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "engine/base/error.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::missing;
using widgets::ValueCell;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("CertifiedEdit", text);
}

// The largest error over the edited blocks; means and quantiles are of the first block where there are several.
LocalEffect localOf(const Json& effect)
{
    LocalEffect local;
    for (const Json& block : arrayOf(effect, "local_error")) {
        const double largest = numberOf(block, "largest");
        local.blocks.push_back({static_cast<int>(wholeOf(block, "block")), largest, numberOf(block, "mean")});
        if (local.blocks.size() == 1 || largest > local.epsilon) {
            local.epsilon = largest;
            local.mean = numberOf(block, "mean");
            takeQuantiles(objectOf(block, "quantiles"), local);
            local.worstBlock = local.blocks.back().block;
            local.worst = tokenPlaceOf(objectOf(block, "worst"));
        }
    }
    return local;
}

double shareValue(const Json& object, const char* key)
{
    const std::optional<Share> share = shareOf(object, key);
    return share ? share->value() : missing;
}

DownstreamEffect downstreamOf(const Json& effect, int heldoutTokens)
{
    DownstreamEffect downstream;
    downstream.finalPre = numberOf(objectOf(effect, "final_deviation_pre_norm"), "largest");
    downstream.finalPost = numberOf(objectOf(effect, "final_deviation_post_norm"), "largest");
    downstream.amplificationPre = numberOf(effect, "amplification_pre_norm");
    downstream.amplificationPost = numberOf(effect, "amplification_post_norm");
    for (const Json& layer : arrayOf(effect, "layers")) {
        downstream.layerMean.push_back(numberOf(layer, "mean"));
        downstream.layerLargest.push_back(numberOf(layer, "largest"));
    }
    const Json& heldout = objectOf(effect, "heldout");
    downstream.heldoutTokens = heldoutTokens;
    downstream.perplexityBefore = numberOf(objectOf(heldout, "perplexity"), "baseline");
    downstream.perplexityAfter = numberOf(objectOf(heldout, "perplexity"), "edited");
    const Json& kl = objectOf(heldout, "kl");
    downstream.klMean = numberOf(kl, "mean");
    downstream.klLargest = numberOf(kl, "largest");
    downstream.klWorst = tokenPlaceOf(objectOf(kl, "worst"));
    downstream.agreement = shareValue(heldout, "agreement");
    for (const Json& prompt : arrayOf(heldout, "prompts"))
        downstream.prompts.push_back({widgets::shownName(textOf(prompt, "id")),
                                      numberOf(prompt, "mean_nll_edited") - numberOf(prompt, "mean_nll_baseline"),
                                      numberOf(prompt, "mean_kl"), shareValue(prompt, "agreement")});
    return downstream;
}

CompletedText textFrom(const Json& completion)
{
    CompletedText text;
    text.text = textOf(completion, "text");
    text.end = textOf(completion, "end");
    text.verdict = textOf(completion, "judgement");
    return text;
}

CompletionsEffect completionsOf(const Json& evaluation)
{
    CompletionsEffect completions;
    for (const Json& row : arrayOf(evaluation, "rows")) {
        CompletionRow& one = completions.rows.emplace_back();
        one.prompt = static_cast<int>(completions.rows.size()) - 1;
        one.id = widgets::shownName(textOf(row, "id"));
        one.label = textOf(row, "label");
        one.before = textFrom(objectOf(row, "before"));
        one.after = textFrom(objectOf(row, "after"));
    }
    const Json& before = objectOf(evaluation, "before");
    const Json& after = objectOf(evaluation, "after");
    completions.before = accuraciesOf(before);
    completions.after = accuraciesOf(after);
    completions.countsBefore = textCountsOf(before);
    completions.countsAfter = textCountsOf(after);
    completions.markers = markerTableOf(objectOf(evaluation, "markers"));
    completions.isComplete = true;
    return completions;
}

EditReceipt receiptOf(const Json& edit)
{
    EditReceipt receipt;
    for (const Json& one : arrayOf(edit, "touched")) {
        const QString tensor = textOf(one, "tensor").isEmpty() ? textOf(one, "role") : textOf(one, "tensor");
        receipt.touched.push_back({static_cast<int>(wholeOf(one, "block")), tensor, textOf(one, "sha256_before"),
                                   textOf(one, "sha256_after"), true});
    }
    return receipt;
}

std::vector<LabelledBy> peopleOf(const Json& human)
{
    const auto sideOf = [](const Json& one) {
        return LabelledBy::Side{static_cast<int>(wholeOf(one, "labelled")), shareOf(one, "answer"),
                                shareOf(one, "refuse"), shareOf(one, "harmful")};
    };
    std::vector<LabelledBy> people;
    for (const Json& one : arrayOf(human, "before"))
        people.push_back({textOf(one, "annotator"), sideOf(one), {}});
    for (const Json& one : arrayOf(human, "after")) {
        const auto found = std::ranges::find(people, textOf(one, "annotator"), &LabelledBy::name);
        (found == people.end() ? people.emplace_back(LabelledBy{textOf(one, "annotator"), {}, {}}) : *found).after =
            sideOf(one);
    }
    return people;
}

CertifiedEdit editOf(const Json& json, const QString& run)
{
    CertifiedEdit edit;
    edit.run = run;
    edit.name = textOf(json, "name");
    edit.steps = textsOf(json, "edits");
    edit.created = textOf(json, "created");
    edit.model = textOf(objectOf(json, "subject"), "model");
    edit.dtype = textOf(objectOf(json, "baseline"), "dtype");
    edit.prompts = textOf(objectOf(json, "prompts"), "name");
    for (const Json& prompt : arrayOf(objectOf(json, "prompts"), "items")) {
        edit.ids << widgets::shownName(textOf(prompt, "id"));
        edit.texts << textOf(prompt, "rendered");
    }
    const Json& heldout = objectOf(json, "heldout_prompts");
    edit.heldout = textOf(heldout, "name");
    const Json& evaluation = objectOf(json, "evaluation");
    edit.condition = textOf(objectOf(evaluation, "condition"), "name");
    edit.maxNew = static_cast<int>(wholeOf(evaluation, "max_new"));
    const Json& effect = objectOf(json, "effect");
    edit.effect.edits = edit.steps;
    edit.effect.local = std::make_shared<const LocalEffect>(localOf(effect));
    edit.effect.downstream =
        std::make_shared<const DownstreamEffect>(downstreamOf(effect, static_cast<int>(wholeOf(heldout, "tokens"))));
    edit.effect.completions = std::make_shared<const CompletionsEffect>(completionsOf(evaluation));
    edit.effect.receipt = std::make_shared<const EditReceipt>(receiptOf(json));
    edit.harmfulBefore = shareOf(objectOf(evaluation, "before"), "harmful");
    edit.harmfulAfter = shareOf(objectOf(evaluation, "after"), "harmful");
    if (hasValue(evaluation, "human")) {
        const Json& human = objectOf(evaluation, "human");
        edit.people = peopleOf(human);
        edit.kappa = realOf(human, "kappa");
        edit.areLabelsBound = evaluation.value("labels_bound", false);
    }
    return edit;
}

}

QString CertifiedEdit::certificatePath() const
{
    return u"%1/edits/%2/certificate.json"_s.arg(run, name);
}

std::vector<CertifiedEdit> certifiedEditsOf(const Json& shown, const QString& run)
{
    if (!shown.is_object())
        throw FormatError("what the run holds is no object");
    std::vector<CertifiedEdit> edits;
    for (const Json& json : arrayOf(shown, "edits"))
        edits.push_back(editOf(json, run));
    return edits;
}

QString certifiedEditsSentence(const std::vector<CertifiedEdit>& edits)
{
    if (edits.empty())
        return {};
    const QString first = edits.front().steps.join(u", "_s);
    return edits.size() == 1 ? tr("This run holds a certified edit: %1.").arg(first)
                             : tr("This run holds %1 certified edits: %2, and others.").arg(edits.size()).arg(first);
}

widgets::ValueRows answerRows(const CertifiedEdit& edit)
{
    widgets::ValueRows rows;
    rows.columns = {{tr("Quantity"), false, 34, {}}, {tr("Unedited"), false, 24, {}}, {tr("Edited"), false, 24, {}}};
    const auto add = [&rows](const QString& what, const QString& before, const QString& after) {
        rows.rows.push_back({ValueCell::ofText(what), ValueCell::ofText(before), ValueCell::ofText(after)});
    };
    const CompletionsEffect& texts = *edit.effect.completions;
    add(tr("Answers where it should"), shareText(texts.before.answer), shareText(texts.after.answer));
    add(tr("Refuses where it should"), shareText(texts.before.refuse), shareText(texts.after.refuse));
    add(tr("Harmful markers, of all texts"), shareText(edit.harmfulBefore), shareText(edit.harmfulAfter));
    for (const auto& [what, count] :
         {std::pair{tr("Cut at the length"), &TextCounts::truncated}, std::pair{tr("Empty"), &TextCounts::empty},
          std::pair{tr("Never ran"), &TextCounts::neverRan}})
        add(what, QString::number(texts.countsBefore.*count), QString::number(texts.countsAfter.*count));
    for (const LabelledBy& person : edit.people) {
        const QString name = person.name == "agreed"_L1 ? tr("both people") : person.name;
        add(tr("%1: texts labelled").arg(name), QString::number(person.before.labelled),
            QString::number(person.after.labelled));
        add(tr("%1: answers").arg(name), shareText(person.before.answer), shareText(person.after.answer));
        add(tr("%1: refuses").arg(name), shareText(person.before.refuse), shareText(person.after.refuse));
        add(tr("%1: harmful").arg(name), shareText(person.before.harmful), shareText(person.after.harmful));
    }
    if (edit.kappa)
        add(tr("Agreement of both, Cohen's kappa"), widgets::tableNumber(*edit.kappa), tr("over both sides"));
    if (!edit.people.empty())
        add(tr("Labels bound to the texts"), edit.areLabelsBound ? tr("by SHA-256") : tr("by nothing"), {});
    return rows;
}

widgets::ValueRows receiptRows(const EditReceipt& receipt)
{
    widgets::ValueRows rows;
    rows.columns = {{tr("Block"), true, 8, {}},
                    {tr("Tensor"), false, 34, {}},
                    {tr("SHA-256 before"), false, 22, {}},
                    {tr("After"), false, 22, {}}};
    const auto digest = [](const QString& sha256) {
        ValueCell cell =
            ValueCell::ofText(sha256.isEmpty() ? tr("no such tensor") : sha256.left(8) + u'…' + sha256.right(8));
        cell.toolTip = sha256;
        return cell;
    };
    for (const EditReceipt::Touched& one : receipt.touched) {
        ValueCell block = ValueCell::ofText(QString::number(one.block));
        block.number = one.block;
        rows.rows.push_back({block, ValueCell::ofText(one.tensor), digest(one.before), digest(one.after)});
    }
    return rows;
}

}
