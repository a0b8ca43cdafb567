// A and B: what is not the same, what B claims less of, and every block's numbers with their difference.
#pragma once

#include "app/workbench/session/run_comparison.h"

#include <QWidget>

class QLabel;

namespace blockcert::widgets {
class CompareTable;
class Notice;
}

namespace blockcert::workbench {

class SelectionBus;

class CompareView : public QWidget {
    Q_OBJECT

public:
    explicit CompareView(SelectionBus& bus, QWidget* parent = nullptr);

    // Without a comparison the view says why there is none.
    void setComparison(const std::shared_ptr<const RunComparison>& comparison, const QString& a, const QString& b);
    void setReason(const QString& sentence);

signals:
    void chooseWanted(); // another run for B

private:
    SelectionBus& m_bus;
    QLabel* m_sentence = nullptr;
    widgets::Notice* m_weaker = nullptr;
    QLabel* m_differences = nullptr;
    widgets::CompareTable* m_table = nullptr;
};

}
