// A sortable table of numbers and texts whose columns are decided at run time: changes, experiment rows, prompts.
#pragma once

#include "widgets/view_export.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <limits>
#include <memory>
#include <vector>

class QSortFilterProxyModel;

namespace blockcert::widgets {

struct ValueColumn {
    QString title;
    bool isNumber = false;
    int characters = 12; // its least width; numbers are never cut, and the last column of text takes what is left over
    QString toolTip;
};

// A number is shown with three digits, its whole value is the tool tip; a text stands for itself, also where a number
// was to be ("not measured"). A signed number says its sign.
struct ValueCell {
    QString text;
    double number = std::numeric_limits<double>::quiet_NaN();
    bool isSigned = false;
    bool isWeaker = false; // set in the colour of what claims less
    QString toolTip;       // instead of the whole value

    [[nodiscard]] static ValueCell of(double value) { return {{}, value, false, false, {}}; }

    [[nodiscard]] static ValueCell ofText(const QString& text)
    {
        return {text, std::numeric_limits<double>::quiet_NaN(), false, false, {}};
    }
};

struct ValueRows {
    std::vector<ValueColumn> columns;
    std::vector<std::vector<ValueCell>> rows;
};

[[nodiscard]] ExportTable tableOf(const ValueRows& rows); // every digit

class ValueTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Role { SortRole = Qt::UserRole, RowRole };

    explicit ValueTableModel(QObject* parent = nullptr);
    void setRows(std::shared_ptr<const ValueRows> rows);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    std::shared_ptr<const ValueRows> m_rows;
};

// GUI thread. Rows come in their own order until a header is clicked.
class ValueTable : public QTableView {
    Q_OBJECT

public:
    explicit ValueTable(const QString& accessibleName, QWidget* parent = nullptr);
    void setRows(std::shared_ptr<const ValueRows> rows); // no signal
    // Rows of the values, not of the view; −1: none.
    [[nodiscard]] int currentRow() const;
    [[nodiscard]] std::vector<int> selectedRows() const; // ascending
    void setCurrentRow(int row);                         // no signal

signals:
    void rowChosen(int row);
    void rowActivated(int row); // double click, Return
    void rowsSelected();

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutColumns();

    std::shared_ptr<const ValueRows> m_rows;
    std::vector<int> m_longest; // [column] characters of the longest entry; 0 for texts, which give way
    ValueTableModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
    bool m_silent = false;
};

}
