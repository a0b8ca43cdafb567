// Compares pictures of widgets so that hinting of fonts does not matter and everything else does.
#pragma once

#include <QImage>

namespace blockcert::widgets {

struct ImageDifference {
    bool sameSize = false;
    double mean = 0;      // of the blocks' largest channel difference, 0 … 255
    double farBlocks = 0; // share of the blocks that differ by more than 48
};

// Blocks of 4 × 4 pixels are averaged first: glyph edges vanish, colours, positions and missing parts stay.
[[nodiscard]] ImageDifference compareImages(const QImage& expected, const QImage& actual);
// 1.5 levels on average and half a percent of far blocks: measured headroom over two FreeType hinting modes.
[[nodiscard]] bool isClose(const ImageDifference& difference);
// Red where the two differ, over a pale copy of the expected one.
[[nodiscard]] QImage differenceImage(const QImage& expected, const QImage& actual);

}
