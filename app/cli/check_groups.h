// The groups of a verdict's checks in the order in which a reader meets them, and what each asks.
#pragma once

#include <array>
#include <string_view>

namespace blockcert::cli {

struct CheckGroup {
    std::string_view name; // of docs/protocol.md, "verify"
    std::string_view title;
};

inline constexpr std::array checkGroups = {
    CheckGroup{"integrity", "Integrity: are these the files that were written?"},
    CheckGroup{"consistency", "Consistency: do they agree with each other?"},
    CheckGroup{"re-evaluation", "Re-evaluation: do the numbers come out again?"},
    CheckGroup{"policy", "Policy: is it good enough?"},
    CheckGroup{"provenance", "Provenance: where it comes from"},
};

}
