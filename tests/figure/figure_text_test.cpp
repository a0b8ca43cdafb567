// Foreign text in figures: what is drawn, what is escaped, and how wide it is taken to be.
#include "engine/figure/figure_text.h"
#include "engine/figure/text_width.h"

#include <gmock/gmock.h>

namespace blockcert::figure {
namespace {

TEST(FigureText, MakesWhatCannotBeSeenVisible)
{
    EXPECT_EQ(drawable("a\nb\tc"), "a⏎b c");
    EXPECT_EQ(drawable(std::string_view("\0\x1b[31m", 6)), "\uFFFD\uFFFD[31m");
    EXPECT_EQ(drawable("evil \u202Etxt"), "evil \uFFFDtxt"); // turns the direction of writing
    EXPECT_EQ(drawable("\xEF\xBF\xBE"), "\uFFFD");           // U+FFFE is no character of XML
}

TEST(FigureText, ReplacesBytesThatAreNoUtf8)
{
    EXPECT_EQ(drawable("a\xFFz"), "a\uFFFDz");
    EXPECT_EQ(drawable("\xC0\xAF"), "\uFFFD\uFFFD");           // an overlong slash
    EXPECT_EQ(drawable("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD"); // half of a surrogate pair
    EXPECT_EQ(drawable("\xF0\x9F"), "\uFFFD\uFFFD");           // cut short
    EXPECT_EQ(drawable("ŷ − y ≤ τ, 漢字, 🙂"), "ŷ − y ≤ τ, 漢字, 🙂");
}

TEST(FigureText, EscapesWhatMeansSomethingInXml)
{
    EXPECT_EQ(xmlText("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

TEST(TextWidth, CutsToWhatFits)
{
    EXPECT_EQ(fitted("short", 11, 100), "short");
    const std::string cut = fitted("a name that is much too long", 11, 60);
    EXPECT_LE(textWidth(cut, 11), 60.0);
    EXPECT_TRUE(cut.ends_with("…"));
    EXPECT_EQ(fitted("anything", 11, 1), "…");
}

TEST(TextWidth, WrapsAtBlanksAndLosesNoWord)
{
    const std::string text = "one two three four five six seven eight";
    std::string joined;
    for (const std::string& line : wrapped(text, 12, 90)) {
        EXPECT_LE(textWidth(line, 12), 90.0);
        joined += (joined.empty() ? "" : " ") + line;
    }
    EXPECT_EQ(joined, text);
}

}
}
