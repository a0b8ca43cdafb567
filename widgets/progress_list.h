// The lane of a run: one row per stage and block with state, bar, live errors and the time left.
#pragma once

#include "widgets/values.h"

#include <QAbstractListModel>
#include <QListView>

#include <memory>

namespace blockcert::widgets {

class ProgressModel : public QAbstractListModel {
    Q_OBJECT

public:
    enum Role { RowRole = Qt::UserRole };

    explicit ProgressModel(QObject* parent = nullptr);
    // Rows keep their identity by position: only what changed is announced.
    void setProgress(std::shared_ptr<const RunProgress> progress);
    [[nodiscard]] const ProgressRow* row(int at) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;

private:
    std::shared_ptr<const RunProgress> m_progress;
    int m_announced = -1; // rows announced so far while new ones are being inserted; -1: all
};

class ProgressList : public QListView {
    Q_OBJECT

public:
    explicit ProgressList(QWidget* parent = nullptr);
    void setProgress(std::shared_ptr<const RunProgress> progress);
    // "12 of 300 cells · 41 s · about 2–3 min left"
    [[nodiscard]] static QString summary(const RunProgress& progress, const QString& stateWord = {});

signals:
    void blockChosen(int block);

private:
    void choose(const QModelIndex& index);

    ProgressModel* m_model = nullptr;
};

}
