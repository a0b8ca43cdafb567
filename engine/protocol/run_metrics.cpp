#include "engine/protocol/run_metrics.h"

#include <algorithm>

namespace blockcert::protocol {

namespace {

// An error summary without quantiles, which cannot be put together from those of parts.
void addErrors(std::vector<NamedMetric>& list, const ErrorSummary& l2, const ErrorSummary& relative)
{
    list.push_back({"epsilon", Better::Smaller, l2.epsilon, ""});
    list.push_back({"mae", Better::Smaller, l2.mean, ""});
    list.push_back({"activation_coverage", Better::Larger, l2.coverage.value(), "tau_act"});
    list.push_back({"relative.epsilon", Better::Smaller, relative.epsilon, ""});
    list.push_back({"relative.mean", Better::Smaller, relative.mean, ""});
    list.push_back({"relative.coverage", Better::Larger, relative.coverage.value(), "tau_rel"});
}

void addPathAndLoss(std::vector<NamedMetric>& list, const Fraction& path, const LossCoverage& loss)
{
    list.push_back({"path_coverage", Better::Larger, path.value(), ""});
    list.push_back({"loss_coverage", Better::Larger, loss.value, "tau_loss"});
    list.push_back({"max_loss_difference", Better::Smaller,
                    loss.tokens.total > 0 ? std::optional(loss.maxDifference) : std::nullopt, ""});
}

void addPart(ErrorSummary& sum, const ErrorSummary& part, std::int64_t tokens)
{
    sum.epsilon = std::max(sum.epsilon, part.epsilon);
    sum.mean += part.mean * static_cast<double>(tokens); // divided at the end
    sum.coverage.covered += part.coverage.covered;
    sum.coverage.total += part.coverage.total;
}

}

std::vector<NamedMetric> metricsOf(const Certificate& block)
{
    const CoverageMetrics& metrics = block.metrics;
    std::vector<NamedMetric> list;
    addErrors(list, metrics.l2, metrics.relative);
    addPathAndLoss(list, metrics.path, metrics.loss);
    const Quantiles& quantiles = metrics.l2.quantiles;
    list.push_back({"quantiles.q50", Better::Smaller, quantiles.q50, ""});
    list.push_back({"quantiles.q90", Better::Smaller, quantiles.q90, ""});
    list.push_back({"quantiles.q95", Better::Smaller, quantiles.q95, ""});
    list.push_back({"quantiles.q99", Better::Smaller, quantiles.q99, ""});
    return list;
}

std::vector<NamedMetric> metricsOf(const PromptMetrics& prompt)
{
    std::vector<NamedMetric> list;
    addErrors(list, prompt.l2, prompt.relative);
    addPathAndLoss(list, prompt.path, prompt.loss);
    return list;
}

std::vector<NamedMetric> metricsOver(const std::vector<const PromptMetrics*>& prompts)
{
    PromptMetrics all;
    for (const PromptMetrics* prompt : prompts) {
        all.tokens += prompt->tokens;
        addPart(all.l2, prompt->l2, prompt->tokens);
        addPart(all.relative, prompt->relative, prompt->tokens);
        all.path.covered += prompt->path.covered;
        all.path.total += prompt->path.total;
        all.loss.coveredLoss += prompt->loss.coveredLoss;
        all.loss.totalLoss += prompt->loss.totalLoss;
        all.loss.tokens.total += prompt->loss.tokens.total;
        all.loss.maxDifference = std::max(all.loss.maxDifference, prompt->loss.maxDifference);
    }
    if (all.tokens > 0) {
        all.l2.mean /= static_cast<double>(all.tokens);
        all.relative.mean /= static_cast<double>(all.tokens);
    }
    if (all.loss.totalLoss > 0)
        all.loss.value = all.loss.coveredLoss / all.loss.totalLoss;
    return metricsOf(all);
}

std::vector<NamedMetric> metricsOf(const StitchCertificate& stitch)
{
    const StitchMetrics& metrics = stitch.metrics;
    double mae = 0;
    for (const LayerDeviation& layer : metrics.layers)
        mae = std::max(mae, layer.mae);
    return {{"largest_layer_mae", Better::Smaller, mae, ""},
            {"max_residual", Better::Smaller, metrics.largest.value, ""},
            {"perplexity.stitched", Better::Smaller,
             metrics.perplexity ? std::optional(metrics.perplexity->stitched) : std::nullopt, ""},
            {"loss_coverage", Better::Larger, metrics.loss.value, "tau_loss"},
            {"max_loss_difference", Better::Smaller,
             metrics.loss.tokens.total > 0 ? std::optional(metrics.loss.maxDifference) : std::nullopt, ""},
            {"kl.mean", Better::Smaller, metrics.divergence.mean, ""},
            {"kl.largest", Better::Smaller, metrics.divergence.largest, ""},
            {"next_token_agreement", Better::Larger, metrics.agreement.value(), ""}};
}

}
