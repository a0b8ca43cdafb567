// What each level of verification would check and how long it takes: stands where the checks will be.
#pragma once

#include "app/workbench/session/verify_cost.h"

#include <QWidget>

#include <array>

class QButtonGroup;
class QLabel;

namespace blockcert::workbench {

class VerifyPlan : public QWidget {
    Q_OBJECT

public:
    explicit VerifyPlan(QWidget* parent = nullptr);

    void setLevel(int level); // no signal
    void setSeconds(const LevelSeconds& seconds);

signals:
    void levelChosen(int level);

private:
    QButtonGroup* m_levels = nullptr;
    std::array<QLabel*, verifyLevels> m_times{};
};

}
