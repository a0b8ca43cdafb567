#include "engine/base/error.h"
#include "engine/tokenizer/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace blockcert::tokenizer {
namespace {

// Matches in angle brackets, the rest in square ones.
std::string cut(const Pattern& pattern, std::string_view text)
{
    std::string result;
    for (const Span& span : pattern.spans(text)) {
        const std::string part(text.substr(span.begin, span.end - span.begin));
        result += span.match ? "<" + part + ">" : "[" + part + "]";
    }
    return result;
}

std::string cut(std::string_view expression, std::string_view text)
{
    return cut(Pattern::regex(expression, "test"), text);
}

TEST(Pattern, CoversTheTextWithMatchesAndGaps)
{
    EXPECT_EQ(cut("b+", "abbcb"), "[a]<bb>[c]<b>");
    EXPECT_EQ(cut("b", ""), "[]");
    EXPECT_EQ(cut(Pattern::literal("aa"), "aaaab"), "<aa><aa>[b]");
    EXPECT_EQ(cut(Pattern::literal(""), "ab"), "[ab]");
    EXPECT_EQ(cut("x*", "axb"), "<>[a]<x>[b]<>"); // an empty match right behind a match does not count
}

TEST(Pattern, ReadsSpaceAsTheReferenceDoes)
{
    EXPECT_EQ(cut(R"(\s)", "a\xE1\xA0\x8E"
                           "b"),
              "[a\xE1\xA0\x8E"
              "b]"); // U+180E
    EXPECT_EQ(cut(R"([\s])", "a\xE3\x80\x80"
                             "b"),
              "[a]<\xE3\x80\x80>[b]");
    EXPECT_EQ(cut(R"([\S])", " a "), "[ ]<a>[ ]");
    EXPECT_EQ(cut(R"(a$)", "a\na"), "<a>[\n]<a>"); // Ruby's $ and ^ are those of lines
    EXPECT_EQ(cut(R"(^b)", "ab\nb"), "[ab\n]<b>");
    EXPECT_EQ(cut(R"(\v)", "\n\x0B"), "[\n]<\x0B>");
    EXPECT_EQ(cut(R"(a{,2}b)", "aaab"), "[a]<aab>");
    EXPECT_EQ(cut(R"(\u00e9\x{1F600}\x41)", "\xC3\xA9\xF0\x9F\x98\x80"
                                            "A"),
              "<\xC3\xA9\xF0\x9F\x98\x80"
              "A>");
    EXPECT_EQ(cut(R"((?i:'s|'T))", "'S't'x"), "<'S><'t>['x]");
    EXPECT_EQ(cut(R"([a\-\]]+)", "a-]b"), "<a-]>[b]");
}

TEST(Pattern, RefusesByNameWhatTheTwoEnginesReadDifferently)
{
    const std::pair<const char*, const char*> cases[] = {
        {R"(\w)", "\\w"},          {R"(a\b)", "\\b"},      {R"(\h)", "\\h"},       {R"(\R)", "\\R"},
        {R"(\p{Han})", "Han"},     {R"(\p{Mn})", "Mn"},    {R"([a[b]])", "\"[\""}, {R"([[:alpha:]])", "\"[\""},
        {R"([a&&b])", "&&"},       {R"((?<n>a))", "(?<"},  {R"((?i)a)", "(?i"},    {R"((?m:a))", "(?m"},
        {R"((*FAIL))", "(*"},      {R"(a{2}+)", "+"},      {R"(a{2}?)", "?"},      {R"(a{x})", "{"},
        {R"(\1)", "\\1"},          {R"([\s-z])", "range"}, {R"([!-\s])", "range"}, {R"([\P{L}])", "inverted"},
        {R"((?i:\p{Lu}))", "\\p"}, {R"((?i:ss))", "ss"},   {R"(\xE9)", "byte"},    {R"((?#c))", "(?#"},
        {R"(\K)", "\\K"},          {R"(\G)", "\\G"},       {R"([]a])", "]"},
    };
    for (const auto& [expression, part] : cases) {
        try {
            static_cast<void>(Pattern::regex(expression, "test"));
            ADD_FAILURE() << expression << " is accepted";
        } catch (const UnsupportedError& error) {
            EXPECT_THAT(error.what(), testing::HasSubstr(part)) << expression;
        }
    }
}

TEST(Pattern, RefusesWhatIsNoRegularExpression)
{
    for (const char* expression : {"(", ")", "[a", "a**?+*", R"(\)", R"(\p{L)", R"(\x{110000})", R"(\uD800)", R"(\x4)",
                                   "*a", "a\xFF", R"(\x{})", "(?=", "[b-a]"})
        EXPECT_THROW(static_cast<void>(Pattern::regex(expression, "test")), Error) << expression;
    EXPECT_THROW(static_cast<void>(Pattern::regex(std::string(1 << 20, 'a'), "test")), ResourceError);
    std::string nested;
    for (int i = 0; i < 5000; ++i)
        nested += "(";
    EXPECT_THROW(static_cast<void>(Pattern::regex(nested, "test")), Error);
    EXPECT_THROW(static_cast<void>(Pattern::regex("((a{1,1000}){1,1000}){1,1000}", "test")), Error);
}

TEST(Pattern, StopsExpressionsThatExplode)
{
    const std::string text = std::string(5000, 'a') + "!b!c!y"; // the letters that end a match are there, but too late
    for (const char* expression :
         {"(a+)+b", "(a|aa)+$b", "(a*)*b", "(?:a?){30}a{30}b", "(x+x+)+y|(a+a+)+y", "(?=(a+)+b)a", "a*a*a*a*a*a*b"})
        EXPECT_THROW(static_cast<void>(Pattern::regex(expression, "test").spans(text)), ResourceError) << expression;
    EXPECT_THROW(static_cast<void>(Pattern::regex("a*b", "test").spans(std::string(1 << 20, 'a'))), ResourceError);
}

TEST(Pattern, AppliesTheFiveBehaviours)
{
    const Pattern pattern = Pattern::literal("-");
    const auto split = [&](SplitBehaviour behaviour) {
        const std::string text = "a--b-";
        std::string result;
        for (const Span& part : applyBehaviour(pattern.spans(text), behaviour))
            result += "[" + text.substr(part.begin, part.end - part.begin) + "]";
        return result;
    };
    EXPECT_EQ(split(SplitBehaviour::Isolated), "[a][-][-][b][-]");
    EXPECT_EQ(split(SplitBehaviour::Removed), "[a][b]");
    EXPECT_EQ(split(SplitBehaviour::Contiguous), "[a][--][b][-]");
    EXPECT_EQ(split(SplitBehaviour::MergedWithPrevious), "[a-][-][b-]");
    EXPECT_EQ(split(SplitBehaviour::MergedWithNext), "[a][-][-b][-]");
}

}
}
