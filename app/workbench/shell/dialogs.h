// The window's dialogs: settings, the sheet of shortcuts, and the list of everything one can do.
#pragma once

#include "app/workbench/session/preferences.h"

#include <QDialog>
#include <QList>

class QAction;
class QLineEdit;
class QListWidget;

namespace blockcert::workbench {

// Changes take effect when the dialog is accepted; returns true then.
[[nodiscard]] bool editSettings(QWidget* parent, Preferences& preferences);

void showShortcuts(QWidget* parent, const QList<QAction*>& actions);

// Type a few letters, Return does it.
class CommandPalette : public QDialog {
    Q_OBJECT

public:
    CommandPalette(QWidget* parent, const QList<QAction*>& actions);

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
