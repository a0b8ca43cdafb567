// What stands in the places of a model's blocks: its own, a run's surrogates, or what an edit of the run made of them.
#pragma once

#include "engine/base/strict_json.h"

#include <QString>

#include <vector>

namespace blockcert::workbench {

struct StitchSwitches {
    std::vector<int> blocks; // replaced, ascending; the others are the model's own
    QString edit;            // its name in the run; empty: none of them is edited
    std::vector<int> edited; // among `blocks`, ascending; empty without an edit

    // As `blockcert stitch --edit` takes it, "soft:15"; empty without an edit.
    [[nodiscard]] QString editOption() const;
    // "block 3", "blocks 0–3, 15 edited by soft", "block 15 edited by soft"
    [[nodiscard]] QString text() const;

    friend bool operator==(const StitchSwitches&, const StitchSwitches&) = default;
};

// From an answer of `stitch`, of `show` about one, or of `generate`.
[[nodiscard]] StitchSwitches stitchSwitchesOf(const Json& answer);

}
