// Byte-pair encoding with a list of merges: the lowest rank is joined first, the leftmost place on ties.
#pragma once

#include "engine/tokenizer/vocabulary.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace blockcert::tokenizer {

struct BpeOptions {
    std::optional<TokenId> unknown;
    bool fuseUnknown = false;  // a run of unknown characters is one token
    bool byteFallback = false; // unknown characters become <0xHH> tokens if all of their bytes have one
    bool ignoreMerges = false; // a word that is a token is that token
};

// Immutable after its merges are added; const members may be called from several threads.
class BpeModel {
public:
    static constexpr std::size_t mostMerges = 2'000'000;

    // The vocabulary must outlive the model.
    BpeModel(const Vocabulary& vocabulary, BpeOptions options);

    // The next rank. Throws FormatError (naming `source` and rank) if a part or the joined token is no token.
    void addMerge(std::string_view left, std::string_view right, std::string_view source);

    // Appends the ids of one pre-token. A character that cannot be expressed is left out, as in the reference.
    void encode(std::string_view word, std::vector<TokenId>& ids) const;

private:
    struct Merge {
        std::uint32_t rank = 0;
        TokenId joined = 0;
    };

    struct Symbol {
        TokenId id = 0;
        std::int32_t previous = -1;
        std::int32_t next = -1;
        bool gone = false;
    };

    struct PairHash {
        std::size_t operator()(std::uint64_t pair) const noexcept
        {
            pair *= 0x9E3779B97F4A7C15U;
            return static_cast<std::size_t>(pair ^ (pair >> 32U));
        }
    };

    [[nodiscard]] const Merge* mergeOf(TokenId left, TokenId right) const;
    [[nodiscard]] std::vector<Symbol> split(std::string_view word) const;
    [[nodiscard]] bool fallBackToBytes(std::string_view character, std::vector<Symbol>& symbols) const;
    void join(std::vector<Symbol>& symbols) const;

    const Vocabulary& m_vocabulary;
    BpeOptions m_options;
    std::unordered_map<std::uint64_t, Merge, PairHash> m_merges; // left id and right id -> rank
    std::uint32_t m_nextRank = 0;
    std::array<std::optional<TokenId>, 256> m_byteTokens; // <0x00> … <0xFF>
};

// The ids of <0x00> … <0xFF> where the vocabulary has them.
[[nodiscard]] std::array<std::optional<TokenId>, 256> byteTokens(const Vocabulary& vocabulary);

}
