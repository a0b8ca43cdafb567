// Small parts every page is made of: a panel with a hairline, a titled section, a secondary line.
#pragma once

#include "widgets/theme.h"

#include <QFrame>
#include <QString>

class QHBoxLayout;
class QLabel;

namespace blockcert::widgets {

// A filled frame with rounded corners and a hairline; the style sheet paints it.
class Panel : public QFrame {
    Q_OBJECT

public:
    explicit Panel(QWidget* parent = nullptr);
    void setSelected(bool selected); // accent outline
};

enum class TextTone : unsigned char { Text, Secondary, Accent };

// Labels follow the appearance; texts are plain (never rich) unless said otherwise.
[[nodiscard]] QLabel* makeLabel(const QString& text, TextSize size, TextWeight weight = TextWeight::Normal,
                                TextTone tone = TextTone::Text, QWidget* parent = nullptr);

// A page's title with its line of scope under it.
class PageTitle : public QWidget {
    Q_OBJECT

public:
    explicit PageTitle(QWidget* parent = nullptr);
    void setText(const QString& title, const QString& scope);
    void addWidget(QWidget* widget); // at the right end of the title's row

private:
    QLabel* m_title = nullptr;
    QLabel* m_scope = nullptr;
    QHBoxLayout* m_row = nullptr;
};

}
