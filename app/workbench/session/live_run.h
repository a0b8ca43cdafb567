// A run while it goes on: from the engine's progress to the lane, the map and the block table.
#pragma once

#include "app/workbench/process/job.h"
#include "widgets/values.h"

#include <QString>

#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

// A plain value machine; told everything, asks nobody. Progress of blocks and prompts it does not know is ignored.
class LiveRun {
public:
    LiveRun(const QString& run, std::shared_ptr<const widgets::PromptList> prompts, std::vector<int> blocks,
            const widgets::Thresholds& thresholds, const QString& model);

    // What an unfinished run already holds, when it is resumed.
    void adopt(const widgets::TokenMap& map, const std::vector<widgets::BlockRow>& blocks);

    struct Cell {
        int block = 0;
        int prompt = 0;
        std::shared_ptr<const widgets::MapCell> values;
    };

    // The cell that this progress finished, if it did.
    std::optional<Cell> apply(const JobProgress& progress);
    void end(widgets::StepState state);
    // The row last worked on is where it went wrong. Before end().
    void blame(const QString& sentence);
    // The engine died and the same run goes on with the next one: what was under way waits again, cells stay.
    void beginAgain();

    [[nodiscard]] std::shared_ptr<const widgets::RunProgress> progress() const;
    [[nodiscard]] std::shared_ptr<const widgets::TokenMap> map() const;
    [[nodiscard]] std::shared_ptr<const std::vector<widgets::BlockRow>> blocks() const;

    [[nodiscard]] const QString& name() const { return m_progress.title; }

    [[nodiscard]] const QString& model() const { return m_map.model; } // for people; may be empty

    // How much of the run's work the engine that is at it has done, and in what time; a whole run has done all of it.
    struct Pace {
        double share = 0;
        double seconds = 0;
        double secondsBefore = 0; // until the first of it
    };

    // What the job that is at it was asked: the run, some of it because it was stopped, or what an earlier one left.
    enum class Asked { Whole, Part, Rest };

    // Nothing where the job's progress does not tell its share of the whole.
    [[nodiscard]] Pace pace(Asked asked) const;

    [[nodiscard]] qint64 promptCount() const { return static_cast<qint64>(m_map.prompts.size()); } // of those certified

    [[nodiscard]] qint64 tokenCount() const;

    [[nodiscard]] const std::vector<int>& blockNumbers() const { return m_map.blocks; }

private:
    void addCell(std::size_t column, std::size_t prompt, const std::shared_ptr<const widgets::MapCell>& values);
    void addBlock(const widgets::BlockRow& block);
    void applyCell(const Json& cell, Cell& finished);
    void applyTimes(const JobProgress& progress);
    static void interrupt(widgets::ProgressRow& row);
    void countCells();
    [[nodiscard]] widgets::ProgressRow* rowOfBlock(int block);
    widgets::ProgressRow& stageRow(const QString& stage);

    widgets::RunProgress m_progress; // rows: stages as they come, then one a block
    std::size_t m_stages = 0;
    bool m_isReplaying = false;
    bool m_measuresLosses = false;
    double m_firstDone = -1; // what the stage that is timed found done at its beginning; -1: none is timed
    double m_firstSeconds = 0;
    double m_jobSeconds = 0;
    double m_earlierSeconds = 0; // of the engines that died
    QString m_lastTitle;         // of the row last worked on
    widgets::TokenMap m_map;
    std::vector<widgets::BlockRow> m_blocks;
    std::vector<qint64> m_tokensWithin; // per block, of the tokens seen so far
    std::vector<qint64> m_tokensSeen;
};

}
