#include "app/workbench/session/label_items.h"

#include "app/workbench/process/json_reading.h"
#include "engine/base/error.h"

namespace blockcert::workbench {

std::vector<LabelItem> labelItemsOf(const CompletionsEffect& completions)
{
    std::vector<LabelItem> items;
    for (const CompletionRow& row : completions.rows)
        for (const bool isAfter : {false, true})
            if (const auto& text = isAfter ? row.after : row.before; text)
                items.push_back({row.id, isAfter, text->text, row.label, text->verdict, {}});
    return items;
}

std::vector<LabelItem> labelItemsOfSweepRow(const Json& row)
{
    if (const QString failure = textOf(row, "failed"); !failure.isEmpty())
        throw FormatError("the row has no completions: " + failure.toStdString());
    std::vector<LabelItem> items;
    const bool isAfter = hasValue(row, "block"); // the unedited row has only what was there before
    for (const Json& completion : arrayOf(row, "completions"))
        items.push_back({textOf(completion, "id"),
                         isAfter,
                         textOf(completion, "text"),
                         textOf(completion, "label"),
                         textOf(completion, "judgement"),
                         {}});
    if (items.empty())
        throw FormatError("the row has no completions");
    return items;
}

std::vector<LabelItem> labelItemsOfEdit(const Json& certificate)
{
    std::vector<LabelItem> items;
    for (const Json& row : arrayOf(objectOf(certificate, "evaluation"), "rows"))
        for (const char* side : {"before", "after"})
            if (const Json& text = objectOf(row, side); hasValue(row, side))
                items.push_back({textOf(row, "id"),
                                 side[0] == 'a',
                                 textOf(text, "text"),
                                 textOf(row, "label"),
                                 textOf(text, "judgement"),
                                 {}});
    if (items.empty())
        throw FormatError("the certificate has no completions");
    return items;
}

}
