#include "app/cli/report/check_section.h"

#include "app/cli/check_groups.h"
#include "app/cli/report/run_facts.h"
#include "app/command_line/shell_word.h"
#include "app/terminal/number_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <string>
#include <utility>

namespace blockcert::cli {

namespace {

using namespace report;
using terminal::grouped;

constexpr std::size_t mostChecks = 40;
constexpr std::size_t mostFiles = 120;

std::int64_t countOf(const Json& list)
{
    return static_cast<std::int64_t>(list.size());
}

std::vector<std::string> textsOf(const Json& list)
{
    std::vector<std::string> texts;
    for (const Json& text : list)
        texts.push_back(text.get<std::string>());
    return texts;
}

std::string stateWord(const std::string& state)
{
    if (state == "weaker_than_policy")
        return "weaker than policy";
    return state == "not_checked" ? "not checked" : state;
}

// Numbers, shares and digests tell nothing about prompts; other values might.
bool isNumeric(const std::string& text)
{
    static const std::regex number(
        "[-+]?[0-9]+([.][0-9]+)?(e[-+]?[0-9]+)?(/[0-9]+)?|0x[0-9a-f.]+p[-+]?[0-9]+|[0-9a-f]{64}");
    return std::regex_match(text, number);
}

Table checkCounts(const Json& checks)
{
    static constexpr std::array<const char*, 4> states = {"verified", "failed", "weaker_than_policy", "not_checked"};
    Table table{"Checks of this verification",
                {{"group"},
                 {"verified", ColumnKind::Number},
                 {"failed", ColumnKind::Number},
                 {"weaker", ColumnKind::Number},
                 {"not checked", ColumnKind::Number}},
                {}};
    for (const auto& [group, title] : checkGroups) {
        std::vector<Cell> row = {{std::string(title)}};
        std::int64_t total = 0;
        for (const char* state : states) {
            const std::int64_t count = std::ranges::count_if(checks, [&, name = group](const Json& check) {
                return check.at("group").get<std::string>() == name && check.at("state") == state;
            });
            total += count;
            const Tone tone = count == 0                         ? Tone::Quiet
                              : state == std::string("failed")   ? Tone::Bad
                              : state == std::string("verified") ? Tone::Good
                                                                 : Tone::Plain;
            row.push_back({grouped(count), tone});
        }
        if (total > 0)
            table.rows.push_back(std::move(row));
    }
    return table;
}

// What did not agree, with both values at full precision.
Table disagreements(const ReportedRun& run)
{
    Table table{
        "What did not hold",
        {{"where"}, {"check"}, {"state"}, {"issuer says", ColumnKind::Fixed}, {"recomputed here", ColumnKind::Fixed}},
        {}};
    std::size_t found = 0;
    for (const Json& check : run.verdict->at("checks")) {
        const std::string state = check.at("state");
        if (state != "failed" && state != "weaker_than_policy")
            continue;
        if (++found > mostChecks)
            continue;
        const auto value = [&](const char* key) {
            const std::string text = check.at(key);
            return !run.redactPrompts || isNumeric(text) ? text : std::string("redacted");
        };
        table.rows.push_back({{check.at("where").get<std::string>()},
                              {check.at("title").get<std::string>()},
                              {stateWord(state), state == "failed" ? Tone::Bad : Tone::Warning},
                              {value("issuer")},
                              {value("recomputed")}});
    }
    if (found > mostChecks)
        table.leftOut = fmt::format("{} more are left out; blockcert verify --verbose lists all.",
                                    grouped(static_cast<std::int64_t>(found - mostChecks)));
    return table;
}

}

Statement standingOf(const ReportedRun& run)
{
    if (run.verdict) {
        // Reasons may quote a prompt; the sentence of a run that holds has none.
        if (run.redactPrompts && !run.holds())
            return {run.standing(), fmt::format("Checked at level {}; the reasons are in the table of checks.",
                                                run.verdict->at("level").get<int>())};
        return {run.standing(), run.verdict->at("sentence").get<std::string>()};
    }
    if (!run.listing.at("complete").get<bool>())
        return {Standing::Claimed, "The run is unfinished; what is here may change, and nothing was recomputed."};
    return {Standing::Claimed,
            "These are the numbers that the run states of itself; nothing was recomputed for this page. The commands "
            "at the end check them."};
}

std::vector<Part> verdictParts(const ReportedRun& run)
{
    std::vector<Part> parts;
    if (!run.verdict)
        return parts;
    parts.emplace_back(checkCounts(run.verdict->at("checks")));
    if (Table table = disagreements(run); !table.rows.empty())
        parts.emplace_back(std::move(table));
    if (run.verdict->at("level") == 2)
        parts.emplace_back(Paragraph{
            fmt::format("Cells were drawn with seed {}.", run.verdict->at("seed").get<std::uint64_t>()), Tone::Quiet});
    std::vector<std::string> open;
    if (run.redactPrompts && !run.holds()) {
        parts.emplace_back(
            Paragraph{"Sentences about what was not checked are left out with the prompts.", Tone::Quiet});
        return parts;
    }
    for (const std::string& thing : textsOf(run.verdict->at("not_checked")))
        open.push_back("Not checked: " + thing + ".");
    for (std::string& sentence : textsOf(run.verdict->at("does_not_say")))
        open.push_back(std::move(sentence));
    parts.emplace_back(Bullets{std::move(open), Tone::Quiet});
    return parts;
}

std::vector<Part> digestParts(const ReportedRun& run)
{
    std::vector<Part> parts;
    const Json& subject = run.manifest().at("subject");
    Facts facts;
    if (const Json& digest = run.listing.at("digest"); digest.is_string())
        facts.rows.emplace_back("the run (SHA256SUMS)", digest.get<std::string>());
    for (const Json& file : subject.at("files"))
        facts.rows.emplace_back(file.at("name").get<std::string>(), file.at("sha256").get<std::string>());
    facts.rows.emplace_back("model configuration", subject.at("config_sha256").get<std::string>());
    facts.rows.emplace_back("prompt set", run.manifest().at("prompts").at("sha256").get<std::string>());
    parts.emplace_back(std::move(facts));
    std::map<std::string, std::uint64_t> sizes; // as the certificates state them
    for (const Json& certificate : run.listing.at("certificates"))
        for (const Json& artifact : certificate.at("artifacts"))
            sizes[artifact.at("path").get<std::string>()] = artifact.at("size").get<std::uint64_t>();
    Table table{"Files of the run, as SHA256SUMS lists them",
                {{"file", ColumnKind::Fixed}, {"bytes", ColumnKind::Number}, {"SHA-256", ColumnKind::Fixed}},
                {}};
    const Json& files = run.listing.at("files");
    for (std::size_t i = 0; i < std::min<std::size_t>(files.size(), mostFiles); ++i) {
        const std::string path = files[i].at("path");
        const auto size = sizes.find(path);
        table.rows.push_back({{path},
                              {size == sizes.end() ? "" : grouped(static_cast<std::int64_t>(size->second))},
                              {files[i].at("sha256").get<std::string>()}});
    }
    if (files.size() > mostFiles)
        table.leftOut = fmt::format("Shown are the first {} files; {} more are in the run's SHA256SUMS.", mostFiles,
                                    grouped(countOf(files) - static_cast<std::int64_t>(mostFiles)));
    if (!table.rows.empty())
        parts.emplace_back(std::move(table));
    return parts;
}

std::vector<Part> commandParts(const ReportedRun& run)
{
    const std::string folder = command_line::shellWord(run.folderName());
    Commands check;
    check.lines = {"sha256sum " + folder + "/SHA256SUMS    # the run's digest, as above",
                   "(cd " + folder + " && sha256sum -c SHA256SUMS)", "blockcert verify " + folder,
                   "blockcert verify " + folder + " --level 4 --model MODEL"};
    std::vector<Part> parts;
    parts.emplace_back(Paragraph{"Run beside the folder " + run.folderName() +
                                 ". The third recomputes every metric from the recorded tensors without LibTorch, the "
                                 "fourth everything from the model."});
    parts.emplace_back(std::move(check));
    parts.emplace_back(Paragraph{"The command that makes the run again:"});
    parts.emplace_back(Commands{{run.listing.at("command").get<std::string>()}});
    return parts;
}

}
