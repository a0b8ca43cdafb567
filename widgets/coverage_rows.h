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
};

// Of two states the one that a pixel shared by both shows: what is not covered first.
[[nodiscard]] TokenCoverage worse(TokenCoverage a, TokenCoverage b);

struct CoverageCounts {
    std::int64_t covered = 0;
    std::int64_t uncovered = 0;
    std::int64_t undecided = 0;
    std::int64_t notMeasured = 0;

    [[nodiscard]] std::int64_t measured() const { return covered + uncovered + undecided; }

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
    double alpha = missing;        // what a coverage has to reach

    // −1 if the token is not among the places.
    [[nodiscard]] int placeOf(int prompt, int token) const;
    [[nodiscard]] int rowOf(int block) const;
};

// By the error that decides. `undecided` are the tokens a verification found too close to call (CellKey::block is the
// block); a run on its own has none.
[[nodiscard]] CoverageRows coverageRows(const TokenMap& map, const std::vector<CellKey>& undecided = {});

}
