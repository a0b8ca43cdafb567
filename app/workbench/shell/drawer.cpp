#include "app/workbench/shell/drawer.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/job_table.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"

#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QStackedWidget>

#include <optional>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::StepState;
namespace space = widgets::space;

Drawer::Drawer(QWidget* parent)
    : QWidget(parent)
    , m_pages(new widgets::SegmentedControl)
    , m_stack(new QStackedWidget)
    , m_jobs(new widgets::JobTable)
    , m_log(new QPlainTextEdit)
    , m_problems(new QListWidget)
    , m_cancel(button(tr("Cancel job")))
    , m_pause(button(tr("Pause")))
    , m_moveUp(button(tr("Move up")))
    , m_clear(button(tr("Clear problems")))
{
    setProperty("surface", u"panel"_s);
    setAttribute(Qt::WA_StyledBackground);
    m_pages->setChoices({tr("Jobs"), tr("Log"), tr("Problems")});
    connect(m_pages, &widgets::SegmentedControl::chosen, m_stack, &QStackedWidget::setCurrentIndex);

    m_log->setReadOnly(true);
    widgets::setFixedFont(*m_log, widgets::TextSize::Secondary);
    m_log->setPlaceholderText(tr("The engine has written nothing to its log."));
    m_log->setAccessibleName(tr("Log of the engine"));
    m_problems->setWordWrap(true);
    m_problems->setAccessibleName(tr("Problems"));
    m_stack->addWidget(m_jobs);
    m_stack->addWidget(m_log);
    m_stack->addWidget(m_problems);

    connect(m_jobs, &widgets::JobTable::currentJobChanged, this, &Drawer::refreshButtons);
    connect(m_cancel, &QPushButton::clicked, this, [this] {
        const std::optional<widgets::JobRow> job = m_jobs->currentJob();
        if (job && job->id < 0)
            emit removeWanted(static_cast<int>(-job->id - 1));
        else if (job)
            emit cancelWanted(job->id);
    });
    connect(m_pause, &QPushButton::clicked, this, [this] {
        const std::optional<widgets::JobRow> job = m_jobs->currentJob();
        if (job && job->id == m_pausable)
            emit pauseWanted();
        else if (job && job->id == m_resumable)
            emit resumeWanted();
    });
    connect(m_moveUp, &QPushButton::clicked, this, [this] {
        if (const std::optional<widgets::JobRow> job = m_jobs->currentJob(); job && job->id < 0)
            emit moveUpWanted(static_cast<int>(-job->id - 1));
    });
    connect(m_clear, &QPushButton::clicked, this, &Drawer::clearProblemsWanted);
    QPushButton* close = button(tr("Close"));
    connect(close, &QPushButton::clicked, this, &Drawer::closeWanted);
    connect(m_stack, &QStackedWidget::currentChanged, this, &Drawer::refreshButtons);

    auto* top = row();
    top->addWidget(m_pages);
    top->addStretch(1);
    top->addWidget(m_moveUp);
    top->addWidget(m_pause);
    top->addWidget(m_cancel);
    top->addWidget(m_clear);
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
    refreshButtons();
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

void Drawer::setJobs(std::vector<widgets::JobRow> jobs)
{
    m_jobs->setRows(std::move(jobs));
    refreshButtons();
}

void Drawer::setRun(qint64 pausable, qint64 resumable)
{
    m_pausable = pausable;
    m_resumable = resumable;
    refreshButtons();
}

void Drawer::refreshButtons()
{
    const std::optional<widgets::JobRow> job = m_jobs->currentJob();
    const bool isJobs = page() == Jobs;
    const bool isQueued = job && job->id < 0;
    const bool goesOn = job && (job->state == StepState::Running || job->state == StepState::Waiting);
    const bool canPause = job && job->id != 0 && job->id == m_pausable;
    const bool canResume = job && job->id != 0 && job->id == m_resumable;
    m_cancel->setVisible(isJobs);
    m_cancel->setText(isQueued ? tr("Take off the queue") : tr("Cancel job"));
    m_cancel->setEnabled(goesOn);
    m_pause->setVisible(isJobs && (canPause || canResume));
    m_pause->setText(canResume ? tr("Resume") : tr("Pause"));
    m_pause->setToolTip(canResume ? tr("Continue where it stopped; finished cells are kept")
                                  : tr("Stop after the cell under way, to be resumed later"));
    m_moveUp->setVisible(isJobs && isQueued);
    m_moveUp->setEnabled(isQueued && job->id < -1);
    m_clear->setVisible(page() == Problems);
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
        m_problems->addItem(widgets::shownText(*problem));
    if (problems.isEmpty())
        m_problems->addItem(tr("Nothing has gone wrong since the window was opened."));
}

}
