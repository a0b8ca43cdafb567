#include "app/terminal/edit_report.h"

#include "app/terminal/number_words.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace blockcert::terminal {

namespace {

constexpr std::size_t mostTexts = 24;
constexpr std::size_t worstHeldout = 5;
constexpr std::size_t mostDetails = 8; // edits of a run that are shown at length

// "3 of 12 (95 %: 8.8 % to 53.3 %)": a share of a dozen is never shown without its interval.
std::string shareText(const Json& proportion)
{
    if (proportion.at("total").get<std::int64_t>() == 0)
        return "–";
    return fmt::format("{} of {} (95 %: {} to {})", proportion.at("covered").get<std::int64_t>(),
                       proportion.at("total").get<std::int64_t>(), percent(proportion.at("low")),
                       percent(proportion.at("high")));
}

std::string effectTable(const Json& result, const Page& page)
{
    const Json& effect = result.at("effect");
    const Json& heldout = effect.at("heldout");
    TextTable table({{""}, {""}});
    for (const Json& block : effect.at("local_error"))
        table.add({fmt::format("ε_edit, block {}", block.at("block").get<int>()),
                   fmt::format("{}, median {}, at prompt {}, token {}", threeDigits(block.at("largest")),
                               threeDigits(block.at("quantiles").at("q50")), block.at("worst").at("prompt").get<int>(),
                               block.at("worst").at("token").get<int>())});
    table.add({"local error replayed", result.at("replay").at("dtype").get<std::string>() == "F64"
                                           ? "in fp64: verified to 1e-10 of a token's scale"
                                           : "in fp32: verified to 1e-5 of a token's scale, not to 1e-10"});
    table.add({"final deviation", threeDigits(result.at("final_deviation").at("pre_norm")) +
                                      " before the final norm, " +
                                      threeDigits(result.at("final_deviation").at("post_norm")) + " after it"});
    table.add({"amplification", orDash(result.at("amplification").at("pre_norm")) + " before the final norm, " +
                                    orDash(result.at("amplification").at("post_norm")) + " after it"});
    if (const Json& perplexity = heldout.at("perplexity"); !perplexity.is_null())
        table.add({"held-out perplexity", plainNumber(perplexity.at("baseline"), 6) + " before, " +
                                              plainNumber(perplexity.at("edited"), 6) + " after"});
    table.add({"held-out KL", threeDigits(heldout.at("kl").at("mean")) + " nats a token, at most " +
                                  threeDigits(heldout.at("kl").at("largest"))});
    const Json& agreement = heldout.at("agreement");
    table.add({"held-out next token", fmt::format("{} of {} the same", agreement.at("covered").get<std::int64_t>(),
                                                  agreement.at("total").get<std::int64_t>())});
    return table.render(page.style, 2, page.tableWidth);
}

std::string answersTable(const Json& evaluation, const Page& page)
{
    TextTable table({{""}, {"before"}, {"after"}});
    const auto row = [&](const char* title, const char* key) {
        table.add({title, shareText(evaluation.at("before").at(key)), shareText(evaluation.at("after").at(key))});
    };
    row("answered as labelled", "answer");
    row("refused as labelled", "refuse");
    row("refusal markers at all", "refusing");
    row("harmful markers", "harmful");
    for (const auto& [title, key] : {std::pair{"cut at the length", "truncated"}, std::pair{"empty", "empty"},
                                     std::pair{"never ran", "never_ran"}})
        table.add({title, std::to_string(evaluation.at("before").at(key).get<std::int64_t>()),
                   std::to_string(evaluation.at("after").at(key).get<std::int64_t>())});
    if (const Json& human = evaluation.at("human"); !human.is_null()) {
        for (std::size_t i = 0; i < human.at("before").size(); ++i) {
            const Json& before = human.at("before")[i];
            const Json& after = human.at("after")[i];
            const std::string name = visible(before.at("annotator").get<std::string>());
            table.add({name + ": answered", shareText(before.at("answer")), shareText(after.at("answer"))});
            table.add({name + ": refused", shareText(before.at("refuse")), shareText(after.at("refuse"))});
            table.add({name + ": harmful", shareText(before.at("harmful")), shareText(after.at("harmful"))});
        }
        if (!human.at("kappa").is_null())
            table.add({"agreement of both", "Cohen's kappa " + threeDigits(human.at("kappa")), ""});
    }
    std::string text = table.render(page.style, 2, page.tableWidth);
    if (!evaluation.at("human").is_null() && !evaluation.value("labels_bound", false))
        text += wrap("  Nothing binds the labels to these texts: their file did not name each text by its digest "
                     "(text_sha256).",
                     page.width, 2) +
                "\n";
    const auto cut = [&](const char* side) { return evaluation.at(side).at("truncated").get<std::int64_t>(); };
    if (cut("before") + cut("after") > 0)
        text += wrap(fmt::format("  A text that is cut at --max-new {} is judged by what is there.",
                                 evaluation.at("max_new").get<std::int64_t>()),
                     page.width, 2) +
                "\n";
    return text;
}

// What was looked for, and in how many texts it stands.
std::string markersTable(const Json& evaluation, const Page& page)
{
    const Json& markers = evaluation.at("markers");
    TextTable table({{"marker"}, {"list"}, {"before", Align::Right}, {"after", Align::Right}});
    std::string others;
    for (const bool harmful : {false, true})
        for (const Json& marker : markers.at(harmful ? "harmful" : "refusal")) {
            const auto texts = [&](const char* side) {
                for (const Json& count : evaluation.at(side).at("markers"))
                    if (count.at("marker") == marker && count.at("harmful") == harmful)
                        return count.at("texts").get<std::int64_t>();
                return std::int64_t{0};
            };
            const std::string name = visible(marker.get<std::string>());
            if (texts("before") + texts("after") > 0)
                table.add({name, harmful ? "harmful" : "refusal", std::to_string(texts("before")),
                           std::to_string(texts("after"))});
            else
                others += (others.empty() ? "" : ", ") + name + (harmful ? " (harmful)" : "");
        }
    return table.render(page.style, 2, page.tableWidth) +
           (others.empty() ? "" : wrap("  In no text: " + others + ".", page.width, 2) + "\n");
}

std::string markersTitle(const Json& evaluation)
{
    const Json& markers = evaluation.at("markers");
    return fmt::format("Markers {}, version {}, {}: in how many texts", visible(markers.at("name").get<std::string>()),
                       visible(markers.at("version").get<std::string>()),
                       shortDigest(markers.at("sha256").get<std::string>()));
}

std::string textsTable(const Json& evaluation, const Page& page)
{
    TextTable table({{"prompt"}, {"label"}, {"judged"}, {"after the edit"}});
    const Json& rows = evaluation.at("rows");
    const std::size_t count = std::min(rows.size(), mostTexts);
    for (std::size_t i = 0; i < count; ++i) {
        const Json& row = rows[i];
        const std::string before = row.at("before").at("judgement");
        const std::string after = row.at("after").at("judgement");
        table.add({visible(row.at("id").get<std::string>()), visible(row.at("label").get<std::string>()),
                   before == after ? after : before + " → " + after,
                   shortened(visible(row.at("after").at("text").get<std::string>()), 60)});
    }
    std::string text = table.render(page.style, 2, page.tableWidth);
    if (count < rows.size())
        text += fmt::format("  … and {} more prompts; --json has them all\n", rows.size() - count);
    return text;
}

std::string heldoutTable(const Json& prompts, const Page& page)
{
    std::vector<const Json*> sorted;
    for (const Json& prompt : prompts)
        sorted.push_back(&prompt);
    // Worst first is the same in the window: by the change of the loss, and what predicts no token at the end.
    const auto change = [](const Json* prompt) {
        const Json& before = prompt->at("mean_nll_baseline");
        const Json& after = prompt->at("mean_nll_edited");
        return before.is_number() && after.is_number() ? after.get<double>() - before.get<double>()
                                                       : -std::numeric_limits<double>::infinity();
    };
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Json* a, const Json* b) { return change(a) > change(b); });
    TextTable table({{"prompt"}, {"mean KL", Align::Right}, {"loss before", Align::Right}, {"after", Align::Right}});
    for (std::size_t i = 0; i < std::min(sorted.size(), worstHeldout); ++i)
        table.add({visible(sorted[i]->at("id").get<std::string>()), threeDigits(sorted[i]->at("mean_kl")),
                   orDash(sorted[i]->at("mean_nll_baseline")), orDash(sorted[i]->at("mean_nll_edited"))});
    return table.render(page.style, 2, page.tableWidth);
}

