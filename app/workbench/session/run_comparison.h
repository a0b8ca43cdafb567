// Two runs side by side: what was measured otherwise, block by block, and the map of one laid over the other's.
#pragma once

#include "app/workbench/session/run_view.h"
#include "widgets/compare_table.h"
#include "widgets/values.h"

#include <memory>
#include <utility>
#include <vector>

namespace blockcert::workbench {

struct RunComparison {
    std::vector<widgets::ComparedBlock> blocks;
    bool isRelative = false;                         // the measure that decides in A
    double threshold = widgets::missing;             // A's, of that measure
    QStringList differences;                         // what is not the same: model, prompts, thresholds, precision
    QStringList weaker;                              // what B claims less of than A
    QString sentence;                                // the whole in one line
    int commonPrompts = 0;                           // with equal token ids
    std::shared_ptr<const widgets::TokenMap> other;  // B in the order of A's blocks and prompts, by A's thresholds
    std::shared_ptr<const widgets::TokenMap> change; // B − A (widgets/change.h); absent where one is not measured
    std::shared_ptr<const std::vector<widgets::BlockRow>>
        otherBlocks;                 // B's; the worst token is where A has it, or none
    bool hasOtherThresholds = false; // B was judged by other thresholds than A
};

// Which runs an exported view is of, for its metadata: the digest (of SHA256SUMS) of one, of two also their names and
// each's own thresholds. `b` null: of one.
[[nodiscard]] std::vector<std::pair<QString, QString>> metadataOf(const RunView& a, const RunView* b);

// Prompts are paired by their token ids, whatever they are called. Looks at every cell: call it outside the GUI thread.
[[nodiscard]] RunComparison compare(const RunView& a, const RunView& b);

}
