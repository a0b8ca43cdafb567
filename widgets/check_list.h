// The truth table of a verification: issuer says, recomputed here, how; grouped, with expandable details.
#pragma once

#include "widgets/values.h"

#include <QAbstractItemModel>
#include <QTreeView>

#include <memory>
#include <vector>

namespace blockcert::widgets {

// Three levels: group, check, detail (one child holding the full texts and the sentence).
// A tick beside two numbers that are not the same: the recomputed one is another, within what the check allows.
[[nodiscard]] bool differsWithinAllowance(const CheckRow& check);

class CheckListModel : public QAbstractItemModel {
    Q_OBJECT

public:
    enum Column { Title, Issuer, Recomputed, How, ColumnCount };

    enum Role { StateRole = Qt::UserRole, KindRole, CheckRole, DifferenceRole };
    enum class Kind : std::uint8_t { Group, Check, Detail };

    explicit CheckListModel(QObject* parent = nullptr);
    void setVerdict(std::shared_ptr<const VerdictView> verdict);
    [[nodiscard]] const CheckRow* checkOf(const QModelIndex& index) const; // null for groups
    [[nodiscard]] static Kind kindOf(const QModelIndex& index);

    [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& child) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] static QString howText(const CheckRow& check);

    struct Group {
        QString title;
        std::vector<int> checks;     // positions in verdict->checks
        std::size_t firstDetail = 0; // position in m_details of the first check's
    };

    struct Position {
        int group = 0;
        int check = 0;
    };

    static constexpr quintptr detailBase = 1U << 20U; // internal ids: 0 a group, 1 … a check, from here a detail

    std::shared_ptr<const VerdictView> m_verdict;
    std::vector<Group> m_groups;
    std::vector<Position> m_details;
};

class CheckList : public QTreeView {
    Q_OBJECT

public:
    explicit CheckList(QWidget* parent = nullptr);
    // Failed, weaker and unchecked required rows come expanded; the user's expansion survives an update.
    void setVerdict(std::shared_ptr<const VerdictView> verdict);
    // Moves on to the next check that does not hold, after the last again to the first; false if all hold.
    bool revealFailed();
    [[nodiscard]] int contentHeight() const;

signals:
    void checkChosen(const QString& id, const QString& where);
    void contentHeightChanged();

protected:
    void resizeEvent(QResizeEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void drawBranches(QPainter* painter, const QRect& rect, const QModelIndex& index) const override;

private:
    void announce(const QModelIndex& index);
    void openDetail(const QModelIndex& index);
    void layoutColumns();

    CheckListModel* m_model = nullptr;
};

}
