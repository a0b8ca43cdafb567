// What is this number, where does it come from, what can I do next: the panel beside every map.
#pragma once

#include "widgets/values.h"

#include <QScrollArea>

#include <memory>
#include <vector>

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace blockcert::widgets {

class FactList;
class SparkLine;
class StateBadge;
class TopTokens;

struct InspectorAction {
    QString text;
    QString toolTip; // the cost first, where there is one
    bool enabled = true;

    friend bool operator==(const InspectorAction&, const InspectorAction&) = default;
};

class InspectorPanel : public QScrollArea {
    Q_OBJECT

public:
    explicit InspectorPanel(QWidget* parent = nullptr);
    void setMap(std::shared_ptr<const TokenMap> map);
    void setCell(const CellKey& key, bool held); // an invalid key shows what to do
    void setMetric(Metric metric);
    void setActions(const std::vector<InspectorAction>& actions);

signals:
    void actionRequested(int index);
    void blockChosen(int block); // in the spark line
    void releaseRequested();

protected:
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    void arrangeActions();
    void refresh();
    void fitHeadline();

    std::vector<InspectorAction> m_shownActions;
    std::shared_ptr<const TokenMap> m_map;
    CellKey m_key;
    bool m_held = false;
    Metric m_metric = Metric::Error;
    QLabel* m_title = nullptr;
    StateBadge* m_badge = nullptr;
    QLabel* m_headline = nullptr;
    QLabel* m_scope = nullptr;
    QWidget* m_details = nullptr;
    FactList* m_facts = nullptr;
    QLabel* m_sparkTitle = nullptr;
    SparkLine* m_spark = nullptr;
    QLabel* m_topTitle = nullptr;
    TopTokens* m_top = nullptr;
    QLabel* m_says = nullptr;
    QWidget* m_actions = nullptr;
    QPushButton* m_release = nullptr;
};

}
