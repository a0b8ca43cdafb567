// The gallery's pages: every view with sample values, composed as a window would.
#pragma once

#include <QString>

#include <functional>
#include <vector>

class QWidget;

namespace blockcert::widgets::gallery {

struct Page {
    QString name;
    std::function<QWidget*()> make; // the caller owns the widget
};

[[nodiscard]] std::vector<Page> pages();

}
