// The tensors of a checkpoint: name, mapped role, shape, dtype and size; sortable and searchable.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <memory>

class QSortFilterProxyModel;

namespace blockcert::widgets {

class TensorTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Name, MappedRole, Shape, DType, Bytes, ColumnCount };

    enum Role { SortRole = Qt::UserRole, SearchRole };

    explicit TensorTableModel(QObject* parent = nullptr);
    void setCard(std::shared_ptr<const ModelCard> card);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    std::shared_ptr<const ModelCard> m_card;
};

class TensorTable : public QTableView {
    Q_OBJECT

public:
    explicit TensorTable(QWidget* parent = nullptr);
    void setCard(std::shared_ptr<const ModelCard> card);
    void setFilter(const QString& text); // part of name, role or dtype
    [[nodiscard]] int shownTensors() const;

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutColumns();

    TensorTableModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
};

}
