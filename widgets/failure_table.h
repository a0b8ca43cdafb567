// A ranked list of tokens, not covered ones or the largest errors of covered ones: why, where, by how much, and what
// the user says about it.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

class QSortFilterProxyModel;

namespace blockcert::widgets {

enum class FailureReason : std::uint8_t { Error, RelativeError, LossDifference };

struct FailureRow {
    FailureReason reason = FailureReason::Error;
    CellKey key;
    QString prompt; // its id
    QString piece;
    double observed = missing;
    double threshold = missing;
    bool massive = false;  // the output's norm is at least 20 × the block's median
    int blocksFailing = 1; // at so many blocks this token fails for this reason
    QString mark;          // the user's word, or empty

    [[nodiscard]] double excess() const { return observed / threshold; } // how many times the threshold

    [[nodiscard]] bool isCovered() const { return !(observed > threshold); }
};

// What is shown of a list.
struct FailureFilter {
    std::optional<FailureReason> reason;
    std::optional<int> block;
    std::optional<int> prompt;
    bool onlyMassive = false;
    bool onlyUnmarked = false;
    std::optional<MapSlice> slice; // only these cells
};

[[nodiscard]] QString reasonSymbol(FailureReason reason); // "τ_act"

class FailureTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { State, Block, Prompt, TokenText, Observed, Excess, Blocks, Mark, ColumnCount };

    enum Role { SortRole = Qt::UserRole };

    explicit FailureTableModel(QObject* parent = nullptr);
    void setRows(std::shared_ptr<const std::vector<FailureRow>> rows);
    void setMarks(const std::function<QString(const CellKey&)>& markOf);
    [[nodiscard]] bool hasMarks() const; // any row has one
    [[nodiscard]] const FailureRow* rowOf(int at) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] QString textOf(int at, int column) const;
    [[nodiscard]] QVariant sortKeyOf(int at, int column) const;
    [[nodiscard]] QString markOf(int at) const;

    std::shared_ptr<const std::vector<FailureRow>> m_rows;
    std::vector<QString> m_marks; // by row, as they are now
};

class FailureTable : public QTableView {
    Q_OBJECT

public:
    explicit FailureTable(QWidget* parent = nullptr);
    // Worst first; the current failure stays if it is still there.
    void setRows(std::shared_ptr<const std::vector<FailureRow>> rows);
    void setMarks(const std::function<QString(const CellKey&)>& markOf);
    void setFilter(const FailureFilter& filter);
    void setCurrent(const CellKey& key); // no signal; nothing if no shown row is about it
    [[nodiscard]] const FailureRow* current() const;
    [[nodiscard]] int shownFailures() const;
    void step(int by); // to the next or previous one

signals:
    void failureChosen(const blockcert::widgets::CellKey& key);
    void failureActivated(const blockcert::widgets::CellKey& key); // double click, Return

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutColumns();

    FailureTableModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
    bool m_silent = false;
};

}
