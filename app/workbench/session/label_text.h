// The CSV file of human labels: prompt,side,annotator,label, one judgement a line.
#pragma once

#include "engine/values/refusal.h"

#include <QString>

#include <vector>

namespace blockcert::workbench {

[[nodiscard]] QString labelName(HumanLabel label); // "answer", as the CSV has it

// One line of the CSV.
struct GivenLabel {
    QString prompt;
    bool isAfter = false;
    QString annotator;
    HumanLabel label = HumanLabel::Other;
};

// Throws FormatError naming the line.
[[nodiscard]] std::vector<GivenLabel> parseLabels(const QString& csv, const QString& source);
[[nodiscard]] QString labelsText(const std::vector<GivenLabel>& labels); // the file

}