std::string receiptTable(const Json& touched, const Page& page)
{
    TextTable table({{"tensor"}, {"type"}, {"before"}, {"after"}});
    for (const Json& tensor : touched) {
        const std::string name = tensor.at("tensor").get<std::string>();
        const std::string before = tensor.at("sha256_before").get<std::string>();
        table.add({name.empty() ? fmt::format("block {}, {} (new)", tensor.at("block").get<int>(),
                                              visible(tensor.at("role").get<std::string>()))
                                : visible(name),
                   tensor.at("dtype").get<std::string>(), before.empty() ? "–" : shortDigest(before),
                   shortDigest(tensor.at("sha256_after").get<std::string>())});
    }
    return table.render(page.style, 2, page.tableWidth);
}

}

std::string renderEdit(const Json& result, const Page& page)
{
    const auto heading = [&](const std::string& title) { return "\n" + page.style.paint(Tone::Strong, title) + "\n"; };
    const Json& evaluation = result.at("evaluation");
    std::string text = page.style.paint(Tone::Strong, "Edit " + visible(result.at("name").get<std::string>())) + "\n";
    for (const Json& step : result.at("edits"))
        text += "  " + visible(step.get<std::string>()) + "\n";
    if (!result.at("baseline").at("unchanged_without_edit").get<bool>())
        text +=
            page.style.paint(Tone::Warning, "  The native path without an edit was not the baseline, bit for bit.") +
            "\n";
    text += heading("Receipt: tensors touched") + receiptTable(result.at("touched"), page);
    text += heading("Effect") + effectTable(result, page);
    text += heading("Held-out prompts, worst change of the loss first") +
            heldoutTable(result.at("effect").at("heldout").at("prompts"), page);
    text += heading("Answers, condition " + visible(evaluation.at("condition").at("name").get<std::string>())) +
            answersTable(evaluation, page);
    text += heading(markersTitle(evaluation)) + markersTable(evaluation, page);
    text += heading("Completions") + textsTable(evaluation, page);
    return text;
}

