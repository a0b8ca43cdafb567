// The application object of the window: tells of every piece of work that held the GUI thread longer than a frame.
#pragma once

#include <QApplication>
#include <QEvent>
#include <QString>

#include <functional>

namespace blockcert::workbench {

// One event as the event loop delivered it, with everything it caused.
struct GuiWork {
    QString receiver; // class, and the object's name where it has one
    QEvent::Type type = QEvent::None;
    double milliseconds = 0; // on the clock: what the user feels
    double processorMs = 0;  // of the GUI thread alone: what the work itself took
};

// "QPushButton (MouseButtonRelease) held the window for 31 ms (29 ms of processor time)"
[[nodiscard]] QString sentenceOf(const GuiWork& work);

// GUI thread. Events delivered inside an event are part of it; events of a nested loop, as a dialog runs one, are
// measured by themselves, and the event that opened the dialog is not reported.
class WatchedApplication : public QApplication {
public:
    static constexpr double frameMs = 16;

    using QApplication::QApplication;

    // Called after each event that took `longerThanMs`; without a report nothing is measured.
    void watch(std::function<void(const GuiWork&)> report, double longerThanMs = frameMs);

    bool notify(QObject* receiver, QEvent* event) override;

private:
    std::function<void(const GuiWork&)> m_report;
    double m_longerThan = frameMs;
    int m_watchedLevel = 0;  // of nested event loops, at which an event is being measured; 0: none is
    bool m_ranALoop = false; // the event that is being measured opened a loop of its own
};

}
