// The sheet of shortcuts.
#include "app/workbench/pages/page_parts.h"
#include "app/workbench/shell/dialogs.h"

#include <QAction>
#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>

#include <algorithm>
#include <map>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

struct Line {
    QString keys;
    QString text;
};

// `keysWidth` is that of the longest keys of the sheet, so that the texts of all groups stand under each other.
QWidget* groupOf(const QString& title, const std::vector<Line>& lines, int keysWidth)
{
    auto* group = new QWidget;
    auto* grid = new QGridLayout(group);
    grid->setContentsMargins(0, 0, 0, space::medium);
    grid->setHorizontalSpacing(space::large);
    grid->setVerticalSpacing(space::tiny);
    grid->addWidget(heading(title), 0, 0, 1, 2);
    grid->setColumnMinimumWidth(0, keysWidth);
    int row = 1;
    for (const Line& line : lines) {
        QLabel* keys = widgets::makeLabel(line.keys, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                          widgets::TextTone::Accent);
        widgets::setFixedFont(*keys, widgets::TextSize::Secondary);
        grid->addWidget(keys, row, 0);
        grid->addWidget(widgets::makeLabel(line.text, widgets::TextSize::Secondary), row, 1);
        ++row;
    }
    grid->setColumnStretch(1, 1);
    return group;
}

}

ShortcutSheet::ShortcutSheet(QWidget* window, const QList<QAction*>& actions)
    : widgets::Panel(window)
{
    setAttribute(Qt::WA_DeleteOnClose);
    setAccessibleName(tr("Shortcuts"));
    setFocusPolicy(Qt::StrongFocus);
    QStringList order;
    std::map<QString, std::vector<Line>> groups;
    for (const QAction* action : actions) {
        if (action->shortcut().isEmpty())
            continue;
        const QString group = action->property("group").toString();
        if (!order.contains(group))
            order << group;
        groups[group].push_back({action->shortcut().toString(QKeySequence::NativeText), action->text()});
    }
    const QString map = tr("Map");
    order << map;
    groups[map] = {{tr("Arrow keys"), tr("Move from cell to cell; with Ctrl to the edges")},
                   {tr("Space"), tr("Hold or release the current cell")},
                   {tr("Return"), tr("Show one prompt, or all of them")},
                   {u"N, P"_s, tr("Next and previous token above the threshold")},
                   {u"+, -, 0, F"_s, tr("Zoom in, out, back, to fit")},
                   {u"Ctrl+C"_s, tr("Copy the selected row or cell")},
                   {tr("Esc"), tr("Release what is held; close what is open")},
                   {u"Ctrl+K"_s, tr("Search everything")}};

    const QFontMetrics fixed(widgets::fixedFont(widgets::TextSize::Secondary));
    int keysWidth = 0;
    for (const auto& [name, lines] : groups)
        for (const Line& line : lines)
            keysWidth = std::max(keysWidth, fixed.horizontalAdvance(line.keys));
    auto* columns = row(space::huge);
    auto* left = column(0);
    auto* right = column(0);
    std::size_t leftLines = 0;
    std::size_t rightLines = 0;
    for (const QString& name : std::as_const(order)) {
        const bool goesLeft = leftLines <= rightLines;
        (goesLeft ? left : right)->addWidget(groupOf(name, groups[name], keysWidth));
        (goesLeft ? leftLines : rightLines) += groups[name].size() + 2;
    }
    left->addStretch(1);
    right->addStretch(1);
    columns->addLayout(left, 1);
    columns->addLayout(right, 1);
    auto* content = new QWidget;
    content->setProperty("surface", u"panel"_s);
    content->setLayout(columns);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::huge, space::large, space::huge, space::small);
    layout->addWidget(widgets::makeLabel(tr("Shortcuts"), widgets::TextSize::Title, widgets::TextWeight::Strong));
    QScrollArea* area = scrolling(content);
    content->setProperty("surface", u"panel"_s);
    layout->addWidget(area, 1);
    const QSize room(window->width() - 2 * space::huge, window->height() - 2 * space::huge);
    const QSize wanted(820, content->sizeHint().height() + 90);
    const QSize size = wanted.boundedTo(room);
    setGeometry((window->width() - size.width()) / 2, (window->height() - size.height()) / 2, size.width(),
                size.height());
    show();
    raise();
    setFocus();
}

void ShortcutSheet::keyPressEvent(QKeyEvent* event)
{
    event->accept();
    close();
}

void ShortcutSheet::focusOutEvent(QFocusEvent* event)
{
    Panel::focusOutEvent(event);
    close();
}

void ShortcutSheet::mousePressEvent(QMouseEvent*)
{
    close();
}

}
