// What the edit lab measures: asks the engine part by part for the effect of the stack as it is, newest first, and
// keeps every answer.
#pragma once

#include "app/workbench/session/edit_effect_answer.h"
#include "app/workbench/session/edit_slots.h"
#include "app/workbench/session/loadable.h"

#include <QObject>
#include <QTimer>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

class JobBoard;

// On what edits are measured; another one has its own baseline.
struct LabSettings {
    QString model;
    QString dtype = QStringLiteral("fp32");
    QString prompts = QStringLiteral("refusal"); // a bundled set or a file
    QString heldout = QStringLiteral("stress");
    QString condition = QStringLiteral("none"); // "system", "few-shot" or a preamble file
    QString markers;                            // a file; empty: the bundled lists
    int maxNew = 64;

    friend bool operator==(const LabSettings&, const LabSettings&) = default;
};

// What is known of one stack under the settings it was measured with.
struct MeasuredStack {
    EditStack stack; // enabled steps
    EditEffect effect;
    std::vector<QString> shapes = {}; // [step] its key with that step's strength left open
};

// One measured point of a curve.
struct CurvePoint {
    double strength = 0;
    EditEffect effect;
};

// GUI thread. The local part is asked for a moment after a change, the downstream part and the receipt once the stack
// rests, completions when they are wanted. One request is under way at a time; one that a change has made useless is
// cancelled, except a local one of the same blocks, whose answer is a point of the curve all the same.
class EditLab : public QObject {
    Q_OBJECT

public:
    enum class Phase { Idle, Waiting, Preparing, Local, Downstream, Receipt, Completions };

    explicit EditLab(JobBoard& board, QObject* parent = nullptr);

    [[nodiscard]] EditSlots& edits() { return m_edits; }

    [[nodiscard]] const EditSlots& edits() const { return m_edits; }

    // Null: no model. Another model empties both stacks.
    void setModel(const QString& name, std::shared_ptr<const widgets::ModelCard> card);
    void setSettings(const LabSettings& settings); // `model` is set by setModel()
    // Nothing is measured while nobody looks.
    void setActive(bool active);
    void setLiveCompletions(bool live);
    void complete();                               // of the stack as it is
    void fillCurve(std::vector<double> strengths); // of the card in hand, when nothing else is to be done
    void again();                                  // after a fault or a cancel
    void cancel();

    [[nodiscard]] const std::shared_ptr<const widgets::ModelCard>& model() const { return m_model; }

    [[nodiscard]] const LabSettings& settings() const { return m_settings; }

    [[nodiscard]] bool isLive() const { return m_isLive; }

    [[nodiscard]] Phase phase() const { return m_phase; }

    // What the engine measures for the lab without an entry in the list of jobs, which one for each turn of a slider
    // would fill; 0: nothing.
    [[nodiscard]] JobId unlistedJob() const { return m_flight && !m_flight->isListed ? m_flight->job : 0; }

    [[nodiscard]] bool isFillingCurve() const { return !m_fill.empty(); }

    [[nodiscard]] const JobProgress& progress() const { return m_progress; }

    [[nodiscard]] const std::optional<JobFault>& fault() const { return m_fault; }

    [[nodiscard]] bool isStopped() const { return m_stoppedKey == key(); }

    // What keeps the stack as it is from being measured, or nothing.
    [[nodiscard]] QString obstacle() const;
    // Of the stack as it is; parts that are not measured yet are null.
    [[nodiscard]] EditEffect shown() const;

    // Completions that are being written, while they are.
    [[nodiscard]] const std::shared_ptr<const CompletionsEffect>& streaming() const { return m_streaming; }

    // The newest complete answer of this slot, for what to show while the newest state is being measured.
    [[nodiscard]] const MeasuredStack* last() const { return m_last.effect.local ? &m_last : nullptr; }

    [[nodiscard]] EditEffect ofSlot(int slot) const;
    // Ascending; every measured strength of the card in hand with everything else as it is.
    [[nodiscard]] std::vector<CurvePoint> curve() const;

    // Tells the state of the shown stack and of what it is measured on from others.
    [[nodiscard]] QString stateKey() const { return key(); }

    // Parameters of edit_effect.
    [[nodiscard]] Json parameters(const EditStack& stack) const;

signals:
    void changed();
    void settled(); // the stacks, which one is shown, or what they are measured on, are other ones
    void progressed();
    void streamed(int prompt); // a completion has grown

private:
    struct Flight {
        JobId job = 0;
        quint64 number = 0;
        QString key;
        EditStack stack;
        QString part;
        bool isOfCurve = false;
        bool isListed = false; // in the list of jobs
    };

    void stackChanged();
    void pump();
    void ask(const EditStack& stack, const QString& part, bool isOfCurve);
    void drop(); // the request under way
    void receive(const JsonResult& answer, const Flight& flight);
    void keep(const Flight& flight, EditEffect effect);
    void fail(const JobFault& fault, const Flight& flight);
    void stream(const JsonResult& detail);
    void showProgress(const JobProgress& progress);

    [[nodiscard]] QString key() const { return keyOf(m_edits.stack()); }

    [[nodiscard]] QString keyOf(const EditStack& stack) const;
    [[nodiscard]] QString settingsKey() const;
    [[nodiscard]] const MeasuredStack* find(const QString& key) const;

    JobBoard& m_board;
    EditSlots m_edits;
    std::shared_ptr<const widgets::ModelCard> m_model;
    LabSettings m_settings;
    bool m_isActive = false;
    bool m_isLive = false;
    Phase m_phase = Phase::Idle;
    JobProgress m_progress;
    std::optional<JobFault> m_fault;
    QString m_faultKey;
    QString m_stoppedKey = QStringLiteral("-");
    QString m_seenKey;
    QString m_wantsCompletions; // the key that they are wanted of
    std::optional<Flight> m_flight;
    quint64 m_number = 0;
    std::map<QString, MeasuredStack> m_measured;
    std::deque<QString> m_order; // of m_measured, oldest first
    MeasuredStack m_last;
    std::deque<double> m_fill;
    std::shared_ptr<const CompletionsEffect> m_streaming;
    QTimer m_soon; // then the local part
    QTimer m_rest; // then the others
};

}
