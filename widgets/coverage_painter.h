// Paints one row of coverage strips from values: the view and the exporter share it.
#pragma once

#include "widgets/coverage_rows.h"
#include "widgets/theme.h"

#include <QRectF>
#include <QString>

#include <vector>

class QPainter;

namespace blockcert::widgets {

// Where the parts of a row and the marks of its strip lie. Prompts are set apart by a gap as long as the tokens
// themselves keep two pixels each.
struct CoverageLanes {
    static constexpr double rowHeight = 28;
    static constexpr double stripHeight = 18;

    double label = 0;            // width of the block's name
    double number = 0;           // and of its coverage
    double note = 0;             // beside the strip
    double width = 0;            // of the strip
    double slot = 0;             // of one token
    double gap = 0;              // between prompts
    std::vector<int> gapsBefore; // [place], how many prompts began before it

    // For a view of this width; without rows only the parts are measured.
    [[nodiscard]] static CoverageLanes measure(const CoverageRows* rows, double viewWidth);
    [[nodiscard]] double placeLeft(int place) const; // from the strip's left
    [[nodiscard]] int placeAt(double x) const;       // −1: none
    [[nodiscard]] QRectF strip(double rowTop) const;
};

// Name, number, strip and note of one row of `rows`. Tokens that begin in the same pixel share it and show the worst of
// them. Of two runs what changes leaves the middle: up and orange where only A covers, down and blue where only B does.
void paintCoverageRow(QPainter& painter, const CoverageRows& rows, const CoverageRow& row, const CoverageLanes& lanes,
                      double top, const Tokens& tokens, bool isCurrent);
// "0.967", of two runs B − A: "−0.0323".
[[nodiscard]] QString coverageNumber(const CoverageRows& rows, const CoverageCounts& counts);
// "12 lost · 3 won", "3 not covered", "all covered".
[[nodiscard]] QString coverageNote(const CoverageRows& rows, const CoverageCounts& counts);

}
