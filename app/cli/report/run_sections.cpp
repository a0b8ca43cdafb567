#include "app/cli/report/run_sections.h"

#include "app/cli/report/check_section.h"
#include "app/cli/report/run_figures.h"
#include "app/terminal/number_words.h"
#include "app/terminal/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace blockcert::cli {

namespace {

using namespace report;
using terminal::counted;
using terminal::grouped;
using terminal::percent;
using terminal::plainNumber;
using terminal::threeDigits;

constexpr std::size_t mostBlocks = 64;
constexpr std::size_t mostPrompts = 40;
constexpr std::size_t mostTokens = 20;
constexpr std::size_t longestPrompt = 600; // bytes of its text

Cell digits(const Json& value)
{
    if (value.is_null())
        return {"–", Tone::Quiet};
    return {threeDigits(value.get<double>()), Tone::Plain, plainNumber(value.get<double>(), 17)};
}

// An error beside its threshold.
Cell digits(const Json& value, double threshold)
{
    Cell cell = digits(value);
    if (!value.is_null())
        cell.text = threeDigits(value.get<double>(), threshold);
    return cell;
}

Cell share(const Json& value, double needed)
{
    if (value.is_null())
        return {"–", Tone::Quiet, "not measured"};
    const auto part = value.get<double>();
    return {percent(part), part < needed ? Tone::Warning : Tone::Plain, plainNumber(part, 17)};
}

std::string blocksText(const Json& blocks)
{
    std::string text;
    for (const Json& block : blocks)
        text += (text.empty() ? "" : ", ") + block.dump();
    return text;
}

std::string place(const ReportedRun& run, std::size_t prompt, std::size_t token)
{
    const std::string piece = run.piece(prompt, token);
    return (piece.empty() ? "" : "“" + piece + "” ") + run.promptName(prompt) + fmt::format(", token {}", token);
}

Section summary(const ReportedRun& run)
{
    const Json& manifest = run.manifest();
    const Json& subject = manifest.at("subject");
    const Json& prompts = manifest.at("prompts");
    Section section{run.folderName(), 1, {standingOf(run)}};
    const auto tau = [&](const char* name) { return plainNumber(run.threshold(name)); };
    Facts facts;
    facts.rows = {
        {"model", fmt::format("{}, {} blocks of width {}", run.model(), subject.at("layers").get<int>(),
                              subject.at("d_model").get<int>())},
        {"blocks", blocksText(run.request().at("blocks"))},
        {"scope", terminal::scopeLine(manifest)},
        {"prompt set", prompts.at("name").get<std::string>() +
                           (prompts.at("bundled").get<bool>() ? ", said to be the bundled one" : "")},
        {"policy",
         fmt::format("certified if at least {} of the tokens have {} ≤ {}, and at least {} of the loss lies "
                     "on tokens whose loss moves by at most {}",
                     percent(run.threshold("alpha_act")), run.relativeDecides() ? "a relative error" : "an error",
                     plainNumber(run.tau()), percent(run.threshold("alpha_loss")), tau("tau_loss"))},
        {"created", manifest.at("created").get<std::string>() + ", by the issuer's clock"},
    };
    section.parts.emplace_back(std::move(facts));
    for (Part& part : verdictParts(run))
        section.parts.push_back(std::move(part));
    return section;
}

Section blocks(const ReportedRun& run)
{
    Section section{"Blocks", 2, {}};
    const Json& rows = run.listing.at("blocks");
    if (rows.empty()) {
        section.parts.emplace_back(Paragraph{"No block has a certificate yet.", Tone::Quiet});
        return section;
    }
    const bool relative = run.relativeDecides();
    const bool verified = run.standing() == Standing::Verified;
    std::vector<double> epsilons;
    for (const Json& row : rows)
        epsilons.push_back(row.at("epsilon").get<double>());
    const Kept kept = keepLargest(epsilons, mostBlocks, "block", "with the largest ε");
    Table table{"Errors are l2 distances between the outputs of surrogate and model",
                {{"block", ColumnKind::Number},
                 {verified ? "certified" : "claims to be certified"},
                 {"ε", ColumnKind::Number},
                 {"mean error", ColumnKind::Number},
                 {"≤ " + plainNumber(run.threshold("tau_act")), ColumnKind::Number},
                 {"relative ε", ColumnKind::Number},
                 {"≤ " + plainNumber(run.threshold("tau_rel")), ColumnKind::Number},
                 {"loss kept", ColumnKind::Number},
                 {"worst token"}},
                {},
                kept.leftOut};
    std::vector<std::string> reasons;
    const std::vector<std::string> withLosses = run.blocksWithLosses();
    bool areLossesClaimed = false;
    for (const std::size_t at : kept.rows) {
        const Json& row = rows[at];
        const bool certified = row.at("certified");
        const Json& worst = row.at("worst");
        const bool restsOnLosses =
            verified && !row.at("loss_coverage").is_null() &&
            std::ranges::find(withLosses, fmt::format("block {}", row.at("block").get<int>())) == withLosses.end();
        areLossesClaimed = areLossesClaimed || (certified && restsOnLosses);
        table.rows.push_back(
            {{row.at("block").dump()},
             !certified      ? Cell{"no", Tone::Warning}
             : restsOnLosses ? Cell{"yes, losses claimed"}
                             : Cell{"yes", verified ? Tone::Good : Tone::Plain},
             digits(row.at("epsilon"), run.threshold("tau_act")),
             digits(row.at("mae")),
             share(row.at("activation_coverage"), relative ? 0 : run.threshold("alpha_act")),
             digits(row.at("relative").at("epsilon"), run.threshold("tau_rel")),
             share(row.at("relative").at("coverage"), relative ? run.threshold("alpha_act") : 0),
             share(row.at("loss_coverage"), run.threshold("alpha_loss")),
             {place(run, worst.at("prompt").get<std::size_t>(), worst.at("token").get<std::size_t>())}});
        std::string phrases;
        for (const Json& finding : row.at("findings"))
            phrases += (phrases.empty() ? "" : "; ") + terminal::findingPhrase(finding);
        if (!phrases.empty())
            reasons.push_back(fmt::format("Block {} is not certified: {}.", row.at("block").get<int>(), phrases));
    }
    section.parts.emplace_back(std::move(table));
    if (areLossesClaimed)
        section.parts.emplace_back(Paragraph{
            "Losses claimed: errors were recomputed for this page, but the losses that the certificate rests on "
            "as well are the issuer's word; --verify 4 recomputes them.",
            Tone::Quiet});
    section.parts.emplace_back(Bullets{std::move(reasons), Tone::Warning});
    return section;
}

// Over all blocks: the cell of a prompt that says least good of it.
Section promptTable(const ReportedRun& run)
{
    struct Row {
        double largest = -1;
        std::int64_t measured = 0;
        std::int64_t uncovered = 0;
    };

    const Json& items = run.manifest().at("prompts").at("items");
    std::vector<Row> rows(items.size());
    for (const Json& cell : run.listing.at("cells"))
        for (const Json& value : decidingErrors(run, cell)) {
            Row& row = rows[cell.at("prompt").get<std::size_t>()];
            ++row.measured;
            row.uncovered += value.is_null() || value.get<double>() > run.tau() ? 1 : 0;
            if (!value.is_null())
                row.largest = std::max(row.largest, value.get<double>());
        }
    std::vector<double> weights;
    for (const Row& row : rows)
        weights.push_back(row.largest);
    const Kept kept = keepLargest(weights, mostPrompts, "prompt", "with the largest errors");
    Section section{"Prompts", 2, {}};
    Table table{"Over all blocks; a cell is one token in one block",
                {{"prompt"},
                 {"tokens", ColumnKind::Number},
                 {"largest error", ColumnKind::Number},
                 {"cells not covered", ColumnKind::Number}},
                {},
                kept.leftOut};
    if (!run.redactPrompts)
        table.columns.push_back({"text"});
    for (const std::size_t p : kept.rows) {
        const Row& row = rows[p];
        std::vector<Cell> cells = {{run.promptName(p)},
                                   {grouped(static_cast<std::int64_t>(items[p].at("token_ids").size()))},
                                   row.largest < 0 ? Cell{"–", Tone::Quiet} : digits(row.largest),
                                   {fmt::format("{} of {}", grouped(row.uncovered), grouped(row.measured)),
                                    row.uncovered > 0 ? Tone::Warning : Tone::Plain}};
        if (!run.redactPrompts) {
            std::string text = items[p].at("rendered");
            if (text.size() > longestPrompt) {
                std::size_t end = longestPrompt;
                while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
                    --end;
                text = text.substr(0, end) + " …";
            }
            cells.push_back({std::move(text)});
        }
        table.rows.push_back(std::move(cells));
    }
    if (run.redactPrompts)
        section.parts.emplace_back(
            Paragraph{"Prompts were redacted when this page was written: their texts, names and tokens are not in it.",
                      Tone::Quiet});
    section.parts.emplace_back(std::move(table));
    return section;
}

Section worstTokens(const ReportedRun& run)
{
    struct Place {
        const Json* cell;
        std::size_t token;
        double error;
    };

    std::vector<Place> places;
    for (const Json& cell : run.listing.at("cells")) {
        const Json& errors = decidingErrors(run, cell);
        for (std::size_t t = 0; t < errors.size(); ++t)
            if (!errors[t].is_null())
                places.push_back({&cell, t, errors[t].get<double>()});
    }
    const std::size_t count = std::min(mostTokens, places.size());
    const auto earlier = [](const Place& a, const Place& b) { return a.error > b.error; };
    std::ranges::stable_sort(places, earlier);
    Section section{"Worst tokens", 2, {}};
    Table table{fmt::format("By {}", run.relativeDecides() ? "relative error" : "error"),
                {{"block", ColumnKind::Number},
                 {"error", ColumnKind::Number},
                 {"relative", ColumnKind::Number},
                 {"attention", ColumnKind::Number},
                 {"MLP", ColumnKind::Number},
                 {"norm", ColumnKind::Number},
                 {"loss moved by", ColumnKind::Number},
                 {"token"}},
                {}};
    for (std::size_t i = 0; i < count; ++i) {
        const Json& cell = *places[i].cell;
        const std::size_t t = places[i].token;
        const auto column = [&](const char* key) {
            const Json& values = cell.at(key); // null where the run has none of it, and where a token has none
            return digits(values.is_null() ? values : values[t]);
        };
        const Json& base = cell.at("loss_base");
        const Json& stitched = cell.at("loss_stitched");
        const bool moved = !base.is_null() && !stitched.is_null() && !base[t].is_null() && !stitched[t].is_null();
        table.rows.push_back({{cell.at("block").dump()},
                              column("error"),
                              column("relative"),
                              column("error_attn"),
                              column("error_mlp"),
                              column("output_norm"),
                              digits(moved ? Json(stitched[t].get<double>() - base[t].get<double>()) : Json()),
                              {place(run, cell.at("prompt").get<std::size_t>(), t)}});
    }
    if (places.size() > count)
        table.leftOut = fmt::format("The {} largest of {} measured tokens; blockcert export csv gives all of them.",
                                    count, grouped(static_cast<std::int64_t>(places.size())));
    section.parts.emplace_back(std::move(table));
    return section;
}

Section stitches(const ReportedRun& run)
{
    Section section{"Stitched models", 2, {}};
    Table table{"The whole model with surrogates in place, beside the model as it is",
                {{"name"},
                 {"blocks replaced"},
                 {run.standing() == Standing::Verified ? "certified" : "claims to be certified"},
                 {"largest residual", ColumnKind::Number},
                 {"perplexity", ColumnKind::Number},
                 {"stitched", ColumnKind::Number},
                 {"loss kept", ColumnKind::Number},
                 {"same next token", ColumnKind::Number}},
                {}};
    for (const Json& row : run.listing.at("stitches")) {
        const Json& perplexity = row.at("perplexity");
        const auto of = [&](const char* key) { return digits(perplexity.is_null() ? perplexity : perplexity.at(key)); };
        table.rows.push_back({{row.at("name").get<std::string>()},
                              {blocksText(row.at("blocks"))},
                              row.at("certified").get<bool>() ? Cell{"yes"} : Cell{"no", Tone::Warning},
                              digits(row.at("max_residual").at("value")),
                              of("baseline"),
                              of("stitched"),
                              share(row.at("loss_coverage"), run.threshold("alpha_loss")),
                              share(row.at("next_token_agreement"), 0)});
    }
    section.parts.emplace_back(std::move(table));
    return section;
}

std::vector<std::string> textsOf(const Json& list)
{
    std::vector<std::string> texts;
    for (const Json& text : list)
        texts.push_back(text.get<std::string>());
    return texts;
}

Section environment(const ReportedRun& run)
{
    Section section{"Environment", 2, {}};
    Facts facts;
    const Json& tool = run.manifest().at("tool");
    facts.rows.emplace_back("tool",
                            fmt::format("{} {} (build {})", tool.at("name").get<std::string>(),
                                        tool.at("version").get<std::string>(), tool.at("build").get<std::string>()));
    for (const auto& [name, value] : run.manifest().at("environment").items()) {
        std::string words = name;
        std::ranges::replace(words, '_', ' ');
        facts.rows.emplace_back(words, value.is_string()    ? value.get<std::string>()
                                       : value.is_boolean() ? (value.get<bool>() ? "yes" : "no")
                                                            : value.dump());
    }
    section.parts.emplace_back(Paragraph{"As the issuer states it; nobody can recompute it.", Tone::Quiet});
    section.parts.emplace_back(std::move(facts));
    return section;
}

}

