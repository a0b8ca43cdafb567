#include "engine/protocol/standouts.h"

#include "engine/base/ranges_text.h"
#include "engine/certificate/verdict_text.h"
#include "engine/protocol/block_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace blockcert::protocol {

namespace {

// "block 3", "blocks 0, 15 and 29", "blocks 1–12, 14 and 20".
std::string listBlocks(const std::vector<std::int32_t>& blocks)
{
    const std::vector<std::string> parts = rangeParts(blocks);
    std::string text = blocks.size() == 1 ? "block " : "blocks ";
    for (std::size_t i = 0; i < parts.size(); ++i)
        text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
    return text;
}

std::string rounded(double value)
{
    return value >= 10 ? fmt::format("{:.0f}", value) : fmt::format("{:.1f}", value);
}

// "2.1e-5"
std::string brief(double value)
{
    std::string text = fmt::format("{:.2g}", value);
    if (const std::size_t zero = text.find("e-0"); zero != std::string::npos)
        text.erase(zero + 2, 1);
    return text;
}

std::string placeOf(const RunManifest& manifest, const TokenLocation& location)
{
    const auto& prompts = manifest.prompts.prompts;
    const auto index = static_cast<std::size_t>(location.prompt.value);
    const std::string id = index < prompts.size() ? prompts[index].id : std::to_string(location.prompt.value);
    const std::string piece = pieceAt(manifest.prompts, location.prompt, location.token);
    const std::string place = fmt::format("token {} of prompt {}", location.token, id);
    return piece.empty() ? place : fmt::format("“{}” ({})", piece, place);
}

std::optional<std::string> absoluteThreshold(const RunManifest& manifest, std::span<const Certificate> certificates)
{
    const Policy& policy = manifest.request.policy;
    const bool wide = manifest.request.baselineDtype != DType::F32;
    const auto excluded = [&](const Certificate& certificate) {
        return certificate.metrics.l2.coverage.value() < policy.alphaAct;
    };
    const auto relativelyClose = [&](const Certificate& certificate) {
        return certificate.metrics.relative.coverage.value() >= policy.alphaAct;
    };
    const bool judgesIt = policy.measure == ErrorMeasure::L2;
    if (!wide || !judgesIt || !std::ranges::all_of(certificates, excluded) ||
        !std::ranges::any_of(certificates, relativelyClose))
        return std::nullopt;
    const bool none = std::ranges::all_of(
        certificates, [](const Certificate& certificate) { return certificate.metrics.l2.coverage.covered == 0; });
    return fmt::format(
        "The baseline ran in {}. Its own rounding moves a block's output by more than tau_act = {}, so the "
        "absolute threshold excludes {}, whatever the surrogate is; only the relative measure "
        "(within {} of the output's norm) says something here: --error relative-l2 judges activations by it. That "
        "rounding also moves losses by more than tau_loss = {}, so loss coverage stays low unless --tau-loss is "
        "raised.",
        manifest.request.baselineDtype == DType::BF16 ? "bf16" : "fp16", policy.tauAct,
        none ? "every token" : "most tokens", policy.tauRel, policy.tauLoss);
}

std::optional<std::string> outstandingBlock(std::span<const Certificate> certificates)
{
    if (certificates.size() < 3)
        return std::nullopt;
    std::vector<double> epsilons;
    for (const Certificate& certificate : certificates)
        epsilons.push_back(certificate.metrics.l2.epsilon);
    const double middle = median(epsilons);
    const Certificate& worst = *std::ranges::max_element(
        certificates, {}, [](const Certificate& certificate) { return certificate.metrics.l2.epsilon; });
    const double ratio = middle > 0 ? worst.metrics.l2.epsilon / middle : 0;
    if (ratio < 3)
        return std::nullopt;
    return fmt::format("Block {} stands out: its ε is {} times the median of the {} blocks.", worst.block.value,
                       rounded(ratio), certificates.size());
}

std::optional<std::string> massiveActivations(const RunManifest& manifest, std::span<const Certificate> certificates,
                                              const std::map<LayerIndex, std::vector<double>>& norms)
{
    std::vector<std::int32_t> blocks;
    const Certificate* largest = nullptr;
    double largestRatio = 0;
    for (const Certificate& certificate : certificates) {
        const auto found = norms.find(certificate.block);
        if (found == norms.end() || found->second.empty())
            continue;
        const TokenLocation worst = certificate.metrics.l2.worst;
        std::size_t row = static_cast<std::size_t>(worst.token);
        for (std::int32_t p = 0; p < worst.prompt.value; ++p)
            row += static_cast<std::size_t>(certificate.prompts.prompts[static_cast<std::size_t>(p)].tokens);
        const double middle = median(found->second);
        if (row >= found->second.size() || middle <= 0 || found->second[row] < massiveFactor * middle)
            continue;
        blocks.push_back(certificate.block.value);
        if (const double ratio = found->second[row] / middle; ratio > largestRatio) {
            largestRatio = ratio;
            largest = &certificate;
        }
    }
    if (!largest)
        return std::nullopt;
    const ErrorSummary& l2 = largest->metrics.l2;
    const bool one = blocks.size() == 1;
    const std::string scope = norms.size() < certificates.size()
                                  ? fmt::format(" (of the {} blocks with the largest errors)", norms.size())
                                  : "";
    return fmt::format(
        "The largest error of {}{} falls on a massive activation: the residual norm of {}{} is {} times the "
        "block's median{}; half of that block's tokens stay within {}.",
        listBlocks(blocks), scope, placeOf(manifest, l2.worst),
        one ? "" : fmt::format(" in block {}", largest->block.value), rounded(largestRatio),
        largest->request.isExactCopy() ? ", so that rounding alone makes the absolute error large there" : "",
        brief(l2.quantiles.q50));
}

std::optional<std::string> exactCopies(const RunManifest& manifest, std::span<const Certificate> certificates)
{
    const RunRequest& request = manifest.request;
    const bool asked = request.surrogate.family == SurrogateFamily::LowRank ||
                       request.surrogate.family == SurrogateFamily::Quantised ||
                       request.surrogate.family == SurrogateFamily::Checkpoint;
    const auto isCopy = [](const Certificate& certificate) {
        // Without a rank only weights are listed whose bytes differ, if by no more than the sign of a zero.
        return std::ranges::all_of(certificate.surrogateWeights,
                                   [](const WeightDistance& weight) { return weight.rank && weight.distance == 0; });
    };
    if (!asked || !std::ranges::all_of(certificates, isCopy))
        return std::nullopt;
    // With --weights file distances are from what the files hold, and the baseline ran on that cast to its own type.
    const bool fromFile = request.weights == WeightOrigin::File;
    std::string weights = fromFile ? "Every weight of these surrogates is the one in the model's files, before it is "
                                     "cast to the baseline's type"
                                   : "Every weight of these surrogates is the baseline's";
    if (manifest.surrogateModel)
        return weights + (manifest.surrogateModel->differences.empty()
                              ? ": in these blocks the two models hold the same."
                              : ": in these blocks the two models hold the same, though they differ elsewhere.");
    const bool ablated = request.ablation.kind != Ablation::Kind::None;
    return weights + ": what --surrogate asked for changes nothing in these blocks" +
           (ablated || fromFile ? "." : ", so that they are exact copies.");
}

std::optional<std::string> truncation(const RunManifest& manifest)
{
    std::optional<std::string> text = certificate::truncationText(manifest.prompts, manifest.request.maxTokens);
    if (text)
        *text += '.';
    return text;
}

std::optional<std::string> missingLoss(const RunManifest& manifest)
{
    if (manifest.request.loss == LossMode::Exact)
        return std::nullopt;
    if (manifest.request.loss == LossMode::FirstOrder)
        return "How the summed loss changes was estimated (first order) from one backward pass; nothing bounds what "
               "that "
               "leaves out, and no block can meet alpha_loss by it. --loss exact measures it.";
    if (manifest.request.imported)
        return "The baseline was run by another program, which recorded no losses, so no block can meet alpha_loss.";
    return "Loss coverage was not measured (--loss none), so no block can meet alpha_loss.";
}

}

double median(std::vector<double> values)
{
    const std::size_t half = values.size() / 2;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(half);
    std::ranges::nth_element(values, middle);
    if (values.size() % 2 == 1)
        return *middle;
    const double below = *std::max_element(values.begin(), middle);
    return below + (*middle - below) / 2;
}

std::vector<std::string> standouts(const RunManifest& manifest, std::span<const Certificate> certificates,
                                   const std::map<LayerIndex, std::vector<double>>& norms)
{
    std::vector<std::string> sentences;
    const auto say = [&](std::optional<std::string> sentence) {
        if (sentence)
            sentences.push_back(std::move(*sentence));
    };
    if (!certificates.empty()) {
        say(exactCopies(manifest, certificates));
        say(absoluteThreshold(manifest, certificates));
        say(outstandingBlock(certificates));
        say(massiveActivations(manifest, certificates, norms));
    }
    say(missingLoss(manifest));
    say(truncation(manifest));
    return sentences;
}

}
