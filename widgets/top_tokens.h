// The five most likely next tokens of the original and of the surrogate, side by side.
#pragma once

#include "widgets/values.h"

#include <QWidget>

namespace blockcert::widgets {

class TopTokens : public QWidget {
    Q_OBJECT

public:
    explicit TopTokens(QWidget* parent = nullptr);
    void setCandidates(TopFive original, TopFive surrogate);
    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    [[nodiscard]] int rowHeight() const;

    TopFive m_original;
    TopFive m_surrogate;
};

}
