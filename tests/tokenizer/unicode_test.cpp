#include "engine/base/sha256.h"
#include "engine/tokenizer/pattern.h"
#include "engine/tokenizer/unicode.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

namespace blockcert::tokenizer {
namespace {

// The digests are the reference's, printed by tests/data/tokenizers/make_unicode_additions.py.

void everyCodePoint(const std::function<void(char32_t, const std::string&)>& each)
{
    for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c < 0xE000)
            continue;
        std::string text;
        appendUtf8(text, c);
        each(c, text);
    }
}

std::string digestOfTexts(const std::function<std::string(const std::string&)>& change)
{
    Sha256 digest;
    everyCodePoint([&](char32_t, const std::string& text) { digest.add(change(text) + "\n"); });
    return digest.finish();
}

std::string digestOfMembers(const std::function<bool(char32_t, const std::string&)>& belongs)
{
    Sha256 digest;
    int count = 0;
    everyCodePoint([&](char32_t c, const std::string& text) {
        if (!belongs(c, text))
            return;
        ++count;
        digest.add(fmt::format("{:X}\n", static_cast<unsigned>(c)));
    });
    return std::to_string(count) + " " + digest.finish();
}

TEST(Unicode, NormalFormsAreTheReferencesForEveryCodePoint)
{
    EXPECT_EQ(digestOfTexts([](const std::string& text) { return normalise(text, NormalForm::Nfc); }),
              "9cc65524a9d8082bf10840c616cd199bd2ac12ee49a3381bd6fb7957711f342b");
    EXPECT_EQ(digestOfTexts([](const std::string& text) { return normalise(text, NormalForm::Nfd); }),
              "34c986f61cb6f6d682995fecf92e27dccdcd867a8eb8358cb155ab1047757fa1");
    EXPECT_EQ(digestOfTexts([](const std::string& text) { return normalise(text, NormalForm::Nfkc); }),
              "6a3e30f0f9aef6e699678c0600f1f19eca47f536f8da1f9b8c7725d4341f1cc5");
    EXPECT_EQ(digestOfTexts([](const std::string& text) { return normalise(text, NormalForm::Nfkd); }),
              "b13d7cf200216bf8a1994ee254dd770e4263e5ec5bbc2cc056a58baa4b647b3e");
}

TEST(Unicode, MarksYoungerThanTheReferencesTablesDoNotMove)
{
    EXPECT_EQ(normalise("a\xCC\x81\xCC\xB4", NormalForm::Nfd), "a\xCC\xB4\xCC\x81");                 // U+0301 moves
    EXPECT_EQ(normalise("a\xE1\xAB\x89\xCC\xB4", NormalForm::Nfd), "a\xE1\xAB\x89\xCC\xB4");         // U+1AC9 stays
    EXPECT_EQ(normalise("a\xF0\x90\xBE\x83\xCC\x81", NormalForm::Nfc), "a\xF0\x90\xBE\x83\xCC\x81"); // U+10F83 blocks
}

TEST(Unicode, LowerCaseIsTheReferencesForEveryCodePoint)
{
    EXPECT_EQ(digestOfTexts([](const std::string& text) { return lowercase(text); }),
              "62a955092f4341ca841e803dc5d73e6df6210c1d7a8046780af533dc63ec2bd1");
}

TEST(Unicode, ClassesAreTheReferencesForEveryCodePoint)
{
    EXPECT_EQ(digestOfMembers([](char32_t c, const std::string&) { return isWhiteSpace(c); }),
              "25 cc3e2382ab4a87897f330bc96b92d26ee0e354098d43ab858b7f59db51696d66");
    EXPECT_EQ(digestOfMembers([](char32_t c, const std::string&) { return isNumeric(c); }),
              "1924 90108035a3651d7d8cb77cd3b2cc4fc85b73fa35d292e3fd8831c892c78ee8f7");
    EXPECT_EQ(digestOfMembers([](char32_t c, const std::string&) { return isPunctuation(c); }),
              "726 d5292d54546717063e8bca3e9dd65e358fea22f2345f11747ac902e7c6e3a796");
    EXPECT_EQ(digestOfMembers([](char32_t c, const std::string&) { return isWordCharacter(c); }),
              "144667 affcd826907e1ebd350bc380f40f948b73d11ddcb9c9810420cb3c4d6ea9c117");
}

