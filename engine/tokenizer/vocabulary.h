// Token texts and their ids, in both directions.
#pragma once

#include "engine/values/ids.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace blockcert::tokenizer {

struct TextHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

// Ids need not be consecutive. Const members may be called from several threads.
class Vocabulary {
public:
    static constexpr std::size_t mostTokens = 1'000'000;
    static constexpr TokenId largestId = 2'000'000;
    static constexpr std::size_t longestToken = 4096; // bytes

    // Throws FormatError (naming `source`) if the text or the id is there already, ResourceError above the limits.
    void add(std::string text, std::int64_t id, std::string_view source);

    [[nodiscard]] std::optional<TokenId> find(std::string_view text) const
    {
        const auto found = m_ids.find(text);
        return found == m_ids.end() ? std::nullopt : std::optional(found->second);
    }

    // Null if the id names no token.
    [[nodiscard]] const std::string* text(TokenId id) const
    {
        const auto index = static_cast<std::size_t>(id);
        return id >= 0 && index < m_texts.size() ? m_texts[index] : nullptr;
    }

    [[nodiscard]] std::size_t count() const { return m_ids.size(); }

    // One more than the largest id.
    [[nodiscard]] std::int32_t size() const { return static_cast<std::int32_t>(m_texts.size()); }

private:
    std::unordered_map<std::string, TokenId, TextHash, std::equal_to<>> m_ids;
    std::vector<const std::string*> m_texts; // by id; points at the map's keys, which never move
};

}
