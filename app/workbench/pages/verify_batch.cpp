#include "app/workbench/pages/verify_batch.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/pages/verify_how.h"
#include "app/workbench/session/verdict_batch.h"
#include "widgets/number_text.h"
#include "widgets/verdict_table.h"

#include <QFileInfo>
#include <QProgressBar>
#include <QPushButton>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::StepState;

widgets::VerdictRow verdictRowOf(const BatchItem& item)
{
    widgets::VerdictRow row;
    row.name = item.name;
    row.path = item.path;
    row.progress = item.state;
    row.fraction = item.fraction;
    row.sentence = item.problem.isEmpty() ? item.note : item.problem;
    if (!item.verdict)
        return row;
    row.state = item.verdict->state;
    row.level = item.verdict->level;
    row.sentence = item.verdict->sentence;
    row.seconds = item.verdict->seconds;
    for (const widgets::CheckRow& check : item.verdict->checks) {
        ++row.checks;
        row.failed += check.state == CheckState::Failed ? 1 : 0;
        row.notChecked += check.required && check.state == CheckState::NotChecked ? 1 : 0;
    }
    return row;
}

QString meaningOf(const VerdictBatch& batch)
{
    int verified = 0;
    int failed = 0;
    int done = 0;
    int waiting = 0; // or never reached
    for (const BatchItem& item : batch.items()) {
        done += item.verdict ? 1 : 0;
        waiting += !item.verdict && item.problem.isEmpty() ? 1 : 0;
        verified += item.verdict && item.verdict->state == CheckState::Verified ? 1 : 0;
        failed += item.verdict && item.verdict->state == CheckState::Failed ? 1 : 0;
    }
    if (done == 0)
        return VerifyBatch::tr("Nothing is known about the runs of this folder yet.");
    QStringList sentences;
    if (failed > 0)
        sentences << (failed == 1
                          ? VerifyBatch::tr("What one run claims is not supported by what is in it.")
                          : VerifyBatch::tr("What %1 runs claim is not supported by what is in them.").arg(failed));
    const int level = batch.request().level;
    if (verified > 0)
        sentences << (level >= 3   ? VerifyBatch::tr("The numbers of those verified were recomputed here.")
                      : level == 2 ? VerifyBatch::tr("Of those verified a few cells drawn at random were recomputed.")
                                   : VerifyBatch::tr("No number was recomputed: at this level a forged one passes."));
    if (waiting > 0)
        sentences << VerifyBatch::tr("%1 of %2 runs are not checked yet.").arg(waiting).arg(batch.items().size());
    if (const int open = static_cast<int>(batch.items().size()) - verified - failed - waiting; open > 0)
        sentences << VerifyBatch::tr("Of %2 runs %1 could not be judged or are weaker than their policy.")
                         .arg(open)
                         .arg(batch.items().size());
    return sentences.join(u' ');
}

VerifyBatch::VerifyBatch(QWidget* parent)
    : QWidget(parent)
    , m_title(new widgets::PageTitle)
    , m_how(new VerifyHow)
    , m_start(button(tr("Verify all"), widgets::ButtonRole::Primary))
    , m_save(button(tr("Save as CSV…")))
    , m_summary(wrapped({}))
    , m_bar(new QProgressBar)
    , m_table(new widgets::VerdictTable)
{
    QVBoxLayout* layout = pageLayout(this);
    setFocusProxy(m_table);
    QPushButton* other = button(tr("Other folder…"));
    connect(other, &QPushButton::clicked, this, &VerifyBatch::folderWanted);
    connect(m_save, &QPushButton::clicked, this, &VerifyBatch::saveWanted);
    connect(m_start, &QPushButton::clicked, this, [this] {
        if (m_isRunning)
            emit cancelWanted();
        else
            emit startWanted(request());
    });
    m_title->addWidget(m_save);
    m_title->addWidget(other);
    m_title->addWidget(m_start);
    layout->addWidget(m_title);
    connect(m_how, &VerifyHow::policyWanted, this, &VerifyBatch::policyWanted);
    connect(m_how, &VerifyHow::modelWanted, this, &VerifyBatch::modelWanted);
    layout->addWidget(m_how);
    layout->addWidget(m_summary);
    m_bar->setTextVisible(false);
    layout->addWidget(m_bar);
    connect(m_table, &widgets::VerdictTable::rowActivated, this, &VerifyBatch::itemWanted);
    layout->addWidget(m_table, 1);
}

