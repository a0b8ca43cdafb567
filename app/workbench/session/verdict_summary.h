// Shorter forms of a verdict for runs of many blocks: one row per kind of check, one node per artifact.
#pragma once

#include "widgets/values.h"

#include <optional>
#include <vector>

namespace blockcert::workbench {

// The one to be shown for both: failed before gaps, gaps before a claim weaker than its policy.
[[nodiscard]] CheckState worseOf(CheckState a, CheckState b);
[[nodiscard]] widgets::Mark worseOf(widgets::Mark a, widgets::Mark b);

// The block that the place of a check names: "block 5", "block_05/probes.h5".
[[nodiscard]] std::optional<int> blockOfCheck(const QString& where);

// Checks of the same kind that hold for several blocks become one row with the number that is closest to failing
// (the largest error, the smallest coverage). Every check that does not hold keeps its own row.
[[nodiscard]] widgets::VerdictView condensed(const widgets::VerdictView& verdict);

// The blocks whose losses, or the gradients that estimate them, the check recomputed from the model, ascending: level
// 4, and only where rounding hides nothing of what they count for.
[[nodiscard]] std::vector<int> blocksWithLosses(const widgets::VerdictView& verdict);

// "… (block 0)", "… (block 1)" as one line, "… (2 blocks)".
[[nodiscard]] QStringList condensedLines(const QStringList& lines);

// True if a required check is open because the model was not found.
[[nodiscard]] bool wantsModel(const widgets::VerdictView& verdict);

// The run, its blocks and files, and the model as a tree, each with the worst state of the checks about it.
[[nodiscard]] widgets::ArtifactNode artifactsOf(const widgets::VerdictView& verdict);

// What the verdict claims, in a sentence that also stands alone.
[[nodiscard]] QString meaningOf(const widgets::VerdictView& verdict);

}
