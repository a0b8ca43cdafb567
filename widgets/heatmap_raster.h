// Draws the visible cells of a map into one image in device pixels: no painter call per cell.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/heatmap_geometry.h"
#include "widgets/heatmap_values.h"
#include "widgets/theme.h"

#include <QImage>
#include <QRectF>

namespace blockcert::widgets {

// `visible` is in content coordinates. Rows thinner than a pixel are summed up by their most striking step, so no
// failure disappears when the map is small; a pixel is hatched only if nothing under it was measured.
// The image is reused where its size fits.
void rasteriseCells(QImage& image, const HeatmapValues& values, const HeatmapGeometry& grid, const QRectF& visible,
                    double devicePixelRatio, const ErrorScale& scale, const Tokens& tokens);

}
