// How fast runs of each model went on this machine, and how long another run of that model will take at that speed.
#pragma once

#include <QString>

#include <optional>
#include <vector>

namespace blockcert::workbench {

// What one run told: a speed of its own work, and what came before the first cell whatever the work was.
struct RunPace {
    QString model; // as the command line takes it
    QString dtype; // of the baseline
    double flops = 0;
    double seconds = 0;       // in which those were done
    double secondsBefore = 0; // opening, hashing and loading

    friend bool operator==(const RunPace&, const RunPace&) = default;
};

struct ExpectedTime {
    double seconds = 0;
    bool isUpper = false; // the work is so much larger than what was measured that it will go faster
};

// The speed of one model says nothing about another's: a tiny one spends its time on what costs the same for any.
class PaceBook {
public:
    // The newest of comparable size is kept; a much smaller run teaches nothing new about a model.
    void learn(const RunPace& pace);
    [[nodiscard]] std::optional<ExpectedTime> expected(const QString& model, const QString& dtype, double flops) const;

    [[nodiscard]] const std::vector<RunPace>& paces() const { return m_paces; } // the newest first

    void setPaces(std::vector<RunPace> paces) { m_paces = std::move(paces); }

private:
    std::vector<RunPace> m_paces;
};

}
