// The precompiled normalisation map of a SentencePiece model: which characters become which text.
#pragma once

#include "engine/tokenizer/prefix_set.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::tokenizer {

// Immutable; shared by copies; const members may be called from several threads.
class CharacterMap {
public:
    // `bytes` is the field precompiled_charsmap: the size of a trie (u32, little-endian), the trie as a double array
    // of u32, and the replacements, each ended by a zero byte. `verbatim` are texts that are never rewritten. Throws
    // FormatError naming `source` if the parts do not fit together.
    CharacterMap(std::string_view bytes, PrefixSet verbatim, std::string source);

    // Takes the longest rule at every place of a text in UTF-8; characters without a rule stay. Throws FormatError
    // if a rule leads out of the map, ends inside a character or gives text that is not UTF-8, ResourceError if the
    // result grows beyond `limit`.
    [[nodiscard]] std::string apply(std::string_view text, std::size_t limit) const;

private:
    struct Rule {
        std::size_t length = 0; // bytes that it replaces; 0: no rule
        std::size_t value = 0;  // where its replacement begins
    };

    struct Data {
        std::vector<std::uint32_t> trie;
        std::string replacements;
        PrefixSet verbatim;
        std::string source;
    };

    [[nodiscard]] Rule longestRule(std::string_view text) const;
    [[nodiscard]] std::uint32_t unit(std::size_t position) const;
    [[nodiscard]] std::string_view replacement(std::size_t position) const;

    std::shared_ptr<const Data> m_data;
};

}
