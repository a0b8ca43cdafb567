// The card beside the pointer: every number of one cell, exactly, and what both models predict next.
#pragma once

#include "widgets/values.h"

#include <QFrame>

class QLabel;

namespace blockcert::widgets {

class FactList;
class StateBadge;
class TopTokens;

class TokenHoverCard : public QFrame {
    Q_OBJECT

public:
    explicit TokenHoverCard(QWidget* parent = nullptr);
    // Near the pointer, inside its screen.
    void showCell(const TokenMap& map, const CellKey& key, Metric metric, const QPoint& globalPosition);
    void setCell(const TokenMap& map, const CellKey& key, Metric metric);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QLabel* m_title = nullptr;
    QLabel* m_headline = nullptr;
    QLabel* m_sentence = nullptr;
    StateBadge* m_state = nullptr;
    FactList* m_facts = nullptr;
    QLabel* m_topTitle = nullptr;
    TopTokens* m_top = nullptr;
};

}
