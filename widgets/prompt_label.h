// A prompt's text in a narrow column, shortened where it says the same as every other prompt's.
#pragma once

#include <QString>
#include <QStringList>

class QFontMetrics;

namespace blockcert::widgets {

// With how many characters all texts begin; 0 for fewer than two of them.
[[nodiscard]] qsizetype sharedBeginning(const QStringList& texts);

// The text as it fits into so many pixels; what all texts share, their first `shared` characters, gives way first.
[[nodiscard]] QString promptLabel(const QString& text, qsizetype shared, const QFontMetrics& metrics, int width);

}
