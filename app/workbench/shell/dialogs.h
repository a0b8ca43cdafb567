// The window's dialogs: settings, the sheet of shortcuts, and the list of everything one can do.
#pragma once

#include "app/workbench/session/preferences.h"
#include "widgets/panel.h"

#include <QList>

class QAction;
class QLineEdit;
class QListWidget;

namespace blockcert::workbench {

// Changes take effect when the dialog is accepted; returns true then.
[[nodiscard]] bool editSettings(QWidget* parent, Preferences& preferences);

void showShortcuts(QWidget* parent, const QList<QAction*>& actions);

// Type a few letters, Return does it, Esc leaves. A panel inside the window; deletes itself.
class CommandPalette : public widgets::Panel {
    Q_OBJECT

public:
    CommandPalette(QWidget* window, const QList<QAction*>& actions);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void filter(const QString& text);
    void trigger();

    QList<QAction*> m_actions;
    QLineEdit* m_text = nullptr;
    QListWidget* m_list = nullptr;
};

}
