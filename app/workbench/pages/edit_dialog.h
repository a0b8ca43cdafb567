// The dialogs of the lab: where a certificate goes and what stands in it, where a checkpoint goes.
#pragma once

#include "app/workbench/session/edit_issue.h"

#include <QDialog>

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;

namespace blockcert::workbench {

// Opens without blocking; accepted() says that request() is wanted.
class CertifyDialog : public QDialog {
    Q_OBJECT

public:
    // `scope` names the edits and the prompts; `labels` may be empty.
    CertifyDialog(const QString& scope, const QString& out, const QString& labels, QWidget* parent);

    [[nodiscard]] IssueRequest request() const;

private:
    QLineEdit* m_out = nullptr;
    QLineEdit* m_labels = nullptr;
    QCheckBox* m_losses = nullptr;
};

class CheckpointDialog : public QDialog {
    Q_OBJECT

public:
    CheckpointDialog(const IssuedEdit& edit, const QString& out, QWidget* parent);

    [[nodiscard]] QString out() const;
    [[nodiscard]] QString dtype() const;

private:
    QLineEdit* m_out = nullptr;
    QComboBox* m_dtype = nullptr;
};

}
