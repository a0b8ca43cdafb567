#include "app/workbench/shell/drawer.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/job_board.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"

#include <QHeaderView>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QStackedWidget>
#include <QTreeWidget>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::StepState;
namespace space = widgets::space;

namespace {

QString stateText(const JobEntry& job)
{
    switch (job.state) {
    case StepState::Waiting: return Drawer::tr("waiting");
    case StepState::Running: return job.isUnanswered ? Drawer::tr("does not answer") : Drawer::tr("running");
    case StepState::Done: return Drawer::tr("done");
    case StepState::Failed: return Drawer::tr("failed");
    case StepState::Cancelled: return Drawer::tr("cancelled");
    }
    return {};
}

QString progressText(const JobEntry& job)
{
    if (!job.sentence.isEmpty())
        return job.sentence;
    if (job.progress.stage.isEmpty())
        return {};
    QString text = job.progress.stage;
    if (job.progress.total > 0)
        text +=
            Drawer::tr(" · %1 of %2 %3")
                .arg(widgets::countText(job.progress.done), widgets::countText(job.progress.total), job.progress.unit);
    if (job.progress.elapsedSeconds > 0)
        text += u" · "_s + widgets::durationText(job.progress.elapsedSeconds);
    return text;
}

}

Drawer::Drawer(QWidget* parent)
    : QWidget(parent)
    , m_pages(new widgets::SegmentedControl)
    , m_stack(new QStackedWidget)
    , m_jobs(new QTreeWidget)
    , m_log(new QPlainTextEdit)
    , m_problems(new QListWidget)
{
    setProperty("surface", u"panel"_s);
    setAttribute(Qt::WA_StyledBackground);
    m_pages->setChoices({tr("Jobs"), tr("Log"), tr("Problems")});
    connect(m_pages, &widgets::SegmentedControl::chosen, m_stack, &QStackedWidget::setCurrentIndex);

    m_jobs->setColumnCount(3);
    m_jobs->setHeaderLabels({tr("Job"), tr("State"), tr("Progress")});
    m_jobs->setRootIsDecorated(false);
    m_jobs->header()->setSectionResizeMode(0, QHeaderView::Interactive);
    m_jobs->header()->resizeSection(0, 260);
    m_jobs->header()->resizeSection(1, 120);
    m_jobs->setAccessibleName(tr("Jobs"));
    m_log->setReadOnly(true);
    m_log->setFont(widgets::fixedFont(widgets::TextSize::Secondary));
    m_log->setPlaceholderText(tr("The engine has written nothing to its log."));
    m_log->setAccessibleName(tr("Log of the engine"));
    m_problems->setWordWrap(true);
    m_problems->setAccessibleName(tr("Problems"));
    m_stack->addWidget(m_jobs);
    m_stack->addWidget(m_log);
    m_stack->addWidget(m_problems);

    QPushButton* cancel = button(tr("Cancel job"));
    connect(cancel, &QPushButton::clicked, this, [this] {
        if (const QTreeWidgetItem* item = m_jobs->currentItem())
            emit cancelWanted(item->data(0, Qt::UserRole).toLongLong());
    });
    QPushButton* clear = button(tr("Clear problems"));
    connect(clear, &QPushButton::clicked, this, &Drawer::clearProblemsWanted);
    QPushButton* close = button(tr("Close"));
    connect(close, &QPushButton::clicked, this, &Drawer::closeWanted);
    connect(m_stack, &QStackedWidget::currentChanged, this, [cancel, clear](int index) {
        cancel->setVisible(index == Jobs);
        clear->setVisible(index == Problems);
    });
    clear->hide();

    auto* top = row();
    top->addWidget(m_pages);
    top->addStretch(1);
    top->addWidget(cancel);
    top->addWidget(clear);
    top->addWidget(close);
    auto* body = column();
    body->setContentsMargins(space::large, space::small, space::large, space::small);
    body->addLayout(top);
    body->addWidget(m_stack, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(new Hairline(Qt::Horizontal));
    layout->addLayout(body, 1);
    setFixedHeight(220);
}

void Drawer::showPage(Page page)
{
    m_pages->setCurrent(page);
    m_stack->setCurrentIndex(page);
}

Drawer::Page Drawer::page() const
{
    return static_cast<Page>(m_stack->currentIndex());
}

void Drawer::setJobs(const std::vector<JobEntry>& jobs)
{
    const int count = static_cast<int>(jobs.size());
    while (m_jobs->topLevelItemCount() > count)
        delete m_jobs->takeTopLevelItem(m_jobs->topLevelItemCount() - 1);
    while (m_jobs->topLevelItemCount() < count)
        m_jobs->addTopLevelItem(new QTreeWidgetItem);
    for (int line = 0; line < count; ++line) { // newest first
        const JobEntry& job = jobs[static_cast<std::size_t>(count - 1 - line)];
        QTreeWidgetItem* item = m_jobs->topLevelItem(line);
        item->setText(0, job.title);
        item->setText(1, stateText(job));
        item->setText(2, progressText(job));
        item->setToolTip(2, job.sentence);
        item->setData(0, Qt::UserRole, job.id);
    }
}

void Drawer::setLog(const QString& text)
{
    if (m_log->toPlainText() == text)
        return;
    m_log->setPlainText(text);
    m_log->verticalScrollBar()->setValue(m_log->verticalScrollBar()->maximum());
}

void Drawer::setProblems(const QStringList& problems)
{
    m_problems->clear();
    for (auto problem = problems.rbegin(); problem != problems.rend(); ++problem)
        m_problems->addItem(*problem);
    if (problems.isEmpty())
        m_problems->addItem(tr("Nothing has gone wrong since the window was opened."));
}

}
