// The texts of both models, prompt by prompt: side by side while they are written, judged, and counted.
#pragma once

#include "app/workbench/session/edit_effect_answer.h"

#include <QWidget>

#include <map>
#include <memory>

class QCheckBox;
class QLabel;
class QPushButton;
class QTextEdit;

namespace blockcert::widgets {
class ValueTable;
}

namespace blockcert::workbench {

// GUI thread.
class EditCompletions : public QWidget {
    Q_OBJECT

public:
    enum class State { None, Waiting, Writing, Done };

    explicit EditCompletions(QWidget* parent = nullptr);
    // Stale: of another state of the stack.
    void show(const std::shared_ptr<const CompletionsEffect>& effect, State state, bool isStale);
    void grow(const std::shared_ptr<const CompletionsEffect>& effect, int prompt); // while they are written
    void setPrompts(const QStringList& ids, const QStringList& texts);             // in their order, for the heading
    void setHeld(bool held); // the unedited text stands in place of the edited one
    void setLive(bool live); // no signal
    void setEnabledToWrite(bool enabled);
    void setReadOnly(); // texts that are there, and nothing to write them with

    [[nodiscard]] int prompt() const { return m_prompt; }

signals:
    void writeWanted();
    void cancelWanted();
    void liveChanged(bool live);
    void markersWanted(); // to see the lists

private:
    void refreshTable();
    void refreshTexts();
    void refreshCounts();
    [[nodiscard]] const CompletionRow* row() const;

    std::shared_ptr<const CompletionsEffect> m_effect;
    State m_state = State::None;
    bool m_isStale = false;
    bool m_isHeld = false;
    bool m_isChosen = false; // by the user: else the prompt that is being written is shown
    int m_prompt = 0;
    QStringList m_ids;
    QStringList m_texts;
    QLabel* m_counts = nullptr;
    QCheckBox* m_live = nullptr;
    QPushButton* m_markers = nullptr;
    QPushButton* m_write = nullptr;
    widgets::ValueTable* m_table = nullptr;
    QLabel* m_about = nullptr;
    QLabel* m_titles[2] = {nullptr, nullptr};
    QTextEdit* m_sides[2] = {nullptr, nullptr};
    QLabel* m_verdicts[2] = {nullptr, nullptr};
    QWidget* m_body = nullptr;
};

// Where the second text departs from the first: the beginning of the word, in UTF-16 units; −1: nowhere.
[[nodiscard]] int divergenceIn(const QString& before, const QString& after);

}
