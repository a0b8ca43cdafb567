#include "engine/exchange/export_csv.h"

#include "engine/base/csv_writer.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <set>

namespace blockcert::exchange {

namespace {

std::optional<double> numberOf(const Json& value)
{
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

// Element t of a list that may not have been measured.
std::optional<double> numberAt(const Json& list, std::size_t t)
{
    return list.is_array() && t < list.size() ? numberOf(list[t]) : std::nullopt;
}

std::string textAt(const Json& list, std::size_t t)
{
    return t < list.size() ? list[t].get<std::string>() : std::string();
}

}

std::string tokensToCsv(const Json& listing)
{
    CsvWriter csv({"block",       "prompt",        "prompt_id",   "token",        "token_id",
                   "piece",       "error",         "relative",    "error_attn",   "error_mlp",
                   "output_norm", "margin",        "margin_head", "loss_base",    "loss_stitched",
                   "loss_change", "loss_estimate", "top_base",    "top_stitched", "block_finished"});
    std::set<std::int64_t> finished;
    for (const Json& row : listing.at("blocks"))
        finished.insert(row.at("block").get<std::int64_t>());
    for (const Json& cell : listing.at("cells")) {
        const Json& prompt = listing.at("prompts").at(cell.at("prompt").get<std::size_t>());
        for (std::size_t t = 0; t < cell.at("error").size(); ++t) {
            csv.integer(cell.at("block")).integer(cell.at("prompt")).text(prompt.at("id").get<std::string>());
            csv.integer(static_cast<std::int64_t>(t)).integer(prompt.at("token_ids").at(t));
            csv.text(textAt(prompt.at("pieces"), t));
            for (const char* key : {"error", "relative", "error_attn", "error_mlp", "output_norm", "margin"})
                csv.number(numberAt(cell.at(key), t));
            if (cell.at("margin").at(t).is_null())
                csv.nothing(); // no margin, no head
            else
                csv.integer(cell.at("margin_head").at(t));
            const std::optional<double> base = numberAt(cell.at("loss_base"), t);
            const std::optional<double> stitched = numberAt(cell.at("loss_stitched"), t);
            csv.number(base).number(stitched);
            csv.number(base && stitched ? std::optional(std::abs(*stitched - *base)) : std::nullopt);
            csv.number(numberAt(cell.at("loss_estimate"), t));
            for (const char* key : {"top_base", "top_stitched"}) {
                const Json& tops = cell.at(key);
                if (tops.is_null())
                    csv.nothing();
                else
                    csv.integer(tops.at(t).at(0).at(0));
            }
            csv.boolean(finished.contains(cell.at("block").get<std::int64_t>()));
            csv.endRow();
        }
    }
    return csv.content();
}

std::string blocksToCsv(const Json& listing)
{
    CsvWriter csv({"block",
                   "certified",
                   "tokens",
                   "epsilon",
                   "mae",
                   "q50",
                   "q90",
                   "q95",
                   "q99",
                   "activation_coverage",
                   "relative_epsilon",
                   "relative_mean",
                   "relative_coverage",
                   "path_coverage",
                   "loss_coverage",
                   "loss_estimate",
                   "worst_prompt",
                   "worst_token",
                   "worst_piece",
                   "findings"});
    for (const Json& row : listing.at("blocks")) {
        csv.integer(row.at("block")).boolean(row.at("certified")).integer(row.at("tokens"));
        csv.number(numberOf(row.at("epsilon"))).number(numberOf(row.at("mae")));
        for (const char* key : {"q50", "q90", "q95", "q99"})
            csv.number(numberOf(row.at("quantiles").at(key)));
        csv.number(numberOf(row.at("activation_coverage")));
        for (const char* key : {"epsilon", "mean", "coverage"})
            csv.number(numberOf(row.at("relative").at(key)));
        csv.number(numberOf(row.at("path_coverage"))).number(numberOf(row.at("loss_coverage")));
        const Json& estimate = row.at("loss_estimate");
        csv.number(estimate.is_null() ? std::nullopt : numberOf(estimate.at("change")));
        const Json& worst = row.at("worst");
        csv.integer(worst.at("prompt")).integer(worst.at("token")).text(worst.at("piece").get<std::string>());
        std::string findings;
        for (const Json& finding : row.at("findings"))
            findings += (findings.empty() ? "" : "; ") + finding.at("code").get<std::string>();
        csv.text(findings).endRow();
    }
    return csv.content();
}

}
