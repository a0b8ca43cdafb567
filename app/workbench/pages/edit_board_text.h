// What the lab's board says in words, and the grid of token errors, of what has been measured.
#pragma once

#include "app/workbench/session/edit_lab.h"
#include "widgets/value_grid.h"

namespace blockcert::workbench {

// "Hashing the model's files: 3 MB of 80 MB"
[[nodiscard]] QString stageText(const JobProgress& progress);
// The effect of the stack as it is, or why there is none yet.
[[nodiscard]] QString effectSentence(const EditLab& lab);
// ε of every token, a row a prompt; `prompts` names tokens where the same were encoded, and may be null.
[[nodiscard]] widgets::GridValues tokenGrid(const LocalEffect& local, const widgets::PromptList* prompts);
[[nodiscard]] QString tokenSentence(const LocalEffect& local);

}
