#include "engine/tokenizer/prefix_set.h"

#include <algorithm>
#include <utility>

namespace blockcert::tokenizer {

PrefixSet::PrefixSet(std::vector<std::string> texts)
    : m_sorted(std::move(texts))
{
    std::ranges::sort(m_sorted);
}

std::size_t PrefixSet::longestAt(std::string_view text) const
{
    std::size_t longest = 0;
    // Everything between `low` and `high` in the sorted list shares a growing prefix with the text.
    auto low = m_sorted.begin();
    auto high = m_sorted.end();
    for (std::size_t length = 1; low != high && length <= text.size(); ++length) {
        const std::string_view prefix = text.substr(0, length);
        low = std::lower_bound(low, high, prefix);
        high = std::upper_bound(low, high, prefix, [length](std::string_view wanted, std::string_view piece) {
            return wanted < piece.substr(0, length);
        });
        if (low != high && *low == prefix)
            longest = length;
    }
    return longest;
}

}
