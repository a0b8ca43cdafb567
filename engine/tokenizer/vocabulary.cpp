#include "engine/tokenizer/vocabulary.h"

#include "engine/base/error.h"

#include <utility>

namespace blockcert::tokenizer {

void Vocabulary::add(std::string text, std::int64_t id, std::string_view source)
{
    const std::string where = std::string(source) + ": token " + std::to_string(id);
    if (text.size() > longestToken)
        throw ResourceError(where + " has " + std::to_string(text.size()) + " bytes, more than the limit of " +
                            std::to_string(longestToken) + ".");
    if (id < 0 || id > largestId)
        throw FormatError(where + " lies outside 0 to " + std::to_string(largestId) + ".");
    if (m_ids.size() >= mostTokens)
        throw ResourceError(std::string(source) + ": more than " + std::to_string(mostTokens) + " tokens.");
    const auto index = static_cast<std::size_t>(id);
    if (index >= m_texts.size())
        m_texts.resize(index + 1, nullptr);
    if (m_texts[index] != nullptr)
        throw FormatError(where + " appears twice.");
    const auto [position, added] = m_ids.emplace(std::move(text), static_cast<TokenId>(id));
    if (!added)
        throw FormatError(where + " has the same text as token " + std::to_string(position->second) + ".");
    m_texts[index] = &position->first;
}

}
