// The Labels view of the lab: completions one after the other, judged by key, blind unless asked otherwise.
#pragma once

#include "app/workbench/session/label_book.h"

#include <QWidget>

class QCheckBox;
class QComboBox;
class QLabel;
class QPlainTextEdit;
class QProgressBar;
class QPushButton;

namespace blockcert::widgets {
class EmptyState;
class FactList;
class Notice;
}

namespace blockcert::workbench {

// GUI thread. Keys A, R, H and O label, U takes back, the arrow keys go on and back.
class LabelView : public QWidget {
    Q_OBJECT

public:
    explicit LabelView(LabelBook& book, QWidget* parent = nullptr);
    void refresh();

signals:
    void labWanted();         // the completions of the lab as it is
    void certificateWanted(); // those of an edit certificate
    void loadWanted();        // a CSV of labels

private:
    QWidget* makeForm();
    QWidget* makeReading();
    void refreshFacts();

    LabelBook& m_book;
    QComboBox* m_annotator = nullptr;
    QCheckBox* m_blind = nullptr;
    QLabel* m_source = nullptr;
    QLabel* m_file = nullptr;
    QPushButton* m_load = nullptr;
    widgets::FactList* m_facts = nullptr;
    widgets::Notice* m_notice = nullptr;
    QLabel* m_sentence = nullptr;
    QProgressBar* m_bar = nullptr;
    QLabel* m_about = nullptr;
    QPlainTextEdit* m_text = nullptr;
    QLabel* m_given = nullptr;
    QPushButton* m_labels[4] = {nullptr, nullptr, nullptr, nullptr};
    QPushButton* m_undo = nullptr;
    QPushButton* m_back = nullptr;
    QPushButton* m_next = nullptr;
    QLabel* m_soFar = nullptr;
    QWidget* m_reading = nullptr;
    widgets::EmptyState* m_empty = nullptr; // in its place
};

}
