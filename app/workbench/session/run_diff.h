// What `blockcert diff A B` answers, as the comparison shows it: every change of a claim, and every prompt at every
// block.
#pragma once

#include "engine/base/strict_json.h"
#include "widgets/value_table.h"
#include "widgets/values.h"

#include <QString>
#include <QStringList>

#include <memory>
#include <vector>

namespace blockcert::workbench {

enum class ChangeKind { Weaker, Stronger, Other };

struct RunDiff {
    QString sentence; // how much weaker, stronger and different B is, and which prompts are gone
    bool isWeaker = false;
    QStringList differences;              // of the requests: "Surrogate: exact in A, quant:Q8_0 in B"
    int counts[3] = {0, 0, 0};            // by ChangeKind
    std::vector<ChangeKind> kinds;        // of the rows of changes
    std::vector<int> blocks;              // of the same; −1: of no block
    widgets::ValueRows changes;           // what, where, A, B, B − A at full precision
    std::vector<widgets::CellKey> places; // of the rows of cells
    widgets::ValueRows cells;             // block × prompt: ε and coverage of both
};

[[nodiscard]] RunDiff runDiffOf(const Json& answer);

// Only the changes of one kind, with the positions they have in `changes`.
[[nodiscard]] std::shared_ptr<const widgets::ValueRows> changesOf(const RunDiff& diff, ChangeKind kind,
                                                                  std::vector<int>& positions);

}