std::vector<Section> runSections(const ReportedRun& run)
{
    std::vector<Section> sections = {summary(run)};
    const Json& notes = run.listing.at("notes");
    const Json& problems = run.listing.at("problems");
    if (!run.redactPrompts && !(notes.empty() && problems.empty()))
        sections.push_back({"What stands out", 2, {Bullets{textsOf(notes)}, Bullets{textsOf(problems), Tone::Bad}}});
    else if (!problems.empty())
        sections.push_back({"Problems",
                            2,
                            {Paragraph{counted(static_cast<std::int64_t>(problems.size()), "problem") +
                                           " reading the run; blockcert show tells them.",
                                       Tone::Bad}}});
    sections.push_back(blocks(run));
    Section drawn{"Figures", 2, {}};
    for (figure::Figure& figure : runFigures(run))
        drawn.parts.emplace_back(std::move(figure));
    if (!drawn.parts.empty())
        sections.push_back(std::move(drawn));
    if (!run.listing.at("cells").empty()) {
        sections.push_back(worstTokens(run));
        sections.push_back(promptTable(run));
    }
    if (!run.listing.at("stitches").empty())
        sections.push_back(stitches(run));
    sections.push_back({"Digests", 2, digestParts(run)});
    sections.push_back(environment(run));
    sections.push_back({"Check it yourself", 2, commandParts(run)});
    return sections;
}

