// Block by block: whose ε stands out, and what sets that block's failing or largest errors apart from its other tokens.
#pragma once

#include "app/workbench/session/failure_anatomy.h"

#include <QBoxLayout>
#include <QWidget>

#include <memory>

class QLabel;
class QPushButton;

namespace blockcert::widgets {
class ValueTable;
}

namespace blockcert::workbench {

class BlockAnatomyView : public QWidget {
    Q_OBJECT

public:
    explicit BlockAnatomyView(QWidget* parent = nullptr);
    // Null: nothing is known yet. Shows the block that stands out unless another one was shown of the same anatomy.
    void setAnatomy(std::shared_ptr<const FailureAnatomy> anatomy, const std::shared_ptr<const widgets::TokenMap>& map);
    void showBlock(int block); // no signal; nothing for a block that is not told of

    [[nodiscard]] int shownBlock() const { return m_block; } // −1: none

signals:
    void blockChosen(int block);
    void worstWanted(const blockcert::widgets::CellKey& key); // why its largest error is what it is

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* makeCard();
    void showAnatomy();
    void arrange();

    std::shared_ptr<const FailureAnatomy> m_anatomy;
    int m_block = -1;
    widgets::ValueTable* m_blocks = nullptr;
    QWidget* m_card = nullptr;
    QLabel* m_title = nullptr;
    QLabel* m_words = nullptr;
    widgets::ValueTable* m_contrasts = nullptr;
    QPushButton* m_worst = nullptr;
    QBoxLayout* m_halves = nullptr; // words and contrasts, beside each other where both can be read
};

}
