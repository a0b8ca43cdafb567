#include "engine/protocol/stitch_rows.h"

#include "engine/certificate/stitch_codec.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/protocol/block_rows.h"

#include <utility>

namespace blockcert::protocol {

namespace {

Json placeRow(const TokenLocation& at, const PromptSet& prompts)
{
    return {{"prompt", at.prompt.value}, {"token", at.token}, {"piece", pieceAt(prompts, at.prompt, at.token)}};
}

Json perplexityRow(const std::optional<Perplexities>& perplexity)
{
    if (!perplexity)
        return nullptr;
    return {{"baseline", perplexity->baseline},
            {"stitched", perplexity->stitched},
            {"difference", perplexity->difference()},
            {"mean_nll_baseline", perplexity->meanBaseline},
            {"mean_nll_stitched", perplexity->meanStitched}};
}

Json proportionRow(const Proportion& proportion)
{
    return {{"covered", proportion.share.covered},
            {"total", proportion.share.total},
            {"value", proportion.share.value()},
            {"low", proportion.low},
            {"high", proportion.high}};
}

Json semanticRow(const std::optional<SemanticAgreement>& semantic)
{
    if (!semantic)
        return nullptr;
    return {{"agreement", proportionRow(semantic->agreement)},
            {"baseline", proportionRow(semantic->baseline)},
            {"stitched", proportionRow(semantic->stitched)}};
}

template <class Value>
Json valueOrNull(const std::optional<Value>& value)
{
    return value ? Json(*value) : Json();
}

Json blockOrNull(const std::optional<LayerIndex>& block)
{
    return block ? Json(block->value) : Json();
}

Json promptRow(const StitchPromptMetrics& row)
{
    return {{"id", row.id},
            {"tokens", row.tokens},
            {"perplexity", perplexityRow(row.perplexity)},
            {"loss_coverage", valueOrNull(row.loss.value)},
            {"mean_kl", row.meanDivergence},
            {"next_token_agreement", row.agreement.value()},
            {"max_residual", row.largestResidual},
            {"first_divergence", {{"token", valueOrNull(row.firstToken)}, {"layer", blockOrNull(row.firstLayer)}}}};
}

Json bisectRows(const StitchCertificate& certificate, const PromptSet& prompts)
{
    if (!certificate.request.bisect)
        return nullptr;
    Json list = Json::array();
    for (const Bisection& bisection : certificate.bisections) {
        Json rows = Json::array();
        for (const BisectRow& row : bisection.rows)
            rows.push_back({{"block", row.block.value}, {"prefix", row.prefix}, {"single", row.single}});
        list.push_back({{"event", certificate::nameOf(bisection.event)},
                        {"at", placeRow(bisection.at, prompts)},
                        {"rows", std::move(rows)},
                        {"smallest_prefix", blockOrNull(bisection.prefix)},
                        {"single", blockOrNull(bisection.single)}});
    }
    return list;
}

}

Json editedRow(const StitchedEdit& edit)
{
    Json blocks = Json::array();
    for (const LayerIndex block : edit.blocks)
        blocks.push_back(block.value);
    return {{"name", edit.name}, {"blocks", std::move(blocks)}};
}

Json stitchRow(const StitchCertificate& certificate, const PromptSet& prompts)
{
    const StitchMetrics& metrics = certificate.metrics;
    Json blocks = Json::array();
    for (const StitchedBlock& block : certificate.request.blocks)
        blocks.push_back(block.block.value);
    Json mae = Json::array();
    Json layers = Json::array();
    for (const LayerDeviation& layer : metrics.layers) {
        mae.push_back(layer.mae);
        layers.push_back({{"mae", layer.mae},
                          {"coordinate_mae", layer.coordinateMae},
                          {"largest", layer.largest},
                          {"largest_coordinate", layer.largestCoordinate},
                          {"worst", placeRow(layer.worst, prompts)}});
    }
    Json rows = Json::array();
    for (const StitchPromptMetrics& row : metrics.prompts)
        rows.push_back(promptRow(row));
    Json findings = Json::array();
    for (const CertificateFinding& finding : certificate.findings)
        findings.push_back(findingRow(finding));
    Json largest = placeRow(metrics.largest.at, prompts);
    largest["layer"] = metrics.largest.layer.value;
    largest["value"] = metrics.largest.value;
    const Divergence& divergence = metrics.divergence;
    return {{"name", certificate.name},
            {"path", certificate::stitchCertificatePath(certificate.name)},
            {"kind", certificate.isFullBlock() ? "full-block" : "full-model"},
            {"blocks", std::move(blocks)},
            {"edit", certificate.request.edit ? editedRow(*certificate.request.edit) : Json()},
            {"replay_dtype", nameOf(certificate.request.replayDtype)},
            {"certified", certificate.certified},
            {"findings", std::move(findings)},
            {"per_layer_mae", std::move(mae)},
            {"layers", std::move(layers)},
            {"max_residual", std::move(largest)},
            {"perplexity", perplexityRow(metrics.perplexity)},
            {"loss_coverage", valueOrNull(metrics.loss.value)},
            {"max_loss_difference", metrics.loss.tokens.total > 0 ? Json(metrics.loss.maxDifference) : Json()},
            {"next_token_agreement", metrics.agreement.value()},
            {"kl",
             {{"mean", divergence.mean},
              {"largest", divergence.largest},
              {"worst", placeRow(divergence.worst, prompts)},
              {"quantiles",
               {{"q50", divergence.quantiles.q50},
                {"q90", divergence.quantiles.q90},
                {"q95", divergence.quantiles.q95},
                {"q99", divergence.quantiles.q99}}}}},
            {"semantic", semanticRow(metrics.semantic)},
            {"prompts", std::move(rows)},
            {"bisect", bisectRows(certificate, prompts)},
            {"command", certificate.commandLine}};
}

}
