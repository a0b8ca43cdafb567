// The window's dialog of settings, and the sheet of its shortcuts.
#pragma once

#include "app/workbench/session/preferences.h"
#include "widgets/panel.h"

#include <QList>

class QAction;

namespace blockcert::workbench {

// Changes take effect when the dialog is accepted; returns true then.
[[nodiscard]] bool editSettings(QWidget* parent, Preferences& preferences);

// Every key, by group, over the window; a click or a key closes it. Deletes itself.
class ShortcutSheet : public widgets::Panel {
    Q_OBJECT

public:
    ShortcutSheet(QWidget* window, const QList<QAction*>& actions);

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
};

}