Table runTable(const std::vector<ReportedRun>& runs)
{
    Table table{"",
                {{"run"},
                 {"state here"},
                 {"model"},
                 {"blocks", ColumnKind::Number},
                 {"certified, by the run", ColumnKind::Number},
                 {"tokens", ColumnKind::Number},
                 {"largest ε", ColumnKind::Number},
                 {"least coverage", ColumnKind::Number}},
                {}};
    for (const ReportedRun& run : runs) {
        const Json& rows = run.listing.at("blocks");
        const bool relative = run.relativeDecides();
        double epsilon = -1;
        double least = 2;
        std::int64_t certified = 0;
        for (const Json& row : rows) {
            const Json& other = row.at("relative");
            epsilon = std::max(epsilon, row.at("epsilon").get<double>());
            least = std::min(least, (relative ? other.at("coverage") : row.at("activation_coverage")).get<double>());
            certified += row.at("certified").get<bool>() ? 1 : 0;
        }
        const Standing standing = run.standing();
        const Tone tone = standing == Standing::Verified           ? Tone::Good
                          : standing == Standing::Failed           ? Tone::Bad
                          : standing == Standing::WeakerThanPolicy ? Tone::Warning
                                                                   : Tone::Quiet;
        table.rows.push_back({{run.folderName()},
                              {standingWord(standing), tone},
                              {run.model()},
                              {grouped(static_cast<std::int64_t>(rows.size()))},
                              {grouped(certified)},
                              {grouped(run.tokenCount())},
                              rows.empty() ? Cell{"–", Tone::Quiet} : digits(epsilon),
                              rows.empty() ? Cell{"–", Tone::Quiet} : share(least, run.threshold("alpha_act"))});
    }
    return table;
}

}
