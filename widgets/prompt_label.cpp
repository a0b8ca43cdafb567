#include "widgets/prompt_label.h"

#include <QFontMetrics>

#include <algorithm>

namespace blockcert::widgets {

qsizetype sharedBeginning(const QStringList& texts)
{
    if (texts.size() < 2)
        return 0;
    const QString& first = texts.front();
    qsizetype shared = first.size();
    for (const QString& text : texts) {
        const auto [end, other] = std::mismatch(first.begin(), first.begin() + shared, text.begin(), text.end());
        shared = end - first.begin();
    }
    if (shared > 0 && first.at(shared - 1).isHighSurrogate())
        --shared;
    return shared;
}

QString promptLabel(const QString& text, qsizetype shared, const QFontMetrics& metrics, int width)
{
    if (metrics.horizontalAdvance(text) <= width)
        return text;
    const QString own = u'…' + text.mid(shared);
    if (shared > 0 && metrics.horizontalAdvance(own) <= width)
        return metrics.elidedText(text, Qt::ElideLeft, width); // its own part, and as much before it as there is room
    // What is shared may stay where most of the width is left for what is not.
    const bool keepsBeginning = metrics.horizontalAdvance(text.left(shared)) <= width / 4;
    return metrics.elidedText(keepsBeginning ? text : own, keepsBeginning ? Qt::ElideMiddle : Qt::ElideRight, width);
}

}
