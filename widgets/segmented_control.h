// A row of exclusive choices: the metric selector, A | B | Δ.
#pragma once

#include <QWidget>

class QButtonGroup;

namespace blockcert::widgets {

class SegmentedControl : public QWidget {
    Q_OBJECT

public:
    explicit SegmentedControl(QWidget* parent = nullptr);
    void setChoices(const QStringList& choices, const QStringList& toolTips = {});
    [[nodiscard]] int current() const;
    void setCurrent(int index); // no signal
    void setChoiceEnabled(int index, bool enabled);

signals:
    void chosen(int index); // by the user

private:
    QButtonGroup* m_group = nullptr;
};

}
