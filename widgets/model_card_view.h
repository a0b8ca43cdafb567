// The model card: what the headers say about a checkpoint, and what is not known yet.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>
#include <QWidget>

#include <memory>

class QSortFilterProxyModel;

namespace blockcert::widgets {

class FactList;

class ModelCardView : public QWidget {
    Q_OBJECT

public:
    explicit ModelCardView(QWidget* parent = nullptr);
    void setCard(std::shared_ptr<const ModelCard> card);

private:
    void rebuild();

    std::shared_ptr<const ModelCard> m_card;
    QWidget* m_content = nullptr;
};

class TensorTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Name, MappedRole, Shape, DType, Bytes, ColumnCount };

    enum Role { SortRole = Qt::UserRole };

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

private:
    TensorTableModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
};

}
