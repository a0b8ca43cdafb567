// Figures with every kind of mark, for tests of layout and of SVG.
#pragma once

#include "engine/figure/figure.h"

namespace blockcert::test {

[[nodiscard]] figure::Figure curvesAndBars();
[[nodiscard]] figure::Figure cells();

}