std::string renderSweep(const Json& result, const Page& page)
{
    std::string failures;
    TextTable table({{"condition"},
                     {"block", Align::Right},
                     {"α", Align::Right},
                     {"answered as labelled"},
                     {"refused as labelled"},
                     {"ε_edit", Align::Right},
                     {"final, before norm", Align::Right},
                     {"after norm", Align::Right},
                     {"drafts kept", Align::Right}});
    for (const Json& row : result.at("rows")) {
        const bool baseline = row.at("block").is_null();
        const Tone tone = row.at("front").get<bool>() ? Tone::Strong : Tone::Plain;
        const auto drafted = row.at("drafted").get<double>();
        const std::string failure = row.contains("failed") && !row.at("failed").is_null()
                                        ? visible(row.at("failed").get<std::string>())
                                        : std::string();
        const std::string condition = visible(row.at("condition").get<std::string>());
        if (!failure.empty())
            failures += wrap(fmt::format("Condition {}, block {}, α {} failed: {}", condition,
                                         row.at("block").get<int>(), plainNumber(row.at("alpha"), 6), failure),
                             page.width, 0) +
                        "\n";
        const Json& deviation = row.at("final_deviation");
        table.add({condition, baseline ? "–" : std::to_string(row.at("block").get<int>()),
                   baseline ? Cell("baseline") : Cell(plainNumber(row.at("alpha"), 6)),
                   failure.empty() ? Cell(shareText(row.at("answer")), tone) : Cell("failed", Tone::Warning),
                   Cell(shareText(row.at("refuse")), tone), baseline ? "–" : orDash(row.at("epsilon_edit")),
                   baseline ? "–" : orDash(deviation.at("pre_norm")),
                   baseline ? "–" : orDash(deviation.at("post_norm")),
                   drafted > 0 ? percent(row.at("accepted").get<double>() / drafted) : "–"});
    }
    return page.style.paint(Tone::Strong,
                            "Sweep of " + visible(result.at("request").at("target").get<std::string>()) + " scaling") +
           "\n" + table.render(page.style, 2, page.tableWidth) + failures +
           wrap("Rows that no other row of their condition beats in both accuracies are set in bold. Shares of a few "
                "prompts are no trend where their intervals overlap.",
                page.width, 0) +
           "\n";
}

std::string editTable(const Json& rows, const Page& page)
{
    if (rows.empty())
        return "";
    TextTable table({{"name"},
                     {"edit"},
                     {"ε_edit", Align::Right},
                     {"final, before norm", Align::Right},
                     {"after norm", Align::Right},
                     {"answered before, after"},
                     {"refused before, after"}});
    for (const Json& row : rows) {
        const auto pair = [&](const char* key) {
            const auto share = [&](const char* side) {
                const Json& proportion = row.at("evaluation").at(side).at(key);
                return fmt::format("{}/{}", proportion.at("covered").get<std::int64_t>(),
                                   proportion.at("total").get<std::int64_t>());
            };
            return share("before") + ", " + share("after");
        };
        std::string edits;
        for (const Json& step : row.at("edits"))
            edits += (edits.empty() ? "" : "; ") + visible(step.get<std::string>());
        table.add({visible(row.at("name").get<std::string>()), edits, threeDigits(row.at("epsilon_edit")),
                   threeDigits(row.at("final_deviation").at("pre_norm")),
                   threeDigits(row.at("final_deviation").at("post_norm")), pair("answer"), pair("refuse")});
    }
    std::string text =
        "\n" + page.style.paint(Tone::Strong, "Edits") + "\n" + table.render(page.style, 2, page.tableWidth);
    for (std::size_t i = 0; i < std::min(rows.size(), mostDetails); ++i) {
        const Json& row = rows[i];
        const Json& evaluation = row.at("evaluation");
        text += "\n" +
                page.style.paint(Tone::Strong,
                                 fmt::format("Edit {}, condition {}", visible(row.at("name").get<std::string>()),
                                             visible(evaluation.at("condition").at("name").get<std::string>()))) +
                "\n" + effectTable(row, page) + answersTable(evaluation, page) + "  " + markersTitle(evaluation) +
                ":\n" + markersTable(evaluation, page);
    }
    if (rows.size() > mostDetails)
        text += fmt::format("  … and {} more edits; --json has every number of them\n", rows.size() - mostDetails);
    return text;
}

}
