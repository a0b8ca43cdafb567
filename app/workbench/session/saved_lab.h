// The edit lab as it was left: both stacks and what they were measured on, the sweep that was asked for last and the
// certificates that were issued, as text that outlives the window.
#pragma once

#include "app/workbench/session/edit_issue.h"
#include "app/workbench/session/edit_lab.h"
#include "app/workbench/session/sweep_board.h"

#include <QByteArray>

#include <array>
#include <optional>
#include <vector>

namespace blockcert::workbench {

struct SavedLab {
    LabSettings settings; // of which model, among others
    std::array<EditStack, 2> stacks;
    int slot = 0; // that was shown
    std::optional<AskedSweep> sweep;
    std::vector<IssuedEdit> issued; // newest last

    [[nodiscard]] bool isEmpty() const { return stacks[0].empty() && stacks[1].empty(); }
};

[[nodiscard]] QByteArray savedLabText(const EditLab& lab, const std::optional<AskedSweep>& sweep,
                                      const std::vector<IssuedEdit>& issued);
// Nothing for a text that is none, or of another version.
[[nodiscard]] std::optional<SavedLab> savedLabOf(const QByteArray& text);

}
