// The texts that people judge, from wherever there are completions.
#pragma once

#include "app/workbench/session/edit_effect_answer.h"
#include "engine/base/strict_json.h"

#include <QString>

#include <vector>

namespace blockcert::workbench {

struct LabelItem {
    QString prompt; // its id
    bool isAfter = false;
    QString text;
    QString should;        // what the set says it should be met with; empty: nothing
    QString verdict;       // the classifier's word
    QString question = {}; // the prompt's text, where it is known
};

// Where completions come from, and the file that their labels are kept in.
struct LabelSource {
    QString title; // "block 15: MLP × 0.33"
    QString key;   // tells it from others; of the lab: its state
    QString path;  // of the CSV; need not be there
    std::vector<LabelItem> items;
};

[[nodiscard]] std::vector<LabelItem> labelItemsOf(const CompletionsEffect& completions);
// Of a finished row of a sweep (rows/NAME.json) and of an edit certificate. Throw FormatError without completions, and
// for a row that failed.
[[nodiscard]] std::vector<LabelItem> labelItemsOfSweepRow(const Json& row);
[[nodiscard]] std::vector<LabelItem> labelItemsOfEdit(const Json& certificate);

}
