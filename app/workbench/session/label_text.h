// The CSV file of human labels: prompt,side,annotator,label,text_sha256, one judgement a line.
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
    QString textSha256 = {}; // of the text that was labelled; empty: the file did not say
};

[[nodiscard]] QString textDigest(const QString& text); // SHA-256 of its UTF-8, 64 hex digits

// A file may lack text_sha256, or have it empty. Throws FormatError naming the line.
[[nodiscard]] std::vector<GivenLabel> parseLabels(const QString& csv, const QString& source);
[[nodiscard]] QString labelsText(const std::vector<GivenLabel>& labels); // the file

}
