#include "engine/tokenizer/bpe_model.h"

#include "engine/base/error.h"
#include "engine/tokenizer/unicode.h"

#include <queue>

#include <cstdio>

namespace blockcert::tokenizer {

namespace {

struct Candidate {
    std::uint32_t rank;
    std::int32_t position;
    TokenId joined;
};

struct LaterFirst {
    bool operator()(const Candidate& a, const Candidate& b) const
    {
        return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
    }
};

std::uint64_t pairKey(TokenId left, TokenId right)
{
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32U) | static_cast<std::uint32_t>(right);
}

}

std::array<std::optional<TokenId>, 256> byteTokens(const Vocabulary& vocabulary)
{
    std::array<std::optional<TokenId>, 256> tokens;
    for (unsigned byte = 0; byte < 256; ++byte) {
        char text[8];
        std::snprintf(text, sizeof text, "<0x%02X>", byte);
        tokens[byte] = vocabulary.find(text);
    }
    return tokens;
}

BpeModel::BpeModel(const Vocabulary& vocabulary, BpeOptions options)
    : m_vocabulary(vocabulary)
    , m_options(options)
    , m_byteTokens(byteTokens(vocabulary))
{
}

void BpeModel::addMerge(std::string_view left, std::string_view right, std::string_view source)
{
    const auto require = [&](std::string_view text) {
        if (const auto id = m_vocabulary.find(text))
            return *id;
        throw FormatError(std::string(source) + ": merge " + std::to_string(m_nextRank) + " needs the token \"" +
                          replaceInvalidUtf8(text.substr(0, 80)) + "\", which is not in the vocabulary.");
    };
    if (m_nextRank >= mostMerges)
        throw ResourceError(std::string(source) + ": more than " + std::to_string(mostMerges) + " merges.");
    const TokenId leftId = require(left);
    const TokenId rightId = require(right);
    const TokenId joined = require(std::string(left) + std::string(right));
    // A pair listed twice has its last rank, as in the reference.
    m_merges[pairKey(leftId, rightId)] = Merge{m_nextRank++, joined};
}

const BpeModel::Merge* BpeModel::mergeOf(TokenId left, TokenId right) const
{
    const auto found = m_merges.find(pairKey(left, right));
    return found == m_merges.end() ? nullptr : &found->second;
}

bool BpeModel::fallBackToBytes(std::string_view character, std::vector<Symbol>& symbols) const
{
    for (const char c : character)
        if (!m_byteTokens[static_cast<std::uint8_t>(c)])
            return false;
    for (const char c : character)
        symbols.push_back({*m_byteTokens[static_cast<std::uint8_t>(c)]});
    return true;
}

std::vector<BpeModel::Symbol> BpeModel::split(std::string_view word) const
{
    std::vector<Symbol> symbols;
    symbols.reserve(word.size());
    bool pendingUnknown = false; // written only before the next known character: the reference's order
    for (std::size_t i = 0; i < word.size();) {
        const std::size_t begin = i;
        static_cast<void>(nextCodePoint(word, i));
        const std::string_view character = word.substr(begin, i - begin);
        if (const auto id = m_vocabulary.find(character)) {
            if (pendingUnknown)
                symbols.push_back({*m_options.unknown});
            pendingUnknown = false;
            symbols.push_back({*id});
        } else if (m_options.byteFallback && fallBackToBytes(character, symbols)) {
            continue;
        } else if (m_options.unknown) {
            if (pendingUnknown && !m_options.fuseUnknown)
                symbols.push_back({*m_options.unknown});
            pendingUnknown = true;
        }
    }
    if (pendingUnknown)
        symbols.push_back({*m_options.unknown});
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        symbols[i].previous = static_cast<std::int32_t>(i) - 1;
        symbols[i].next = i + 1 < symbols.size() ? static_cast<std::int32_t>(i) + 1 : -1;
    }
    return symbols;
}

void BpeModel::join(std::vector<Symbol>& symbols) const
{
    std::priority_queue<Candidate, std::vector<Candidate>, LaterFirst> queue;
    const auto at = [&symbols](std::int32_t position) -> Symbol& {
        return symbols[static_cast<std::size_t>(position)];
    };
    const auto offer = [&](std::int32_t left) {
        if (left < 0 || at(left).next < 0)
            return;
        if (const Merge* merge = mergeOf(at(left).id, at(at(left).next).id))
            queue.push({merge->rank, left, merge->joined});
    };
    for (std::size_t i = 0; i < symbols.size(); ++i)
        offer(static_cast<std::int32_t>(i));
    while (!queue.empty()) {
        const Candidate top = queue.top();
        queue.pop();
        Symbol& left = at(top.position);
        if (left.gone || left.next < 0)
            continue;
        // A neighbour may have changed since this entry was made.
        Symbol& right = at(left.next);
        const Merge* merge = mergeOf(left.id, right.id);
        if (merge == nullptr || merge->joined != top.joined)
            continue;
        left.id = top.joined;
        right.gone = true;
        left.next = right.next;
        if (left.next >= 0)
            at(left.next).previous = top.position;
        offer(left.previous);
        offer(top.position);
    }
}

void BpeModel::encode(std::string_view word, std::vector<TokenId>& ids) const
{
    if (word.empty())
        return;
    if (m_options.ignoreMerges) {
        if (const auto id = m_vocabulary.find(word)) {
            ids.push_back(*id);
            return;
        }
    }
    std::vector<Symbol> symbols = split(word);
    join(symbols);
    for (const Symbol& symbol : symbols)
        if (!symbol.gone)
            ids.push_back(symbol.id);
}

}
