// How a run is to be verified: level with its time, model, policy.
#pragma once

#include "app/workbench/session/verdict_document.h"
#include "app/workbench/session/verify_cost.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;

namespace blockcert::workbench {

[[nodiscard]] QString levelName(int level); // "3 · full replay"
[[nodiscard]] QString levelNote(int level); // what it does, in a sentence

class VerifyHow : public QWidget {
    Q_OBJECT

public:
    explicit VerifyHow(QWidget* parent = nullptr);

    void show(const VerifyRequest& request); // no signal
    [[nodiscard]] VerifyRequest request(const QString& path) const;
    void setSeconds(const LevelSeconds& seconds);
    void setLevel(int level);
    [[nodiscard]] int level() const;
    void setShowsLevel(bool shows); // else it is chosen elsewhere
    void setModel(const QString& model);
    void setPolicy(const QString& path);
    void setRunning(bool running);

signals:
    void changed();
    void modelWanted(); // a file dialog
    void policyWanted();

private:
    void explain();

    QWidget* m_upper = nullptr;
    QComboBox* m_level = nullptr;
    QLabel* m_note = nullptr;
    QLineEdit* m_model = nullptr;
    QLineEdit* m_policy = nullptr;
    LevelSeconds m_seconds;
};

}
