#include "engine/certificate/cell_draw.h"

#include <algorithm>
#include <limits>
#include <random>

namespace blockcert::certificate {

namespace {

// Uniform on 0 … bound − 1: values beyond the last whole multiple of bound are drawn again.
std::uint64_t uniform(std::mt19937_64& random, std::uint64_t bound)
{
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t usable = most - (most % bound + 1) % bound;
    std::uint64_t value = random();
    while (value > usable)
        value = random();
    return value % bound;
}

}

std::set<CellIndex> drawCells(const std::vector<LayerIndex>& blocks, std::int64_t prompts, std::int64_t count,
                              std::uint64_t seed)
{
    std::vector<CellIndex> cells;
    for (const LayerIndex block : blocks)
        for (std::int32_t p = 0; p < prompts; ++p)
            cells.push_back({block, {p}});
    std::mt19937_64 random(seed);
    const std::size_t wanted = std::min(cells.size(), static_cast<std::size_t>(std::max<std::int64_t>(0, count)));
    for (std::size_t i = 0; i < wanted; ++i)
        std::swap(cells[i], cells[i + uniform(random, cells.size() - i)]);
    return {cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(wanted)};
}

}
