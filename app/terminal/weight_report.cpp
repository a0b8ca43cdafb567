#include "app/terminal/weight_report.h"

#include "app/terminal/number_words.h"
#include "app/terminal/text_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace blockcert::terminal {

namespace {

constexpr std::size_t curveCells = 16;

std::string rankWords(const Json& row, const char* key)
{
    return row.at(key).is_null() ? "–" : std::to_string(row.at(key).get<std::int64_t>());
}

std::string relativeWords(double distance, double norm)
{
    return norm > 0 ? threeDigits(distance / norm) : "–";
}

// A falling curve in eighths of a cell: values as shares of the first one.
std::string curveOf(const Json& spectrum)
{
    static constexpr std::array<const char*, 9> heights = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const double first = spectrum.front();
    std::string curve;
    for (std::size_t i = 0; i < std::min(curveCells, spectrum.size()); ++i) {
        const std::size_t last = std::min(curveCells, spectrum.size()) - 1;
        const std::size_t place = last == 0 ? 0 : i * (spectrum.size() - 1) / last;
        const double share = first > 0 ? spectrum[place].get<double>() / first : 0;
        curve += heights[static_cast<std::size_t>(std::clamp(std::ceil(share * 8), 0.0, 8.0))];
    }
    return curve;
}

// The first, the last that was kept, the first that was cut, and the last one.
std::vector<Cell> spectrumCells(const Json& row)
{
    const Json& spectrum = row.at("spectrum");
    if (spectrum.is_null() || spectrum.empty())
        return {"–", "–", "–", ""};
    const auto kept = static_cast<std::size_t>(row.at("rank").get<std::int64_t>());
    return {threeDigits(spectrum.front()), threeDigits(spectrum[std::min(kept, spectrum.size()) - 1]),
            kept < spectrum.size() ? threeDigits(spectrum[kept]) : "–", curveOf(spectrum)};
}

// What is known where no weight is listed as another one than the baseline's.
std::string sameWeightsSentence(const Json& listing)
{
    const Json& request = listing.at("manifest").at("request");
    if (listing.at("blocks").empty())
        return "No block is finished, so no weight was compared yet.";
    if (request.at("surrogate").at("family") == "given")
        return "The surrogates' weights were given with the run and not compared with the model's.";
    if (request.at("weights") == "file")
        return "Every weight of every surrogate is the one in the model's files, before it is cast to the baseline's "
               "type.";
    return "Every weight of every surrogate is the baseline's.";
}

}

std::string renderWeightSummary(const Json& weights, const Page& page)
{
    struct Summary {
        const Json* first = nullptr;
        int blocks = 0;
        double least = 0;
        double most = 0;
    };

    std::vector<Summary> summaries;
    for (const Json& row : weights) {
        const double norm = row.at("norm");
        const double relative = norm > 0 ? row.at("distance").get<double>() / norm : 0;
        auto found = std::ranges::find_if(summaries, [&](const Summary& each) {
            return each.first->at("weight") == row.at("weight") && each.first->at("rank") == row.at("rank");
        });
        if (found == summaries.end())
            found = summaries.insert(summaries.end(), {&row, 0, relative, relative});
        ++found->blocks;
        found->least = std::min(found->least, relative);
        found->most = std::max(found->most, relative);
    }
    if (summaries.empty())
        return "";
    const bool cut = std::ranges::any_of(weights, [](const Json& row) { return !row.at("rank").is_null(); });
    std::vector<Column> columns = {{"weight"}, {"blocks", Align::Right}};
    if (cut)
        columns.insert(columns.end(), {{"rank asked", Align::Right}, {"used", Align::Right}, {"full", Align::Right}});
    columns.push_back({"‖W − Ŵ‖ ÷ ‖W‖", Align::Right});
    TextTable table(columns);
    for (const Summary& summary : summaries) {
        std::vector<Cell> cells = {visible(summary.first->at("weight").get<std::string>()),
                                   std::to_string(summary.blocks)};
        if (cut)
            for (const char* key : {"rank_asked", "rank", "full_rank"})
                cells.emplace_back(rankWords(*summary.first, key));
        cells.emplace_back(summary.least == summary.most
                               ? threeDigits(summary.most)
                               : threeDigits(summary.least) + " … " + threeDigits(summary.most));
        table.add(std::move(cells));
    }
    return "\n" + page.style.paint(Tone::Strong, "Weights that are not the baseline's (Frobenius norms)") + "\n" +
           table.render(page.style, 2, page.tableWidth);
}

std::string renderWeights(const Json& listing, const Page& page)
{
    const Json& weights = listing.at("weights");
    if (weights.empty())
        return "\n" + wrap(sameWeightsSentence(listing), page.width, 0) + "\n";
    const bool cut = std::ranges::any_of(weights, [](const Json& row) { return !row.at("rank").is_null(); });
    std::vector<Column> columns = {{"block", Align::Right}, {"weight"}};
    if (cut)
        columns.insert(columns.end(), {{"rank asked", Align::Right}, {"used", Align::Right}, {"full", Align::Right}});
    columns.insert(columns.end(), {{"‖W‖", Align::Right}, {"‖W − Ŵ‖", Align::Right}, {"relative", Align::Right}});
    if (cut)
        columns.insert(columns.end(), {{"σ₁", Align::Right},
                                       {"last kept", Align::Right},
                                       {"first cut", Align::Right},
                                       {"spectrum", Align::Left, Narrow::LeaveOut}});
    TextTable table(columns);
    for (const Json& row : weights) {
        std::vector<Cell> cells = {std::to_string(row.at("block").get<int>()),
                                   visible(row.at("weight").get<std::string>())};
        if (cut)
            for (const char* key : {"rank_asked", "rank", "full_rank"})
                cells.emplace_back(rankWords(row, key));
        cells.emplace_back(threeDigits(row.at("norm")));
        cells.emplace_back(threeDigits(row.at("distance")));
        cells.emplace_back(relativeWords(row.at("distance"), row.at("norm")));
        if (cut)
            for (Cell& cell : spectrumCells(row))
                cells.push_back(std::move(cell));
        table.add(std::move(cells));
    }
    return "\n" + page.style.paint(Tone::Strong, "Every weight that is not the baseline's") + "\n" +
           table.render(page.style, 2, page.tableWidth);
}

}
