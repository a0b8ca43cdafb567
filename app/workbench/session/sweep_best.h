// What can be said of the row of a sweep that weighs best: which one it is, and whether its intervals tell it from the
// unedited model at all.
#pragma once

#include "app/workbench/session/sweep_table.h"

namespace blockcert::workbench {

// How many rows the condition will have, and how many are there.
[[nodiscard]] int wantedRows(const SweepTable& table);
[[nodiscard]] int rowsOf(const SweepTable& table, const QString& condition);

// One or a few sentences. Shares of a dozen prompts are never called a difference where their intervals overlap.
[[nodiscard]] QString bestSentence(const SweepTable& table, const QString& condition, SweepPrice price);

}
