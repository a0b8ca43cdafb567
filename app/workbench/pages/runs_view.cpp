#include "app/workbench/pages/runs_view.h"

#include "widgets/fact_list.h"
#include "widgets/number_text.h"
#include "widgets/run_table.h"

#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalBlocker>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using State = widgets::RunRow::State;
namespace space = widgets::space;

RunNotesPanel::RunNotesPanel(QWidget* parent)
    : QWidget(parent)
    , m_none(wrapped(tr("Choose a run to see what is known of it, and to tag it or note something about it."),
                     widgets::TextTone::Secondary))
    , m_body(new QWidget)
    , m_name(new ElidedLabel({}, widgets::TextSize::Title))
    , m_facts(new widgets::FactList)
    , m_explore(button(tr("Explore"), widgets::ButtonRole::Primary))
    , m_verify(button(tr("Verify")))
    , m_resume(button(tr("Resume")))
    , m_compare(button(tr("Compare with A")))
    , m_tags(new QLineEdit)
    , m_note(new QPlainTextEdit)
{
    widgets::setTextFont(*m_name, widgets::TextSize::Title, widgets::TextWeight::Strong);
    m_tags->setPlaceholderText(tr("Tags, separated by commas"));
    m_tags->setAccessibleName(tr("Tags"));
    m_note->setPlaceholderText(tr("A note. It is kept with your settings, never in the run."));
    m_note->setAccessibleName(tr("Note"));
    m_note->setTabChangesFocus(true);
    m_note->setMinimumHeight(84);
    m_note->setMaximumHeight(160);
    connect(m_tags, &QLineEdit::textEdited, this, &RunNotesPanel::announce);
    connect(m_note, &QPlainTextEdit::textChanged, this, &RunNotesPanel::announce);
    connect(m_explore, &QPushButton::clicked, this, [this] { emit exploreWanted(m_path); });
    connect(m_verify, &QPushButton::clicked, this, [this] { emit verifyWanted(m_path); });
    connect(m_resume, &QPushButton::clicked, this, [this] { emit resumeWanted(m_path); });
    connect(m_compare, &QPushButton::clicked, this, [this] { emit compareWanted(m_path); });
    m_compare->setToolTip(tr("Sets this run beside the one that is open"));

    auto* actions = row();
    actions->addWidget(m_explore, 1);
    actions->addWidget(m_resume, 1);
    actions->addWidget(m_verify, 1);
    auto* body = column();
    body->addWidget(m_name);
    body->addWidget(m_facts);
    body->addSpacing(space::small);
    body->addLayout(actions);
    body->addWidget(m_compare);
    body->addSpacing(space::medium);
    body->addWidget(heading(tr("Tags and note")));
    body->addWidget(m_tags);
    body->addWidget(m_note);
    m_body->setLayout(body);
    auto* layout = column(0);
    layout->addWidget(m_none);
    layout->addWidget(m_body);
    setLayout(layout);
    setRun(nullptr);
}

void RunNotesPanel::setRun(const widgets::RunRow* run)
{
    m_none->setVisible(run == nullptr);
    m_body->setVisible(run != nullptr);
    const bool isSame = run && run->path == m_path;
    m_path = run ? run->path : QString();
    if (!run)
        return;
    m_name->setText(run->name);
    m_name->setToolTip(widgets::plainToolTip(run->path));
    const auto fact = [](const QString& label, const QString& value) {
        return widgets::Fact{label, value.isEmpty() ? u"–"_s : value, {}, value.isEmpty()};
    };
    m_facts->setFacts(
        {fact(tr("State"), widgets::runStateWord(run->state)), fact(tr("Model"), run->model),
         fact(tr("Prompts"), run->prompts), fact(tr("Baseline"), run->baselineDtype),
         fact(tr("Tokens"), run->tokens > 0 ? widgets::countText(run->tokens) : QString()),
         fact(tr("Blocks claimed certified"),
              run->blocks > 0 ? tr("%1 of %2").arg(run->certified).arg(run->blocks) : QString()),
         fact(tr("Largest ε"), widgets::isMissing(run->epsilon) ? QString() : widgets::exactNumber(run->epsilon)),
         fact(tr("Changed"), run->changedText)});
    m_resume->setVisible(run->state == State::Unfinished);
    m_verify->setVisible(run->state != State::Unfinished && run->state != State::Running);
    m_compare->setVisible(run->state != State::Running && run->state != State::Unreadable);
    if (isSame)
        return; // what is being typed is newer than what is told
    const QSignalBlocker blockTags(m_tags);
    const QSignalBlocker blockNote(m_note);
    m_tags->setText(run->tags.join(u", "_s));
    m_note->setPlainText(run->note);
}

void RunNotesPanel::announce()
{
    QStringList tags;
    for (const QString& tag : m_tags->text().split(u',', Qt::SkipEmptyParts)) {
        if (!tag.trimmed().isEmpty() && !tags.contains(tag.trimmed()))
            tags << tag.trimmed();
    }
    emit notesEdited(m_path, tags, m_note->toPlainText());
}

RunsView::RunsView(QWidget* parent)
    : QWidget(parent)
    , m_search(new QLineEdit)
    , m_count(new ElidedLabel({}, widgets::TextSize::Secondary, widgets::TextTone::Secondary))
    , m_table(new widgets::RunTable)
{
    setFocusProxy(m_table);
    m_search->setPlaceholderText(tr("Search names, models, prompts, tags and notes"));
    m_search->setAccessibleName(tr("Search runs"));
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(340);
    connect(m_search, &QLineEdit::textChanged, this, [this](const QString& text) {
        m_table->setSearch(text);
        refreshCount();
    });
    connect(m_table, &widgets::RunTable::currentChangedTo, this, &RunsView::currentChanged);
    connect(m_table, &widgets::RunTable::runActivated, this, &RunsView::runActivated);
    QPushButton* all = button(tr("Verify all…"));
    all->setToolTip(tr("Every run of this folder, one after the other"));
    connect(all, &QPushButton::clicked, this, &RunsView::folderWanted);
    QPushButton* other = button(tr("Open another…"));
    connect(other, &QPushButton::clicked, this, &RunsView::otherRunWanted);
    auto* top = row();
    top->addWidget(m_search, 2);
    top->addWidget(m_count, 1);
    top->addWidget(all);
    top->addWidget(other);
    auto* layout = column();
    layout->addLayout(top);
    layout->addWidget(m_table, 1);
    setLayout(layout);
}

void RunsView::setRows(std::vector<widgets::RunRow> rows)
{
    m_rows = static_cast<int>(rows.size());
    m_table->setRows(std::move(rows));
    refreshCount();
}

void RunsView::setLeftOut(int runs)
{
    m_leftOut = runs;
    refreshCount();
}

const widgets::RunRow* RunsView::current() const
{
    return m_table->current();
}

void RunsView::refreshCount()
{
    const int shown = m_table->shownRuns();
    QString text = m_rows == 0       ? tr("No run has been made yet")
                   : shown == m_rows ? (m_rows == 1 ? tr("One run") : tr("%1 runs").arg(m_rows))
                                     : tr("%1 of %2 runs").arg(shown).arg(m_rows);
    if (m_leftOut > 0)
        text += tr("; %1 older are not listed").arg(m_leftOut);
    m_count->setText(text);
}

}
