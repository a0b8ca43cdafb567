#include "engine/pipeline/experiment/experiment_kind.h"
#include "engine/pipeline/experiment/figure_parts.h"

#include <fmt/format.h>

namespace blockcert::pipeline {

namespace {

using namespace figure;

std::vector<SubRun> plan(const ExperimentOptions& options, const PlannedModel&)
{
    Json shifted = certifyParameters(options);
    for (const char* key : {"content", "format", "name"})
        shifted.erase(key);
    shifted["prompts"] = options.shiftedPrompts;
    return {{"from", certifyParameters(options)}, {"to", std::move(shifted)}};
}

// One block on both prompt sets.
struct Pair {
    const Certificate* from = nullptr;
    const Certificate* to = nullptr;
};

std::vector<Pair> pairsOf(const RunNumbers& from, const RunNumbers& to)
{
    std::vector<Pair> pairs;
    for (const Certificate& certificate : from.certificates)
        if (const Certificate* other = to.find(certificate.block))
            pairs.push_back({&certificate, other});
    return pairs;
}

Json lossOf(const Certificate& certificate)
{
    return certificate.metrics.loss.value ? Json(*certificate.metrics.loss.value) : Json();
}

Table tableOf(const std::vector<Pair>& pairs)
{
    const DecidingMeasure measure = decidingMeasure(pairs.front().from->request.policy);
    Table table{"table",
                "The same surrogates on both prompt sets",
                {{"block", "block"},
                 {measure.key("mean_error_from"), measure.meanError + ", from"},
                 {measure.key("mean_error_to"), "to"},
                 {measure.key("mean_error_ratio"), "ratio"},
                 {measure.key("epsilon_from"), measure.epsilon + ", from"},
                 {measure.key("epsilon_to"), "to"},
                 {measure.key("activation_coverage_from"),
                  (measure.isRelative ? "relative coverage" : "coverage") + std::string(", from")},
                 {measure.key("activation_coverage_to"), "to"},
                 {"loss_coverage_from", "loss coverage, from"},
                 {"loss_coverage_to", "to"},
                 {"certified_from", "certified, from"},
                 {"certified_to", "to"}},
                {}};
    for (const auto& [from, to] : pairs) {
        const ErrorSummary& a = measure.of(from->metrics);
        const ErrorSummary& b = measure.of(to->metrics);
        table.rows.push_back({from->block.value, a.mean, b.mean, a.mean > 0 ? Json(b.mean / a.mean) : Json(), a.epsilon,
                              b.epsilon, a.coverage.value(), b.coverage.value(), lossOf(*from), lossOf(*to),
                              from->certified, to->certified});
    }
    return table;
}

Figure pictureOf(const std::vector<Pair>& pairs, const std::string& fromName, const std::string& toName)
{
    const Policy& policy = pairs.front().from->request.policy;
    const DecidingMeasure measure = decidingMeasure(policy);
    Panel error = errorPanel(measure.isRelative ? "Relative error" : "Error", policy);
    Panel coverage = coveragePanel(measure.isRelative ? "Relative coverage" : "Activation coverage", policy);
    Series meanFrom{measure.meanError + ", " + fromName, Mark::LineMarkers, {}};
    Series meanTo{measure.meanError + ", " + toName, Mark::LineMarkers, {}};
    Series largestFrom{"largest " + measure.error + ", " + fromName, Mark::LineMarkers, {}};
    Series largestTo{"largest " + measure.error + ", " + toName, Mark::LineMarkers, {}};
    Series coverFrom{"coverage, " + fromName, Mark::LineMarkers, {}};
    Series coverTo{"coverage, " + toName, Mark::LineMarkers, {}};
    std::vector<double> blocks;
    for (const auto& [from, to] : pairs) {
        const double x = from->block.value;
        blocks.push_back(x);
        const ErrorSummary& before = measure.of(from->metrics);
        const ErrorSummary& after = measure.of(to->metrics);
        meanFrom.points.push_back({x, before.mean});
        meanTo.points.push_back({x, after.mean});
        largestFrom.points.push_back({x, before.epsilon});
        largestTo.points.push_back({x, after.epsilon});
        coverFrom.points.push_back({x, before.coverage.value()});
        coverTo.points.push_back({x, after.coverage.value()});
    }
    error.series = {meanFrom, meanTo, largestFrom, largestTo};
    coverage.series = {coverFrom, coverTo};
    error.x = coverage.x = blockAxis(blocks);
    Figure figure;
    figure.title = "From the prompts of " + fromName + " to those of " + toName;
    figure.caption =
        "The weights of the surrogates are the same on both sets. Both are measured; neither says anything about "
        "other prompts.";
    figure.panels = {error, coverage};
    figure.columns = 2;
    return figure;
}

ExperimentReport report(const ExperimentResults& results)
{
    const RunNumbers from = results.numbers("from");
    const RunNumbers to = results.numbers("to");
    const std::vector<Pair> pairs = pairsOf(from, to);
    ExperimentReport made;
    if (pairs.empty()) {
        made.headline = "No block has a certificate on both prompt sets.";
        return made;
    }
    const std::string& fromName = from.run.manifest.prompts.name;
    const std::string& toName = to.run.manifest.prompts.name;
    made.tables = {tableOf(pairs)};
    made.figures = {{"figure.svg", pictureOf(pairs, fromName, toName)}};
    made.scope = scopeOf(from.run, to.run.manifest.prompts);
    const DecidingMeasure measure = decidingMeasure(from.run.manifest.request.policy);
    std::vector<double> before, after;
    std::int64_t kept = 0;
    std::int64_t certified = 0;
    for (const auto& [a, b] : pairs) {
        before.push_back(measure.of(a->metrics).mean);
        after.push_back(measure.of(b->metrics).mean);
        certified += a->certified ? 1 : 0;
        kept += a->certified && b->certified ? 1 : 0;
    }
    made.headline =
        fmt::format("From {} to {}, the {} over {} block{} goes from {} to {}; ", fromName, toName, measure.meanError,
                    pairs.size(), pairs.size() == 1 ? "" : "s", shortText(meanOf(before)), shortText(meanOf(after)));
    made.headline += certified == 0
                         ? "no block is certified on " + fromName + "."
                         : fmt::format("of {} block{} certified on {}, {} {} certified on {} as well.", certified,
                                       certified == 1 ? "" : "s", fromName, kept, kept == 1 ? "is" : "are", toName);
    made.notes = {
        "Exact surrogates hold the same weights whatever the prompts; only masks and positional tables follow the "
        "longest prompt."};
    noteMeasure(measure, made);
    return made;
}

}

ExperimentKind promptShiftKind()
{
    return {
        "prompt-shift",
        "Prompt shift",
        "Section 6.7",
        {"The paper's four base and ten stress prompts are its own (90 and 251 TinyLlama tokens); the bundled sets "
         "have as many "
         "prompts of the same kinds.",
         "The paper recomputes metrics on the second set without a certificate; here both sets are certified runs."},
        "base",
        "spread",
        plan,
        report};
}

}
