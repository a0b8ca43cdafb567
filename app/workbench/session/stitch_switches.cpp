#include "app/workbench/session/stitch_switches.h"

#include "app/workbench/process/json_reading.h"
#include "engine/base/ranges_text.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <iterator>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("StitchSwitches", text);
}

std::vector<int> numbersOf(const Json& list)
{
    std::vector<int> numbers;
    for (const Json& number : list)
        if (number.is_number_integer())
            numbers.push_back(number.get<int>());
    return numbers;
}

QString rangesOf(const std::vector<int>& blocks, std::string_view dash)
{
    return QString::fromStdString(rangesText(blocks, dash));
}

}

QString StitchSwitches::editOption() const
{
    return edited.empty() ? QString() : edit + u':' + rangesOf(edited, "-").remove(u' ');
}

QString StitchSwitches::text() const
{
    const QString noun = blocks.size() == 1 ? tr("block ") : tr("blocks ");
    if (edited.empty())
        return noun + rangesOf(blocks, "–");
    std::vector<int> plain;
    std::set_difference(blocks.begin(), blocks.end(), edited.begin(), edited.end(), std::back_inserter(plain));
    const QString changed = tr("%1 edited by %2").arg(rangesOf(edited, "–"), edit);
    return noun + (plain.empty() ? changed : rangesOf(plain, "–") + u", "_s + changed);
}

StitchSwitches stitchSwitchesOf(const Json& answer)
{
    StitchSwitches switches{numbersOf(arrayOf(answer, "blocks")), {}, {}};
    const Json& edit = objectOf(answer, "edit");
    switches.edited = numbersOf(arrayOf(edit, "blocks"));
    if (!switches.edited.empty())
        switches.edit = widgets::shownName(textOf(edit, "name"));
    return switches;
}

}
