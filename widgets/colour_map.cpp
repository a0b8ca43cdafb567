#include "widgets/colour_map.h"

#include "widgets/resources.h"

#include <QFile>

namespace blockcert::widgets {

namespace {

// One "#rrggbb" a line; the file is compiled in, so it is there or the build is wrong.
std::vector<QColor> read(const QString& name, std::size_t steps)
{
    initialiseResources();
    std::vector<QColor> colours;
    QFile file(QStringLiteral(":/blockcert/colormaps/%1.txt").arg(name));
    if (file.open(QIODevice::ReadOnly))
        for (const QByteArray& line : file.readAll().split('\n'))
            if (!line.isEmpty())
                colours.emplace_back(QString::fromLatin1(line));
    colours.resize(steps, QColor(Qt::gray));
    return colours;
}

}

const std::vector<QColor>& cividis()
{
    static const std::vector<QColor> colours = read(QStringLiteral("cividis"), 10);
    return colours;
}

const std::vector<QColor>& blueOrange()
{
    static const std::vector<QColor> colours = read(QStringLiteral("blue_orange"), 11);
    return colours;
}

}
