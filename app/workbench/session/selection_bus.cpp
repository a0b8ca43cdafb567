#include "app/workbench/session/selection_bus.h"

namespace blockcert::workbench {

using widgets::CellKey;

CellKey SelectionBus::shown() const
{
    return m_now.isHeld || !m_peeked.isValid() ? m_now.cell : m_peeked;
}

void SelectionBus::set(const Selection& next)
{
    if (next == m_now)
        return;
    const CellKey before = shown();
    m_now = next;
    if (m_now.isHeld)
        m_peeked = {};
    emit changed();
    if (!(shown() == before))
        emit shownChanged();
}

void SelectionBus::setRun(const QString& run)
{
    if (run == m_now.run)
        return;
    m_peeked = {};
    set({run, {}, m_now.component, false});
}

void SelectionBus::point(const CellKey& cell)
{
    if (m_now.isHeld)
        return;
    Selection next = m_now;
    next.cell = cell;
    set(next);
}

void SelectionBus::peek(const CellKey& cell)
{
    if (m_now.isHeld || cell == m_peeked)
        return;
    m_peeked = cell;
    emit shownChanged();
}

void SelectionBus::hold(const CellKey& cell)
{
    if (!cell.isValid()) {
        release();
        return;
    }
    Selection next = m_now;
    next.cell = cell;
    next.isHeld = true;
    set(next);
}

void SelectionBus::release()
{
    Selection next = m_now;
    next.isHeld = false;
    set(next);
}

void SelectionBus::setComponent(Component component)
{
    Selection next = m_now;
    next.component = component;
    set(next);
}

QString componentName(Component component)
{
    switch (component) {
    case Component::Block: return SelectionBus::tr("block");
    case Component::Attention: return SelectionBus::tr("attention");
    case Component::Mlp: return SelectionBus::tr("MLP");
    }
    return {};
}

}
