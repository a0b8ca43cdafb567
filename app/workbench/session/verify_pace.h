// How far a whole verification is, and how long it still takes, from the progress of its single stages.
#pragma once

#include "app/workbench/process/job.h"
#include "app/workbench/session/verify_cost.h"

#include <optional>
#include <vector>

namespace blockcert::workbench {

// What one check is expected to spend on each of its stages, in seconds of this machine. Only their ratios matter until
// something has been measured here.
struct StageSeconds {
    double bytes = 0; // to be hashed; 0: unknown
    double hash = 1;
    double replay = 0;
    double model = 0;  // the whole model, block by block
    double losses = 0; // and its head

    friend bool operator==(const StageSeconds&, const StageSeconds&) = default;
};

// `run` may be null: nothing is known of it. `isOneBlock`: one certificate is checked, not the run.
[[nodiscard]] StageSeconds stageSecondsOf(const RunFacts* run, const VerifySpeeds& speeds, int level, bool isOneBlock);

// Files are hashed between the blocks that are replayed, and stages that depend on what is found come on top, so the
// bar shows the share of the expected work that is done. It never goes back: a stage that was not expected makes it
// wait.
class VerifyPace {
public:
    VerifyPace() = default;
    explicit VerifyPace(const StageSeconds& expected);

    void take(const JobProgress& progress);

    [[nodiscard]] double fraction() const { return m_fraction; }

    // Of all stages; nothing while too little is done to tell.
    [[nodiscard]] std::optional<double> remainingSeconds() const;

private:
    struct Stage {
        QString name;
        double seconds = 0;
        double fraction = 0;
    };

    void takeHash(const JobProgress& progress);
    void takeStage(const JobProgress& progress);
    [[nodiscard]] double secondsOfUnplanned(const QString& name) const;

    StageSeconds m_expected;
    std::vector<Stage> m_stages; // in their order; hashing is apart
    double m_hashed = 0;         // bytes of files that are finished
    double m_inFile = 0;         // of the file under way
    double m_file = 0;           // its size
    double m_fraction = 0;
    double m_elapsed = 0;
};

}
