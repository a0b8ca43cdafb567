#include "app/workbench/pages/edit_dialog.h"

#include "app/workbench/pages/page_parts.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QLineEdit>
#include <QPushButton>

#include <functional>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

QLayout* withChoice(QLineEdit* field, const QString& name, const std::function<QString()>& choose)
{
    field->setAccessibleName(name);
    QPushButton* pick = button(CertifyDialog::tr("Choose…"));
    QObject::connect(pick, &QPushButton::clicked, field, [field, choose] {
        if (const QString path = choose(); !path.isEmpty())
            field->setText(path);
    });
    auto* line = row();
    line->addWidget(field, 1);
    line->addWidget(pick);
    return line;
}

void finish(QDialog& dialog, const QString& about, QFormLayout* form, const QString& verb, QLineEdit* needed)
{
    QPushButton* cancel = button(CertifyDialog::tr("Cancel"));
    QObject::connect(cancel, &QPushButton::clicked, &dialog, &QDialog::reject);
    QPushButton* go = button(verb, widgets::ButtonRole::Primary);
    go->setDefault(true);
    QObject::connect(go, &QPushButton::clicked, &dialog, &QDialog::accept);
    QObject::connect(needed, &QLineEdit::textChanged, go,
                     [go](const QString& text) { go->setEnabled(!text.trimmed().isEmpty()); });
    auto* buttons = row();
    buttons->addStretch(1);
    buttons->addWidget(cancel);
    buttons->addWidget(go);
    form->setSpacing(space::small);
    auto* layout = new QVBoxLayout(&dialog);
    layout->setContentsMargins(space::large, space::large, space::large, space::large);
    layout->setSpacing(space::large);
    layout->addWidget(wrapped(about));
    layout->addLayout(form);
    layout->addLayout(buttons);
    dialog.setAttribute(Qt::WA_DeleteOnClose);
    dialog.resize(600, dialog.sizeHint().height());
}

}

CertifyDialog::CertifyDialog(const QString& scope, const QString& out, const QString& labels, QWidget* parent)
    : QDialog(parent)
    , m_out(new QLineEdit(out))
    , m_labels(new QLineEdit(labels))
    , m_losses(new QCheckBox(tr("Also measure losses of the unedited blocks' copies (takes longer)")))
{
    setWindowTitle(tr("Certify this stack"));
    m_losses->setChecked(true);
    m_losses->setToolTip(
        tr("Without them the run's block certificates have no loss coverage. The edit's own numbers are "
           "the same."));
    m_labels->setPlaceholderText(tr("none"));
    auto* form = new QFormLayout;
    form->addRow(tr("Run folder"), withChoice(m_out, tr("Run folder"), [this] {
                     return QFileDialog::getSaveFileName(this, tr("Where should the certificate go?"), m_out->text(),
                                                         tr("Runs (*.blockcert)"), nullptr,
                                                         QFileDialog::DontConfirmOverwrite);
                 }));
    form->addRow(tr("Human labels"), withChoice(m_labels, tr("Human labels, a CSV file"), [this] {
                     return QFileDialog::getOpenFileName(this, tr("Labels of these completions"), m_labels->text(),
                                                         tr("Labels (*.csv)"));
                 }));
    form->addRow(QString(), m_losses);
    finish(
        *this,
        tr("%1. A run is made there (or a finished one on the same prompts is used), and the edit becomes part of it. "
           "The patch is written beside it.")
            .arg(scope),
        form, tr("Certify"), m_out);
}

IssueRequest CertifyDialog::request() const
{
    return {m_out->text().trimmed(), m_labels->text().trimmed(), m_losses->isChecked()};
}

CheckpointDialog::CheckpointDialog(const IssuedEdit& edit, const QString& out, QWidget* parent)
    : QDialog(parent)
    , m_out(new QLineEdit(out))
    , m_dtype(new QComboBox)
{
    setWindowTitle(tr("Export the edited model"));
    m_dtype->addItems({u"fp32"_s, u"bf16"_s, u"fp16"_s});
    m_dtype->setAccessibleName(tr("Type of the written tensors"));
    auto* form = new QFormLayout;
    form->addRow(tr("New folder"), withChoice(m_out, tr("New folder"), [this] {
                     return QFileDialog::getSaveFileName(this, tr("Where should the model go?"), m_out->text(), {},
                                                         nullptr, QFileDialog::DontConfirmOverwrite);
                 }));
    form->addRow(tr("Tensors"), m_dtype);
    finish(*this,
           tr("%1: safetensors, config.json and the tokenizer, in a folder of their own. The written model is then run "
              "beside the edit as it was measured, so that the difference is a number. The original stays as it is.")
               .arg(edit.sentence),
           form, tr("Export"), m_out);
}

QString CheckpointDialog::out() const
{
    return m_out->text().trimmed();
}

QString CheckpointDialog::dtype() const
{
    return m_dtype->currentText();
}

}
