// What a page shows before it has something to show: the ways in, and the demo.
#pragma once

#include "widgets/icons.h"

#include <QAbstractButton>
#include <QWidget>

#include <vector>

class QLabel;

namespace blockcert::widgets {

struct WayIn {
    Icon icon = Icon::Open;
    QString title; // a verb: "Open a model…"
    QString note;  // one line
    bool primary = false;
    bool enabled = true;
};

// One way in: an icon, a verb and a line, as one large button.
class WayButton : public QAbstractButton {
    Q_OBJECT

public:
    explicit WayButton(const WayIn& way, QWidget* parent = nullptr);
    [[nodiscard]] QSize sizeHint() const override;

    // Its texts end in an ellipsis where they do not fit.
    [[nodiscard]] QSize minimumSizeHint() const override { return {sizeHint().width() / 2, sizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    WayIn m_way;
};

class EmptyState : public QWidget {
    Q_OBJECT

public:
    explicit EmptyState(QWidget* parent = nullptr);
    void setText(const QString& title, const QString& sentence);
    void setWays(const std::vector<WayIn>& ways);

signals:
    void wayChosen(int index);

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void fit(); // the texts' height, which a centred column does not find out by itself

    QWidget* m_column = nullptr;
    QLabel* m_title = nullptr;
    QLabel* m_sentence = nullptr;
    QWidget* m_ways = nullptr;
};

}
