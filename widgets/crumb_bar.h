// The selection as a path: model › run › block › prompt › token; a crumb opens its siblings.
#pragma once

#include <QStringList>
#include <QWidget>

#include <vector>

class QHBoxLayout;
class QToolButton;

namespace blockcert::widgets {

struct Crumb {
    QString text;
    QStringList siblings; // the menu; empty: a plain button
    int current = -1;     // position in siblings
};

class CrumbBar : public QWidget {
    Q_OBJECT

public:
    explicit CrumbBar(QWidget* parent = nullptr);
    void setCrumbs(const std::vector<Crumb>& crumbs);
    // Widgets before the path (back, forward), in order.
    void addLeading(QWidget* widget);
    // Widgets at the right end (the A and B runs, search), in order.
    void addWidget(QWidget* widget);
    [[nodiscard]] QSize sizeHint() const override;

signals:
    void crumbChosen(int level);
    void siblingChosen(int level, int sibling);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    void fitHeight();
    void makeButtons();
    void elide();
    void openCrumb(int level);

    std::vector<Crumb> m_crumbs;
    std::vector<QToolButton*> m_buttons;
    std::vector<QWidget*> m_separators; // one after each button but the last
    QHBoxLayout* m_leading = nullptr;
    QHBoxLayout* m_path = nullptr;
    QHBoxLayout* m_right = nullptr;
};

}
