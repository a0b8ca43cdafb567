// A report as flowing text with pictures: what the window shows of it, and its PDF.
#pragma once

#include "engine/report/document.h"

#include <QByteArray>

#include <memory>

class QTextDocument;

namespace blockcert::workbench {

// Dark text on white, for a page of `width` CSS pixels. Any thread; the document belongs to that one.
[[nodiscard]] std::unique_ptr<QTextDocument> textOf(const report::Document& document, double width);

// On A4, with page numbers. Any thread.
[[nodiscard]] QByteArray pdfOf(const report::Document& document);

}
