// The one selection that every view shows: which run, block, prompt, token and component, pointed at or held.
#pragma once

#include "widgets/values.h"

#include <QObject>
#include <QString>

namespace blockcert::workbench {

enum class Component : std::uint8_t { Block, Attention, Mlp };

struct Selection {
    QString run;           // its folder; empty while none is shown
    widgets::CellKey cell; // invalid: nothing
    Component component = Component::Block;
    bool isHeld = false;

    friend bool operator==(const Selection&, const Selection&) = default;
};

// GUI thread. The pointer peeks, the cursor points, a click or Space holds, Esc releases. While a cell is held neither
// peeking nor pointing changes what is shown. Setting what is already so signals nothing, so that views may answer a
// change by setting themselves.
class SelectionBus : public QObject {
    Q_OBJECT

public:
    using QObject::QObject;

    [[nodiscard]] const Selection& now() const { return m_now; }

    // What the inspector is about: the held cell, else the one under the pointer, else the cursor's.
    [[nodiscard]] widgets::CellKey shown() const;

    // Another run has other cells: forgets the cell unless the run is the same.
    void setRun(const QString& run);
    void point(const widgets::CellKey& cell);
    void peek(const widgets::CellKey& cell); // invalid: the pointer has left
    void hold(const widgets::CellKey& cell);
    void release();
    void setComponent(Component component);

signals:
    void changed(); // now()
    void shownChanged();

private:
    void set(const Selection& next);

    Selection m_now;
    widgets::CellKey m_peeked;
};

[[nodiscard]] QString componentName(Component component); // "block", "attention", "MLP"

}
