// A run in a few numbers, for lists of runs.
#pragma once

#include "engine/base/strict_json.h"
#include "widgets/values.h"

#include <QString>

namespace blockcert::workbench {

struct RunFacts {
    QString digest; // of SHA256SUMS; empty while it is unfinished
    QString model;
    QString prompts;
    QString baselineDtype;
    QString surrogate;
    int layers = 0;
    int dModel = 0;
    int blocks = 0;
    int certified = 0; // says the issuer
    int promptCount = 0;
    qint64 tokens = 0;
    quint64 bytes = 0;                 // of the artifacts
    double epsilon = widgets::missing; // the largest
    QString problem;                   // why it could not be read
};

[[nodiscard]] RunFacts runFactsOf(const Json& show);

}
