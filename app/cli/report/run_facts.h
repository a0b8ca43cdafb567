// One run as a report tells it: what `show` read, what `verify` found if it was asked, and what may be said of prompts.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/report/document.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::cli {

struct ReportedRun {
    Json listing;                // of `show --tokens`
    std::optional<Json> verdict; // of `verify`; absent: nothing was recomputed
    bool redactPrompts = false;  // no prompt text, no id, no token piece

    [[nodiscard]] const Json& manifest() const { return listing.at("manifest"); }

    [[nodiscard]] const Json& request() const { return manifest().at("request"); }

    // A threshold of the run's policy, such as "tau_act".
    [[nodiscard]] double threshold(const char* name) const;

    [[nodiscard]] bool relativeDecides() const { return request().at("policy").at("error") == "relative-l2"; }

    // The one that decides: τ_act or τ_rel.
    [[nodiscard]] double tau() const { return threshold(relativeDecides() ? "tau_rel" : "tau_act"); }

    [[nodiscard]] std::string folderName() const; // "demo.blockcert", without where it lies
    [[nodiscard]] std::string model() const;
    [[nodiscard]] std::string promptName(std::size_t prompt) const;               // its id, or "prompt 3"
    [[nodiscard]] std::string piece(std::size_t prompt, std::size_t token) const; // empty if it may not be shown
    [[nodiscard]] std::int64_t tokenCount() const;
    // Where only digests were compared, the numbers are as much a claim as without a verdict.
    [[nodiscard]] report::Standing standing() const;
    [[nodiscard]] bool holds() const; // the verdict is that it is verified, at whatever level
    // "block 3": those whose losses the verdict recomputed, and did not only count.
    [[nodiscard]] std::vector<std::string> blocksWithLosses() const;
};

// A number that is written twice, or once.
[[nodiscard]] double numberOf(const Json& value);
// The measured errors that decide, of one cell: null where a token has none.
[[nodiscard]] const Json& decidingErrors(const ReportedRun& run, const Json& cell);

// Of a table too long for a page: which rows stay, in their order, and the sentence about the rest.
struct Kept {
    std::vector<std::size_t> rows;
    std::string leftOut;
};

// The `most` rows of largest weight. `what` names a row ("block"), `how` says which stay ("with the largest ε").
[[nodiscard]] Kept keepLargest(const std::vector<double>& weights, std::size_t most, const std::string& what,
                               const std::string& how);

}
