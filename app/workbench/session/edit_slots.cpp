#include "app/workbench/session/edit_slots.h"

#include <QUndoCommand>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

// Both stacks are small: a change is kept as the whole stack before and after it.
class SlotChange : public QUndoCommand {
public:
    SlotChange(EditSlots& slots_, int slot, EditStack before, EditStack after, const QString& what, int merges)
        : QUndoCommand(what)
        , m_slots(slots_)
        , m_slot(slot)
        , m_before(std::move(before))
        , m_after(std::move(after))
        , m_merges(merges)
    {
    }

    void undo() override { m_slots.put(m_slot, m_before); }

    void redo() override { m_slots.put(m_slot, m_after); }

    [[nodiscard]] int id() const override { return 1; }

    bool mergeWith(const QUndoCommand* other) override
    {
        const auto* next = static_cast<const SlotChange*>(other);
        if (next->m_merges == 0 || next->m_slot != m_slot || std::abs(m_merges) != next->m_merges)
            return false;
        m_after = next->m_after;
        return true;
    }

private:
    EditSlots& m_slots;
    int m_slot = 0;
    EditStack m_before;
    EditStack m_after;
    int m_merges = 0; // the card whose drag goes on; negative where it begins; 0: a change of its own
};

EditSlots::EditSlots(QObject* parent)
    : QObject(parent)
{
    m_undo.setUndoLimit(500);
}

QString EditSlots::slotName(int slot)
{
    return slot == 0 ? u"A"_s : u"B"_s;
}

void EditSlots::setSlot(int slot)
{
    if (slot == m_slot || slot < 0 || slot > 1)
        return;
    m_slot = slot;
    emit changed();
}

void EditSlots::setCurrent(int id)
{
    if (id == current())
        return;
    m_current[static_cast<std::size_t>(m_slot)] = id;
    emit currentChanged();
}

void EditSlots::put(int slot, const EditStack& stack)
{
    const auto at = static_cast<std::size_t>(slot);
    m_stacks[at] = stack;
    if (!stepOf(stack, m_current[at]))
        m_current[at] = stack.empty() ? 0 : stack.back().id;
    m_slot = slot; // an undo shows what it undoes
    emit changed();
}

void EditSlots::push(EditStack stack, const QString& what, int merges)
{
    m_undo.push(new SlotChange(*this, m_slot, this->stack(), std::move(stack), what, merges));
}

void EditSlots::add(EditStep step)
{
    step.id = m_nextId++;
    step.past = nullptr;
    EditStack stack = this->stack();
    stack.push_back(step);
    m_current[static_cast<std::size_t>(m_slot)] = step.id;
    push(std::move(stack), tr("Add %1").arg(stepSentence(step)));
}

void EditSlots::remove(int id)
{
    const EditStep* step = stepOf(stack(), id);
    if (!step)
        return;
    const QString what = tr("Remove %1").arg(stepSentence(*step));
    EditStack stack = this->stack();
    std::erase_if(stack, [id](const EditStep& one) { return one.id == id; });
    push(std::move(stack), what);
}

void EditSlots::move(int id, int by)
{
    EditStack stack = this->stack();
    const auto from = std::ranges::find_if(stack, [id](const EditStep& step) { return step.id == id; });
    if (from == stack.end())
        return;
    const auto to = from - stack.begin() + by;
    if (to < 0 || to >= static_cast<std::ptrdiff_t>(stack.size()))
        return;
    std::iter_swap(from, stack.begin() + to);
    push(std::move(stack), tr("Move %1").arg(stepSentence(*stepOf(this->stack(), id))));
}

void EditSlots::change(const EditStep& step, bool goesOn)
{
    EditStack stack = this->stack();
    const auto found = std::ranges::find_if(stack, [&](const EditStep& one) { return one.id == step.id; });
    if (found == stack.end() || *found == step)
        return;
    const EditStep before = *found;
    *found = step;
    // What the card was before the whole drag, not before its last pixel.
    found->past = goesOn ? before.past : std::make_shared<const EditStep>(before);
    push(std::move(stack), tr("Change %1").arg(stepSentence(before)), goesOn ? step.id : -step.id);
}

void EditSlots::setStrength(int id, double strength, bool goesOn)
{
    const EditStep* step = stepOf(stack(), id);
    if (!step)
        return;
    EditStep changed = *step;
    changed.strength = strength;
    change(changed, goesOn);
}

void EditSlots::restoreCard(int id)
{
    const EditStep* step = stepOf(stack(), id);
    if (!step || !step->past)
        return;
    EditStack stack = this->stack();
    const auto found = std::ranges::find_if(stack, [id](const EditStep& one) { return one.id == id; });
    const QString what = tr("Restore %1").arg(stepSentence(*step->past));
    *found = EditStep(*step->past);
    push(std::move(stack), what);
}

void EditSlots::replace(EditStack stack, const QString& what)
{
    for (EditStep& step : stack)
        step.id = m_nextId++;
    m_current[static_cast<std::size_t>(m_slot)] = stack.empty() ? 0 : stack.back().id;
    push(std::move(stack), what);
}

void EditSlots::copyToOther()
{
    EditStack stack = this->stack();
    m_slot = 1 - m_slot;
    replace(std::move(stack), tr("Copy to %1").arg(slotName(m_slot)));
}

void EditSlots::clear()
{
    restore({}, 0);
}

void EditSlots::restore(std::array<EditStack, 2> stacks, int slot)
{
    m_undo.clear();
    m_stacks = std::move(stacks);
    for (std::size_t at = 0; at < m_stacks.size(); ++at) {
        for (EditStep& step : m_stacks[at])
            step.id = m_nextId++;
        m_current[at] = m_stacks[at].empty() ? 0 : m_stacks[at].back().id;
    }
    m_slot = slot == 1 ? 1 : 0;
    emit changed();
}

}
