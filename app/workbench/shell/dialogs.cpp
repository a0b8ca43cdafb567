#include "app/workbench/shell/dialogs.h"

#include "app/workbench/pages/page_parts.h"

#include <QCheckBox>
#include <QDialog>
#include <QFileDialog>
#include <QFormLayout>
#include <QLineEdit>
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
    // Two lines as they are: a form gives a text that wraps more room than it takes.
    form->addRow(QString(), widgets::makeLabel(QDialog::tr("Empty: the engine that was installed. Another machine's:\n"
                                                           "ssh HOST blockcert-engine serve; paths then mean files "
                                                           "there."),
                                               widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                               widgets::TextTone::Secondary));
    auto* remote = new QCheckBox(QDialog::tr("The engine runs on another machine: bring finished runs here"));
    remote->setChecked(preferences.engineIsRemote());
    form->addRow(QString(), remote);
    auto* remoteFolder = new QLineEdit(preferences.remoteRunFolder());
    remoteFolder->setAccessibleName(QDialog::tr("Folder for runs on the engine's machine"));
    remoteFolder->setEnabled(remote->isChecked());
    QObject::connect(remote, &QCheckBox::toggled, remoteFolder, &QWidget::setEnabled);
    QObject::connect(engine, &QLineEdit::textEdited, remote, [remote](const QString& command) {
        if (command.trimmed().startsWith(u"ssh "_s))
            remote->setChecked(true);
    });
    form->addRow(QDialog::tr("Folder there"), remoteFolder);
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
    auto* notifies = new QCheckBox(QDialog::tr("Notify when a run ends while another window is in front"));
    notifies->setChecked(preferences.notifies());
    form->addRow(QString(), notifies);
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
    preferences.setEngineIsRemote(remote->isChecked());
    if (!remoteFolder->text().trimmed().isEmpty())
        preferences.setRemoteRunFolder(remoteFolder->text().trimmed());
    preferences.setToolPath(tool->text());
    preferences.setRestoresPlace(restores->isChecked());
    preferences.setNotifies(notifies->isChecked());
    if (!folder->text().trimmed().isEmpty())
        preferences.setRunFolder(folder->text().trimmed());
    return true;
}

}