TEST(Unicode, RegularExpressionsMatchTheSameCodePointsAsTheReferences)
{
    const std::pair<const char*, const char*> expected[] = {
        {R"(\s)", "25 cc3e2382ab4a87897f330bc96b92d26ee0e354098d43ab858b7f59db51696d66"},
        {R"(\S)", "1112039 a75f5077a9ee65317d5b7d8f00dd0598b02f8206e7937d8e0b6d9cb974762aeb"},
        {R"(\d)", "760 de44a9d55615aad2dd03066fcd4ecdfb8c64be58c82a28fb952722a72421fd8b"},
        {R"(\p{L})", "141028 d1e1ff0b535f8b9b8bfde5d4e9fd84f1842ee4ab95462eeab2355c78f917d5a7"},
        {R"(\P{N})", "1110153 ea9623096c5c67e538b0b9e6878160ec8c67fb1d1cdeea5be441fa952da05a1a"},
        {R"([^\s\p{L}\p{N}])", "969100 f4e8feedd763c6281bc19d18e3907693ddc6ff624c0e75967046e500df52df5e"},
        {R"([\S])", "1112039 a75f5077a9ee65317d5b7d8f00dd0598b02f8206e7937d8e0b6d9cb974762aeb"},
        {R"(\p{Lu})", "1858 f7791d416a1e2994e079b7a22cb1b54369c989f1444056ffc976c0faabcb62c7"},
        {R"(\p{Ll})", "2258 97cff3a813958104bd3482c0096aa57a2aabfa309a19145b10cf6d62ac57e155"},
        {R"(\p{Lm})", "404 d34fc4dd68244ba5a1d9a6aeb40ce10359d667cbaa79de00ce13a43249f17541"},
        {R"(\p{Lo})", "136477 a2c0a488171df0bdd59468526630cf2ff489d48c5fcf8a4cdd9842f6f69f20b9"},
        {R"(\p{M})", "2501 dd31c9ba279bc08e4ba2154fc8d6ca437fb3a032226a3ef3a0da212156e1c29a"},
        {R"(\p{P})", "855 8213359d2eb26d7df58239227aee42a5d6cede3b23b7209dccf63a410eba236f"},
        {R"(\p{S})", "8514 8fb20799d19aef0a5813914d5464caa2c798ed3d3b0ae5ed94557cabdfb1413d"},
        {R"(.)", "1112063 5d143c5f4aad000b03af73966083b41f0e8f1cc2a0a23d16c3bcd038b1c87646"},
    };
    std::string all;
    everyCodePoint([&all](char32_t, const std::string& text) { all += text; });
    for (const auto& [expression, digest] : expected) {
        // In pieces, because the text of an expression of unknown cost is limited.
        const Pattern pattern = Pattern::regex(expression, "test");
        std::vector<bool> members(all.size(), false);
        for (std::size_t begin = 0; begin < all.size();) {
            std::size_t end = std::min(begin + 200'000, all.size());
            while (end < all.size() && (static_cast<unsigned char>(all[end]) & 0xC0U) == 0x80U)
                ++end;
            for (const Span& span : pattern.spans(std::string_view(all).substr(begin, end - begin)))
                if (span.match)
                    members[begin + span.begin] = true;
            begin = end;
        }
        std::size_t position = 0;
        EXPECT_EQ(digestOfMembers([&](char32_t, const std::string& text) {
                      const bool member = members[position];
                      position += text.size();
                      return member;
                  }),
                  digest)
            << expression;
    }
}

TEST(Unicode, FindsTheFirstInvalidByte)
{
    EXPECT_EQ(firstInvalidUtf8("a\xC3\xA9\xF0\x9F\x98\x80"), std::nullopt);
    for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xE2\x82",
                            "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3(", "\xE2(\xA1"})
        EXPECT_EQ(firstInvalidUtf8("ab" + std::string(bad)), 2U);
}

TEST(Unicode, ReplacesEveryMaximalInvalidPartOnce)
{
    const std::string mark = "\xEF\xBF\xBD";
    EXPECT_EQ(replaceInvalidUtf8("a\xE2\x82z"), "a" + mark + "z");
    EXPECT_EQ(replaceInvalidUtf8("\xF0\x9F\x98"), mark);
    EXPECT_EQ(replaceInvalidUtf8("\xC3\xC3\xA9"), mark + "\xC3\xA9");
    EXPECT_EQ(replaceInvalidUtf8("\xED\xA0\x80"), mark + mark + mark);
}

TEST(Unicode, NormalisesALongRunOfMarksInReasonableTime)
{
    // Alternating classes, the worst case for insertion; 10 seconds and more with a quadratic order.
    std::string text = "a";
    for (int i = 0; i < 200'000; ++i)
        text += i % 2 == 0 ? "\xCC\x81" : "\xCC\xA3";
    const std::string ordered = normalise(text, NormalForm::Nfd);
    EXPECT_EQ(ordered.substr(0, 5), "a\xCC\xA3\xCC\xA3");
    EXPECT_EQ(ordered.size(), text.size());
}

}
}
