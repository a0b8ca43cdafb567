// One of several things to do, as a card with an icon, a name and a line about it; one of a group is chosen.
#pragma once

#include "widgets/icons.h"

#include <QAbstractButton>

namespace blockcert::widgets {

// Checkable; put several into an exclusive QButtonGroup and the arrow keys move between them.
class ChoiceCard : public QAbstractButton {
    Q_OBJECT

public:
    ChoiceCard(Icon icon, const QString& title, const QString& note, QWidget* parent = nullptr);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

    [[nodiscard]] bool hasHeightForWidth() const override { return true; }

    [[nodiscard]] int heightForWidth(int width) const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    Icon m_icon;
    QString m_note;
};

}
