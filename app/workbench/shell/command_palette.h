// The palette of everything one can do or go to: type a few letters, Return does it, Esc leaves.
#pragma once

#include "widgets/panel.h"

#include <QPointer>

#include <functional>
#include <vector>

class QLineEdit;
class QListWidget;

namespace blockcert::workbench {

struct PaletteEntry {
    QString text;
    QString keys;
    std::function<void()> act;
};

// The positions of the entries whose text holds every word of the query, those that begin with it first; at most
// `most` of them.
[[nodiscard]] std::vector<std::size_t> matching(const std::vector<PaletteEntry>& entries, const QString& query,
                                                std::size_t most = 60);

// A panel inside the window; deletes itself.
class CommandPalette : public widgets::Panel {
    Q_OBJECT

public:
    CommandPalette(QWidget* window, std::vector<PaletteEntry> entries);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void filter(const QString& text);
    void trigger();
    void leave();

    std::vector<PaletteEntry> m_entries;
    QPointer<QWidget> m_before; // had the focus, and gets it back
    QLineEdit* m_text = nullptr;
    QListWidget* m_list = nullptr;
};

}
