// A sweep over blocks and strengths as the window shows it: rows from `sweep`, from its progress or from its folder,
// the map of one condition, and the rows that no other one beats.
#pragma once

#include "app/workbench/session/edit_effect_answer.h"
#include "engine/figure/figure.h"
#include "widgets/value_grid.h"
#include "widgets/value_table.h"

#include <QString>
#include <QStringList>

#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

struct SweepSpec {
    QString blocks;
    QString alphas = QStringLiteral("0:1:0.1");
    QString target = QStringLiteral("mlp"); // or "attention"
    QStringList conditions{QStringLiteral("none")};
    int maxNew = 64;
    QString out;

    friend bool operator==(const SweepSpec&, const SweepSpec&) = default;
};

struct SweepRow {
    QString condition;
    std::optional<int> block;    // nothing: the unedited model
    std::optional<double> alpha; // the same
    std::optional<Share> answer; // of prompts that should be answered
    std::optional<Share> refuse;
    double epsilon = widgets::missing;
    double finalPre = widgets::missing;  // largest deviation before the final norm
    double finalPost = widgets::missing; // and after it
    QString failure;                     // why nothing was measured; empty: it was
    int empty = 0;
    int truncated = 0;
    QString file; // with its completions, below the folder; empty while it runs

    [[nodiscard]] double answerShare() const { return answer ? answer->value() : widgets::missing; }

    [[nodiscard]] double refuseShare() const { return refuse ? refuse->value() : widgets::missing; }
};

struct SweepTable {
    QString out;
    QString model;
    QString prompts;
    QString dtype; // "fp32"; empty: unknown
    QString target;
    QStringList conditions;
    std::vector<int> blocks;
    std::vector<double> alphas; // ascending
    int maxNew = 0;
    std::vector<SweepRow> rows;
    bool isComplete = false;
    QString command;
};

enum class SweepQuantity : std::uint8_t { Answer, Refuse };
// What is weighed against refusing where it should.
enum class SweepPrice : std::uint8_t { Answers, Deviation };

[[nodiscard]] SweepRow sweepRowOf(const Json& row);
// sweep.json, or the answer of `sweep`. Throws FormatError.
[[nodiscard]] SweepTable sweepTableOf(const Json& sweep);
// What lies in a folder of a sweep, finished or not. Reads files: not in the GUI thread. Throws FileError, FormatError.
[[nodiscard]] SweepTable readSweepFolder(const QString& folder);
// Blocks and strengths of a specification, for a table that fills; nothing where it is malformed.
[[nodiscard]] std::optional<SweepTable> emptyTableOf(const SweepSpec& spec, int layers);
[[nodiscard]] std::vector<double> alphasOf(const QString& text); // "1,0.5,0" or "0:1:0.1"; ascending; empty: malformed

// Rows of one condition that no other of them beats in both; ascending refuse share. Indices.
[[nodiscard]] std::vector<int> frontOf(const SweepTable& table, const QString& condition, SweepPrice price);
// The front's row with the largest sum of both shares (of refuse share minus relative deviation); −1: none.
[[nodiscard]] int bestOf(const SweepTable& table, const QString& condition, SweepPrice price);
[[nodiscard]] const SweepRow* baselineOf(const SweepTable& table, const QString& condition);

[[nodiscard]] widgets::GridValues sweepGrid(const SweepTable& table, const QString& condition, SweepQuantity quantity);
// The row of a cell of that grid; −1: not measured.
[[nodiscard]] int rowAt(const SweepTable& table, const QString& condition, int gridRow, int gridColumn);
// Every number of the rows, as it is exported.
[[nodiscard]] widgets::ValueRows sweepRows(const SweepTable& table, const std::vector<int>& rows);
// Rows of one condition, narrow enough to stand beside the form of a sweep: shares in few letters, with every digit and
// what is counted apart in the tool tips.
[[nodiscard]] widgets::ValueRows shortSweepRows(const SweepTable& table, const std::vector<int>& rows);
[[nodiscard]] figure::Figure tradeOffFigure(const SweepTable& table, const QString& condition, SweepPrice price);
[[nodiscard]] QString sweepRowText(const SweepRow& row); // "block 15, α 0.5: answers 11 of 12 …"

}
