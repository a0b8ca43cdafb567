#include "app/workbench/pages/edit_completions.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/chat_text.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"
#include "widgets/value_table.h"

#include <QCheckBox>
#include <QPushButton>
#include <QTextCharFormat>
#include <QTextCursor>
#include <QTextEdit>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

widgets::ValueCell textCell(const QString& text, const QString& toolTip = {})
{
    widgets::ValueCell cell;
    cell.text = text;
    cell.toolTip = toolTip;
    return cell;
}

QString verdictOf(const std::optional<CompletedText>& text)
{
    if (!text)
        return u"–"_s;
    return text->verdict.isEmpty() ? u"…"_s : text->verdict;
}

QString endOf(const CompletedText& text)
{
    return text.end == "stop"_L1 || text.end == "end"_L1 ? EditCompletions::tr("ended by itself")
           : text.end == "length"_L1                     ? EditCompletions::tr("cut at the length")
           : text.end.isEmpty()                          ? QString()
                                                         : EditCompletions::tr("not written");
}

}

int divergenceIn(const QString& before, const QString& after)
{
    if (before == after)
        return -1;
    const qsizetype shorter = std::min(before.size(), after.size());
    qsizetype at = 0;
    while (at < shorter && before[at] == after[at])
        ++at;
    while (at > 0 && !after[at - 1].isSpace() && !before[at - 1].isSpace())
        --at;
    return static_cast<int>(at);
}

