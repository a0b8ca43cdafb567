// Two runs as a figure: ε and mean error of every block in A and in B, over one log axis.
#pragma once

#include "engine/figure/figure.h"
#include "widgets/compare_table.h"

#include <QString>

#include <vector>

namespace blockcert::widgets {

struct ComparedRuns {
    std::vector<ComparedBlock> blocks;
    bool isRelative = false;
    double tau = missing; // of A
    QString a;            // names
    QString b;
};

// Blocks that a run does not have are missing points; an error of zero has no place on the axis.
[[nodiscard]] figure::Figure compareFigure(const ComparedRuns& runs);

}
