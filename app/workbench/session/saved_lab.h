// The edit lab as it was left: both stacks and what they were measured on, as text that outlives the window.
#pragma once

#include "app/workbench/session/edit_lab.h"

#include <QByteArray>

#include <array>
#include <optional>

namespace blockcert::workbench {

struct SavedLab {
    LabSettings settings; // of which model, among others
    std::array<EditStack, 2> stacks;
    int slot = 0; // that was shown

    [[nodiscard]] bool isEmpty() const { return stacks[0].empty() && stacks[1].empty(); }
};

[[nodiscard]] QByteArray savedLabText(const EditLab& lab);
// Nothing for a text that is none, or of another version.
[[nodiscard]] std::optional<SavedLab> savedLabOf(const QByteArray& text);

}
