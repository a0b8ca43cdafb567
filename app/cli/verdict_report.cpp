#include "app/cli/verdict_report.h"

#include "app/terminal/number_words.h"
#include "app/terminal/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace blockcert::cli {

namespace {

using terminal::Cell;
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
    static const std::map<std::string, std::string> titles = {
        {"integrity", "Integrity: are these the files that were written?"},
        {"consistency", "Consistency: do they agree with each other?"},
        {"re-evaluation", "Re-evaluation: do the numbers come out again?"},
        {"policy", "Policy: is it good enough?"},
        {"provenance", "Provenance: what only the issuer can say"},
    };
    const auto found = titles.find(group);
    return found == titles.end() ? group : found->second;
}

std::optional<double> numberIn(const std::string& text)
{
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

bool isDigest(const std::string& text)
{
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Short where both sides agree; every digit where they do not.
std::string valueText(const std::string& value, bool whole)
{
    constexpr int width = 30;
    if (whole)
        return terminal::visible(value);
    if (isDigest(value))
        return terminal::shortDigest(value);
    if (const auto number = numberIn(value); number && value.size() > 8)
        return fmt::format("{:.6g}", *number);
    return terminal::shortened(value, width);
}

// Verified checks of the same kind that share a line.
struct Line {
    std::vector<const Json*> checks;
};

std::string keyOf(const Json& check)
{
    return check.at("id").get<std::string>() + "\n" + check.at("title").get<std::string>();
}

std::vector<Line> linesOf(const std::vector<const Json*>& checks, bool everyCheck)
{
    std::vector<Line> lines;
    std::map<std::string, std::size_t> shared;
    for (const Json* check : checks) {
        const bool folds = !everyCheck && (check->at("state") == "verified" || check->at("state") == "not_checked") &&
                           !check->at("where").get<std::string>().empty();
        const std::string key =
            keyOf(*check) + "\n" + check->at("state").get<std::string>() + check->at("detail").get<std::string>();
        const auto known = shared.find(key);
        if (folds && known != shared.end()) {
            lines[known->second].checks.push_back(check);
            continue;
        }
        if (folds)
            shared[key] = lines.size();
        lines.push_back({{check}});
    }
    return lines;
}

void addLine(TextTable& table, const Line& line)
{
    const Json& check = *line.checks.front();
    const StateLook look = lookOf(check.at("state"));
    const bool disagrees = check.at("state") == "failed";
    const std::string where = check.at("where");
    std::string title = check.at("title");
    std::string issuer = valueText(check.at("issuer"), disagrees);
    std::string recomputed = valueText(check.at("recomputed"), disagrees);
    std::string how = check.at("how");
    if (line.checks.size() > 1) {
        title += fmt::format(" ({} places)", line.checks.size());
        issuer = "";
        recomputed = check.at("state") == "verified" ? "agrees in each" : "";
    } else if (!where.empty()) {
        title = where + ": " + title;
    }
    if (check.at("state") == "not_checked" && how.empty())
        how = "not checked";
    table.add({{look.mark, look.tone},
               terminal::visible(title),
               {issuer, Tone::Plain},
               {recomputed, disagrees ? Tone::Bad : Tone::Plain},
               {terminal::visible(how), Tone::Quiet}});
}

std::string details(const std::vector<const Json*>& checks, const Page& page)
{
    std::vector<std::string> said;
    std::string text;
    for (const Json* check : checks) {
        const std::string detail = check->at("detail");
        if (detail.empty())
            continue;
        const std::string where = check->at("where");
        const bool common = check->at("state") == "not_checked";
        const std::string sentence = common || where.empty() ? detail : where + ": " + detail;
        if (std::ranges::find(said, sentence) != said.end())
            continue;
        said.push_back(sentence);
        const StateLook look = lookOf(check->at("state"));
        text += "    " + page.style.paint(look.tone, look.mark) + " " +
                terminal::wrap(terminal::visible(sentence), page.width - 6, 6) + "\n";
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

std::string list(const Json& sentences, const std::string& title, const Page& page)
{
    if (sentences.empty())
        return "";
    std::string text = "\n" + page.style.paint(Tone::Strong, title) + "\n";
    for (const Json& sentence : sentences)
        text += "  " + terminal::wrap("• " + terminal::visible(sentence.get<std::string>()), page.width - 2, 4) + "\n";
    return text;
}

std::string commands(const Json& verdict, const Page& page)
{
    const std::string run = terminal::visible(verdict.at("run").get<std::string>());
    const int level = verdict.at("level");
    std::string text = "\n" + page.style.paint(Tone::Strong, "Check it yourself") + "\n";
    text += "  cd " + run + " && sha256sum -c SHA256SUMS\n";
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
        TextTable table({{""}, {"check"}, {"issuer says"}, {"recomputed here"}, {"how"}});
        for (const Line& line : linesOf(byGroup[group], everyCheck))
            addLine(table, line);
        text += "\n" + page.style.paint(Tone::Strong, groupTitle(group)) + "\n" + table.render(page.style) +
                details(byGroup[group], page);
    }
    text += list(verdict.at("not_checked"), "Not checked", page);
    text += list(verdict.at("does_not_say"), "What this does not say", page);
    text += commands(verdict, page);
    text += "\n" + bannerOf(verdict, page);
    return text;
}

}
