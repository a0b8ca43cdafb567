#include "engine/model/row_tree.h"

#include <algorithm>
#include <cassert>
#include <optional>

namespace blockcert::model {

namespace {

// Neighbouring runs of one pass become one.
void append(std::vector<PastPiece>& pieces, const PastPiece& piece)
{
    if (piece.count == 0)
        return;
    if (!pieces.empty() && pieces.back().ofThisPass == piece.ofThisPass &&
        pieces.back().begin + pieces.back().count == piece.begin)
        pieces.back().count += piece.count;
    else
        pieces.push_back(piece);
}

// Positions from … end − 1 of a prompt.
void appendPositions(std::vector<PastPiece>& pieces, const RowTree& tree, std::int64_t prompt, std::int64_t from,
                     std::int64_t end, std::optional<bool> ofThisPass = std::nullopt)
{
    tree.forEachPiece(prompt, [&](std::int64_t position, const PastPiece& piece) {
        const std::int64_t first = std::max(position, from);
        const std::int64_t last = std::min(position + piece.count, end);
        if (first < last)
            append(pieces, {ofThisPass.value_or(piece.ofThisPass), piece.begin + first - position, last - first});
    });
}

std::int64_t countOf(const std::vector<PastPiece>& pieces)
{
    std::int64_t count = 0;
    for (const PastPiece& piece : pieces)
        count += piece.count;
    return count;
}

bool isAllOfOther(const std::vector<PastPiece>& pieces)
{
    return std::none_of(pieces.begin(), pieces.end(), [](const PastPiece& piece) { return piece.ofThisPass; });
}

// The branch gets the positions from where its past ends.
void addBranch(RowTree& tree, std::vector<PastPiece> past, std::int64_t length)
{
    Branch branch;
    branch.start = countOf(past);
    branch.past = std::move(past);
    branch.begin = tree.rows;
    branch.count = length - branch.start;
    assert(branch.count >= 0);
    tree.rows += branch.count;
    tree.branches.push_back(std::move(branch));
}

}

void RowTree::forEachPiece(std::int64_t prompt, const std::function<void(std::int64_t, const PastPiece&)>& work) const
{
    const Branch& branch = branches[static_cast<std::size_t>(prompt)];
    std::int64_t position = 0;
    for (const PastPiece& piece : branch.past) {
        work(position, piece);
        position += piece.count;
    }
    if (branch.count > 0)
        work(position, {true, branch.begin, branch.count});
}

std::vector<std::pair<bool, std::int64_t>> RowTree::rowsOf(std::int64_t prompt) const
{
    std::vector<std::pair<bool, std::int64_t>> rowOf;
    forEachPiece(prompt, [&](std::int64_t, const PastPiece& piece) {
        for (std::int64_t row = piece.begin; row < piece.begin + piece.count; ++row)
            rowOf.emplace_back(piece.ofThisPass, row);
    });
    return rowOf;
}

std::vector<SharedPrefix> sharedPrefixes(std::span<const std::vector<TokenId>> prompts, bool share)
{
    std::vector<SharedPrefix> prefixes(prompts.size());
    if (!share || prompts.empty())
        return prefixes;
    // In lexicographic order the longest common beginnings are between neighbours; the first prompt of those that
    // share most is found by walking to both sides while the beginning does not shrink below the best.
    std::vector<std::size_t> order(prompts.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return prompts[a] != prompts[b] ? prompts[a] < prompts[b] : a < b; });
    std::vector<std::int64_t> common(order.size(), 0); // with the neighbour before
    for (std::size_t i = 1; i < order.size(); ++i) {
        const auto& a = prompts[order[i - 1]];
        const auto& b = prompts[order[i]];
        common[i] = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        SharedPrefix& best = prefixes[order[i]];
        const auto consider = [&](std::size_t other, std::int64_t shared) {
            if (other < order[i] && shared > best.shared)
                best = {static_cast<std::int64_t>(other), shared};
        };
        std::int64_t shared = static_cast<std::int64_t>(prompts[order[i]].size());
        for (std::size_t j = i; j > 0; --j) {
            shared = std::min(shared, common[j]);
            if (shared <= best.shared)
                break;
            consider(order[j - 1], shared);
        }
        shared = static_cast<std::int64_t>(prompts[order[i]].size());
        for (std::size_t j = i + 1; j < order.size(); ++j) {
            shared = std::min(shared, common[j]);
            if (shared <= best.shared)
                break;
            consider(order[j], shared);
        }
    }
    return prefixes;
}

