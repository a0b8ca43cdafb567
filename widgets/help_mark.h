// A small "?" beside a word: what the word means, at a click or a key.
#pragma once

#include "widgets/glossary.h"

#include <QAbstractButton>
#include <QPointer>

#include <vector>

namespace blockcert::widgets {

// A card over the window that explains one or more terms; Esc, a click elsewhere or Tab close it.
class HelpMark : public QAbstractButton {
    Q_OBJECT

public:
    explicit HelpMark(std::vector<Term> terms, QWidget* parent = nullptr);
    [[nodiscard]] QSize sizeHint() const override;

    [[nodiscard]] QWidget* card() const; // null while it is closed

protected:
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void open();

    std::vector<Term> m_terms;
    QPointer<QWidget> m_card;
};

}
