// Tokens that are found in the text itself before the model sees it, such as <|im_end|>.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace blockcert::tokenizer {

struct AddedToken {
    std::string content;
    TokenId id = 0;
    bool singleWord = false; // not inside a word
    bool stripLeft = false;  // takes white space on its left along
    bool stripRight = false;
    bool normalised = false; // looked for in the normalised text
    bool special = false;    // left out by decode(…, skipSpecial)
    std::string decoded;     // what decoding starts from: the content, or its normalised form

    // Whether content and flags are those of `other`, whatever their ids.
    [[nodiscard]] bool saysTheSameAs(const AddedToken& other) const;
};

// A part of a text: an added token, or text between them.
struct Fragment {
    std::string_view text;
    std::optional<TokenId> id;
};

// Leftmost, then longest, without overlaps. Immutable after the last add(); const members may be called from several
// threads.
class AddedTokens {
public:
    static constexpr std::size_t mostBytes = 4U << 20U; // of all patterns: each takes some forty bytes of memory

    // `pattern` is what is looked for: the content, its normalised form for normalised tokens, or nothing. A token that
    // is there already gets the new flags but stays special; of two tokens with one pattern the older one is found.
    // Throws ResourceError if all of them have more bytes than a file may fill memory with.
    void add(AddedToken token, std::string_view pattern);

    // Special tokens in a text are then text like any other.
    void leaveSpecialInText() { m_findsSpecial = false; }

    // Covers the whole text; fragments are not empty.
    [[nodiscard]] std::vector<Fragment> split(std::string_view text, bool normalised) const;

    // Null if the id is no added token.
    [[nodiscard]] const AddedToken* find(TokenId id) const;
    [[nodiscard]] const AddedToken* find(std::string_view content) const;

    [[nodiscard]] const std::map<TokenId, AddedToken>& all() const { return m_tokens; }

private:
    // A trie whose edges are bytes; node 0 is the root.
    struct Trie {
        std::unordered_map<std::uint64_t, std::uint32_t> edges; // node and byte -> node
        std::unordered_map<std::uint32_t, TokenId> ends;
        bool starts[256] = {};
        std::uint32_t nodes = 1;

        void add(std::string_view pattern, TokenId id);
        void remove(std::string_view pattern, TokenId id);
        // Length of the longest pattern at `position`, 0 if there is none.
        [[nodiscard]] std::size_t match(std::string_view text, std::size_t position, TokenId& id) const;
    };

    std::map<TokenId, AddedToken> m_tokens;
    std::map<TokenId, std::string> m_patterns;
    std::map<std::string, TokenId, std::less<>> m_ids;
    Trie m_raw;
    Trie m_normalised;
    std::size_t m_bytes = 0; // of all patterns that were added
    bool m_findsSpecial = true;
};

}
