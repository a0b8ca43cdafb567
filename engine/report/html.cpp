#include "engine/report/html.h"

#include "engine/figure/figure_text.h"
#include "engine/figure/svg.h"
#include "engine/report/html_style.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace blockcert::report {

namespace {

using figure::xmlText;

// Content of a person's own note keeps its lines.
std::string lines(std::string_view text)
{
    std::string html;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        html += (begin > 0 ? "\n" : "") + xmlText(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return html;
}

std::string_view classOf(Tone tone)
{
    static constexpr std::array<std::string_view, 5> names = {"", "quiet", "good", "bad", "warning"};
    return names[static_cast<std::size_t>(tone)];
}

std::string attribute(std::string_view name, std::string_view value)
{
    return value.empty() ? "" : fmt::format(" {}=\"{}\"", name, value);
}

// A digest, and nothing else.
bool isFixed(const std::string& text)
{
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Different shapes, so that colour is never alone: tick in a disc, cross in an octagon, exclamation in a triangle, and
// a dash in a dashed ring for what was not checked.
std::string_view markOf(Standing standing)
{
    switch (standing) {
    case Standing::Verified: return R"(<circle cx="11" cy="11" r="9"/><path d="M6.5 11.5l3 3 6-6.5"/>)";
    case Standing::Failed:
        return R"(<path d="M7.3 2h7.4L20 7.3v7.4L14.7 20H7.3L2 14.7V7.3z"/><path d="M7.5 7.5l7 7m0-7l-7 7"/>)";
    case Standing::WeakerThanPolicy: return R"(<path d="M11 2.5L20.5 19H1.5z"/><path d="M11 8.5v5m0 2.2v.8"/>)";
    case Standing::Claimed:
    case Standing::NotChecked: break;
    }
    return R"(<circle cx="11" cy="11" r="9" stroke-dasharray="3 2.6"/><path d="M7 11h8"/>)";
}

std::string_view classOf(Standing standing)
{
    static constexpr std::array<std::string_view, 5> names = {"claimed", "verified", "failed", "unchecked", "weaker"};
    return names[static_cast<std::size_t>(standing)];
}

std::string write(const Paragraph& paragraph)
{
    return fmt::format("<p{}>{}</p>\n", attribute("class", classOf(paragraph.tone)), xmlText(paragraph.text));
}

std::string write(const Bullets& bullets)
{
    if (bullets.sentences.empty())
        return "";
    std::string html = fmt::format("<ul{}>\n", attribute("class", classOf(bullets.tone)));
    for (const std::string& sentence : bullets.sentences)
        html += "<li>" + xmlText(sentence) + "</li>\n";
    return html + "</ul>\n";
}

// Where the sentence begins with the state's own word, the word need not stand twice.
std::string headOf(const Statement& statement)
{
    const std::string word = standingWord(statement.standing);
    const bool said = std::ranges::equal(word, statement.sentence.substr(0, word.size()), {}, {},
                                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return said ? "" : "<b>" + xmlText(word) + "</b>";
}

std::string write(const Statement& statement)
{
    return fmt::format("<div class=\"statement {}\"><svg viewBox=\"0 0 22 22\" fill=\"none\" stroke=\"currentColor\" "
                       "stroke-width=\"1.8\" aria-hidden=\"true\">{}</svg><p>{}{}</p></div>\n",
                       classOf(statement.standing), markOf(statement.standing), headOf(statement),
                       xmlText(statement.sentence));
}

std::string write(const Facts& facts)
{
    std::string html = "<dl>\n";
    for (const auto& [name, value] : facts.rows)
        html += fmt::format("<dt>{}</dt><dd{}>{}</dd>\n", xmlText(name), isFixed(value) ? " class=\"fixed\"" : "",
                            xmlText(value));
    return html + "</dl>\n";
}

std::string write(const Table& table)
{
    static constexpr std::array<std::string_view, 3> kinds = {"", "number", "fixed"};
    const auto kindOf = [&](std::size_t column) { return kinds[static_cast<std::size_t>(table.columns[column].kind)]; };
    std::string html = "<div class=\"wide\"><table>\n";
    if (!table.caption.empty())
        html += "<caption>" + xmlText(table.caption) + "</caption>\n";
    html += "<thead><tr>";
    for (std::size_t c = 0; c < table.columns.size(); ++c)
        html +=
            fmt::format("<th scope=\"col\"{}>{}</th>", attribute("class", kindOf(c)), xmlText(table.columns[c].title));
    html += "</tr></thead>\n<tbody>\n";
    for (const std::vector<Cell>& row : table.rows) {
        html += "<tr>";
        for (std::size_t c = 0; c < std::min(row.size(), table.columns.size()); ++c) {
            std::string classes(kindOf(c));
            if (const std::string_view tone = classOf(row[c].tone); !tone.empty())
                classes += (classes.empty() ? "" : " ") + std::string(tone);
            html += fmt::format("<td{}{}>{}</td>", attribute("class", classes),
                                attribute("title", xmlText(row[c].exact)), xmlText(row[c].text));
        }
        html += "</tr>\n";
    }
    html += "</tbody></table>";
    if (!table.leftOut.empty())
        html += "<p class=\"left-out\">" + xmlText(table.leftOut) + "</p>";
    return html + "</div>\n";
}

std::string write(const figure::Figure& figure)
{
    using figure::SvgAppearance;
    using figure::SvgForm;
    std::string html = "<figure>\n";
    html += "<div class=\"light\">" + writeSvg(figure, {SvgAppearance::Light, SvgForm::Inline}) + "</div>\n";
    html += "<div class=\"dark\">" + writeSvg(figure, {SvgAppearance::Dark, SvgForm::Inline}) + "</div>\n";
    return html + "</figure>\n";
}

std::string write(const Picture& picture)
{
    const bool isBase64 = picture.base64.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                           "0123456789+/=") == std::string::npos;
    if (picture.mime != "image/png" || !isBase64) // nothing else is drawn here
        return "";
    return fmt::format("<figure><img src=\"data:image/png;base64,{}\" width=\"{:.0f}\" height=\"{:.0f}\" "
                       "alt=\"{}\"></figure>\n",
                       picture.base64, picture.width, picture.height, xmlText(picture.text));
}

std::string write(const Commands& commands)
{
    std::string html = "<pre><code>";
    for (std::size_t i = 0; i < commands.lines.size(); ++i)
        html += (i > 0 ? "\n" : "") + xmlText(commands.lines[i]);
    return html + "</code></pre>\n";
}

std::string write(const Note& note)
{
    return "<blockquote>" + lines(note.text) + "</blockquote>\n";
}

std::string contents(const Document& document)
{
    std::string html = "<nav aria-label=\"Contents\"><ol>\n";
    int number = 0;
    for (const Section& section : document.sections)
        if (section.level == 1)
            html += fmt::format("<li><a href=\"#s{}\">{}</a></li>\n", ++number, xmlText(section.title));
    return number > 1 ? html + "</ol></nav>\n" : "";
}

}

std::string standingWord(Standing standing)
{
    switch (standing) {
    case Standing::Claimed: return "claimed, not verified here";
    case Standing::Verified: return "verified";
    case Standing::Failed: return "failed";
    case Standing::NotChecked: return "not checked";
    case Standing::WeakerThanPolicy: return "weaker than policy";
    }
    return {};
}

std::string writeHtml(const Document& document)
{
    std::string html =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'; img-src data:\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    html += fmt::format("<meta name=\"generator\" content=\"{}\">\n<title>{}</title>\n<style>\n{}</style>\n</head>\n",
                        xmlText(document.tool), xmlText(document.title), htmlStyle());
    html += fmt::format("<body>\n<main>\n<header>\n<h1>{}</h1>\n<p class=\"scope\">{}</p>\n", xmlText(document.title),
                        xmlText(document.scope));
    html += fmt::format("<p class=\"made\">Written {} by {}.</p>\n</header>\n", xmlText(document.created),
                        xmlText(document.tool));
    html += contents(document);
    int number = 0;
    for (const Section& section : document.sections) {
        const bool inside = section.level > 1 && number > 0;
        if (!inside) {
            html += number > 0 ? "</section>\n" : "";
            html += fmt::format("<section id=\"s{}\">\n", ++number);
        }
        html += fmt::format("<h{0}>{1}</h{0}>\n", inside ? 3 : 2, xmlText(section.title));
        for (const Part& part : section.parts)
            html += std::visit([](const auto& one) { return write(one); }, part);
    }
    return html + (number > 0 ? "</section>\n" : "") + "</main>\n</body>\n</html>\n";
}

}
