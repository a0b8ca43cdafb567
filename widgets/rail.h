// The left rail: the workflow in order, a dot where a step has something to show.
#pragma once

#include "widgets/icons.h"
#include "widgets/values.h"

#include <QWidget>

#include <optional>
#include <vector>

namespace blockcert::widgets {

struct RailStep {
    QString name;
    Icon icon = Icon::Open;
    QString toolTip;
    bool enabled = true;
    bool hasContent = false;
    std::optional<CheckState> state; // colours the dot; without it a plain one
    bool isBusy = false;             // a ring instead of the dot
};

// Up and Down move, Return chooses, Alt+1 … Alt+9 are the window's.
class Rail : public QWidget {
    Q_OBJECT

public:
    explicit Rail(QWidget* parent = nullptr);
    void setSteps(std::vector<RailStep> steps);
    void setContent(int step, bool hasContent, std::optional<CheckState> state = std::nullopt);

    // What its mark says; nothing: it has none, or one without a state.
    [[nodiscard]] std::optional<CheckState> markOf(int step) const
    {
        return m_steps.at(static_cast<std::size_t>(step)).state;
    }

    // Work for this step is under way: a ring instead of the dot.
    void setBusy(int step, bool busy);

    void setStepEnabled(int step, bool enabled);

    [[nodiscard]] int current() const { return m_current; }

    void setCurrent(int step); // no signal
    [[nodiscard]] QRect stepRect(int step) const;
    [[nodiscard]] QSize sizeHint() const override;

signals:
    void chosen(int step);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    bool event(QEvent* event) override;

private:
    [[nodiscard]] int stepAt(const QPoint& point) const;
    void choose(int step);
    void describe();

    std::vector<RailStep> m_steps;
    int m_current = 0;
    int m_focused = 0;
    int m_hovered = -1;
};

}
