// SentencePiece's byte-pair encoding: the adjacent pair whose text is the piece of highest score is joined first.
#pragma once

#include "engine/tokenizer/prefix_set.h"
#include "engine/tokenizer/vocabulary.h"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace blockcert::tokenizer {

enum class PieceType : std::uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

// Immutable; const members may be called from several threads.
class ScoreModel {
public:
    // Scores and types by id; the vocabulary must outlive the model. Throws FormatError (naming `source`) for a
    // score that is not finite. With byte fallback all 256 byte pieces must exist.
    ScoreModel(const Vocabulary& vocabulary, std::vector<float> scores, std::vector<PieceType> types, TokenId unknown,
               bool byteFallback, std::string_view source);

    // Appends the ids of a text whose spaces are already U+2581. User-defined pieces are found first and kept whole;
    // control, unknown and byte pieces never match text; a run of unknown characters is one id.
    void encode(std::string_view text, std::vector<TokenId>& ids) const;

private:
    struct Symbol {
        std::size_t begin = 0;
        std::size_t size = 0; // 0: joined into its left neighbour
        std::int64_t previous = -1;
        std::int64_t next = -1;
        bool frozen = false;
    };

    [[nodiscard]] std::optional<TokenId> joinable(std::string_view text) const;
    [[nodiscard]] std::vector<Symbol> split(std::string_view text) const;
    void put(std::string_view piece, std::vector<TokenId>& ids, bool& lastWasUnknown) const;

    const Vocabulary& m_vocabulary;
    std::vector<float> m_scores;
    std::vector<PieceType> m_types;
    TokenId m_unknown;
    bool m_byteFallback;
    std::size_t m_longestPiece = 0;
    PrefixSet m_userDefined;
    std::array<std::optional<TokenId>, 256> m_byteTokens;
};

}
