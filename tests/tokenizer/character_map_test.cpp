// Normalisation maps: what the rules do, and maps that do not fit together.
#include "engine/base/error.h"
#include "engine/tokenizer/character_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <set>

namespace blockcert::tokenizer {
namespace {

using testing::HasSubstr;

constexpr std::size_t noLimit = 1U << 20U;

std::string littleEndian(std::uint32_t value)
{
    std::string bytes;
    for (unsigned shift = 0; shift < 32; shift += 8)
        bytes += static_cast<char>((value >> shift) & 0xFFU);
    return bytes;
}

// Lays a set of rules out as a double array, in the simplest way there is: every node gets the first block of 256
// places in which its children are free.
class TrieBuilder {
public:
    std::string build(const std::map<std::string, std::string>& rules)
    {
        std::string texts;
        std::map<std::string, std::uint32_t> values;
        for (const auto& [from, to] : rules) {
            values[from] = static_cast<std::uint32_t>(texts.size());
            texts += to + '\0';
        }
        m_units.assign(256, 0);
        place(0, "", values);
        std::string bytes = littleEndian(static_cast<std::uint32_t>(m_units.size() * 4));
        for (const std::uint32_t unit : m_units)
            bytes += littleEndian(unit);
        return bytes + texts;
    }

private:
    void place(std::size_t at, const std::string& prefix, const std::map<std::string, std::uint32_t>& values)
    {
        std::set<unsigned char> labels;
        for (const auto& [key, value] : values)
            if (key.size() > prefix.size() && key.starts_with(prefix))
                labels.insert(static_cast<unsigned char>(key[prefix.size()]));
        const std::size_t base = m_units.size(); // a fresh block: no child of another node is there
        m_units.resize(base + 256, 0);
        const auto offset = static_cast<std::uint32_t>(at ^ base);
        m_units[at] |= (offset >> 8U) << 10U | 0x200U; // in units of 256
        // The low bits of the offset cannot be said in units of 256, so the children stand where they put them.
        const std::size_t begin = at ^ ((offset >> 8U) << 8U);
        if (const auto own = values.find(prefix); own != values.end()) {
            m_units[at] |= 0x100U;
            m_units[begin] = own->second | 0x80000000U;
        }
        for (const unsigned char label : labels)
            m_units[begin ^ label] = label;
        for (const unsigned char label : labels)
            place(begin ^ label, prefix + static_cast<char>(label), values);
    }

