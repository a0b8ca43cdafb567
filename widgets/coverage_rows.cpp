#include "widgets/coverage_rows.h"

#include <algorithm>

namespace blockcert::widgets {

namespace {

std::int64_t& countOf(CoverageCounts& counts, TokenCoverage state)
{
    switch (state) {
    case TokenCoverage::Covered: return counts.covered;
    case TokenCoverage::Uncovered: return counts.uncovered;
    case TokenCoverage::Undecided: return counts.undecided;
    case TokenCoverage::OnlyInA: return counts.onlyInA;
    case TokenCoverage::OnlyInB: return counts.onlyInB;
    case TokenCoverage::NotMeasured: break;
    }
    return counts.notMeasured;
}

}

TokenCoverage worse(TokenCoverage a, TokenCoverage b)
{
    const auto rank = [](TokenCoverage state) {
        switch (state) {
        case TokenCoverage::OnlyInA: return 5;
        case TokenCoverage::OnlyInB: return 4;
        case TokenCoverage::Uncovered: return 3;
        case TokenCoverage::Undecided: return 2;
        case TokenCoverage::NotMeasured: return 1;
        case TokenCoverage::Covered: break;
        }
        return 0;
    };
    return rank(b) > rank(a) ? b : a;
}

int CoverageRows::placeOf(int prompt, int token) const
{
    const MapSlice::Place place{prompt, token};
    const auto found = std::lower_bound(places.begin(), places.end(), place);
    return found == places.end() || *found != place ? -1 : static_cast<int>(found - places.begin());
}

int CoverageRows::rowOf(int block) const
{
    const auto found =
        std::find_if(rows.begin(), rows.end(), [&](const CoverageRow& row) { return row.block == block; });
    return found == rows.end() ? -1 : static_cast<int>(found - rows.begin());
}

CoverageRows coverageRows(const TokenMap& map, const std::vector<CellKey>& undecided)
{
    CoverageRows result;
    result.alpha = map.thresholds.alphaAct;
    result.metric = decidingMetric(map.thresholds);
    result.tau = result.metric == Metric::Relative ? map.thresholds.tauRel : map.thresholds.tauAct;
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
        for (std::size_t token = 0; token < map.prompts[prompt].tokens.size(); ++token)
            result.places.push_back({static_cast<int>(prompt), static_cast<int>(token)});
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        CoverageRow row;
        row.block = map.blocks[column];
        row.tokens.reserve(result.places.size());
        for (const MapSlice::Place& place : result.places) {
            const MapCell* cell = map.cell(column, static_cast<std::size_t>(place.prompt));
            const double value = cell == nullptr ? missing
                                                 : valueOf(*cell, Metric::Coverage,
                                                           static_cast<std::size_t>(place.token), map.thresholds);
            row.tokens.push_back(isMissing(value) ? TokenCoverage::NotMeasured
                                 : value >= 1     ? TokenCoverage::Covered
                                                  : TokenCoverage::Uncovered);
        }
        for (const CellKey& key : undecided) {
            const int place = key.block == row.block ? result.placeOf(key.prompt, key.token) : -1;
            if (place >= 0 && row.tokens[static_cast<std::size_t>(place)] != TokenCoverage::NotMeasured)
                row.tokens[static_cast<std::size_t>(place)] = TokenCoverage::Undecided;
        }
        for (const TokenCoverage state : row.tokens)
            ++countOf(row.counts, state);
        result.rows.push_back(std::move(row));
    }
    return result;
}

CoverageRows coverageChanges(const TokenMap& a, const TokenMap& b)
{
    CoverageRows result = coverageRows(a);
    const CoverageRows other = coverageRows(b);
    result.alpha = missing;
    result.isChange = true;
    for (CoverageRow& row : result.rows) {
        const int at = other.rowOf(row.block);
        row.counts = {};
        for (std::size_t place = 0; place < row.tokens.size(); ++place) {
            TokenCoverage& state = row.tokens[place];
            const TokenCoverage second = at < 0 || place >= other.places.size()
                                             ? TokenCoverage::NotMeasured
                                             : other.rows[static_cast<std::size_t>(at)].tokens[place];
            if (state == TokenCoverage::NotMeasured || second == TokenCoverage::NotMeasured)
                state = TokenCoverage::NotMeasured;
            else if (state != second)
                state = state == TokenCoverage::Covered ? TokenCoverage::OnlyInA : TokenCoverage::OnlyInB;
            ++countOf(row.counts, state);
        }
    }
    return result;
}

}