EditCompletions::EditCompletions(QWidget* parent)
    : QWidget(parent)
    , m_counts(wrapped({}))
    , m_live(new QCheckBox(tr("Live")))
    , m_markers(button(tr("Markers…")))
    , m_write(button(tr("Complete")))
    , m_table(new widgets::ValueTable(tr("Completions")))
    , m_about(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_body(new QWidget)
{
    m_live->setToolTip(tr("Complete the prompts by themselves whenever the stack rests"));
    connect(m_live, &QCheckBox::toggled, this, &EditCompletions::liveChanged);
    m_markers->setToolTip(tr("The lists that the texts are judged by, and in how many texts each marker stands"));
    connect(m_markers, &QPushButton::clicked, this, &EditCompletions::markersWanted);
    m_write->setToolTip(tr("Both models continue every prompt, greedily; the unedited texts are written once"));
    connect(m_write, &QPushButton::clicked, this, [this] {
        if (m_state == State::Writing || m_state == State::Waiting)
            emit cancelWanted();
        else
            emit writeWanted();
    });
    connect(m_table, &widgets::ValueTable::rowChosen, this, [this](int row) {
        m_isChosen = true;
        m_prompt = row;
        refreshTexts();
    });
    auto* top = workbench::row();
    top->addStretch(1);
    for (QWidget* one : std::initializer_list<QWidget*>{m_markers, m_live, m_write})
        top->addWidget(one, 0, Qt::AlignVCenter);
    auto* texts = workbench::row(space::medium);
    for (int side = 0; side < 2; ++side) {
        m_titles[side] = heading(side == 0 ? tr("Unedited") : tr("Edited"));
        m_sides[side] = new QTextEdit;
        m_sides[side]->setReadOnly(true);
        m_sides[side]->setObjectName(side == 0 ? u"unedited"_s : u"edited"_s);
        m_sides[side]->setAccessibleName(side == 0 ? tr("Unedited text") : tr("Edited text"));
        m_sides[side]->setMinimumHeight(84);
        m_verdicts[side] = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
        auto* one = column(space::tiny);
        one->addWidget(m_titles[side]);
        one->addWidget(m_sides[side], 1);
        one->addWidget(m_verdicts[side]);
        texts->addLayout(one, 1);
    }
    auto* body = column();
    body->addWidget(m_table, 3);
    body->addWidget(m_about);
    body->addLayout(texts, 2);
    m_body->setLayout(body);
    auto* layout = column();
    layout->addLayout(top);
    layout->addWidget(m_counts);
    layout->addWidget(m_body, 1);
    layout->addStretch(0);
    setLayout(layout);
    show({}, State::None, false);
}

void EditCompletions::show(const std::shared_ptr<const CompletionsEffect>& effect, State state, bool isStale)
{
    const bool isOther = effect != m_effect;
    if (state == State::Writing && m_state != State::Writing)
        m_isChosen = false;
    m_effect = effect;
    m_state = state;
    m_isStale = isStale;
    m_write->setText(state == State::Writing || state == State::Waiting ? tr("Cancel") : tr("Complete"));
    m_body->setVisible(effect != nullptr);
    m_body->setEnabled(!isStale);
    if (isOther)
        refreshTable();
    refreshCounts();
    refreshTexts();
}

void EditCompletions::grow(const std::shared_ptr<const CompletionsEffect>& effect, int prompt)
{
    const auto rowOf = [prompt](const std::shared_ptr<const CompletionsEffect>& of) -> const CompletionRow* {
        return of && static_cast<std::size_t>(prompt) < of->rows.size() ? &of->rows[static_cast<std::size_t>(prompt)]
                                                                        : nullptr;
    };
    const CompletionRow* before = rowOf(m_effect);
    const CompletionRow* after = rowOf(effect);
    // The table changes when a judgement does, the text twenty times a second.
    const bool changesTable = !before || !after || verdictOf(before->before) != verdictOf(after->before) ||
                              verdictOf(before->after) != verdictOf(after->after);
    m_effect = effect;
    m_state = State::Writing;
    m_isStale = false;
    m_body->show();
    m_body->setEnabled(true);
    // Prompts grow together: one is followed to its end, then the next that grows.
    const CompletionRow* followed = row();
    if (!m_isChosen && (!followed || (followed->after && !followed->after->verdict.isEmpty())))
        m_prompt = prompt;
    if (changesTable) {
        refreshTable();
        refreshCounts();
    }
    if (m_prompt == prompt)
        refreshTexts();
}

void EditCompletions::setPrompts(const QStringList& ids, const QStringList& texts)
{
    m_ids = ids;
    m_texts = texts;
    refreshTexts();
}

void EditCompletions::setHeld(bool held)
{
    if (std::exchange(m_isHeld, held) != held)
        refreshTexts();
}

void EditCompletions::setReadOnly()
{
    for (QWidget* one : std::initializer_list<QWidget*>{m_markers, m_live, m_write})
        one->hide();
}

void EditCompletions::setLive(bool live)
{
    const QSignalBlocker block(m_live);
    m_live->setChecked(live);
}

void EditCompletions::setEnabledToWrite(bool enabled)
{
    m_write->setEnabled(enabled || m_state == State::Writing || m_state == State::Waiting);
}

const CompletionRow* EditCompletions::row() const
{
    return m_effect && m_prompt >= 0 && static_cast<std::size_t>(m_prompt) < m_effect->rows.size()
               ? &m_effect->rows[static_cast<std::size_t>(m_prompt)]
               : nullptr;
}

void EditCompletions::refreshCounts()
{
    if (!m_effect) {
        m_counts->setText(m_state == State::Waiting
                              ? tr("Waiting for the first words …")
                              : tr("What the model says with and without the edits stands here once it is asked to. A "
                                   "dozen prompts are few: read the texts before the counts."));
        return;
    }
    if (!m_effect->isComplete) {
        const auto done = std::ranges::count_if(
            m_effect->rows, [](const CompletionRow& row) { return row.after && !row.after->verdict.isEmpty(); });
        m_counts->setText(tr("Writing: %1 of %2 prompts are done with the edits.")
                              .arg(done)
                              .arg(std::max<qsizetype>(m_ids.size(), std::ssize(m_effect->rows))));
        return;
    }
    const auto line = [](const QString& what, const std::optional<Share>& before, const std::optional<Share>& after) {
        return tr("%1: %2 before, %3 after.").arg(what, shareText(before), shareText(after));
    };
    const auto texts = static_cast<int>(m_effect->rows.size());
    const bool isCut = m_effect->countsBefore.truncated + m_effect->countsAfter.truncated > 0;
    m_counts->setText((m_isStale ? tr("Of another state of the stack. ") : QString()) +
                      line(tr("Answers where it should"), m_effect->before.answer, m_effect->after.answer) + u'\n' +
                      line(tr("Refuses where it should"), m_effect->before.refuse, m_effect->after.refuse) + u'\n' +
                      tr("Of these texts %1 before; %2 after.%3")
                          .arg(apartText(m_effect->countsBefore, texts), apartText(m_effect->countsAfter, texts),
                               isCut ? tr(" A cut text is judged by what is there.") : QString()));
    m_counts->setToolTip(widgets::plainToolTip(
        tr("Judged by the marker lists %1; in brackets the Wilson 95 % interval. Empty texts are neither answers nor "
           "refusals, what never ran is in no share, and a text is cut at the length or where the model has no "
           "further position.")
            .arg(m_effect->markers.title())));
}

void EditCompletions::refreshTable()
{
    if (!m_effect) {
        m_table->setRows(nullptr);
        return;
    }
    auto rows = std::make_shared<widgets::ValueRows>();
    rows->columns = {{tr("Prompt"), false, 22, {}},
                     {tr("Should"), false, 9, tr("What the prompt set says it should be met with")},
                     {tr("Unedited"), false, 11, tr("What the markers say of the unedited model's text")},
                     {tr("Edited"), false, 11, tr("What they say of the edited model's")},
                     {tr("First other token"), true, 12, tr("The first generated token that differs")}};
    for (std::size_t at = 0; at < m_effect->rows.size(); ++at) {
        const CompletionRow& one = m_effect->rows[at];
        const QString id = !one.id.isEmpty() ? one.id : m_ids.value(static_cast<qsizetype>(at), tr("%1").arg(at));
        widgets::ValueCell difference =
            one.firstDifference
                ? textCell(QString::number(*one.firstDifference))
                : textCell(one.before && one.after && !one.after->verdict.isEmpty() &&
                                   one.before->text == one.after->text // a certificate does not say where they part
                               ? tr("same")
                               : u"–"_s);
        if (one.firstDifference)
            difference.number = *one.firstDifference;
        widgets::ValueCell after = textCell(verdictOf(one.after));
        after.isWeaker =
            one.before && one.after && !one.after->verdict.isEmpty() && one.before->verdict != one.after->verdict;
        rows->rows.push_back({textCell(id, widgets::chatOutline(m_texts.value(static_cast<qsizetype>(at)))),
                              textCell(one.label), textCell(verdictOf(one.before)), after, difference});
    }
    m_table->setRows(rows);
    m_table->setCurrentRow(m_prompt);
}

void EditCompletions::refreshTexts()
{
    const CompletionRow* shown = row();
    const QString rendered = m_texts.value(m_prompt);
    m_about->setText(askedText(widgets::questionOf(rendered), 160));
    m_about->setToolTip(widgets::plainToolTip(widgets::chatOutline(rendered)));
    m_about->setVisible(!rendered.isEmpty());
    m_titles[1]->setText(m_isHeld ? tr("Unedited, while B is held") : tr("Edited"));
    for (int side = 0; side < 2; ++side) {
        const bool isBefore = side == 0 || m_isHeld;
        const std::optional<CompletedText> one = !shown ? std::nullopt : isBefore ? shown->before : shown->after;
        m_sides[side]->setPlainText(one ? one->text : QString());
        QStringList words;
        if (one && !one->verdict.isEmpty())
            words << one->verdict;
        if (one && !one->markers.isEmpty())
            words << tr("markers: %1").arg(one->markers.join(u", "_s));
        if (one && !endOf(*one).isEmpty())
            words << (one->tokens > 0 ? tr("%1 tokens, %2").arg(one->tokens).arg(endOf(*one)) : endOf(*one));
        m_verdicts[side]->setText(words.join(u" · "_s));
    }
    if (!shown || !shown->before || !shown->after || m_isHeld)
        return;
    // What comes behind the first difference is tinted, the word where it begins more.
    const int at = divergenceIn(shown->before->text, shown->after->text);
    if (at < 0 || (!m_effect->isComplete && shown->after->verdict.isEmpty()))
        return;
    const widgets::Tokens& tokens = widgets::tokensOf(*this);
    for (QTextEdit* side : m_sides) {
        const QString whole = side->toPlainText();
        if (at >= whole.size())
            continue;
        qsizetype end = at;
        while (end < whole.size() && !whole[end].isSpace())
            ++end;
        QTextCursor cursor(side->document());
        QTextCharFormat rest;
        rest.setBackground(tokens.weaker.fill);
        QTextCharFormat first = rest;
        first.setForeground(tokens.weaker.ink);
        first.setFontWeight(QFont::DemiBold);
        first.setFontUnderline(true);
        cursor.setPosition(at);
        cursor.setPosition(static_cast<int>(end), QTextCursor::KeepAnchor);
        cursor.mergeCharFormat(first);
        cursor.setPosition(static_cast<int>(end));
        cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
        cursor.mergeCharFormat(rest);
    }
}

}
