// The failures of a run: facets, ranked list, the prompt around the chosen one, its inequality, the user's word on it.
#pragma once

#include "app/workbench/session/failure_list.h"
#include "widgets/values.h"

#include <QWidget>

#include <memory>

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;

namespace blockcert::widgets {
class EmptyState;
class SegmentedControl;
class TokenChips;
}

namespace blockcert::workbench {

class Annotations;
class FailureDetails;
class SelectionBus;

class FailureView : public QWidget {
    Q_OBJECT

public:
    FailureView(SelectionBus& bus, Annotations& notes, QWidget* parent = nullptr);

    // `key` is the run's in the annotations. The list is made outside the GUI thread.
    void setMap(const std::shared_ptr<const widgets::TokenMap>& map, const QString& key);

    // Only failures of these cells; an empty slice takes the restriction away.
    void setSlice(const widgets::MapSlice& slice);

    [[nodiscard]] FailureDetails& details() { return *m_details; }

    [[nodiscard]] const widgets::FailureRow* current() const;
    [[nodiscard]] QString note() const; // on the current one

signals:
    void exportWanted();
    void mapWanted(); // look at the chosen one on the map

protected:
    void changeEvent(QEvent* event) override;

private:
    QWidget* makeFacets();
    QWidget* makeCard();
    void showList(const FailureList& list);
    void refreshFacets();
    void refreshMarks();
    void applyFilter();
    void showFailure();
    void setMark(int mark);
    void choose(const widgets::CellKey& key);

    SelectionBus& m_bus;
    Annotations& m_notes;
    std::shared_ptr<const widgets::TokenMap> m_map;
    QString m_key;
    FailureList m_list;
    quint64 m_request = 0; // only the newest list is shown
    QLabel* m_summary = nullptr;
    QComboBox* m_reason = nullptr;
    QComboBox* m_block = nullptr;
    QComboBox* m_prompt = nullptr;
    QCheckBox* m_massive = nullptr;
    QCheckBox* m_unmarked = nullptr;
    QWidget* m_facets = nullptr;
    widgets::FailureTable* m_table = nullptr;
    widgets::EmptyState* m_empty = nullptr; // shown where nothing failed
    QWidget* m_card = nullptr;
    QLabel* m_inequality = nullptr;
    QLabel* m_explanation = nullptr;
    widgets::TokenChips* m_chips = nullptr;
    widgets::SegmentedControl* m_mark = nullptr;
    QLineEdit* m_note = nullptr;
    QPushButton* m_export = nullptr;
    QPushButton* m_sliceChip = nullptr;
    widgets::MapSlice m_slice;
    FailureDetails* m_details = nullptr;
};

}
