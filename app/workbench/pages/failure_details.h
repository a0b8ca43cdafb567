// What goes along with one failure: its prompt at every block, norms and margins around it, and a shorter prompt that
// fails.
#pragma once

#include "app/workbench/session/failure_anatomy.h"
#include "app/workbench/session/loadable.h"
#include "widgets/values.h"

#include <QWidget>

#include <memory>

class QLabel;
class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class BlockMultiples;
class FactList;
class FigureView;
class SegmentedControl;
class TokenChips;
}

namespace blockcert::workbench {

class FailureDetails : public QWidget {
    Q_OBJECT

public:
    enum Part { Blocks, Around, Why, Minimise };

    explicit FailureDetails(QWidget* parent = nullptr);
    void setFailure(const std::shared_ptr<const widgets::TokenMap>& map, const widgets::CellKey& key,
                    widgets::Metric metric);
    void setAnatomy(const Loadable<FailureAnatomy>& anatomy);
    void setMinimised(const Loadable<MinimisedPrompt>& minimised);
    void showMinimising(const JobProgress& progress);
    void showPart(Part part);

signals:
    void partChosen(); // by the user
    void blockChosen(int block);
    void anatomyWanted(); // asked for once it is needed, for it reads weights
    void minimiseWanted(int prompt, int block);
    void minimiseCancelWanted();

private:
    QWidget* makeWhy();
    QWidget* makeMinimise();
    void refresh();

    std::shared_ptr<const widgets::TokenMap> m_map;
    widgets::CellKey m_key;
    widgets::Metric m_metric = widgets::Metric::Error;
    Loadable<FailureAnatomy> m_anatomy;
    Loadable<MinimisedPrompt> m_minimised;
    widgets::SegmentedControl* m_part = nullptr;
    QStackedWidget* m_parts = nullptr;
    widgets::BlockMultiples* m_multiples = nullptr;
    widgets::FigureView* m_around = nullptr;
    widgets::FactList* m_factsLeft = nullptr;
    widgets::FactList* m_factsRight = nullptr;
    QLabel* m_why = nullptr;   // what is known of the token
    QLabel* m_block = nullptr; // and of its block
    QLabel* m_minimiseSentence = nullptr;
    widgets::TokenChips* m_shorter = nullptr;
    QPushButton* m_minimise = nullptr;
    QPushButton* m_copyLine = nullptr;
};

}
