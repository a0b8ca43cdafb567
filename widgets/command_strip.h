// A command line to check or repeat what is on screen, with a copy button.
#pragma once

#include <QWidget>

class QLabel;
class QPushButton;

namespace blockcert::widgets {

class CommandStrip : public QWidget {
    Q_OBJECT

public:
    explicit CommandStrip(QWidget* parent = nullptr);
    void setCommand(const QString& command); // may have several lines
    [[nodiscard]] QString command() const;

signals:
    void copied();

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QLabel* m_text = nullptr;
    QPushButton* m_copy = nullptr;
};

}
