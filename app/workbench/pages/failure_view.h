// The failures of a run and the largest of its other errors: facets, a ranked list, the chosen one; block by block what
// sets them apart.
#pragma once

#include "app/workbench/session/failure_anatomy.h"
#include "app/workbench/session/failure_list.h"
#include "app/workbench/session/loadable.h"
#include "widgets/values.h"

#include <QWidget>

#include <memory>
#include <optional>

class QCheckBox;
class QComboBox;
class QLabel;
class QPushButton;

namespace blockcert::widgets {
class EmptyState;
class Notice;
class SegmentedControl;
}

namespace blockcert::workbench {

class Annotations;
class BlockAnatomyView;
class FailureCard;
class FailureDetails;
class SelectionBus;

class FailureView : public QWidget {
    Q_OBJECT

public:
    enum Part { NotCovered, LargestCovered, ByBlock };

    FailureView(SelectionBus& bus, Annotations& notes, QWidget* parent = nullptr);

    // `key` is the run's in the annotations. The list is made outside the GUI thread. A run where nothing failed begins
    // with its blocks.
    void setMap(const std::shared_ptr<const widgets::TokenMap>& map, const QString& key);

    // Only failures of these cells; an empty slice takes the restriction away.
    void setSlice(const widgets::MapSlice& slice);

    // What `blockcert failures` says of the run; asked for by anatomyWanted.
    void setAnatomy(const Loadable<FailureAnatomy>& anatomy);

    void showPart(Part part);
    [[nodiscard]] Part part() const;

    // Shows why that token has that error, covered or not.
    void explain(const widgets::CellKey& key);

    // Whether the list is of the map that was set; it is made in the background.
    [[nodiscard]] bool isListed() const { return m_listed == m_request; }

    // Of what the part in view lists: it is there, it is being made, or nobody has asked for it.
    enum class Content { There, Coming, None };

    [[nodiscard]] Content content() const;

    [[nodiscard]] FailureDetails& details();

    [[nodiscard]] const std::optional<widgets::FailureRow>& current() const;
    [[nodiscard]] QString note() const; // on the current one

signals:
    void exportWanted();
    void mapWanted(); // look at the chosen one on the map
    void anatomyWanted();
    void anatomyCancelWanted();
    void blockWanted(int block); // chosen among the blocks
    void contentChanged();

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* makeFacets();
    void showList(const FailureList& list);
    void refresh(); // which parts are in view
    void refreshHeadline();
    void actOnHeadline();
    void refreshFacets();
    void refreshMarks();
    void applyFilter();
    void showFailure();
    void revealCard();    // scrolled into view
    void askForAnatomy(); // unless it was asked for already
    void choose(const widgets::CellKey& key);

    SelectionBus& m_bus;
    Annotations& m_notes;
    std::shared_ptr<const widgets::TokenMap> m_map;
    QString m_key;
    FailureList m_list;
    Loadable<FailureAnatomy> m_anatomy;
    widgets::CellKey m_explained; // wanted before the list was there
    quint64 m_request = 0;        // only the newest list is shown
    quint64 m_listed = 0;         // the request whose list is shown
    bool m_isPartChosen = false;  // of this run, by the user
    QLabel* m_summary = nullptr;
    widgets::Notice* m_headline = nullptr; // which block stands out, unless that block is shown
    widgets::SegmentedControl* m_part = nullptr;
    QComboBox* m_reason = nullptr;
    QComboBox* m_block = nullptr;
    QComboBox* m_prompt = nullptr;
    QCheckBox* m_massive = nullptr;
    QCheckBox* m_unmarked = nullptr;
    QWidget* m_facets = nullptr;
    widgets::FailureTable* m_table = nullptr;
    widgets::EmptyState* m_empty = nullptr; // shown where nothing failed, or nothing is known of the blocks
    BlockAnatomyView* m_blocks = nullptr;
    FailureCard* m_card = nullptr;
    QPushButton* m_sliceChip = nullptr;
    widgets::MapSlice m_slice;
};

}
