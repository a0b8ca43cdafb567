#include "app/workbench/shell/dialogs.h"

#include "app/workbench/pages/page_parts.h"

#include <QAction>
#include <QCheckBox>
#include <QDialog>
#include <QFileDialog>
#include <QFormLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

bool editSettings(QWidget* parent, Preferences& preferences)
{
    QDialog dialog(parent);
    dialog.setWindowTitle(QDialog::tr("Settings"));
    auto* engine = new QLineEdit(preferences.engineCommandLine());
    engine->setPlaceholderText(installedProgram(u"blockcert-engine"_s) + u" serve"_s);
    auto* tool = new QLineEdit(preferences.toolPathSetting());
    tool->setPlaceholderText(installedProgram(u"blockcert"_s));
    auto* folder = new QLineEdit(preferences.runFolder());
    auto* form = new QFormLayout;
    form->setSpacing(space::small);
    form->addRow(QDialog::tr("Engine command"), engine);
    form->addRow(QString(), wrapped(QDialog::tr("Empty: the engine that was installed. Another machine's: ssh HOST "
                                                "blockcert-engine serve; paths then mean files there."),
                                    widgets::TextTone::Secondary, widgets::TextSize::Secondary));
    form->addRow(QDialog::tr("blockcert program"), tool);
    auto* folderRow = row();
    folderRow->addWidget(folder, 1);
    QPushButton* choose = button(QDialog::tr("Choose…"));
    QObject::connect(choose, &QPushButton::clicked, &dialog, [&dialog, folder] {
        const QString chosen = QFileDialog::getExistingDirectory(&dialog, {}, folder->text());
        if (!chosen.isEmpty())
            folder->setText(chosen);
    });
    folderRow->addWidget(choose);
    form->addRow(QDialog::tr("Folder for runs"), folderRow);
    auto* restores = new QCheckBox(QDialog::tr("Open what was open last when the window starts"));
    restores->setChecked(preferences.restoresPlace());
    form->addRow(QString(), restores);
    QPushButton* cancel = button(QDialog::tr("Cancel"));
    QObject::connect(cancel, &QPushButton::clicked, &dialog, &QDialog::reject);
    QPushButton* save = button(QDialog::tr("Save"), widgets::ButtonRole::Primary);
    save->setDefault(true);
    QObject::connect(save, &QPushButton::clicked, &dialog, &QDialog::accept);
    auto* buttons = row();
    buttons->addStretch(1);
    buttons->addWidget(cancel);
    buttons->addWidget(save);
    auto* layout = new QVBoxLayout(&dialog);
    layout->setContentsMargins(space::large, space::large, space::large, space::large);
    layout->setSpacing(space::large);
    layout->addLayout(form);
    layout->addLayout(buttons);
    dialog.resize(620, dialog.sizeHint().height());
    if (dialog.exec() != QDialog::Accepted)
        return false;
    preferences.setEngineCommandLine(engine->text());
    preferences.setToolPath(tool->text());
    preferences.setRestoresPlace(restores->isChecked());
    if (!folder->text().trimmed().isEmpty())
        preferences.setRunFolder(folder->text().trimmed());
    return true;
}

void showShortcuts(QWidget* parent, const QList<QAction*>& actions)
{
    QDialog dialog(parent);
    dialog.setWindowTitle(QDialog::tr("Shortcuts"));
    auto* form = new QFormLayout;
    form->setSpacing(space::small);
    form->setHorizontalSpacing(space::huge);
    const auto line = [form](const QString& keys, const QString& text) {
        QLabel* label = widgets::makeLabel(keys, widgets::TextSize::Secondary);
        label->setFont(widgets::fixedFont(widgets::TextSize::Secondary));
        form->addRow(label, widgets::makeLabel(text, widgets::TextSize::Body));
    };
    for (const QAction* action : actions) {
        if (!action->shortcut().isEmpty())
            line(action->shortcut().toString(QKeySequence::NativeText), action->text());
    }
    line(QDialog::tr("Arrow keys"), QDialog::tr("Move through the map; with Ctrl to its edges"));
    line(QDialog::tr("Space"), QDialog::tr("Hold or release the current cell"));
    line(QDialog::tr("Return"), QDialog::tr("Show one prompt, or all of them"));
    line(u"N, P"_s, QDialog::tr("Next and previous token above the threshold"));
    line(u"+, -, 0, F"_s, QDialog::tr("Zoom the map in, out, back, to fit"));
    line(QDialog::tr("Esc"), QDialog::tr("Release what is held; close the drawer"));
    line(u"Ctrl+C"_s, QDialog::tr("Copy the selected row or cell"));
    QPushButton* close = button(QDialog::tr("Close"));
    QObject::connect(close, &QPushButton::clicked, &dialog, &QDialog::reject);
    auto* layout = new QVBoxLayout(&dialog);
    layout->setContentsMargins(space::huge, space::huge, space::huge, space::large);
    layout->setSpacing(space::large);
    layout->addLayout(form);
    layout->addWidget(close, 0, Qt::AlignRight);
    dialog.exec();
}

CommandPalette::CommandPalette(QWidget* window, const QList<QAction*>& actions)
    : widgets::Panel(window)
    , m_actions(actions)
    , m_text(new QLineEdit)
    , m_list(new QListWidget)
{
    setAttribute(Qt::WA_DeleteOnClose);
    setAccessibleName(tr("Search everything"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::small, space::small, space::small, space::small);
    m_text->setPlaceholderText(tr("What do you want to do?"));
    m_text->installEventFilter(this);
    m_list->setFocusPolicy(Qt::NoFocus);
    layout->addWidget(m_text);
    layout->addWidget(m_list, 1);
    connect(m_text, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_text, &QLineEdit::returnPressed, this, &CommandPalette::trigger);
    connect(m_list, &QListWidget::itemClicked, this, &CommandPalette::trigger);
    filter({});
    setGeometry((window->width() - 520) / 2, space::crumbBar, 520, 380);
    show();
    raise();
    m_text->setFocus();
}

void CommandPalette::filter(const QString& text)
{
    m_list->clear();
    for (qsizetype i = 0; i < m_actions.size(); ++i) {
        const QAction* action = m_actions[i];
        if (!action->isEnabled() || !action->text().contains(text, Qt::CaseInsensitive))
            continue;
        const QString keys = action->shortcut().toString(QKeySequence::NativeText);
        auto* item = new QListWidgetItem(keys.isEmpty() ? action->text() : u"%1   %2"_s.arg(action->text(), keys));
        item->setData(Qt::UserRole, static_cast<int>(i));
        item->setSizeHint({0, space::tableRow});
        m_list->addItem(item);
    }
    m_list->setCurrentRow(0);
}

void CommandPalette::trigger()
{
    const QListWidgetItem* item = m_list->currentItem();
    QAction* action = item ? m_actions[item->data(Qt::UserRole).toInt()] : nullptr;
    close();
    if (action)
        action->trigger();
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
            close();
        else if (step != 0 && m_list->count() > 0)
            m_list->setCurrentRow((m_list->currentRow() + step + m_list->count()) % m_list->count());
        return key == Qt::Key_Escape || step != 0;
    }
    return Panel::eventFilter(watched, event);
}

}
