// One switch a block: the model's own block, its surrogate, or what an edit has made of that. A table for keyboard and
// screen reader, painted as a stack.
#pragma once

#include <QAbstractTableModel>
#include <QTableView>

#include <cstdint>
#include <vector>

namespace blockcert::widgets {

// What stands in a block's place.
enum class BlockChoice : std::uint8_t { Original, Surrogate, Edited };

struct BlockSwitch {
    int block = 0;
    bool hasSurrogate = false; // else it can only be the original
    bool isCertified = false;
    double epsilon = 0; // missing without a surrogate
};

class BlockSwitchModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Block, Choice, Epsilon, ColumnCount };

    explicit BlockSwitchModel(QObject* parent = nullptr);
    void setBlocks(std::vector<BlockSwitch> blocks);
    // Which blocks can also be edited, and by which edit; those edited before that no longer can be become surrogates.
    void setEdit(const QString& name, const std::vector<int>& blocks);
    // Block numbers; what has no surrogate stays, what has no edit becomes a surrogate.
    void setChoices(const std::vector<int>& surrogates, const std::vector<int>& edited = {});
    void toggle(int row); // original, surrogate, edited where it can be, original

    [[nodiscard]] std::vector<int> surrogates() const; // of what is replaced, edited or not; ascending block numbers
    [[nodiscard]] std::vector<int> edited() const;     // among those

    [[nodiscard]] const std::vector<int>& editable() const { return m_editable; }

    [[nodiscard]] const std::vector<BlockSwitch>& blocks() const { return m_blocks; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

signals:
    void choicesChanged();

private:
    [[nodiscard]] bool canEdit(std::size_t row) const;
    [[nodiscard]] QString choiceText(std::size_t row) const;

    std::vector<BlockSwitch> m_blocks;
    std::vector<BlockChoice> m_choices;
    QString m_edit;
    std::vector<int> m_editable;
};

// Return, Space or a click on the choice switches a block.
class BlockSwitches : public QTableView {
    Q_OBJECT

public:
    explicit BlockSwitches(QWidget* parent = nullptr);

    [[nodiscard]] BlockSwitchModel& switches() { return *m_model; }

    [[nodiscard]] const BlockSwitchModel& switches() const { return *m_model; }

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    BlockSwitchModel* m_model = nullptr;
};

}
