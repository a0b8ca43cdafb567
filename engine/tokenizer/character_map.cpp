#include "engine/tokenizer/character_map.h"

#include "engine/base/error.h"
#include "engine/tokenizer/unicode.h"

#include <utility>

namespace blockcert::tokenizer {

namespace {

std::uint32_t littleEndian(std::string_view bytes)
{
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;)
        value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
    return value;
}

// The fields of a unit of the double array: bit 31 and the low byte are the label, bit 8 says that the unit's first
// child is a leaf, bit 9 that the offset counts in 256s; a leaf holds a value of 31 bits.
std::uint32_t labelOf(std::uint32_t unit)
{
    return unit & 0x800000FFU;
}

bool hasLeaf(std::uint32_t unit)
{
    return ((unit >> 8U) & 1U) != 0;
}

std::size_t offsetOf(std::uint32_t unit)
{
    return std::size_t{unit >> 10U} << ((unit & 0x200U) != 0 ? 8U : 0U);
}

std::size_t valueOf(std::uint32_t leaf)
{
    return leaf & 0x7FFFFFFFU;
}

}

CharacterMap::CharacterMap(std::string_view bytes, PrefixSet verbatim, std::string source)
{
    Data data;
    data.verbatim = std::move(verbatim);
    data.source = std::move(source);
    const std::size_t size = bytes.size() < 4 ? 0 : littleEndian(bytes);
    if (size == 0 || size % 4 != 0 || size >= bytes.size() - 4)
        throw FormatError(data.source + ": the normalisation map of " + std::to_string(bytes.size()) +
                          " bytes names a trie of " + std::to_string(size) + "; the file is damaged.");
    for (std::size_t at = 4; at < 4 + size; at += 4)
        data.trie.push_back(littleEndian(bytes.substr(at, 4)));
    data.replacements = bytes.substr(4 + size);
    if (data.replacements.back() != '\0')
        throw FormatError(data.source + ": the last text of the normalisation map has no end; the file is damaged.");
    m_data = std::make_shared<const Data>(std::move(data));
}

std::uint32_t CharacterMap::unit(std::size_t position) const
{
    if (position >= m_data->trie.size())
        throw FormatError(m_data->source + ": the normalisation map leads to place " + std::to_string(position) +
                          " of a trie of " + std::to_string(m_data->trie.size()) + "; the file is damaged.");
    return m_data->trie[position];
}

std::string_view CharacterMap::replacement(std::size_t position) const
{
    if (position >= m_data->replacements.size())
        throw FormatError(m_data->source + ": the normalisation map leads to byte " + std::to_string(position) +
                          " of texts of " + std::to_string(m_data->replacements.size()) +
                          " bytes; the file is damaged.");
    const std::string_view text = m_data->replacements.c_str() + position;
    if (firstInvalidUtf8(text))
        throw FormatError(m_data->source + ": the text at byte " + std::to_string(position) +
                          " of the normalisation map is not UTF-8; the file is damaged.");
    return text;
}

CharacterMap::Rule CharacterMap::longestRule(std::string_view text) const
{
    Rule rule;
    std::size_t position = offsetOf(unit(0));
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        position ^= byte;
        // A place beyond the trie is no child: the array is only as long as its last one.
        if (byte == 0 || position >= m_data->trie.size() || labelOf(m_data->trie[position]) != byte)
            break;
        const std::uint32_t node = m_data->trie[position];
        position ^= offsetOf(node);
        if (hasLeaf(node))
            rule = {i + 1, valueOf(unit(position))};
    }
    return rule;
}

std::string CharacterMap::apply(std::string_view text, std::size_t limit) const
{
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        std::size_t taken = m_data->verbatim.longestAt(text);
        std::string_view piece = text.substr(0, taken);
        if (taken == 0) {
            const Rule rule = longestRule(text);
            taken = rule.length;
            if (taken > 0) {
                if (taken < text.size() && (static_cast<unsigned char>(text[taken]) & 0xC0U) == 0x80)
                    throw FormatError(
                        m_data->source +
                        ": a rule of the normalisation map ends inside a character; the file is damaged.");
                piece = replacement(rule.value);
            } else {
                static_cast<void>(nextCodePoint(text, taken));
                piece = text.substr(0, taken);
            }
        }
        if (result.size() + piece.size() > limit)
            throw ResourceError(m_data->source + ": a text grows to more than " + std::to_string(limit) +
                                " bytes in the normalisation map; shorten it.");
        result += piece;
        text.remove_prefix(taken);
    }
    return result;
}

}
