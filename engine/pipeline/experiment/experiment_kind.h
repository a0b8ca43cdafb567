// What one experiment consists of: the certified runs it needs, and what it makes of their numbers.
#pragma once

#include "engine/figure/figure.h"
#include "engine/pipeline/experiment/deciding_measure.h"
#include "engine/pipeline/experiment/experiment.h"
#include "engine/pipeline/experiment/run_numbers.h"
#include "engine/pipeline/experiment/table.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace blockcert::pipeline {

// One certified run below DIR/runs.
struct SubRun {
    std::string name;        // "exact": the folder runs/exact.blockcert
    Json parameters;         // of `certify`, without out
    bool timed = false;      // measured from beginning to end: an unfinished one begins again
    std::string asked = {};  // the option that a refusal of its surrogate names: "--ranks 64"
    std::string stitch = {}; // not empty: the whole model with all its surrogates in place, under this name
};

struct PlannedModel {
    std::int32_t layers = 0;
    bool rope = false;
};

// What was measured about one sub-run.
struct SubRunResult {
    SubRun run;
    std::filesystem::path folder;
    Json stitched = {};                                      // what `stitch` answered
    double stitchSeconds = 0;                                // timed runs: of stitching
    double seconds = 0;                                      // timed runs: of the whole verb
    std::vector<std::pair<std::string, double>> stages = {}; // timed runs: seconds by stage of progress
};

struct NamedFigure {
    std::string file; // "figure.svg"
    figure::Figure figure;
};

struct ExperimentReport {
    std::string headline; // one or two sentences with the numbers that matter
    std::vector<Table> tables;
    std::vector<NamedFigure> figures; // title, panels and caption; scope and metadata are added
    std::vector<std::string> notes;   // what a reader must know to read the numbers
    std::string scope = {};           // what was measured on what; empty: scopeOf() the first run
};

// Everything a report is made from.
struct ExperimentResults {
    const ExperimentOptions& options;
    const std::vector<SubRunResult>& runs;
    std::filesystem::path childProgram;
    std::function<std::string(TokenId)> pieceOf; // what a token looks like
    const RunContext& context;

    [[nodiscard]] const SubRunResult& run(const std::string& name) const;
    [[nodiscard]] RunNumbers numbers(const std::string& name) const;
};

struct ExperimentKind {
    std::string name;
    std::string title;
    std::string paper;                   // "Table 1, sections 6.1–6.4"
    std::vector<std::string> difference; // how the paper's setting differs, as sentences
    std::string defaultPrompts;
    std::string defaultBlocks; // "all" or "spread": five, evenly from the first to the last
    std::vector<SubRun> (*plan)(const ExperimentOptions& options, const PlannedModel& model);
    ExperimentReport (*report)(const ExperimentResults& results);
    bool needsLabels = false; // prompts without a usable label are refused before anything is written
};

[[nodiscard]] ExperimentKind blocksKind();
[[nodiscard]] ExperimentKind lowRankKind();
[[nodiscard]] ExperimentKind ablationsKind();
[[nodiscard]] ExperimentKind thresholdsKind();
[[nodiscard]] ExperimentKind promptSizeKind();
[[nodiscard]] ExperimentKind promptShiftKind();
[[nodiscard]] ExperimentKind semanticKind();
[[nodiscard]] ExperimentKind timingKind();

// Says among the notes which measure the numbers follow, where it is not the paper's.
void noteMeasure(const DecidingMeasure& measure, ExperimentReport& report);

// "0,7,15,22,29": at most five blocks, evenly from the first to the last.
[[nodiscard]] std::string spreadBlocks(std::int32_t layers);

// The shared parameters with blocks, for one sub-run.
[[nodiscard]] Json certifyParameters(const ExperimentOptions& options);

// The word of the command line for a dtype: "fp32".
[[nodiscard]] std::string dtypeWord(DType dtype);

// "10 prompts, 283 tokens" and the like: what was measured on what, for the line under a figure's title.
[[nodiscard]] std::string scopeOf(const certificate::RunDocument& run);
// The same of one run on each of two prompt sets: "base (…) → stress (…)".
[[nodiscard]] std::string scopeOf(const certificate::RunDocument& from, const PromptSet& to);

}
