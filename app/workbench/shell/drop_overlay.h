// The sheet over the window while something is dragged across it: what dropping it would do.
#pragma once

#include <QWidget>

namespace blockcert::workbench {

// Covers its parent; takes no events, so that the drop reaches the window.
class DropOverlay : public QWidget {
    Q_OBJECT

public:
    explicit DropOverlay(QWidget* parent);

    void offer(const QString& title, const QString& note);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_title;
    QString m_note;
};

}
