#include "app/cli/verdict_report.h"

#include "app/cli/check_groups.h"
#include "app/command_line/shell_word.h"
#include "app/terminal/number_words.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <regex>
#include <utility>
#include <vector>

namespace blockcert::cli {

namespace {

using terminal::Align;
using terminal::Cell;
using terminal::Narrow;
using terminal::Page;
using terminal::TextTable;
using terminal::Tone;

struct StateLook {
    std::string mark;
    std::string word;
    Tone tone;
};

StateLook lookOf(const std::string& state)
{
    if (state == "verified")
        return {"✓", "verified", Tone::Good};
    if (state == "failed")
        return {"✗", "failed", Tone::Bad};
    if (state == "weaker_than_policy")
        return {"!", "weaker than policy", Tone::Warning};
    return {"–", "not checked", Tone::Quiet};
}

std::string groupTitle(const std::string& group)
{
    const auto* const found = std::ranges::find(checkGroups, group, &CheckGroup::name);
    return found == checkGroups.end() ? group : std::string(found->title);
}

std::optional<double> numberIn(const std::string& text)
{
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

// Calls `change` on every match of `pattern` in the text.
template <class Change>
std::string replaced(const std::string& text, const std::regex& pattern, const Change& change)
{
    std::string result;
    std::size_t at = 0;
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
        const auto position = static_cast<std::size_t>(match->position());
        result += text.substr(at, position - at) + change(match->str());
        at = position + match->str().size();
    }
    return result + text.substr(at);
}

// Short for the table: digests by their ends, several numbers with three digits, one alone with six. A disagreement
// is told with every digit under the table.
std::string valueText(const std::string& value)
{
    static const std::regex digest("[0-9a-f]{64}");
    static const std::regex number("[0-9]+[.][0-9]+(e-?[0-9]+)?|[0-9]+e-[0-9]+");
    constexpr int width = 20;
    if (const auto alone = numberIn(value); alone && value.size() > 8)
        return terminal::plainNumber(*alone, 6);
    const std::string text =
        replaced(value, digest, [](const std::string& found) { return terminal::shortDigest(found); });
    return terminal::shortened(
        replaced(text, number, [](const std::string& found) { return terminal::plainNumber(*numberIn(found), 3); }),
        width);
}

// Checks of one kind that share a line of the table.
using Line = std::vector<const Json*>;

std::string textOf(const Json& check, const char* key)
{
    return check.at(key).get<std::string>();
}

bool issuerSaysTheSame(const Line& line)
{
    return std::ranges::all_of(line,
                               [&](const Json* check) { return check->at("issuer") == line.front()->at("issuer"); });
}

// Numbers of the certificate itself, rather than the values behind them.
bool isMetric(const Line& line)
{
    return textOf(*line.front(), "id").starts_with("metrics.");
}

// The metrics of a few blocks are worth a line each; those of many are not, and nor is the same thing said twice.
bool sharesALine(const Line& line, bool everyCheck)
{
    constexpr std::size_t few = 4;
    const std::string state = textOf(*line.front(), "state");
    const bool quiet = state == "verified" || state == "not_checked";
    return !everyCheck && quiet && line.size() > 1 && (!isMetric(line) || line.size() > few || issuerSaysTheSame(line));
}

std::vector<Line> linesOf(const std::vector<const Json*>& checks, bool everyCheck)
{
    std::vector<std::string> order;
    std::map<std::string, Line> kinds;
    for (const Json* check : checks) {
        const std::string key = textOf(*check, "id") + "\n" + textOf(*check, "title") + "\n" + textOf(*check, "state");
        if (!kinds.contains(key))
            order.push_back(key);
        kinds[key].push_back(check);
    }
    std::vector<Line> lines;
    for (const std::string& key : order) {
        if (sharesALine(kinds[key], everyCheck))
            lines.push_back(kinds[key]);
        else
            for (const Json* check : kinds[key])
                lines.push_back({check});
    }
    return lines;
}

// Of many numbers the largest stands for all of them.
const Json& largestOf(const Line& line)
{
    return **std::ranges::max_element(line, {},
                                      [](const Json* check) { return numberIn(textOf(*check, "issuer")).value_or(0); });
}

void addLine(TextTable& table, const Line& line)
{
    const Json& first = *line.front();
    const StateLook look = lookOf(textOf(first, "state"));
    const bool disagrees = first.at("state") == "failed";
    const std::string where = textOf(first, "where");
    std::string title = textOf(first, "title");
    std::string issuer = valueText(textOf(first, "issuer"));
    std::string recomputed = valueText(textOf(first, "recomputed"));
    if (line.size() > 1) {
        title += fmt::format(" ({}×)", line.size());
        const bool numbers = isMetric(line) && std::ranges::all_of(line, [](const Json* check) {
                                 return numberIn(textOf(*check, "issuer")).has_value();
                             });
        if (numbers && !issuerSaysTheSame(line)) {
            title += ", largest:";
            issuer = valueText(textOf(largestOf(line), "issuer"));
            recomputed = valueText(textOf(largestOf(line), "recomputed"));
        } else if (!issuerSaysTheSame(line)) {
            issuer = "";
            recomputed = first.at("state") == "verified" ? "agrees each time" : "";
        }
    } else if (!where.empty()) {
        title = where + ": " + title;
    }
    const std::string how =
        textOf(first, "how").empty() && first.at("state") == "not_checked" ? "not checked" : textOf(first, "how");
    table.add({{look.mark, look.tone},
               terminal::visible(title),
               issuer,
               {recomputed, disagrees ? Tone::Bad : Tone::Plain},
               {terminal::visible(how), Tone::Quiet}});
}

std::string details(const std::vector<const Json*>& checks, bool everyCheck, const Page& page)
{
    std::vector<std::string> said;
    std::string text;
    for (const Json* check : checks) {
        const std::string detail = textOf(*check, "detail");
        if (detail.empty() || (check->at("state") == "verified" && !everyCheck))
            continue;
        const std::string where = textOf(*check, "where");
        const bool common = check->at("state") == "not_checked";
        const std::string sentence = common || where.empty() ? detail : where + ": " + detail;
        if (std::ranges::find(said, sentence) != said.end())
            continue;
        said.push_back(sentence);
        const StateLook look = lookOf(textOf(*check, "state"));
        text += "    " + page.style.paint(look.tone, look.mark) + " " +
                terminal::wrap(terminal::visible(sentence), page.width - 6, 6) + "\n";
        if (check->at("state") == "failed" && !textOf(*check, "recomputed").empty())
            text += "        issuer says      " + terminal::visible(textOf(*check, "issuer")) +
                    "\n        recomputed here  " + terminal::visible(textOf(*check, "recomputed")) + "\n";
    }
    return text;
}

std::string bannerOf(const Json& verdict, const Page& page)
{
    const StateLook look = lookOf(verdict.at("verdict"));
    return page.style.paint(look.tone, look.mark) + " " +
           page.style.paint(Tone::Strong, terminal::wrap(terminal::visible(verdict.at("sentence").get<std::string>()),
                                                         page.width - 2, 2)) +
           "\n";
}

std::string commands(const Json& verdict, const Page& page)
{
    const std::string run = command_line::shellWord(verdict.at("run").get<std::string>());
    const int level = verdict.at("level");
    std::string text = "\n" + page.style.paint(Tone::Strong, "Check it yourself") + "\n";
    text += "  (cd " + run + " && sha256sum -c SHA256SUMS)\n";
    text += fmt::format("  blockcert verify {} --level {} --seed {}\n", run, level,
                        verdict.at("seed").get<std::uint64_t>());
    if (level < 4)
        text += "  blockcert verify " + run + " --level 4 --model MODEL\n";
    return text;
}

}

std::string renderVerdict(const Json& verdict, bool everyCheck, const Page& page)
{
    std::string text = bannerOf(verdict, page);
    std::vector<std::string> groups;
    std::map<std::string, std::vector<const Json*>> byGroup;
    for (const Json& check : verdict.at("checks")) {
        const std::string group = check.at("group");
        if (!byGroup.contains(group))
            groups.push_back(group);
        byGroup[group].push_back(&check);
    }
    for (const std::string& group : groups) {
        TextTable table(
            {{""}, {"check"}, {"issuer says"}, {"recomputed here"}, {"how", Align::Left, Narrow::LeaveOut}});
        for (const Line& line : linesOf(byGroup[group], everyCheck))
            addLine(table, line);
        text += "\n" + page.style.paint(Tone::Strong, groupTitle(group)) + "\n" +
                table.render(page.style, 2, everyCheck ? 0 : page.tableWidth) +
                details(byGroup[group], everyCheck, page);
    }
    text += terminal::titledBullets(verdict.at("says"), "What was judged, and how", Tone::Strong, page);
    text += terminal::titledBullets(verdict.at("not_checked"), "Not checked", Tone::Strong, page);
    text += terminal::titledBullets(verdict.at("does_not_say"), "What this does not say", Tone::Strong, page);
    text += commands(verdict, page);
    text += "\n" + bannerOf(verdict, page);
    return text;
}

}
