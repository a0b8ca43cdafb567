#include "engine/pipeline/experiment/compared_runs.h"
#include "engine/pipeline/experiment/matrix_report.h"

#include <algorithm>

namespace blockcert::pipeline {

namespace {

constexpr const char* exactRun = "exact";

std::vector<std::int64_t> ranksOf(const ExperimentOptions& options)
{
    return options.ranks.empty() ? std::vector<std::int64_t>{64, 128, 256} : options.ranks;
}

std::string lowRankRun(std::int64_t rank)
{
    return "low-rank-" + std::to_string(rank);
}

std::vector<SubRun> planLowRank(const ExperimentOptions& options, const PlannedModel&)
{
    std::vector<SubRun> runs = {{exactRun, certifyParameters(options)}};
    for (const std::int64_t rank : ranksOf(options)) {
        Json parameters = certifyParameters(options);
        parameters["surrogate"] = "low-rank:" + std::to_string(rank) + ":attn";
        runs.push_back({lowRankRun(rank), std::move(parameters), false, "--ranks " + std::to_string(rank)});
    }
    return runs;
}

ExperimentReport reportLowRank(const ExperimentResults& results)
{
    const std::vector<std::int64_t> ranks = ranksOf(results.options);
    std::vector<ComparedRun> cut;
    for (const std::int64_t rank : ranks)
        cut.push_back({lowRankRun(rank), "rank " + std::to_string(rank)});
    std::vector<ComparedRun> variants = {{exactRun, "exact"}};
    variants.insert(variants.end(), cut.begin(), cut.end());
    const bool rising = std::ranges::is_sorted(ranks);
    ExperimentReport report =
        compareRuns(results, variants,
                    {"Attention projections cut to a rank", "surrogate", "Low-rank attention",
                     "W_Q, W_K, W_V and W_O of each block replaced by their truncated singular value "
                     "decomposition; the MLP is an exact copy. Lines only join the measurements of one block.",
                     figure::Mark::LineMarkers, rising});
    addMatrices(results, cut, ranks, report);
    return report;
}

// What the command line calls it, and the name of its run.
struct Ablation {
    std::string option;
    std::string run;
};

std::vector<Ablation> ablationsOf(const ExperimentOptions& options, bool rope)
{
    std::vector<Ablation> all;
    if (rope)
        all.push_back({"drop-rope", "drop-rope"});
    all.push_back({"invert-mask", "invert-mask"});
    all.push_back({"zero-wv", "zero-wv"});
    all.push_back({"noise-wq:" + options.noise, "noise-wq"});
    return all;
}

std::vector<SubRun> planAblations(const ExperimentOptions& options, const PlannedModel& model)
{
    std::vector<SubRun> runs = {{exactRun, certifyParameters(options)}};
    for (const Ablation& ablation : ablationsOf(options, model.rope)) {
        Json parameters = certifyParameters(options);
        parameters["ablate"] = ablation.option;
        const bool isNoise = ablation.run == "noise-wq";
        runs.push_back({ablation.run, std::move(parameters), false, isNoise ? "--noise " + options.noise : ""});
    }
    return runs;
}

ExperimentReport reportAblations(const ExperimentResults& results)
{
    const bool rope =
        std::ranges::any_of(results.runs, [](const SubRunResult& r) { return r.run.name == "drop-rope"; });
    std::vector<ComparedRun> variants = {{exactRun, "baseline"}};
    for (const Ablation& ablation : ablationsOf(results.options, rope))
        variants.push_back({ablation.run, ablation.option});
    ExperimentReport report = compareRuns(
        results, variants,
        {"Surrogates broken on purpose", "ablation", "Ablations",
         std::string("Each surrogate is the exact one with one defect: ") + (rope ? "no rotary positions, " : "") +
             "the causal mask turned round, W_V zero, or noise on W_Q of the given share of its standard deviation. A "
             "sound measure must notice each of them.",
         figure::Mark::Markers});
    if (!rope)
        report.notes.push_back("The model has no rotary positions, so there is no drop-rope.");
    return report;
}

}

ExperimentKind lowRankKind()
{
    return {"low-rank",
            "Low-rank baselines",
            "Table 2, section 6.4",
            {"The paper cuts Llama-2-7B, whose projections are 4096 wide, to ranks 64, 128 and 256; a rank above a "
             "matrix's own "
             "size is cut to it, so that on a narrow model a rank may change little.",
             "The paper's baseline row has an error of 3.4e-2 from low-precision arithmetic, which bounds its ratios "
             "to about "
             "1.4; an fp32 baseline agrees to rounding, so that the ratios here are far larger. --dtype bf16 or fp16 "
             "gives the "
             "paper's situation.",
             "The paper measures on each block's best prompt; both are given here."},
            "stress",
            "spread",
            planLowRank,
            reportLowRank};
}

ExperimentKind ablationsKind()
{
    return {
        "ablations",
        "Ablation baselines",
        "Table 3, section 6.7",
        {"The paper perturbs TinyLlama blocks 0, 5, 10, 15 and 20 on each block's best prompt; here the blocks "
         "are those of --blocks (unless given, five spread over the model's depth), and both all prompts and best "
         "prompts are given.",
         "The paper's ratios are to a baseline error of 1.8e-2 from low-precision arithmetic; an fp32 baseline agrees "
         "to "
         "rounding, so that the ratios here are far larger.",
         "The paper does not state the scale of its noise on W_Q; here it is the given share of the standard deviation "
         "of W_Q's elements."},
        "stress",
        "spread",
        planAblations,
        reportAblations};
}

}
