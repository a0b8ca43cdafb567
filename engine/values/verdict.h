// The result of a verification: one row per check, the issuer's number beside the recomputed one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert {

enum class CheckState : std::uint8_t { Verified, Failed, NotChecked, WeakerThanPolicy };

struct Check {
    std::string id;    // stable: "artifact.sha256", "metrics.epsilon", …
    std::string group; // "integrity" | "consistency" | "re-evaluation" | "policy" | "provenance"
    std::string where; // "block 7", a path, or empty for the run
    std::string title; // one short line for people
    CheckState state = CheckState::NotChecked;
    std::string issuer;     // full precision
    std::string recomputed; // full precision, empty if nothing was
    std::string how;        // "re-hashed", "replayed, 90 tokens", "re-derived", "level 4"
    std::string detail;     // a sentence when the state is not Verified
    bool required = true;   // at the level asked for

    friend bool operator==(const Check&, const Check&) = default;
};

// A stitched model that was verified with its blocks.
struct StitchScope {
    std::string name;
    std::string kind; // "full-model" | "full-block"
    std::vector<std::int32_t> blocks;

    friend bool operator==(const StitchScope&, const StitchScope&) = default;
};

// What the verified certificates are about; everything else is outside the verdict.
struct VerdictScope {
    std::string model;
    std::int32_t layers = 0;
    std::vector<std::int32_t> blocks; // ascending
    std::int32_t unmeasured = 0;      // blocks that were asked for and have no certificate
    std::vector<StitchScope> stitches;
    std::vector<std::string> edits; // names of the edits that were verified with their blocks
    std::string surrogate;          // "exact", "low-rank:64:attn", "exact, drop-rope"
    std::string otherPolicy;        // where it is not the default one, what differs: "τ_act 1, α_act 0.5"
    std::string prompts;            // the set's name
    bool bundled = false;           // as shipped with this program, by digest
    std::int64_t promptCount = 0;
    std::int64_t tokens = 0;

    friend bool operator==(const VerdictScope&, const VerdictScope&) = default;
};

struct Verdict {
    CheckState state = CheckState::NotChecked;
    int level = 0;                 // performed
    std::string sentence;          // "Verified at level 3 on these 90 tokens; per-token losses not checked (level 4)."
    std::vector<std::string> says; // what stands in for the blocks, and under which thresholds
    std::vector<std::string> notChecked;
    std::vector<std::string> doesNotSay;
    std::vector<Check> checks;
    std::uint64_t seed = 0; // of the spot replay
    double seconds = 0;
    std::string run;    // the directory, as given
    std::string digest; // SHA-256 of its SHA256SUMS, or empty
    VerdictScope scope;
    int exitCode = 5; // docs/run-directory.md, "Exit codes"
};

}
