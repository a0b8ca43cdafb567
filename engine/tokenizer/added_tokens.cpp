#include "engine/tokenizer/added_tokens.h"

#include "engine/base/error.h"
#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <utility>

namespace blockcert::tokenizer {

namespace {

bool endsWithWord(std::string_view text)
{
    std::size_t end = text.size();
    return end > 0 && isWordCharacter(previousCodePoint(text, end));
}

bool startsWithWord(std::string_view text)
{
    std::size_t begin = 0;
    return !text.empty() && isWordCharacter(nextCodePoint(text, begin));
}

std::size_t beginOfTrailingSpace(std::string_view text)
{
    std::size_t begin = text.size();
    while (begin > 0) {
        std::size_t before = begin;
        if (!isWhiteSpace(previousCodePoint(text, before)))
            break;
        begin = before;
    }
    return begin;
}

std::size_t endOfLeadingSpace(std::string_view text)
{
    std::size_t end = 0;
    while (end < text.size()) {
        std::size_t after = end;
        if (!isWhiteSpace(nextCodePoint(text, after)))
            break;
        end = after;
    }
    return end;
}

std::uint64_t edgeKey(std::uint32_t node, char byte)
{
    return (static_cast<std::uint64_t>(node) << 8U) | static_cast<std::uint8_t>(byte);
}

}

void AddedTokens::Trie::add(std::string_view pattern, TokenId id)
{
    if (pattern.empty())
        return;
    starts[static_cast<std::uint8_t>(pattern.front())] = true;
    std::uint32_t node = 0;
    for (const char byte : pattern) {
        const auto [edge, created] = edges.emplace(edgeKey(node, byte), nodes);
        nodes += created ? 1 : 0;
        node = edge->second;
    }
    ends.emplace(node, id);
}

void AddedTokens::Trie::remove(std::string_view pattern, TokenId id)
{
    std::uint32_t node = 0;
    for (const char byte : pattern) {
        const auto edge = edges.find(edgeKey(node, byte));
        if (edge == edges.end())
            return;
        node = edge->second;
    }
    if (const auto end = ends.find(node); end != ends.end() && end->second == id)
        ends.erase(end);
}

std::size_t AddedTokens::Trie::match(std::string_view text, std::size_t position, TokenId& id) const
{
    if (!starts[static_cast<std::uint8_t>(text[position])])
        return 0;
    std::size_t longest = 0;
    std::uint32_t node = 0;
    for (std::size_t i = position; i < text.size(); ++i) {
        const auto edge = edges.find(edgeKey(node, text[i]));
        if (edge == edges.end())
            break;
        node = edge->second;
        if (const auto end = ends.find(node); end != ends.end()) {
            longest = i + 1 - position;
            id = end->second;
        }
    }
    return longest;
}

bool AddedToken::saysTheSameAs(const AddedToken& other) const
{
    return content == other.content && singleWord == other.singleWord && stripLeft == other.stripLeft &&
           stripRight == other.stripRight && normalised == other.normalised && special == other.special;
}

void AddedTokens::add(AddedToken token, std::string_view pattern)
{
    m_bytes += pattern.size();
    if (m_bytes > mostBytes)
        throw ResourceError("The tokenizer's added tokens have more than " + std::to_string(mostBytes) +
                            " bytes together.");
    if (const auto known = m_tokens.find(token.id); known != m_tokens.end()) {
        token.special = token.special || known->second.special;
        (known->second.normalised ? m_normalised : m_raw).remove(m_patterns[token.id], token.id);
    }
    m_patterns[token.id] = pattern;
    (token.normalised ? m_normalised : m_raw).add(pattern, token.id);
    token.decoded = token.normalised ? std::string(pattern) : token.content;
    m_ids[token.content] = token.id;
    m_tokens.insert_or_assign(token.id, std::move(token));
}

std::vector<Fragment> AddedTokens::split(std::string_view text, bool normalised) const
{
    const Trie& trie = normalised ? m_normalised : m_raw;
    std::vector<Fragment> fragments;
    std::size_t done = 0; // everything before it is in a fragment
    for (std::size_t position = 0; position < text.size();) {
        TokenId id = 0;
        const std::size_t length = trie.match(text, position, id);
        if (length == 0) {
            ++position;
            continue;
        }
        std::size_t begin = position;
        std::size_t end = position + length;
        position = end; // later matches start behind this one, whatever white space it takes
        const AddedToken& token = m_tokens.at(id);
        if (token.special && !m_findsSpecial)
            continue;
        if (token.singleWord && (endsWithWord(text.substr(0, begin)) || startsWithWord(text.substr(end))))
            continue;
        if (token.stripLeft)
            begin = std::max(beginOfTrailingSpace(text.substr(0, begin)), done);
        if (token.stripRight)
            end += endOfLeadingSpace(text.substr(end));
        if (done < begin)
            fragments.push_back({text.substr(done, begin - done), std::nullopt});
        fragments.push_back({text.substr(begin, end - begin), id});
        done = end;
    }
    if (done < text.size())
        fragments.push_back({text.substr(done), std::nullopt});
    return fragments;
}

const AddedToken* AddedTokens::find(TokenId id) const
{
    const auto found = m_tokens.find(id);
    return found == m_tokens.end() ? nullptr : &found->second;
}

const AddedToken* AddedTokens::find(std::string_view content) const
{
    const auto found = m_ids.find(content);
    return found == m_ids.end() ? nullptr : &m_tokens.at(found->second);
}

}
