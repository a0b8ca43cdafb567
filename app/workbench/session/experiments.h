// Experiments: what one is asked for, how a specification is varied, and what is found in a folder of them.
#pragma once

#include "app/workbench/session/job_board.h"
#include "engine/base/strict_json.h"
#include "widgets/value_table.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

// Empty fields are left to the experiment's defaults, which its request.json writes out.
struct ExperimentSpec {
    QString kind = QStringLiteral("blocks");
    QString model;
    QString prompts;
    QString blocks;
    QString dtype = QStringLiteral("fp32");
    QString loss = QStringLiteral("exact");
    QString ranks;  // low-rank alone
    QString noise;  // ablations alone
    QString dtypes; // thresholds and prompt-size alone
    QString out;

    friend bool operator==(const ExperimentSpec&, const ExperimentSpec&) = default;
};

// The kinds of `blockcert experiment`.
[[nodiscard]] QStringList experimentKinds();
// Which fields a kind takes beside the common ones: "ranks", "noise", "dtypes".
[[nodiscard]] QStringList ownFields(const QString& kind);
// What can be varied: the name of a field and how it is called.
[[nodiscard]] std::vector<std::pair<QString, QString>> variedFields(const QString& kind);
[[nodiscard]] QString fieldOf(const ExperimentSpec& spec, const QString& field);
void setField(ExperimentSpec& spec, const QString& field, const QString& value);

[[nodiscard]] Json experimentParameters(const ExperimentSpec& spec, bool resume);
[[nodiscard]] QString experimentCommand(const ExperimentSpec& spec);
// Why it cannot be run, or nothing.
[[nodiscard]] QString obstacleOf(const ExperimentSpec& spec);

inline constexpr std::size_t mostVariants = 24; // a grid that asks for more is refused

// One specification for each combination of values, separated by "|"; every one has a folder of its own inside
// `folder` that is not in `taken`. Nothing if there are more than mostVariants.
[[nodiscard]] std::optional<std::vector<ExperimentSpec>>
gridOf(const ExperimentSpec& spec, const std::map<QString, QString>& values, const QString& folder, QStringList taken);
// A name from what sets it apart: "low-rank-fp32-base".
[[nodiscard]] QString freshExperimentPath(const ExperimentSpec& spec, const QString& folder, const QStringList& taken);

// One that lies in the folder.
struct ExperimentEntry {
    QString path;
    QString name;
    bool isComplete = false;
    bool isRead = false;
    QString problem;
    ExperimentSpec spec; // from its request
    QString title;
    QString headline;
    QString model;
    QString command;
    QStringList notes;
    std::vector<std::pair<QString, std::shared_ptr<const widgets::ValueRows>>> tables; // title, rows

    struct Figure {
        QString title;
        QString caption;
        QByteArray svg;
    };

    std::vector<Figure> figures;
};

// Folders with request.json in it, newest first; reads no file.
[[nodiscard]] std::vector<ExperimentEntry> experimentsIn(const QString& folder);
// `show` of one of them.
[[nodiscard]] ExperimentEntry experimentOf(const Json& listing);
// The rows of one beside those of a pinned one: rows are paired by their texts, numbers get a column of differences.
[[nodiscard]] std::shared_ptr<const widgets::ValueRows> besidePinned(const widgets::ValueRows& rows,
                                                                     const widgets::ValueRows& pinned);

// What is queued, goes on, and is there. GUI thread; experiments run one after the other, as the engine takes them.
class ExperimentBoard : public QObject {
    Q_OBJECT

public:
    struct Job {
        JobId id = 0;
        ExperimentSpec spec;
        bool isRunning = false;
        JobProgress progress;
    };

    explicit ExperimentBoard(JobBoard& board, QObject* parent = nullptr);

    void setFolder(const QString& folder);

    [[nodiscard]] const QString& folder() const { return m_folder; }

    void refresh();
    void run(const ExperimentSpec& spec, bool resume);
    void cancel(const QString& out);

    [[nodiscard]] const std::vector<ExperimentEntry>& entries() const { return m_entries; }

    [[nodiscard]] const std::vector<Job>& jobs() const { return m_jobs; }

    [[nodiscard]] const QString& problem() const { return m_problem; }

    // Folders that are there or will be.
    [[nodiscard]] QStringList taken() const;

signals:
    void changed();

private:
    void read(const QString& path);
    void end(JobId id, const QString& problem);

    JobBoard& m_board;
    QString m_folder;
    QString m_problem;
    std::vector<ExperimentEntry> m_entries;
    std::map<QString, ExperimentEntry> m_read; // by path
    std::vector<Job> m_jobs;
};

}
