#include "app/workbench/session/run_queue.h"

#include <utility>

namespace blockcert::workbench {

void RunQueue::add(QueuedRun run)
{
    m_runs.push_back(std::move(run));
    emit changed();
}

void RunQueue::remove(int at)
{
    if (at < 0 || static_cast<std::size_t>(at) >= m_runs.size())
        return;
    m_runs.erase(m_runs.begin() + at);
    emit changed();
}

void RunQueue::moveUp(int at)
{
    if (at < 1 || static_cast<std::size_t>(at) >= m_runs.size())
        return;
    std::swap(m_runs[static_cast<std::size_t>(at)], m_runs[static_cast<std::size_t>(at) - 1]);
    emit changed();
}

QueuedRun RunQueue::takeNext()
{
    QueuedRun next = std::move(m_runs.front());
    m_runs.erase(m_runs.begin());
    emit changed();
    return next;
}

QStringList RunQueue::folders() const
{
    QStringList folders;
    for (const QueuedRun& run : m_runs)
        folders << run.settings.out;
    return folders;
}

}
