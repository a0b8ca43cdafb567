// Which of a fixed set of texts a text begins with.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::tokenizer {

class PrefixSet {
public:
    PrefixSet() = default;
    explicit PrefixSet(std::vector<std::string> texts);

    [[nodiscard]] bool isEmpty() const { return m_sorted.empty(); }

    // Bytes of the longest of the texts that `text` begins with; 0: none.
    [[nodiscard]] std::size_t longestAt(std::string_view text) const;

private:
    std::vector<std::string> m_sorted;
};

}
