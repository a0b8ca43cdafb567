// Which rows belong to which prompt: prompts lie one after the other, without padding.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <span>
#include <vector>

namespace blockcert::model {

struct Batch {
    std::vector<std::int64_t> offset = {0}; // [P + 1] rows of prompt p are offset[p] … offset[p + 1] − 1
    std::vector<std::int64_t> start;        // [P] position of each prompt's first row; 0 unless a cache precedes it

    [[nodiscard]] std::int64_t rows() const { return offset.back(); }

    [[nodiscard]] std::int64_t prompts() const { return static_cast<std::int64_t>(start.size()); }

    [[nodiscard]] std::int64_t begin(std::int64_t prompt) const { return offset[static_cast<std::size_t>(prompt)]; }

    [[nodiscard]] std::int64_t count(std::int64_t prompt) const { return begin(prompt + 1) - begin(prompt); }

    [[nodiscard]] std::int64_t longest() const;                // positions the longest prompt needs
    [[nodiscard]] std::vector<std::int64_t> positions() const; // [rows]

    void add(std::int64_t rowCount, std::int64_t firstPosition = 0);
};

[[nodiscard]] Batch batchOf(std::span<const std::vector<TokenId>> prompts);
// All ids, one prompt after the other.
[[nodiscard]] std::vector<TokenId> joined(std::span<const std::vector<TokenId>> prompts);

}
