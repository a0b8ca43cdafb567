// One sentence that says what is true, its state, and at most one button.
#pragma once

#include "widgets/values.h"

#include <QWidget>

#include <memory>

class QLabel;
class QPushButton;

namespace blockcert::widgets {

class VerdictBanner : public QWidget {
    Q_OBJECT

public:
    explicit VerdictBanner(QWidget* parent = nullptr);
    // "Verified at level 3" + the sentence + the scope.
    void setVerdict(std::shared_ptr<const VerdictView> verdict);
    // While the check runs: no state is shown as reached.
    void setRunning(const QString& what, double fraction);
    // The one button; empty text hides it.
    void setAction(const QString& text);

signals:
    void actionRequested();
    void cancelRequested();

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    Mark m_mark = Mark::NotChecked;
    bool m_running = false;
    double m_fraction = 0;
    QString m_actionText;
    QLabel* m_title = nullptr;
    QLabel* m_sentence = nullptr;
    QLabel* m_scope = nullptr;
    QPushButton* m_action = nullptr;
};

}
