// Coverage as the very tokens it counts: a sentence with its denominators, and a strip for every block.
#pragma once

#include "widgets/coverage_rows.h"
#include "widgets/values.h"

#include <QWidget>

#include <memory>

class QLabel;

namespace blockcert::widgets {
class CoverageStrip;
}

namespace blockcert::workbench {

class SelectionBus;

class CoverageView : public QWidget {
    Q_OBJECT

public:
    explicit CoverageView(SelectionBus& bus, QWidget* parent = nullptr);

    // The rows are counted outside the GUI thread.
    void setMap(const std::shared_ptr<const widgets::TokenMap>& map);

signals:
    void mapWanted(); // look at the chosen token on the map

private:
    SelectionBus& m_bus;
    quint64 m_request = 0; // only the newest count is shown
    QLabel* m_sentence = nullptr;
    widgets::CoverageStrip* m_strip = nullptr;
};

// "At 28 of 30 blocks every token is covered …", with what is short of α.
[[nodiscard]] QString coverageSentence(const widgets::CoverageRows& rows);

}
