#include "app/workbench/shell/command_palette.h"

#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

constexpr int keysRole = Qt::UserRole + 1;

// The text at the left, the keys at the right.
class EntryDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        QStyledItemDelegate::paint(painter, option, index);
        const widgets::Tokens& tokens = widgets::tokensOf(option.palette);
        painter->save();
        painter->setFont(widgets::fixedFont(widgets::TextSize::Secondary));
        painter->setPen(tokens.secondary);
        painter->drawText(option.rect.adjusted(0, 0, -space::small, 0), Qt::AlignRight | Qt::AlignVCenter,
                          index.data(keysRole).toString());
        painter->restore();
    }
};

}

std::vector<std::size_t> matching(const std::vector<PaletteEntry>& entries, const QString& query, std::size_t most)
{
    const QStringList words = query.split(u' ', Qt::SkipEmptyParts);
    std::vector<std::size_t> first;
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const QString& text = entries[i].text;
        const bool holdsAll = std::all_of(words.begin(), words.end(), [&text](const QString& word) {
            return text.contains(word, Qt::CaseInsensitive);
        });
        if (!holdsAll)
            continue;
        const bool begins = !words.isEmpty() && text.startsWith(query.trimmed(), Qt::CaseInsensitive);
        (begins ? first : others).push_back(i);
    }
    first.insert(first.end(), others.begin(), others.end());
    if (first.size() > most)
        first.resize(most);
    return first;
}

CommandPalette::CommandPalette(QWidget* window, std::vector<PaletteEntry> entries)
    : widgets::Panel(window)
    , m_entries(std::move(entries))
    , m_before(window->window()->focusWidget())
    , m_text(new QLineEdit)
    , m_list(new QListWidget)
{
    setAttribute(Qt::WA_DeleteOnClose);
    setAccessibleName(tr("Search everything"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::small, space::small, space::small, space::small);
    m_text->setPlaceholderText(tr("What do you want to do, or where do you want to go?"));
    m_text->setAccessibleName(tr("Search"));
    m_text->installEventFilter(this);
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setItemDelegate(new EntryDelegate(m_list));
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    layout->addWidget(m_text);
    layout->addWidget(m_list, 1);
    connect(m_text, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_text, &QLineEdit::returnPressed, this, &CommandPalette::trigger);
    connect(m_list, &QListWidget::itemClicked, this, &CommandPalette::trigger);
    filter({});
    const int width = std::min(560, window->width() - 2 * space::large);
    setGeometry((window->width() - width) / 2, space::crumbBar, width,
                std::min(420, window->height() - 2 * space::crumbBar));
    show();
    raise();
    m_text->setFocus();
}

void CommandPalette::filter(const QString& text)
{
    m_list->clear();
    for (const std::size_t at : matching(m_entries, text)) {
        auto* item = new QListWidgetItem(widgets::shownName(m_entries[at].text));
        item->setData(Qt::UserRole, static_cast<int>(at));
        item->setData(keysRole, m_entries[at].keys);
        item->setSizeHint({0, space::tableRow});
        m_list->addItem(item);
    }
    if (m_list->count() == 0) {
        auto* nothing = new QListWidgetItem(tr("Nothing is called that"));
        nothing->setFlags(Qt::NoItemFlags);
        m_list->addItem(nothing);
    }
    m_list->setCurrentRow(0);
}

void CommandPalette::trigger()
{
    const QListWidgetItem* item = m_list->currentItem();
    if (!item || !(item->flags() & Qt::ItemIsEnabled))
        return;
    const std::function<void()> act = m_entries[item->data(Qt::UserRole).toUInt()].act;
    leave();
    act();
}

// Without this the focus would go to the first widget of the window, and the keys with it.
void CommandPalette::leave()
{
    const QPointer<QWidget> before = m_before;
    close();
    if (before)
        before->setFocus();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_text && event->type() == QEvent::FocusOut) {
        close();
    } else if (watched == m_text && event->type() == QEvent::ShortcutOverride &&
               static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
        event->accept(); // Esc leaves the palette and nothing else
        return true;
    } else if (watched == m_text && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        const int step = key == Qt::Key_Down ? 1 : key == Qt::Key_Up ? -1 : 0;
        if (key == Qt::Key_Escape)
            leave();
        else if (step != 0 && m_list->count() > 0)
            m_list->setCurrentRow((m_list->currentRow() + step + m_list->count()) % m_list->count());
        return key == Qt::Key_Escape || step != 0;
    }
    return Panel::eventFilter(watched, event);
}

}
