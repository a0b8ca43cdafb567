#include "app/workbench/pages/edit_side.h"

#include "widgets/fact_list.h"
#include "widgets/help_mark.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/state_badge.h"

#include <QPushButton>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::Fact;
namespace space = widgets::space;

namespace {

Fact numberFact(const QString& label, double value)
{
    return {label, widgets::isMissing(value) ? EditSide::tr("not measured") : widgets::tableNumber(value),
            widgets::isMissing(value) ? QString() : widgets::exactNumber(value), widgets::isMissing(value)};
}

Fact changeFact(const QString& label, double before, double after)
{
    if (widgets::isMissing(before) || widgets::isMissing(after))
        return {label, EditSide::tr("not measured"), {}, true};
    return {label, u"%1 → %2"_s.arg(widgets::tableNumber(before), widgets::tableNumber(after)),
            u"%1 → %2"_s.arg(widgets::exactNumber(before), widgets::exactNumber(after)), false};
}

Fact amplificationFact(const QString& label, double value, const EditEffect& effect)
{
    if (!effect.downstream || !widgets::isMissing(value))
        return numberFact(label, value);
    return {label, EditSide::tr("none"),
            EditSide::tr("There is none where several blocks are edited, or where nothing changes"), true};
}

Fact shareFact(const QString& label, double share)
{
    return {label, widgets::isMissing(share) ? EditSide::tr("not measured") : widgets::percentText(share),
            widgets::isMissing(share) ? QString() : widgets::exactNumber(share), widgets::isMissing(share)};
}

}

std::vector<Fact> effectFacts(const EditEffect& effect)
{
    const LocalEffect local = effect.local ? *effect.local : LocalEffect();
    const DownstreamEffect downstream = effect.downstream ? *effect.downstream : DownstreamEffect();
    std::vector<Fact> facts{
        numberFact(EditSide::tr("ε local"), local.epsilon),
        numberFact(EditSide::tr("Local error, mean"), local.mean),
        numberFact(EditSide::tr("Final, before norm"), downstream.finalPre),
        numberFact(EditSide::tr("Final, after norm"), downstream.finalPost),
        amplificationFact(EditSide::tr("Amplification, before norm"), downstream.amplificationPre, effect),
        amplificationFact(EditSide::tr("Amplification, after norm"), downstream.amplificationPost, effect),
        changeFact(EditSide::tr("Perplexity"), downstream.perplexityBefore, downstream.perplexityAfter),
        numberFact(EditSide::tr("KL, mean"), downstream.klMean),
        numberFact(EditSide::tr("KL, largest"), downstream.klLargest),
        shareFact(EditSide::tr("Same next token"), downstream.agreement),
    };
    if (effect.completions) {
        facts.push_back({EditSide::tr("Answers"), shareText(effect.completions->after.answer),
                         EditSide::tr("Where it should answer; Wilson 95 % interval"), false});
        facts.push_back({EditSide::tr("Refuses"), shareText(effect.completions->after.refuse),
                         EditSide::tr("Where it should refuse; Wilson 95 % interval"), false});
        const TextCounts& counts = effect.completions->countsAfter;
        const auto texts = [total = effect.completions->rows.size()](int count) {
            return EditSide::tr("%1 of %2").arg(count).arg(total);
        };
        facts.push_back({EditSide::tr("Cut at the length"), texts(counts.truncated),
                         EditSide::tr("Texts that did not end by themselves; they are judged by what is there"),
                         false});
        facts.push_back(
            {EditSide::tr("Empty"), texts(counts.empty), EditSide::tr("Neither answers nor refusals"), false});
        facts.push_back({EditSide::tr("Never ran"), texts(counts.neverRan),
                         EditSide::tr("Their prompts leave no room for a token; they are in no share"), false});
    }
    return facts;
}

