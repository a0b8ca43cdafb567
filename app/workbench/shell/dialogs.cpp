#include "app/workbench/shell/dialogs.h"

#include "app/workbench/pages/page_parts.h"

#include <QAction>
#include <QDialogButtonBox>
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
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel);
    QObject::connect(buttons, &QDialogButtonBox::accepted, &dialog, &QDialog::accept);
    QObject::connect(buttons, &QDialogButtonBox::rejected, &dialog, &QDialog::reject);
    auto* layout = new QVBoxLayout(&dialog);
    layout->setContentsMargins(space::large, space::large, space::large, space::large);
    layout->setSpacing(space::large);
    layout->addLayout(form);
    layout->addWidget(buttons);
    dialog.resize(620, dialog.sizeHint().height());
    if (dialog.exec() != QDialog::Accepted)
        return false;
    preferences.setEngineCommandLine(engine->text());
    preferences.setToolPath(tool->text());
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
    line(QDialog::tr("Arrow keys"), QDialog::tr("Move through the map; Shift moves ten cells"));
    line(u"Return"_s, QDialog::tr("Hold the current cell"));
    line(u"N, P"_s, QDialog::tr("Next and previous token above the threshold"));
    line(u"Esc"_s, QDialog::tr("Release what is held; close the drawer"));
    line(u"Ctrl+C"_s, QDialog::tr("Copy the selected row or cell"));
    auto* close = new QDialogButtonBox(QDialogButtonBox::Close);
    QObject::connect(close, &QDialogButtonBox::rejected, &dialog, &QDialog::reject);
    auto* layout = new QVBoxLayout(&dialog);
    layout->setContentsMargins(space::huge, space::huge, space::huge, space::large);
    layout->setSpacing(space::large);
    layout->addLayout(form);
    layout->addWidget(close);
    dialog.exec();
}

CommandPalette::CommandPalette(QWidget* parent, const QList<QAction*>& actions)
    : QDialog(parent, Qt::Dialog | Qt::FramelessWindowHint)
    , m_actions(actions)
    , m_text(new QLineEdit)
    , m_list(new QListWidget)
{
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
    resize(480, 340);
    if (parent)
        move(parent->mapToGlobal(QPoint((parent->width() - width()) / 2, 60)));
    filter({});
}

void CommandPalette::filter(const QString& text)
{
    m_list->clear();
    for (qsizetype i = 0; i < m_actions.size(); ++i) {
        const QAction* action = m_actions[i];
        if (!action->isEnabled() || !action->text().contains(text, Qt::CaseInsensitive))
            continue;
        const QString keys = action->shortcut().toString(QKeySequence::NativeText);
        auto* item = new QListWidgetItem(keys.isEmpty() ? action->text() : u"%1    %2"_s.arg(action->text(), keys));
        item->setData(Qt::UserRole, static_cast<int>(i));
        m_list->addItem(item);
    }
    m_list->setCurrentRow(0);
}

void CommandPalette::trigger()
{
    const QListWidgetItem* item = m_list->currentItem();
    accept();
    if (item)
        m_actions[item->data(Qt::UserRole).toInt()]->trigger();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_text && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        const int step = key == Qt::Key_Down ? 1 : key == Qt::Key_Up ? -1 : 0;
        if (step != 0 && m_list->count() > 0) {
            m_list->setCurrentRow((m_list->currentRow() + step + m_list->count()) % m_list->count());
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

}
