// What sets a block's failing tokens apart from its passing ones, in numbers and in sentences.
#pragma once

#include "engine/failures/block_facts.h"
#include "engine/values/run_manifest.h"

#include <optional>
#include <string>
#include <vector>

namespace blockcert::failures {

// Errors of this many covered tokens are looked at beside the uncovered ones.
inline constexpr std::size_t largestCovered = 20;

// One quantity over the failing tokens and over the others.
struct Contrast {
    std::string quantity;              // "value_norm": docs/protocol.md, "failures"
    double failing = 0;                // median
    double passing = 0;                // median
    std::optional<double> ratio;       // failing / passing; absent where passing is 0
    std::optional<double> correlation; // Spearman, of the error with the quantity over all tokens
};

struct BlockSummary {
    LayerIndex block;
    std::size_t tokens = 0;
    std::size_t uncovered = 0;
    double epsilon = 0;                 // largest error
    double relativeEpsilon = 0;         // largest relative error; infinite where a token has none
    std::optional<double> epsilonRatio; // of the deciding ε to the median of all blocks of the run
    std::size_t worst = 0;              // row of the deciding ε
    PromptIndex worstPrompt;            // the one with the smallest coverage, then with the largest deciding error
    std::size_t worstPromptUncovered = 0;
    std::size_t worstPromptTokens = 0;
    std::size_t halfOfError = 0; // how few tokens carry half of the summed deciding error
    double medianError = 0;
    std::optional<double> medianRelative; // of the finite ones
    std::size_t massive = 0;
    bool failingAreUncovered = true;         // false: nothing is uncovered, or everything: the largest errors
    std::vector<std::size_t> failing;        // rows of the failing group, largest error first
    std::vector<Contrast> contrasts;         // empty where one of the groups is
    std::optional<double> largestLossChange; // of the failing tokens
};

// Rows to tell about: every uncovered token and the largest covered errors, each by falling error of the deciding
// measure (docs/protocol.md).
[[nodiscard]] std::vector<std::size_t> rowsToTell(const BlockFacts& facts);

// `epsilons`: the largest deciding error of every block.
[[nodiscard]] BlockSummary summarise(const BlockFacts& facts, const std::vector<double>& epsilons);

// The block of the largest deciding ε, if it is at least three times the median of at least three blocks.
[[nodiscard]] std::optional<std::size_t> outstanding(const std::vector<BlockSummary>& summaries);

// Sentences that say where the block's error lies and what goes along with it; they claim no cause.
[[nodiscard]] std::vector<std::string> explain(const BlockFacts& facts, const BlockSummary& summary, bool standsOut,
                                               std::size_t blocks, const RunManifest& manifest);

}
