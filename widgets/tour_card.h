// A step of a guided tour: a card below the page, and a ring around what it speaks of.
#pragma once

#include "widgets/panel.h"

#include <QPointer>
#include <QTimer>

class QLabel;
class QPushButton;

namespace blockcert::widgets {

// Paints a ring around a place of its parent; takes no events.
class TourRing : public QWidget {
    Q_OBJECT

public:
    explicit TourRing(QWidget* parent);

protected:
    void paintEvent(QPaintEvent* event) override;
};

struct TourText {
    QString title;
    QString text;
    QString action; // what the card can do itself; empty: nothing
};

// Has a place of its own in the window's layout, so that it covers nothing of what it speaks of. The ring follows the
// target wherever that moves, and is not there while the target is not to be seen.
class TourCard : public QWidget {
    Q_OBJECT

public:
    explicit TourCard(QWidget* window); // in which the ring is drawn
    // `step` counts from 0.
    void showStep(const TourText& text, int step, int count, QWidget* target);
    void leave(); // hides card and ring

    [[nodiscard]] QWidget* target() const { return m_target; }

signals:
    void nextWanted();
    void backWanted();
    void leaveWanted();
    void restartWanted();
    void actionWanted();

protected:
    void keyPressEvent(QKeyEvent* event) override; // Return presses, Right and Left go on and back
    bool eventFilter(QObject* watched, QEvent* event) override;

private slots:
    void place(); // the ring

private:
    void reveal();

    QWidget* m_window = nullptr;
    QLabel* m_count = nullptr;
    QLabel* m_title = nullptr;
    QLabel* m_text = nullptr;
    QPushButton* m_action = nullptr;
    QPushButton* m_restart = nullptr;
    QPushButton* m_back = nullptr;
    QPushButton* m_next = nullptr;
    QPointer<QWidget> m_target;
    QPointer<TourRing> m_ring;
    QTimer m_follow;
    bool m_isRevealed = false;
};

}
