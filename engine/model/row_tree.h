// Rows of several prompts without repetition: a prefix that prompts share is one set of rows.
#pragma once

#include "engine/model/batch.h"
#include "engine/model/past.h"

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace blockcert::model {

// The rows a prompt has for itself, from position `start` on, and where its earlier positions are.
struct Branch {
    std::vector<PastPiece> past;
    std::int64_t start = 0; // positions in `past`
    std::int64_t begin = 0; // rows begin … begin + count − 1
    std::int64_t count = 0;

    friend bool operator==(const Branch&, const Branch&) = default;
};

// Which earlier prompt begins with the same positions 0 … shared − 1; none if shared is 0.
struct SharedPrefix {
    std::int64_t prompt = 0;
    std::int64_t shared = 0;
};

// Branches in prompt order; their rows lie one after the other. A prompt that says nothing new has no rows.
struct RowTree {
    std::vector<Branch> branches; // [prompt]
    std::int64_t rows = 0;

    // Calls work(position, piece) for the runs of rows that hold a prompt's positions, in order.
    void forEachPiece(std::int64_t prompt,
                      const std::function<void(std::int64_t position, const PastPiece& piece)>& work) const;
    // The row of each position: (true, row of this tree) or (false, row of the other pass).
    [[nodiscard]] std::vector<std::pair<bool, std::int64_t>> rowsOf(std::int64_t prompt) const;
};

// The longest common beginning with an earlier prompt, for every prompt. All of them nothing unless `share`.
[[nodiscard]] std::vector<SharedPrefix> sharedPrefixes(std::span<const std::vector<TokenId>> prompts, bool share);

// Every distinct prefix once.
[[nodiscard]] RowTree treeOf(std::span<const std::int64_t> lengths, std::span<const SharedPrefix> prefixes);

// The same prompts in a pass that differs from another one (whose rows `base` describes) from some position on: earlier
// positions are rows of that one. `differs[p]`: the first position at which prompt p differs, its length if nowhere.
// A prefix is shared only as far as `prefixes` says; a prompt has no rows for positions an earlier prompt has.
[[nodiscard]] RowTree differingTree(const RowTree& base, std::span<const std::int64_t> lengths,
                                    std::span<const SharedPrefix> prefixes, std::span<const std::int64_t> differs);

// Leaves out the leading rows of branches for which `same(row, row of the other pass)` holds and whose past is all of
// the other pass. `kept` receives the rows that remain, in order.
[[nodiscard]] RowTree withoutSameRows(const RowTree& tree, const RowTree& base,
                                      const std::function<bool(std::int64_t, std::int64_t)>& same,
                                      std::vector<std::int64_t>& kept);

// A pass over the branches that have rows; several trees may be passed together, one after the other.
void addTo(Batch& batch, Past& past, const RowTree& tree);

}
