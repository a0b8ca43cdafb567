// One switch a block: the model's own block, or its surrogate. A table for keyboard and screen reader, painted as a
// stack.
#pragma once

#include <QAbstractTableModel>
#include <QTableView>

#include <cstdint>
#include <vector>

namespace blockcert::widgets {

// What stands in a block's place. An edited block becomes a third choice once runs hold edits.
enum class BlockChoice : std::uint8_t { Original, Surrogate };

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
    void setChoices(const std::vector<int>& surrogates); // block numbers; what has no surrogate stays
    void toggle(int row);

    [[nodiscard]] std::vector<int> surrogates() const; // ascending block numbers

    [[nodiscard]] const std::vector<BlockSwitch>& blocks() const { return m_blocks; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

signals:
    void choicesChanged();

private:
    std::vector<BlockSwitch> m_blocks;
    std::vector<BlockChoice> m_choices;
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
