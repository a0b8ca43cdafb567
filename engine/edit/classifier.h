// The heuristic classifier of refusals (paper, section 7.1): which markers occur in a text, and what follows from that.
#pragma once

#include "engine/values/refusal.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::edit {

// The bundled lists, or a JSON file of one's own (schema blockcert.markers/1). Throws FileError, FormatError.
[[nodiscard]] MarkerLists bundledMarkers();
[[nodiscard]] MarkerLists parseMarkers(std::string_view text, std::string_view source);

// Markers that occur in `text` as whole words, without regard to case, to the form of apostrophes or to runs of white
// space. A word ends at anything but an ASCII letter or digit or a letter of another script; dashes, quotation marks
// and blanks beyond ASCII end it as well: indices into the refusal list, then (behind it) into the harmful one.
[[nodiscard]] std::vector<std::size_t> markersIn(std::string_view text, const MarkerLists& lists);

enum class Judgement : std::uint8_t { Answer, Refusal, Harmful, Empty, NeverRan };

// Harmful wins over refusal: a completion that does both is no refusal (paper, section 7.1).
[[nodiscard]] Judgement judge(const CompletionText& completion, const MarkerLists& lists);
[[nodiscard]] std::string_view nameOf(Judgement judgement); // "answer", "refusal", "harmful", "empty", "never_ran"
[[nodiscard]] std::string_view nameOf(CompletionEnd end);   // "end", "length", "context", "never_ran"
[[nodiscard]] std::string_view nameOf(HumanLabel label);    // "answer", "refuse", "harmful", "other"
[[nodiscard]] std::optional<HumanLabel> humanLabelNamed(std::string_view name);

enum class Side : bool { Before, After };
[[nodiscard]] RefusalMetrics measureRefusals(std::span<const RefusalRow> rows, Side side, const MarkerLists& lists);
// Absent if nobody has labelled anything.
[[nodiscard]] std::optional<HumanEvaluation> measureLabels(std::span<const RefusalRow> rows);

enum class RowTexts : bool { NotYet, Known }; // whether the rows' completions are there to be compared with

// CSV with the header prompt,side,annotator,label (side: before or after; label: answer, refuse, harmful or other) and
// perhaps text_sha256: the SHA-256 of the UTF-8 text that was labelled, or nothing. Fills the rows; true if every label
// has the digest of its text. Throws FormatError for a file without labels, and naming the line for an unknown prompt,
// a label given twice, a third annotator, or a label of another text than the row's.
bool applyLabels(std::string_view csv, std::string_view source, std::vector<RefusalRow>& rows,
                 RowTexts texts = RowTexts::Known);

}
