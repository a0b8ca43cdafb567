// Every token of a run that its policy does not cover, worst first, with the numbers it is measured against; and of the
// covered ones those with the largest errors of each block.
#pragma once

#include "engine/base/strict_json.h"
#include "widgets/error_scale.h"
#include "widgets/failure_table.h"
#include "widgets/values.h"

#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

struct RunView;

inline constexpr std::size_t mostFailures = 20000; // in a list
inline constexpr std::size_t largestCovered = 20;  // of each block, as `blockcert failures` looks into them

struct FailureList {
    // By how many times they exceed their threshold; of very many the worst.
    std::shared_ptr<const std::vector<widgets::FailureRow>> rows =
        std::make_shared<const std::vector<widgets::FailureRow>>();
    // The largest errors that are within their threshold, of each block; worst first.
    std::shared_ptr<const std::vector<widgets::FailureRow>> covered =
        std::make_shared<const std::vector<widgets::FailureRow>>();
    qint64 measured = 0; // tokens × blocks with a deciding error
    qint64 above = 0;    // of those
    qint64 lossMeasured = 0;
    qint64 lossAbove = 0;
    qint64 notMeasured = 0; // tokens × blocks that the run is about and that have no deciding error
    widgets::ErrorScale decidingScale;
    widgets::ErrorScale lossScale;
};

// By the map's own thresholds: the deciding error measure, and the loss. Looks at every cell: call it outside the GUI
// thread.
[[nodiscard]] FailureList failuresOf(const widgets::TokenMap& map);

// "12 of 7 530 tokens × blocks are not covered …", with what was never measured.
[[nodiscard]] QString summaryOf(const FailureList& list, int shown);

// The same of the largest covered errors.
[[nodiscard]] QString coveredSummaryOf(const FailureList& list, int shown);

// One token at one block against the deciding threshold, covered or not; absent where it was not measured.
[[nodiscard]] std::optional<widgets::FailureRow> rowAt(const widgets::TokenMap& map, const widgets::CellKey& key);

// What somebody else needs to see one failure again: the prompt as literal ids, the numbers and where they come from,
// and a shell script that measures the prompt at this block anew, from whatever folder it is started.
struct FailureBundle {
    std::string prompts; // a prompt file, one line
    std::string numbers; // JSON, resources/schemas/failure.schema.json
    QString script;
};

// `run` is what the map was read from; null while it is being measured. Looks for the model's file: call it outside the
// GUI thread.
[[nodiscard]] FailureBundle bundleOf(const widgets::TokenMap& map, const widgets::FailureRow& failure,
                                     const RunView* run, const QString& note);

}
