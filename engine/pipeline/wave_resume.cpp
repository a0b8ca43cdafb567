#include "engine/pipeline/wave_resume.h"

#include <algorithm>
#include <utility>

namespace blockcert::pipeline {

namespace {

bool isUsable(const Variant& variant, const Wanted& wanted, const std::vector<std::int64_t>& active,
              const BaselinePass& baseline)
{
    std::vector<std::int64_t> prompts;
    for (const std::int64_t place : variant.prompts) {
        if (place < 0 || place >= static_cast<std::int64_t>(active.size()))
            return false;
        prompts.push_back(active[static_cast<std::size_t>(place)]);
    }
    return std::is_sorted(prompts.begin(), prompts.end()) &&
           std::includes(prompts.begin(), prompts.end(), wanted.losses.begin(), wanted.losses.end()) &&
           isSound(variant.tree, baseline.lengths(), baseline.tree().rows);
}

}

bool isOfThisRun(const WaveState& saved, const std::string& origin, const PromptSet& prompts,
                 const std::vector<std::int64_t>& needed)
{
    const auto count = static_cast<std::int64_t>(prompts.prompts.size());
    return saved.origin == origin && !saved.prompts.empty() &&
           std::is_sorted(saved.prompts.begin(), saved.prompts.end()) && saved.prompts.front() >= 0 &&
           saved.prompts.back() < count &&
           std::includes(saved.prompts.begin(), saved.prompts.end(), needed.begin(), needed.end()) &&
           digestOf(idsOf(prompts, saved.prompts)) == saved.tokenIdsSha256;
}

std::optional<std::vector<Variant>> takeVariants(WaveState& saved, const std::vector<Wanted>& wanted,
                                                 const BaselinePass& baseline, std::int32_t layers)
{
    if (saved.shared != baseline.isShared() || saved.next.value < 1 || saved.next.value > layers ||
        saved.baseline.size(0) != baseline.tree().rows)
        return std::nullopt;
    std::vector<Variant> variants;
    for (const Wanted& each : wanted) {
        if (!(each.block < saved.next) || each.losses.empty())
            continue;
        const auto failure = std::find_if(saved.failures.begin(), saved.failures.end(),
                                          [&](const BlockFailure& known) { return known.block == each.block; });
        if (failure != saved.failures.end())
            continue;
        const auto variant = std::find_if(saved.variants.begin(), saved.variants.end(),
                                          [&](const Variant& known) { return known.block == each.block; });
        if (variant == saved.variants.end() || !each.cells.empty() ||
            !isUsable(*variant, each, saved.prompts, baseline))
            return std::nullopt;
        variants.push_back(std::move(*variant));
    }
    return variants;
}

}
