#include "engine/protocol/block_rows.h"

#include <utility>

namespace blockcert::protocol {

std::string pieceAt(const PromptSet& prompts, PromptIndex prompt, std::int32_t token)
{
    if (prompt.value < 0 || static_cast<std::size_t>(prompt.value) >= prompts.prompts.size())
        return "";
    const std::vector<std::string>& pieces = prompts.prompts[static_cast<std::size_t>(prompt.value)].pieces;
    return token >= 0 && static_cast<std::size_t>(token) < pieces.size() ? pieces[static_cast<std::size_t>(token)] : "";
}

Json findingRow(const CertificateFinding& finding)
{
    return {{"code", finding.code},
            {"where", finding.where},
            {"observed", finding.observed ? Json(*finding.observed) : Json()},
            {"threshold", finding.threshold}};
}

Json blockRow(const Certificate& certificate, const PromptSet& prompts)
{
    const CoverageMetrics& metrics = certificate.metrics;
    const Quantiles& quantiles = metrics.l2.quantiles;
    const TokenLocation worst = metrics.l2.worst;
    Json findings = Json::array();
    for (const CertificateFinding& finding : certificate.findings)
        findings.push_back(findingRow(finding));
    return {
        {"block", certificate.block.value},
        {"certified", certificate.certified},
        {"tokens", metrics.l2.coverage.total},
        {"epsilon", metrics.l2.epsilon},
        {"mae", metrics.l2.mean},
        {"activation_coverage", metrics.l2.coverage.value()},
        {"path_coverage", metrics.path.value()},
        {"loss_coverage", metrics.loss.value ? Json(*metrics.loss.value) : Json()},
        {"loss_estimate", metrics.firstOrder ? Json{{"method", "first-order"},
                                                    {"change", metrics.firstOrder->change},
                                                    {"baseline_loss", metrics.firstOrder->baseLoss}}
                                             : Json()},
        {"relative",
         {{"epsilon", metrics.relative.epsilon},
          {"mean", metrics.relative.mean},
          {"coverage", metrics.relative.coverage.value()}}},
        {"quantiles", {{"q50", quantiles.q50}, {"q90", quantiles.q90}, {"q95", quantiles.q95}, {"q99", quantiles.q99}}},
        {"worst",
         {{"prompt", worst.prompt.value},
          {"token", worst.token},
          {"piece", pieceAt(prompts, worst.prompt, worst.token)}}},
        {"findings", std::move(findings)}};
}

}
