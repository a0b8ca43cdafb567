// Holds a page whatever its size: where the window is smaller than the page, the page scrolls, and the window stays.
#pragma once

#include <QScrollArea>

namespace blockcert::workbench {

// A run's name, a larger type, a second run or a page that nobody has opened yet never make the window grow.
class PageFrame : public QScrollArea {
    Q_OBJECT

public:
    explicit PageFrame(QWidget* page);
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    bool event(QEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void fit();
};

}