VerifyRequest VerifyBatch::request() const
{
    return m_how->request({});
}

void VerifyBatch::setPolicy(const QString& path)
{
    m_how->setPolicy(path);
}

void VerifyBatch::setModel(const QString& model)
{
    m_how->setModel(model);
}

void VerifyBatch::showBatch(const VerdictBatch& batch)
{
    m_isRunning = batch.isRunning();
    m_title->setText(tr("Runs in %1").arg(QFileInfo(batch.folder()).fileName()),
                     tr("%1 · Return or a double click opens one with all its checks").arg(shortPath(batch.folder())));
    m_start->setText(m_isRunning ? tr("Cancel") : tr("Verify all"));
    widgets::setButtonRole(*m_start, m_isRunning ? widgets::ButtonRole::Plain : widgets::ButtonRole::Primary);
    m_how->setRunning(m_isRunning);
    std::vector<widgets::VerdictRow> rows;
    for (const BatchItem& item : batch.items())
        rows.push_back(verdictRowOf(item));
    m_table->setRows(std::move(rows));
    refreshSummary(batch);
}

void VerifyBatch::showItem(const VerdictBatch& batch, int at)
{
    m_table->setRow(at, verdictRowOf(batch.items()[static_cast<std::size_t>(at)]));
    refreshSummary(batch);
}

// Counts with their denominator, and nothing that was not checked among the good ones.
void VerifyBatch::refreshSummary(const VerdictBatch& batch)
{
    const std::vector<BatchItem>& items = batch.items();
    const auto countOf = [&items](CheckState state) {
        return std::count_if(items.begin(), items.end(),
                             [state](const BatchItem& item) { return item.verdict && item.verdict->state == state; });
    };
    const auto inState = [&items](StepState state) {
        return std::count_if(items.begin(), items.end(),
                             [state](const BatchItem& item) { return item.state == state; });
    };
    const auto done = inState(StepState::Done);
    const auto unreadable = inState(StepState::Failed);
    m_bar->setRange(0, static_cast<int>(items.size()));
    m_bar->setValue(static_cast<int>(done + unreadable));
    m_bar->setVisible(m_isRunning);
    m_save->setEnabled(done + unreadable > 0);
    m_start->setEnabled(!items.empty());
    if (items.empty()) {
        m_summary->setText(tr("There is no run in this folder."));
        return;
    }
    if (done + unreadable == 0) {
        QString text = items.size() == 1 ? tr("One run; nothing has been checked yet.")
                                         : tr("%1 runs; nothing has been checked yet.").arg(items.size());
        const auto lacking =
            std::count_if(items.begin(), items.end(), [](const BatchItem& item) { return !item.note.isEmpty(); });
        if (lacking > 0)
            text += u' ' + tr("%1 without SHA256SUMS: unfinished, or the file was taken away.").arg(lacking);
        m_summary->setText(text);
        return;
    }
    QStringList parts{tr("%1 of %2 runs checked at level %3").arg(done).arg(items.size()).arg(batch.request().level),
                      tr("%1 verified").arg(countOf(CheckState::Verified)),
                      tr("%1 failed").arg(countOf(CheckState::Failed)),
                      tr("%1 weaker than policy").arg(countOf(CheckState::WeakerThanPolicy)),
                      tr("%1 not checked").arg(countOf(CheckState::NotChecked))};
    if (unreadable > 0)
        parts << tr("%1 cannot be checked").arg(unreadable);
    m_summary->setText(parts.join(u" · "_s));
}

}
