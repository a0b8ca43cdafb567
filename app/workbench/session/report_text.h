// A report as flowing text with pictures: what the window shows of it, and its PDF.
#pragma once

#include "engine/report/document.h"

#include <QByteArray>
#include <QString>

#include <cstddef>
#include <memory>

class QTextDocument;

namespace blockcert::workbench {

// Dark text on white, for pages of `width` CSS pixels; where they have a height, no picture is higher than one, so that
// none is torn. Pictures keep every pixel, for paper; for a screen of that ratio they get as many as it shows, because
// a text view leaves pixels out where there are more. Any thread; the document belongs to that one.
[[nodiscard]] std::unique_ptr<QTextDocument> textOf(const report::Document& document, double width, double height = 0,
                                                    double screenRatio = 0);

// The anchor at the heading of a section of that text, counted from 0.
[[nodiscard]] QString sectionAnchor(std::size_t section);

// Of a document with pages: where a heading stands on another page than what it is over, the page ends before the
// heading, unless it would be left almost empty.
void keepHeadingsWithTheirParts(QTextDocument& text);

// On A4, with page numbers. Any thread.
[[nodiscard]] QByteArray pdfOf(const report::Document& document);

}
