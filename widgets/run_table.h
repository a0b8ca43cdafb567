// The list of runs: state, what was measured, the user's tags and note; sortable and searchable.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <vector>

class QSortFilterProxyModel;

namespace blockcert::widgets {

class RunTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { State, Name, Model, Surrogate, Prompts, Blocks, Epsilon, Changed, Tags, Note, ColumnCount };

    enum Role { SortRole = Qt::UserRole, SearchRole, StateRole, PathRole };

    explicit RunTableModel(QObject* parent = nullptr);
    void setRows(std::vector<RunRow> rows);
    [[nodiscard]] const RunRow* rowOf(int at) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] static QString textOf(const RunRow& row, int column);
    [[nodiscard]] static QVariant sortKeyOf(const RunRow& row, int column);

    std::vector<RunRow> m_rows;
};

class RunTable : public QTableView {
    Q_OBJECT

public:
    explicit RunTable(QWidget* parent = nullptr);
    void setRows(std::vector<RunRow> rows); // keeps the current run
    // Every word has to be in the name, the model, the surrogate, the prompts, a tag or the note.
    void setSearch(const QString& text);
    void setCurrent(const QString& path);
    [[nodiscard]] const RunRow* current() const; // null if no run is selected
    [[nodiscard]] int shownRuns() const;

signals:
    void currentChangedTo(const QString& path); // empty: none
    void runActivated(const QString& path);     // double click, Return

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutColumns();

    RunTableModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
    bool m_silent = false;
};

[[nodiscard]] QString runStateWord(RunRow::State state);

}
