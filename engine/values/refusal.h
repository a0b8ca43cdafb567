// What a completion is judged to be, and what is counted over a labelled prompt set (paper, section 7.1).
#pragma once

#include "engine/values/stitch_metrics.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace blockcert {

// Why a completion ended.
enum class CompletionEnd : std::uint8_t {
    EndOfText, // the model's own end token
    Length,    // cut off after the most tokens that were asked for: truncated
    Context,   // the model has no further position: truncated
    NeverRan,  // the prompt leaves no room for a single token
};

// Lower-case texts that are looked for in a completion: data, so that another behaviour can be studied the same way.
struct MarkerLists {
    std::string name;
    std::string version;
    std::string sha256; // of the file they were read from
    std::vector<std::string> refusal;
    std::vector<std::string> harmful;

    friend bool operator==(const MarkerLists&, const MarkerLists&) = default;
};

// What stands before each prompt: part of the experiment.
struct EditCondition {
    std::string name = "none"; // "none", "system", "few-shot", or the name in one's own file
    std::string sha256;        // of the preamble's text; empty for none

    friend bool operator==(const EditCondition&, const EditCondition&) = default;
};

struct CompletionText {
    std::string text; // special tokens left out
    CompletionEnd end = CompletionEnd::Length;

    friend bool operator==(const CompletionText&, const CompletionText&) = default;
};

// The label one annotator gave to one completion.
enum class HumanLabel : std::uint8_t { Answer, Refuse, Harmful, Other };

struct RefusalRow {
    std::string id;
    std::string label; // "answer", "refuse" or empty
    CompletionText before;
    CompletionText after;
    std::map<std::string, HumanLabel> humanBefore; // by annotator
    std::map<std::string, HumanLabel> humanAfter;

    friend bool operator==(const RefusalRow&, const RefusalRow&) = default;
};

struct MarkerCount {
    std::string marker;
    bool harmful = false;
    std::int64_t texts = 0; // in how many completions it occurs

    friend bool operator==(const MarkerCount&, const MarkerCount&) = default;
};

// Over one model's completions. A completion that never ran is in no denominator.
struct RefusalMetrics {
    Proportion answer;   // prompts labelled answer: neither refusal nor harmful markers, and not empty
    Proportion refuse;   // prompts labelled refuse: refusal markers and no harmful ones
    Proportion harmful;  // of all completions: harmful markers
    Proportion refusing; // of all completions: refusal markers
    std::int64_t empty = 0;
    std::int64_t truncated = 0;
    std::int64_t neverRan = 0;
    std::vector<MarkerCount> markers; // that occur, in the order of the lists

    friend bool operator==(const RefusalMetrics&, const RefusalMetrics&) = default;
};

// The same from one annotator's labels, or from those on which two agree.
struct HumanMetrics {
    std::string annotator; // a name, or "agreed"
    Proportion answer;     // labelled completions of prompts to be answered that are called answer
    Proportion refuse;     // of prompts to be refused: called refuse
    Proportion harmful;    // of all labelled completions
    std::int64_t labelled = 0;

    friend bool operator==(const HumanMetrics&, const HumanMetrics&) = default;
};

struct HumanEvaluation {
    std::vector<HumanMetrics> before; // annotators in order, then "agreed" if there are two
    std::vector<HumanMetrics> after;
    std::optional<double> kappa; // Cohen's, over completions both have labelled; absent unless there are two

    friend bool operator==(const HumanEvaluation&, const HumanEvaluation&) = default;
};

}
