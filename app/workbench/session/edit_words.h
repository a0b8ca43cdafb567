// A step of an edit in the words that the engine takes (`edits` of docs/protocol.md), and back.
#pragma once

#include "app/workbench/session/edit_stack.h"

#include <optional>

namespace blockcert::workbench {

[[nodiscard]] Json wordsOf(const EditStep& step);
// Nothing for words that make no step; whether the model has such a block is not asked.
[[nodiscard]] std::optional<EditStep> stepOfWords(const Json& words);

// A patch file as `read_patch` answers it.
struct OpenedPatch {
    QString path;
    EditStack steps;
};

// Throws FormatError.
[[nodiscard]] OpenedPatch openedPatchOf(const Json& answer);

}
