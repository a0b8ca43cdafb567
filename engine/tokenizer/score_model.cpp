#include "engine/tokenizer/score_model.h"

#include "engine/base/error.h"
#include "engine/tokenizer/bpe_model.h"
#include "engine/tokenizer/unicode.h"

#include <queue>

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <utility>

namespace blockcert::tokenizer {

namespace {

struct Candidate {
    float score;
    std::int64_t left;
    std::int64_t right;
    std::size_t size; // of both symbols together; another size means that one of them has changed
};

struct LaterFirst {
    bool operator()(const Candidate& a, const Candidate& b) const
    {
        return a.score != b.score ? a.score < b.score : a.left > b.left;
    }
};

}

ScoreModel::ScoreModel(const Vocabulary& vocabulary, std::vector<float> scores, std::vector<PieceType> types,
                       TokenId unknown, bool byteFallback, std::string_view source)
    : m_vocabulary(vocabulary)
    , m_scores(std::move(scores))
    , m_types(std::move(types))
    , m_unknown(unknown)
    , m_byteFallback(byteFallback)
    , m_byteTokens(byteTokens(vocabulary))
{
    std::vector<std::string> userDefined;
    for (std::size_t id = 0; id < m_scores.size(); ++id) {
        if (!std::isfinite(m_scores[id]))
            throw FormatError(std::string(source) + ": the score of token " + std::to_string(id) + " is not finite.");
        const std::string* text = m_vocabulary.text(static_cast<TokenId>(id));
        if (text == nullptr || text->empty())
            continue;
        if (m_types[id] == PieceType::Normal || m_types[id] == PieceType::Unused ||
            m_types[id] == PieceType::UserDefined)
            m_longestPiece = std::max(m_longestPiece, text->size());
        if (m_types[id] == PieceType::UserDefined)
            userDefined.push_back(*text);
    }
    m_userDefined = PrefixSet(std::move(userDefined));
    if (m_byteFallback)
        for (std::size_t byte = 0; byte < m_byteTokens.size(); ++byte)
            if (!m_byteTokens[byte])
                throw FormatError(std::string(source) + ": byte fallback is on, but there is no piece for byte " +
                                  std::to_string(byte) + ".");
}

std::optional<TokenId> ScoreModel::joinable(std::string_view text) const
{
    if (text.size() > m_longestPiece)
        return std::nullopt;
    const auto id = m_vocabulary.find(text);
    if (!id)
        return std::nullopt;
    const PieceType type = m_types[static_cast<std::size_t>(*id)];
    return type == PieceType::Normal || type == PieceType::Unused || type == PieceType::UserDefined ? id : std::nullopt;
}

std::vector<ScoreModel::Symbol> ScoreModel::split(std::string_view text) const
{
    std::vector<Symbol> symbols;
    symbols.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        Symbol symbol;
        symbol.begin = i;
        symbol.size = m_userDefined.isEmpty() ? 0 : m_userDefined.longestAt(text.substr(i));
        symbol.frozen = symbol.size > 0;
        if (symbol.frozen)
            i += symbol.size;
        else
            static_cast<void>(nextCodePoint(text, i));
        symbol.size = i - symbol.begin;
        symbol.previous = static_cast<std::int64_t>(symbols.size()) - 1;
        symbol.next = i < text.size() ? static_cast<std::int64_t>(symbols.size()) + 1 : -1;
        symbols.push_back(symbol);
    }
    return symbols;
}

void ScoreModel::put(std::string_view piece, std::vector<TokenId>& ids, bool& lastWasUnknown) const
{
    if (const auto id = joinable(piece)) {
        ids.push_back(*id);
        lastWasUnknown = false;
    } else if (m_byteFallback) {
        for (const char c : piece)
            ids.push_back(*m_byteTokens[static_cast<std::uint8_t>(c)]);
        lastWasUnknown = false;
    } else {
        if (!lastWasUnknown)
            ids.push_back(m_unknown);
        lastWasUnknown = true;
    }
}

void ScoreModel::encode(std::string_view text, std::vector<TokenId>& ids) const
{
    std::vector<Symbol> symbols = split(text);
    const auto at = [&symbols](std::int64_t position) -> Symbol& {
        return symbols[static_cast<std::size_t>(position)];
    };
    // Unused pieces take part in joining, but what they were made of is written instead of them.
    std::unordered_map<std::string_view, std::size_t> unusedSplits; // text -> size of its left part
    std::priority_queue<Candidate, std::vector<Candidate>, LaterFirst> queue;
    const auto offer = [&](std::int64_t left, std::int64_t right) {
        if (left < 0 || right < 0 || at(left).frozen || at(right).frozen)
            return;
        const std::string_view pair = text.substr(at(left).begin, at(left).size + at(right).size);
        const auto id = joinable(pair);
        if (!id)
            return;
        queue.push({m_scores[static_cast<std::size_t>(*id)], left, right, pair.size()});
        if (m_types[static_cast<std::size_t>(*id)] == PieceType::Unused)
            unusedSplits[pair] = at(left).size;
    };
    for (std::size_t i = 1; i < symbols.size(); ++i)
        offer(static_cast<std::int64_t>(i) - 1, static_cast<std::int64_t>(i));
    while (!queue.empty()) {
        const Candidate top = queue.top();
        queue.pop();
        Symbol& left = at(top.left);
        Symbol& right = at(top.right);
        if (left.size == 0 || right.size == 0 || left.size + right.size != top.size)
            continue;
        left.size = top.size;
        right.size = 0;
        left.next = right.next;
        if (left.next >= 0)
            at(left.next).previous = top.left;
        offer(left.previous, top.left);
        offer(top.left, left.next);
    }

    bool lastWasUnknown = false;
    std::vector<std::string_view> pending;
    for (std::int64_t i = symbols.empty() ? -1 : 0; i >= 0; i = at(i).next) {
        pending.push_back(text.substr(at(i).begin, at(i).size));
        while (!pending.empty()) {
            const std::string_view piece = pending.back();
            pending.pop_back();
            const auto id = joinable(piece);
            const bool unused = id && m_types[static_cast<std::size_t>(*id)] == PieceType::Unused;
            const auto parts = unused ? unusedSplits.find(piece) : unusedSplits.end();
            if (parts == unusedSplits.end()) {
                put(piece, ids, lastWasUnknown);
                continue;
            }
            pending.push_back(piece.substr(parts->second));
            pending.push_back(piece.substr(0, parts->second));
        }
    }
}

}
