// The tamper lab: a copy of a run in a temporary folder, what was done to it, and what the verifier said about that.
#pragma once

#include "app/workbench/session/tampering.h"
#include "app/workbench/session/verdict_document.h"

#include <QObject>
#include <QTemporaryDir>

#include <memory>
#include <optional>

namespace blockcert::workbench {

struct TamperRequest {
    Tamper tamper = Tamper::FlipByte;
    bool coverUp = false; // SHA256SUMS is rewritten as well
    int level = 3;

    friend bool operator==(const TamperRequest&, const TamperRequest&) = default;
};

// GUI thread; files are copied and changed in the thread pool, and verified by `blockcert` in a child process.
class TamperLab : public QObject {
    Q_OBJECT

public:
    explicit TamperLab(JobBoard& board, QObject* parent = nullptr);

    // Another run, not damaged yet; its copy is made when it is first needed.
    void setRun(const QString& path);
    // Copies the run anew, damages the copy, and has it verified.
    void apply(const TamperRequest& request);
    // Verifies a fresh copy, so that one sees what an untouched run gives.
    void applyNothing(int level);
    void reset(); // nothing damaged, no verdict

    [[nodiscard]] const QString& run() const { return m_run; }

    [[nodiscard]] QString copyPath() const; // empty before there is one

    [[nodiscard]] bool isBusy() const { return m_isWriting || m_verdict.verdict().isLoading(); }

    // What the verdict is about; absent: an untouched copy.
    [[nodiscard]] const std::optional<Damage>& damage() const { return m_damage; }

    [[nodiscard]] const TamperRequest& request() const { return m_request; }

    [[nodiscard]] const VerdictDocument& verdict() const { return m_verdict; }

    [[nodiscard]] const QString& problem() const { return m_problem; }

signals:
    void changed();

private:
    void prepare(const std::optional<TamperRequest>& request, int level);

    QString m_run;
    std::unique_ptr<QTemporaryDir> m_folder;
    VerdictDocument m_verdict;
    std::optional<Damage> m_damage;
    TamperRequest m_request;
    QString m_problem;
    int m_copies = 0; // each copy has a folder of its own, so that a verifier never reads one that is being written
    bool m_isWriting = false;
};

// The checks that noticed, as "block_15/probes.h5: File digest"; at most `most`, the rest counted in the last entry.
[[nodiscard]] QStringList catchersOf(const widgets::VerdictView& verdict, int most);

}
