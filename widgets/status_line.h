// The bar at the bottom: the engine with a state dot at the left, jobs, log and problems at the right.
#pragma once

#include <QTimer>
#include <QWidget>

#include <cstdint>

class QLabel;
class QToolButton;

namespace blockcert::widgets {

enum class EngineLight : std::uint8_t { Starting, Ready, Busy, Stopped };

class StatusLine : public QWidget {
    Q_OBJECT

public:
    explicit StatusLine(QWidget* parent = nullptr);
    void setEngine(EngineLight light, const QString& text); // "Engine ready · cpu · 2 threads · 612 MB"
    void setJobs(int running, int waiting, double fraction = 0);
    void setProblems(int count);
    void say(const QString& message); // for a few seconds, in place of the engine: "Saved map.svg"
    [[nodiscard]] QSize sizeHint() const override;

    [[nodiscard]] const QString& engineText() const { return m_engineText; } // whole, however much of it fits

    [[nodiscard]] const QString& message() const { return m_message; }

signals:
    void jobsRequested();
    void logRequested();
    void problemsRequested();

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    void elide();

    QString m_engineText;
    QString m_message;
    QTimer m_messageTimer;
    EngineLight m_light = EngineLight::Starting;
    double m_fraction = 0;
    QLabel* m_engine = nullptr;
    QToolButton* m_jobs = nullptr;
    QToolButton* m_log = nullptr;
    QToolButton* m_problems = nullptr;
};

}
