// From what the window shows to parts of a report.
#pragma once

#include "app/workbench/session/report_book.h"
#include "engine/base/strict_json.h"
#include "engine/report/document.h"
#include "widgets/values.h"
#include "widgets/view_export.h"

#include <functional>
#include <optional>
#include <vector>

class QAbstractItemModel;

namespace blockcert::workbench {

// What a table shows, its first `most` rows; numbers are the columns that stand at the right. GUI thread.
[[nodiscard]] report::Table tableOf(const QAbstractItemModel& model, const QString& caption, int most);

// The numbers behind a view, its first `most` rows.
[[nodiscard]] report::Table tableOf(const widgets::ExportTable& numbers, const QString& caption, int most);

// A page as it is, ready for the report but for the time.
struct FrozenView {
    ReportItem item;
    // Drawn outside the GUI thread, behind the first part; empty: there is no picture.
    std::function<widgets::ViewExport()> view = {};
    std::vector<widgets::ViewExport> pages = {}; // instead of `view`: a long map as pictures of readable height
    bool hasNumbers = false;                     // the table behind the picture comes with it
};

// The view as pixels, twice as fine as a screen shows it. Any thread.
[[nodiscard]] report::Picture pictureOf(const widgets::ViewExport& view);

// The sentence with its state, what did not hold, and what was not checked.
[[nodiscard]] std::vector<report::Part> partsOf(const widgets::VerdictView& verdict);
// The verdict that is known of a run here, or that its numbers are claims.
[[nodiscard]] report::Statement standingOf(const std::optional<widgets::RunVerdict>& verdict);
// What a block's certificate claims, under which policy, resting on which digests.
[[nodiscard]] std::vector<report::Part> partsOfCertificate(const Json& certificate);

}
