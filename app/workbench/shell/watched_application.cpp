#include "app/workbench/shell/watched_application.h"

#include <QMetaEnum>
#include <QThread>

#include <chrono>
#include <ctime>
#include <utility>

namespace blockcert::workbench {

namespace {

double processorMs()
{
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// Before the event is delivered: it may delete its receiver.
QString nameOf(const QObject& object)
{
    const QString type = QString::fromLatin1(object.metaObject()->className());
    return object.objectName().isEmpty() ? type : QStringLiteral("%1 '%2'").arg(type, object.objectName());
}

}

QString sentenceOf(const GuiWork& work)
{
    const char* type = QMetaEnum::fromType<QEvent::Type>().valueToKey(work.type);
    return QStringLiteral("%1 (%2) held the window for %3 ms (%4 ms of processor time)")
        .arg(work.receiver, type != nullptr ? QString::fromLatin1(type) : QString::number(work.type))
        .arg(work.milliseconds, 0, 'f', 0)
        .arg(work.processorMs, 0, 'f', 0);
}

void WatchedApplication::watch(std::function<void(const GuiWork&)> report, double longerThanMs)
{
    m_report = std::move(report);
    m_longerThan = longerThanMs;
}

bool WatchedApplication::notify(QObject* receiver, QEvent* event)
{
    const QThread* here = QThread::currentThread();
    const int level = here->loopLevel() + 1; // 1 also while no loop runs yet
    if (!m_report || here != thread() || level <= m_watchedLevel)
        return QApplication::notify(receiver, event);
    const int outer = std::exchange(m_watchedLevel, level);
    m_ranALoop = false;
    GuiWork work{nameOf(*receiver), event->type(), 0, 0};
    const double cpu = processorMs();
    const auto begin = std::chrono::steady_clock::now();
    const bool result = QApplication::notify(receiver, event);
    const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - begin;
    m_watchedLevel = outer;
    const bool ranALoop = std::exchange(m_ranALoop, outer > 0);
    if (ranALoop || spent.count() < m_longerThan)
        return result;
    work.milliseconds = spent.count();
    work.processorMs = processorMs() - cpu;
    m_report(work);
    return result;
}

}
