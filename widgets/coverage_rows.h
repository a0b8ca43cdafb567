// Which tokens a coverage counts, block by block: the list behind a number such as 0.94.
#pragma once

#include "widgets/values.h"

#include <cstdint>
#include <vector>

namespace blockcert::widgets {

enum class TokenCoverage : std::uint8_t {
    Covered,
    Uncovered,
    Undecided,   // so close to the threshold that two correct replays may disagree
    NotMeasured, // counted by no coverage
    OnlyInA,     // of two runs: A covers it and B does not; Covered is then in both, Uncovered in neither
    OnlyInB,
};

// Of two states the one that a pixel shared by both shows: what changes, then what is not covered.
[[nodiscard]] TokenCoverage worse(TokenCoverage a, TokenCoverage b);

struct CoverageCounts {
    std::int64_t covered = 0;
    std::int64_t uncovered = 0;
    std::int64_t undecided = 0;
    std::int64_t notMeasured = 0; // of two runs: not in both
    std::int64_t onlyInA = 0;
    std::int64_t onlyInB = 0;

    [[nodiscard]] std::int64_t measured() const { return covered + uncovered + undecided + onlyInA + onlyInB; }

    // The share that B covers less the share that A covers; `missing` where nothing was measured in both.
    [[nodiscard]] double change() const
    {
        return measured() == 0 ? missing : static_cast<double>(onlyInB - onlyInA) / static_cast<double>(measured());
    }

    friend bool operator==(const CoverageCounts&, const CoverageCounts&) = default;
};

struct CoverageRow {
    int block = 0;
    std::vector<TokenCoverage> tokens; // [place]
    CoverageCounts counts;
};

// Every row has the same places: the tokens of all prompts, one after the other.
struct CoverageRows {
    std::vector<MapSlice::Place> places;
    std::vector<CoverageRow> rows; // ascending blocks
    double alpha = missing;        // what a coverage has to reach; of two runs none
    bool isChange = false;         // of two runs
    Metric metric = Metric::Error; // the error that decides
    double tau = missing;          // and its threshold; of two runs A's

    // −1 if the token is not among the places.
    [[nodiscard]] int placeOf(int prompt, int token) const;
    [[nodiscard]] int rowOf(int block) const;
};

// By the error that decides. `undecided` are the tokens a verification found too close to call (CellKey::block is the
// block); a run on its own has none.
[[nodiscard]] CoverageRows coverageRows(const TokenMap& map, const std::vector<CellKey>& undecided = {});

// Two runs, B laid over A's blocks and prompts and judged by A's thresholds: which tokens change their side.
[[nodiscard]] CoverageRows coverageChanges(const TokenMap& a, const TokenMap& b);

}
