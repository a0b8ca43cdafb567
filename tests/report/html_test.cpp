// The page that a report becomes: safe whatever its texts are, complete in itself, the same bytes every time.

#include "engine/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace blockcert::report {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string hostile = "</td><script>alert(1)</script><img src=x onerror='alert(2)'>\"&\x01";

figure::Figure drawn(const std::string& text)
{
    figure::Figure figure;
    figure.title = text;
    figure.scope = text;
    figure.caption = text;
    figure.metadata = {{text, text}};
    figure::Panel panel;
    panel.x.label = text;
    panel.series = {{text, figure::Mark::LineMarkers, {{0, 1.0}, {1, 2.0}}}};
    figure.panels = {panel};
    return figure;
}

Document everyPart(const std::string& text)
{
    Section section{text, 1, {}};
    section.parts = {Paragraph{text},
                     Bullets{{text}},
                     Statement{Standing::Claimed, text},
                     Facts{{{text, text}}},
                     Table{text, {{text}, {text, ColumnKind::Number}}, {{{text}, {text, Tone::Bad, text}}}, text},
                     drawn(text),
                     Picture{"image/png", "AAAA", 10, 10, text},
                     Commands{{text, text}},
                     Note{text}};
    return {text, text, text, text, {section, {text, 2, {Paragraph{text}}}, {text, 1, {}}}};
}

std::size_t countOf(const std::string& text, const std::string& what)
{
    std::size_t count = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++count;
    return count;
}

}

TEST(ReportPage, ShowsHostileTextAsText)
{
    const std::string html = writeHtml(everyPart(hostile));
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_EQ(countOf(html, "<img"), 1U) << "the picture's own";
    EXPECT_THAT(html, Not(HasSubstr("\x01")));
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
    // The same marks as with harmless text: nothing was opened or closed by it.
    const std::string plain = writeHtml(everyPart("text"));
    for (const char* mark :
         {"<td", "</td>", "<tr>", "<section", "</section>", "<div", "</div>", "<p", "<svg", "</svg>"})
        EXPECT_EQ(countOf(html, mark), countOf(plain, mark)) << mark;
}

TEST(ReportPage, NeedsNothingFromElsewhere)
{
    const std::string html = writeHtml(everyPart("text"));
    EXPECT_THAT(html, HasSubstr("default-src 'none'"));
    EXPECT_THAT(html, Not(HasSubstr("<link")));
    EXPECT_THAT(html, Not(HasSubstr("url(")));
    EXPECT_EQ(countOf(html, "src="), countOf(html, "src=\"data:image/png;base64,"));
    EXPECT_EQ(countOf(html, "://"), countOf(html, "xmlns=\"http://www.w3.org/2000/svg\""));
    // Every link leads to a section of the page.
    EXPECT_EQ(countOf(html, "href="), countOf(html, "href=\"#s"));
    EXPECT_THAT(html, HasSubstr("href=\"#s2\""));
    EXPECT_THAT(html, HasSubstr("id=\"s2\""));
}

TEST(ReportPage, DrawsNoPictureThatIsNone)
{
    for (const Picture& picture :
         {Picture{"image/svg+xml", "AAAA", 1, 1, ""}, Picture{"image/png", "\" onerror=\"alert(1)", 1, 1, ""}}) {
        Document document;
        document.sections = {{"one", 1, {picture}}};
        EXPECT_THAT(writeHtml(document), Not(HasSubstr("<img")));
    }
}

TEST(ReportPage, HasTheSameBytesEveryTime)
{
    EXPECT_EQ(writeHtml(everyPart("text")), writeHtml(everyPart("text")));
}

TEST(ReportPage, DrawsFiguresForLightAndDark)
{
    const std::string html = writeHtml(everyPart("text"));
    EXPECT_EQ(countOf(html, "<svg xmlns"), 2U);
    EXPECT_THAT(html, HasSubstr("#1A1E24")); // the dark paper
    EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
    EXPECT_THAT(html, HasSubstr("@media print"));
    EXPECT_THAT(html, Not(HasSubstr("<?xml")));
}

TEST(ReportPage, NamesEveryStandingByItsWord)
{
    for (const Standing standing :
         {Standing::Claimed, Standing::Verified, Standing::Failed, Standing::NotChecked, Standing::WeakerThanPolicy}) {
        Document document;
        document.sections = {{"one", 1, {Statement{standing, "A sentence."}}}};
        EXPECT_THAT(writeHtml(document), HasSubstr("<b>" + standingWord(standing) + "</b>A sentence."));
    }
    Document said;
    said.sections = {{"one", 1, {Statement{Standing::Verified, "Verified at level 3."}}}};
    EXPECT_THAT(writeHtml(said), HasSubstr("<p>Verified at level 3.</p>"));
}

TEST(ReportPage, SaysWhatATableLeftOut)
{
    Document document;
    document.sections = {{"one", 1, {Table{"", {{"a"}}, {{{"1"}}}, "4 more are left out."}}}};
    EXPECT_THAT(writeHtml(document), HasSubstr("<p class=\"left-out\">4 more are left out.</p>"));
}

}
