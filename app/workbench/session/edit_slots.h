// The two stacks of edits that the lab compares, A and B, and the way back from every change of them.
#pragma once

#include "app/workbench/session/edit_stack.h"

#include <QObject>
#include <QUndoStack>

#include <array>

namespace blockcert::workbench {

// GUI thread. Every change of a stack is one entry of the undo stack; a drag of one slider is one as well.
class EditSlots : public QObject {
    Q_OBJECT

public:
    explicit EditSlots(QObject* parent = nullptr);

    [[nodiscard]] int slot() const { return m_slot; } // 0: A, 1: B

    void setSlot(int slot);
    [[nodiscard]] static QString slotName(int slot); // "A", "B"

    [[nodiscard]] const EditStack& stack() const { return m_stacks[static_cast<std::size_t>(m_slot)]; }

    [[nodiscard]] const EditStack& stack(int slot) const { return m_stacks[static_cast<std::size_t>(slot)]; }

    // The card in hand: its α is the x of curves. 0: none.
    [[nodiscard]] int current() const { return m_current[static_cast<std::size_t>(m_slot)]; }

    void setCurrent(int id);

    [[nodiscard]] const EditStep* currentStep() const { return stepOf(stack(), current()); }

    // Changes of the shown stack.
    void add(EditStep step); // at the end; gives it an id and takes it in hand
    void remove(int id);
    void move(int id, int by);
    // With `goesOn` it belongs to the change before: a slider that is being dragged.
    void change(const EditStep& step, bool goesOn = false);
    void setStrength(int id, double strength, bool goesOn);
    void restoreCard(int id); // what the card was before its last change
    void replace(EditStack stack, const QString& what);
    void copyToOther(); // the shown stack into the other slot
    // Both, with what could be undone: emptied, or as they were when the window was left.
    void clear();
    void restore(std::array<EditStack, 2> stacks, int slot);

    [[nodiscard]] QUndoStack& undo() { return m_undo; }

signals:
    void changed(); // of the shown stack or of which one is shown
    void currentChanged();

private:
    friend class SlotChange;
    void put(int slot, const EditStack& stack);
    void push(EditStack stack, const QString& what, int merges = 0);

    std::array<EditStack, 2> m_stacks;
    std::array<int, 2> m_current{};
    int m_slot = 0;
    int m_nextId = 1;
    QUndoStack m_undo;
};

}
