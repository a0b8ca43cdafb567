// A prompt as the model sees it: a wrapping flow of painted token chips; thousands of them stay fast.
#pragma once

#include "widgets/values.h"

#include <QAbstractScrollArea>

#include <memory>
#include <vector>

namespace blockcert::widgets {

// By WCAG 2: 1 of a colour to itself, 21 of black to white. Text is held to 4.5.
[[nodiscard]] double contrastRatio(const QColor& a, const QColor& b);
// Text on a cell of any colour map, in either appearance: the text colour that is read better, black or white where
// neither reaches 4.5.
[[nodiscard]] QColor inkOn(const QColor& fill);

class TokenChips : public QAbstractScrollArea {
    Q_OBJECT

public:
    explicit TokenChips(QWidget* parent = nullptr);
    void setTokens(std::shared_ptr<const std::vector<Token>> tokens);
    void setTruncated(qint64 tokens); // a last chip says how many were cut off
    void setShowIds(bool show);
    // Optional colour per token (the map's column of one block); empty for none.
    void setFills(const std::vector<QColor>& fills);

    [[nodiscard]] int current() const { return m_current; }

    void setCurrent(int token); // no signal
    // Matches of a search, drawn with an outline; -1 clears.
    int highlight(const QString& text);
    [[nodiscard]] int tokenAt(const QPoint& viewportPoint) const;
    [[nodiscard]] QRect chipRect(int token) const; // viewport coordinates
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] int heightForWidth(int width) const override;

signals:
    void tokenHovered(int token); // -1: none
    void tokenChosen(int token);

protected:
    bool viewportEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    struct Chip {
        QRect rect; // content coordinates
        QString text;
        bool matches = false;
    };

    void relayout();

    struct Piece {
        QString text;
        int width = 0; // of its text and ids, without the chip's padding
        bool endsLine = false;
    };

    [[nodiscard]] const std::vector<Piece>& measuredPieces() const;
    [[nodiscard]] int layoutInto(std::vector<Chip>* chips, int width) const; // returns the height
    [[nodiscard]] int chipHeight() const;

    std::shared_ptr<const std::vector<Token>> m_tokens;
    mutable std::vector<Piece> m_pieces; // empty: to be measured
    std::vector<Chip> m_chips;
    std::vector<QColor> m_fills;
    QString m_query;
    qint64 m_truncated = 0;
    int m_current = -1;
    int m_hovered = -1;
    int m_contentHeight = 0;
    bool m_showIds = false;
};

}
