// Coverage as the very tokens it counts: a sentence with its denominators, and a strip for every block.
#pragma once

#include "widgets/coverage_rows.h"
#include "widgets/values.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <functional>
#include <memory>
#include <optional>

class QLabel;
class QPushButton;

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
    // Of two runs, `b` laid over `a`: which tokens change their side. `change` is B − A.
    void setChange(const std::shared_ptr<const widgets::TokenMap>& a, const std::shared_ptr<const widgets::TokenMap>& b,
                   const std::shared_ptr<const widgets::TokenMap>& change);
    // What is shown, once it is counted.
    [[nodiscard]] std::optional<widgets::ViewExport> exported() const;

signals:
    void mapWanted(); // look at the chosen token on the map
    void exportWanted(const blockcert::widgets::ViewExport& view);

private:
    using Rows = std::shared_ptr<const widgets::CoverageRows>;

    void show(const std::shared_ptr<const widgets::TokenMap>& map, const std::function<Rows()>& count);

    SelectionBus& m_bus;
    quint64 m_request = 0; // only the newest count is shown
    QLabel* m_sentence = nullptr;
    widgets::CoverageStrip* m_strip = nullptr;
    QPushButton* m_export = nullptr;
    std::shared_ptr<const widgets::TokenMap> m_map;
    std::shared_ptr<const widgets::CoverageRows> m_rows; // of m_map, once they are counted
};

// "At 28 of 30 blocks every token is covered …", with what is short of α.
[[nodiscard]] QString coverageSentence(const widgets::CoverageRows& rows);

}
