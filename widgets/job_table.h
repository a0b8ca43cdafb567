// The list of jobs: state, stage, how far, how fast, how long still.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <optional>
#include <vector>

namespace blockcert::widgets {

class JobTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Job, State, Stage, Progress, Rate, Left, Elapsed, Memory, ColumnCount };

    enum Role { FractionRole = Qt::UserRole, IdRole, StepRole };

    explicit JobTableModel(QObject* parent = nullptr);
    void setRows(std::vector<JobRow> rows);
    [[nodiscard]] const JobRow* rowOf(int at) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] static QString textOf(const JobRow& row, int column);

    std::vector<JobRow> m_rows;
};

class JobTable : public QTableView {
    Q_OBJECT

public:
    explicit JobTable(QWidget* parent = nullptr);
    void setRows(std::vector<JobRow> rows); // the current job stays current while others come and go
    // The row that actions are about; nothing if none is selected.
    [[nodiscard]] std::optional<JobRow> currentJob() const;

signals:
    void currentJobChanged();

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutColumns();

    JobTableModel* m_model = nullptr;
};

}
