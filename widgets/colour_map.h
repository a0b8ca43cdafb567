// The general-purpose colour maps of resources/colormaps, evenly sampled.
#pragma once

#include <QColor>

#include <vector>

namespace blockcert::widgets {

// Sequential, readable with every kind of colour vision; dark blue to yellow, ten steps.
[[nodiscard]] const std::vector<QColor>& cividis();
// Diverging, for signed differences; blue is negative, the middle step is neutral, eleven steps.
[[nodiscard]] const std::vector<QColor>& blueOrange();

}
