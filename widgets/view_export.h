// One exporter for every view: SVG, PDF, PNG and CSV with title, caption and metadata, from values alone.
#pragma once

#include "widgets/theme.h"

#include <QSizeF>
#include <QString>
#include <QStringList>

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

class QPainter;

namespace blockcert::widgets {

enum class ExportFormat : std::uint8_t { Svg, Pdf, Png, Csv };

struct ExportTable {
    QStringList columns;
    std::vector<QStringList> rows;
};

// What a view hands out. The functions own what they need, so that the writing may go on in another thread while the
// view changes; they are called in that thread and touch no widget.
struct ViewExport {
    QString name;  // for the file, without suffix: "error-by-token"
    QString title; // over the picture
    QString scope; // one line under the title: what was measured on what
    QString caption;
    std::vector<std::pair<QString, QString>> metadata; // model, run, metric, …; in every format
    QSizeF size;                                       // of the picture alone, in CSS pixels (1/96 inch)
    // Into (0, 0) … size. `shapes`: the format is one of shapes, so cells should be shapes, too.
    std::function<void(QPainter& painter, bool shapes)> paint;
    std::function<ExportTable()> table;
    std::function<QByteArray()> svg = {}; // a picture that brings its own SVG, title and caption included
    bool isComplete = false;              // `paint` draws title and caption itself
};

// The light appearance on white: what figures are printed in.
[[nodiscard]] const Tokens& printTokens();
[[nodiscard]] std::optional<ExportFormat> exportFormatOf(const QString& path); // by its suffix
// For a file dialog: "SVG (*.svg)", …, in the order of ExportFormat.
[[nodiscard]] QStringList exportFilters();

// The bytes of the file. Any thread.
[[nodiscard]] QByteArray exportBytes(const ViewExport& view, ExportFormat format);
// Writes a file that appears whole or not at all. Returns a sentence that says what went wrong, or nothing. Any thread.
[[nodiscard]] QString writeExport(const ViewExport& view, const QString& path, ExportFormat format);

}