    std::vector<std::uint32_t> m_units;
};

CharacterMap mapOf(const std::map<std::string, std::string>& rules, std::vector<std::string> verbatim = {})
{
    return {TrieBuilder().build(rules), PrefixSet(std::move(verbatim)), "m"};
}

// The longest rule at every place, by trying them all.
std::string expected(const std::map<std::string, std::string>& rules, std::string_view text)
{
    std::string result;
    while (!text.empty()) {
        const std::pair<const std::string, std::string>* best = nullptr;
        for (const auto& rule : rules)
            if (text.starts_with(rule.first) && (best == nullptr || rule.first.size() > best->first.size()))
                best = &rule;
        result += best == nullptr ? std::string(text.substr(0, 1)) : best->second;
        text.remove_prefix(best == nullptr ? 1 : best->first.size());
    }
    return result;
}

TEST(CharacterMap, TakesTheLongestRule)
{
    const CharacterMap map = mapOf({{"A", "a"}, {"AB", "x"}, {"ABCD", ""}, {"\xEF\xAC\x81", "fi"}});
    EXPECT_EQ(map.apply("A", noLimit), "a");
    EXPECT_EQ(map.apply("ABC", noLimit), "xC"); // ABCD does not match, AB does
    EXPECT_EQ(map.apply("ABCDA", noLimit), "a");
    EXPECT_EQ(map.apply("\xEF\xAC\x81\xEF\xAC\x82", noLimit), "fi\xEF\xAC\x82");
    EXPECT_EQ(map.apply("", noLimit), "");
    EXPECT_EQ(map.apply(std::string_view("A\0A", 3), noLimit), std::string("a\0a", 3));
}

TEST(CharacterMap, LeavesUserDefinedPiecesAlone)
{
    const CharacterMap map = mapOf({{"A", "a"}, {"B", "b"}}, {"AB", "ABBA"});
    EXPECT_EQ(map.apply("ABAABBABB", noLimit), "ABaABBAbb");
}

TEST(CharacterMap, AgreesWithTryingEveryRule)
{
    std::mt19937 generator(7);
    const auto word = [&generator](std::size_t longest) {
        std::string text;
        for (std::size_t i = generator() % longest + 1; i > 0; --i)
            text += static_cast<char>('a' + generator() % 3);
        return text;
    };
    for (int round = 0; round < 50; ++round) {
        std::map<std::string, std::string> rules;
        for (int i = 0; i < 20; ++i)
            rules[word(5)] = word(4);
        const CharacterMap map = mapOf(rules);
        for (int i = 0; i < 50; ++i) {
            const std::string text = word(30);
            EXPECT_EQ(map.apply(text, noLimit), expected(rules, text)) << text;
        }
    }
}

std::string problemOf(const std::string& bytes, std::string_view text = "A")
{
    try {
        static_cast<void>(CharacterMap(bytes, PrefixSet(), "tokenizer.model").apply(text, 100));
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

TEST(CharacterMap, RefusesMapsThatDoNotFitTogether)
{
    const std::string good = TrieBuilder().build({{"A", "a"}});
    EXPECT_EQ(problemOf(good), "");
    EXPECT_THAT(problemOf("abc"), HasSubstr("damaged"));
    EXPECT_THAT(problemOf(littleEndian(0) + "x"), HasSubstr("trie of 0"));
    EXPECT_THAT(problemOf(littleEndian(5) + std::string(9, '\0')), HasSubstr("trie of 5"));
    EXPECT_THAT(problemOf(littleEndian(8) + std::string(8, '\0')), HasSubstr("trie of 8")); // no texts
    EXPECT_THAT(problemOf(littleEndian(0xFFFFFFFC) + std::string(8, '\0')), HasSubstr("4294967292"));
    EXPECT_THAT(problemOf(good.substr(0, good.size() - 1)), HasSubstr("no end"));

    const auto withUnit = [&good](std::size_t place, std::uint32_t unit) {
        std::string bytes = good;
        bytes.replace(4 + 4 * place, 4, littleEndian(unit));
        return bytes;
    };
    // The root leads to place 256, the letter A to 256 + 65 and from there to 512 + 65, where its value is.
    EXPECT_THAT(problemOf(withUnit(512 + 65, 0x80000000U + 500)), HasSubstr("byte 500"));
    EXPECT_THAT(problemOf(withUnit(256 + 65, 65U | 0x100U | 0x200U | 5000U << 10U)), HasSubstr("leads to place"));
    EXPECT_THAT(problemOf(TrieBuilder().build({{"A", "\xFF"}})), HasSubstr("not UTF-8"));
    EXPECT_THAT(problemOf(TrieBuilder().build({{"\xC3", "x"}}), "\xC3\xA9"), HasSubstr("inside a character"));
    EXPECT_THAT(problemOf(TrieBuilder().build({{"A", std::string(60, 'x')}}), "AA"), HasSubstr("grows"));
}

TEST(CharacterMap, AnswersWhateverTheTrieHolds)
{
    std::mt19937 generator(11);
    for (int round = 0; round < 3000; ++round) {
        std::string bytes = TrieBuilder().build({{"A", "a"}, {"AB", "\xC3\xA9"}, {"\xC3\xA9", "e"}});
        for (int i = 0; i < 8; ++i)
            bytes[4 + generator() % (bytes.size() - 4)] = static_cast<char>(generator());
        static_cast<void>(problemOf(bytes, "AB\xC3\xA9\x41\x42 C"));
    }
}

}
}
