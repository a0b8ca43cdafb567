#include "app/cli/report/run_facts.h"

#include "app/terminal/number_words.h"
#include "app/terminal/text_style.h"
#include "engine/values/recomputed_losses.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

namespace blockcert::cli {

double numberOf(const Json& value)
{
    return value.is_object() ? value.at("value").get<double>() : value.get<double>();
}

const Json& decidingErrors(const ReportedRun& run, const Json& cell)
{
    return cell.at(run.relativeDecides() ? "relative" : "error");
}

double ReportedRun::threshold(const char* name) const
{
    return numberOf(request().at("policy").at(name));
}

std::string ReportedRun::folderName() const
{
    const std::filesystem::path path = listing.at("run").get<std::string>();
    const std::filesystem::path name = path.has_filename() ? path.filename() : path.parent_path().filename();
    return name.empty() || name == "." ? std::filesystem::absolute(path).lexically_normal().filename().string()
                                       : name.string();
}

std::string ReportedRun::model() const
{
    return manifest().at("subject").at("model");
}

std::string ReportedRun::promptName(std::size_t prompt) const
{
    const Json& items = manifest().at("prompts").at("items");
    if (redactPrompts || prompt >= items.size())
        return fmt::format("prompt {}", prompt);
    return items[prompt].at("id");
}

std::string ReportedRun::piece(std::size_t prompt, std::size_t token) const
{
    const Json& items = manifest().at("prompts").at("items");
    if (redactPrompts || prompt >= items.size() || token >= items[prompt].at("pieces").size())
        return "";
    return terminal::visiblePiece(items[prompt].at("pieces")[token].get<std::string>(), 32);
}

std::int64_t ReportedRun::tokenCount() const
{
    std::int64_t tokens = 0;
    for (const Json& item : manifest().at("prompts").at("items"))
        tokens += static_cast<std::int64_t>(item.at("token_ids").size());
    return tokens;
}

report::Standing ReportedRun::standing() const
{
    if (!verdict)
        return report::Standing::Claimed;
    constexpr int firstReplayLevel = 2;
    const std::string word = verdict->at("verdict");
    if (word == "verified")
        return verdict->at("level").get<int>() < firstReplayLevel ? report::Standing::Claimed
                                                                  : report::Standing::Verified;
    if (word == "failed")
        return report::Standing::Failed;
    return word == "weaker_than_policy" ? report::Standing::WeakerThanPolicy : report::Standing::NotChecked;
}

bool ReportedRun::holds() const
{
    return verdict && verdict->at("verdict") == "verified";
}

std::vector<std::string> ReportedRun::blocksWithLosses() const
{
    RecomputedLosses losses;
    if (verdict)
        for (const Json& check : verdict->at("checks"))
            losses.see(check.at("id").get<std::string>(), check.at("where").get<std::string>(),
                       check.at("state") == "verified");
    return losses.blocks();
}

Kept keepLargest(const std::vector<double>& weights, std::size_t most, const std::string& what, const std::string& how)
{
    Kept kept;
    kept.rows.resize(weights.size());
    std::iota(kept.rows.begin(), kept.rows.end(), std::size_t{0});
    if (weights.size() <= most)
        return kept;
    std::ranges::stable_sort(kept.rows, std::ranges::greater(), [&](std::size_t row) { return weights[row]; });
    kept.rows.resize(most);
    std::ranges::sort(kept.rows);
    kept.leftOut = fmt::format("Shown are the {} {}; {} more are left out.",
                               terminal::counted(static_cast<std::int64_t>(most), what), how,
                               terminal::grouped(static_cast<std::int64_t>(weights.size() - most)));
    return kept;
}

}