EditSide::EditSide(QWidget* parent)
    : SidePanel(parent)
    , m_state(wrapped({}))
    , m_facts(new widgets::FactList)
    , m_other(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_touched(new widgets::FactList)
    , m_why(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_notice(new widgets::Notice)
    , m_stage(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_certify(button(tr("Certify…"), widgets::ButtonRole::Primary))
    , m_export(button(tr("Export model…")))
    , m_copy(button(tr("Copy as command")))
    , m_issued(new QWidget)
{
    auto* title = row(space::tiny);
    title->addWidget(heading(tr("Receipt")));
    title->addWidget(new widgets::HelpMark(
        {widgets::Term::EditError, widgets::Term::FinalDeviation, widgets::Term::Divergence, widgets::Term::Interval}));
    title->addStretch(1);
    m_measured = new widgets::EvidenceMark;
    m_measured->setEvidence(widgets::Evidence::Measured);
    auto* bounded = new widgets::EvidenceMark;
    bounded->setAbsent(widgets::Evidence::Bounded, tr("none yet"));
    auto* evidence = row();
    evidence->addWidget(m_measured);
    evidence->addWidget(bounded);
    evidence->addStretch(1);
    m_copy->setToolTip(tr("The command that issues the certificate of this stack; a stack of several edits is written "
                          "as a patch file first"));
    connect(m_certify, &QPushButton::clicked, this, [this] {
        if (m_isIssuing)
            emit cancelWanted();
        else
            emit certifyWanted();
    });
    connect(m_export, &QPushButton::clicked, this, &EditSide::exportWanted);
    connect(m_copy, &QPushButton::clicked, this, &EditSide::copyWanted);
    m_issued->setLayout(column(space::tiny));
    m_notice->hide();
    QVBoxLayout* content = this->content();
    content->addLayout(title);
    content->addWidget(m_state);
    content->addWidget(m_facts);
    content->addWidget(m_other);
    content->addLayout(evidence);
    content->addSpacing(space::small);
    content->addWidget(heading(tr("Tensors touched")));
    content->addWidget(m_touched);
    content->addWidget(m_why);
    content->addSpacing(space::small);
    content->addWidget(m_notice);
    content->addWidget(m_stage);
    content->addWidget(m_certify);
    content->addWidget(m_export);
    content->addWidget(m_copy);
    content->addSpacing(space::small);
    content->addWidget(m_issued);
    content->addStretch(1);
    setIssued({}, false);
    setIssuing(false, {});
}

void EditSide::show(const EditLab& lab, bool hidesJudgements)
{
    const bool hasEdits = lab.model() && !enabledSteps(lab.edits().stack()).empty();
    EditEffect effect = lab.shown();
    if (hidesJudgements)
        effect.completions.reset();
    m_measured->setVisible(hasEdits && effect.local); // no mark beside numbers that are not there
    m_canIssue = hasEdits && lab.obstacle().isEmpty();
    // Neutral strengths change nothing, which needs no measuring.
    const EditStack steps = enabledSteps(lab.edits().stack());
    const bool isNeutral = hasEdits && std::ranges::all_of(steps, [](const EditStep& step) {
                               const std::optional<double> neutral = neutralStrength(step.operation);
                               return neutral && *neutral == step.strength;
                           });
    m_changesNothing = isNeutral || (effect.receipt && !effect.receipt->whyNothing.isEmpty());
    m_facts->setVisible(hasEdits);
    m_state->setText(!hasEdits          ? tr("What the edits do, number by number, stands here once there are some.")
                     : effect.isNeutral ? tr("Every strength is neutral; nothing is edited.")
                     : effect.local     ? tr("Measured on %1, condition %2; the model's file is as it was.")
                                          .arg(lab.settings().prompts, lab.settings().condition)
                                    : tr("Not measured yet."));
    if (hasEdits)
        m_facts->setFacts(effectFacts(effect));
    showOther(lab);
    showReceipt(lab, effect);
    setIssuing(m_isIssuing, m_stage->text());
}

// The other slot in a line, where it has been measured.
void EditSide::showOther(const EditLab& lab)
{
    const int other = 1 - lab.edits().slot();
    const EditEffect effect = lab.ofSlot(other);
    m_other->setVisible(effect.local != nullptr && !enabledSteps(lab.edits().stack()).empty());
    if (!effect.local)
        return;
    QString text =
        tr("%1 beside it: ε %2").arg(EditSlots::slotName(other), widgets::tableNumber(effect.local->epsilon));
    if (effect.downstream)
        text += tr(", final %1 before and %2 after the norm, KL %3, perplexity %4")
                    .arg(widgets::tableNumber(effect.downstream->finalPre),
                         widgets::tableNumber(effect.downstream->finalPost),
                         widgets::tableNumber(effect.downstream->klMean),
                         widgets::tableNumber(effect.downstream->perplexityAfter));
    m_other->setText(text + tr(" (X switches)"));
}

void EditSide::showReceipt(const EditLab& lab, const EditEffect& effect)
{
    const std::shared_ptr<const EditReceipt> receipt = effect.receipt;
    std::vector<Fact> facts;
    bool isNew = false; // a weight that the model's architecture has not
    if (receipt)
        for (const EditReceipt::Touched& one : receipt->touched) {
            const bool isShort = !one.changed || (one.before.isEmpty() && one.after.isEmpty());
            isNew = isNew || one.before.isEmpty();
            facts.push_back({tr("%1 · %2").arg(one.block).arg(one.tensor.section(u'.', -2)),
                             isShort ? one.changed ? tr("changed") : tr("unchanged")
                                     : u"%1 → %2"_s.arg(one.before.isEmpty() ? tr("none") : one.before.left(4) + u'…',
                                                        one.after.left(4) + u'…'),
                             tr("%1\nSHA-256 before: %2\nafter: %3%4")
                                 .arg(one.tensor, one.before.isEmpty() ? tr("there was no such tensor") : one.before,
                                      one.after, one.changed ? QString() : tr("\nthe same: it does not change")),
                             !one.changed});
        }
    m_touched->setFacts(facts);
    m_touched->setVisible(!facts.empty());
    const bool hasEdits = !enabledSteps(lab.edits().stack()).empty();
    m_why->setText(!receipt && !hasEdits ? tr("None: nothing is edited.")
                   : !receipt            ? tr("Named with their digests before and after once the stack rests.")
                   : !receipt->whyNothing.isEmpty() ? receipt->whyNothing
                   : isNew ? tr("Laid over the model in memory; no file is written. What has no digest before is a "
                                "weight that a checkpoint of this model does not have, so that none can be exported.")
                           : tr("As a checkpoint would hold them; here they are laid over the model in memory, and no "
                                "file is written."));
}

void EditSide::setIssuing(bool isIssuing, const QString& stage)
{
    m_isIssuing = isIssuing;
    m_stage->setText(stage);
    m_stage->setVisible(isIssuing && !stage.isEmpty());
    m_certify->setText(isIssuing ? tr("Cancel") : tr("Certify…"));
    m_certify->setEnabled(isIssuing || (m_canIssue && !m_changesNothing));
    m_certify->setToolTip(
        m_changesNothing
            ? tr("There is no certificate for an edit that changes nothing")
            : tr("Writes the stack as a patch and certifies it: receipt, effect, and every completion, in a "
                 "run that verify checks"));
    m_export->setEnabled(!isIssuing && m_canExport);
    m_export->setToolTip(
        m_canExport ? tr("Writes this certified edit as a model of its own: safetensors, config.json and tokenizer")
                    : tr("A model is written from a certified edit; certify the stack as it is first"));
    m_copy->setEnabled(m_canIssue);
}

void EditSide::setProblem(const QString& sentence)
{
    m_notice->setNotice(widgets::Notice::Tone::Error, sentence);
    m_notice->setVisible(!sentence.isEmpty());
}

void EditSide::setDone(const QString& sentence)
{
    m_notice->setNotice(widgets::Notice::Tone::Note, sentence);
    m_notice->setVisible(!sentence.isEmpty());
}

void EditSide::setIssued(const std::vector<IssuedEdit>& issued, bool isOfNow)
{
    m_canExport = isOfNow;
    QLayout* layout = m_issued->layout();
    while (QLayoutItem* item = layout->takeAt(0)) {
        if (item->widget())
            item->widget()->deleteLater();
        delete item;
    }
    if (!issued.empty())
        layout->addWidget(heading(tr("Certificates from here")));
    for (auto one = issued.rbegin(); one != issued.rend(); ++one) {
        QPushButton* read = elidedLink(one->sentence, space::inspector - 110);
        read->setToolTip(widgets::plainToolTip(tr("Read %1, in %2").arg(one->name, one->run)));
        connect(read, &QPushButton::clicked, this,
                [this, run = one->run, name = one->name] { emit readWanted(run, name); });
        QPushButton* check = elidedLink(tr("Check"), 60);
        check->setAccessibleName(widgets::shownName(tr("Check %1").arg(one->sentence)));
        check->setToolTip(widgets::plainToolTip(tr("Recompute what %1 claims, in %2").arg(one->name, one->run)));
        connect(check, &QPushButton::clicked, this, [this, run = one->run] { emit checkWanted(run); });
        auto* both = row(space::small);
        both->addWidget(read, 1);
        both->addWidget(check);
        auto* line = new QWidget;
        line->setLayout(both);
        layout->addWidget(line);
    }
    QPushButton* open = elidedLink(tr("Read the certificates of a run…"), space::inspector - 60);
    connect(open, &QPushButton::clicked, this, [this] { emit readWanted({}, {}); });
    layout->addWidget(open);
    setIssuing(m_isIssuing, m_stage->text());
}

}