RowTree treeOf(std::span<const std::int64_t> lengths, std::span<const SharedPrefix> prefixes)
{
    RowTree tree;
    for (std::size_t p = 0; p < lengths.size(); ++p) {
        std::vector<PastPiece> past;
        if (prefixes[p].shared > 0)
            appendPositions(past, tree, prefixes[p].prompt, 0, prefixes[p].shared);
        addBranch(tree, std::move(past), lengths[p]);
    }
    return tree;
}

RowTree differingTree(const RowTree& base, std::span<const std::int64_t> lengths,
                      std::span<const SharedPrefix> prefixes, std::span<const std::int64_t> differs)
{
    RowTree tree;
    for (std::size_t p = 0; p < lengths.size(); ++p) {
        const auto prompt = static_cast<std::int64_t>(p);
        std::vector<PastPiece> past;
        if (prefixes[p].shared > 0)
            appendPositions(past, tree, prefixes[p].prompt, 0, prefixes[p].shared);
        if (isAllOfOther(past))
            appendPositions(past, base, prompt, countOf(past), differs[p], false);
        addBranch(tree, std::move(past), lengths[p]);
    }
    return tree;
}

RowTree withoutSameRows(const RowTree& tree, const RowTree& base,
                        const std::function<bool(std::int64_t, std::int64_t)>& same, std::vector<std::int64_t>& kept)
{
    std::vector<std::int64_t> newRow(static_cast<std::size_t>(tree.rows), -1); // −1: a row of the other pass
    std::vector<std::int64_t> baseRow(static_cast<std::size_t>(tree.rows), -1);
    RowTree result;
    kept.clear();
    for (std::size_t p = 0; p < tree.branches.size(); ++p) {
        const Branch& branch = tree.branches[p];
        std::vector<PastPiece> past;
        for (const PastPiece& piece : branch.past) {
            if (!piece.ofThisPass) {
                append(past, piece);
                continue;
            }
            for (std::int64_t row = piece.begin; row < piece.begin + piece.count; ++row) {
                const auto index = static_cast<std::size_t>(row);
                if (newRow[index] < 0)
                    append(past, {false, baseRow[index], 1});
                else
                    append(past, {true, newRow[index], 1});
            }
        }
        std::int64_t gone = 0;
        if (branch.count > 0 && isAllOfOther(past)) {
            const auto places = base.rowsOf(static_cast<std::int64_t>(p));
            for (; gone < branch.count; ++gone) {
                const std::int64_t there = places[static_cast<std::size_t>(branch.start + gone)].second;
                if (!same(branch.begin + gone, there))
                    break;
                baseRow[static_cast<std::size_t>(branch.begin + gone)] = there;
                append(past, {false, there, 1});
            }
        }
        addBranch(result, std::move(past), branch.start + branch.count);
        for (std::int64_t row = branch.begin + gone; row < branch.begin + branch.count; ++row) {
            newRow[static_cast<std::size_t>(row)] = static_cast<std::int64_t>(kept.size());
            kept.push_back(row);
        }
    }
    return result;
}

void addTo(Batch& batch, Past& past, const RowTree& tree)
{
    const std::int64_t first = batch.rows();
    for (const Branch& branch : tree.branches) {
        if (branch.count == 0)
            continue;
        batch.add(branch.count, branch.start);
        past.pieces.push_back(branch.past);
        for (PastPiece& piece : past.pieces.back())
            if (piece.ofThisPass)
                piece.begin += first;
    }
}

}
