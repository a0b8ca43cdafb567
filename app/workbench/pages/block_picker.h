// The blocks of a model as a lane of numbered cells to choose from.
#pragma once

#include <QWidget>

#include <vector>

namespace blockcert::workbench {

// Click toggles, drag paints, Shift+click extends; arrow keys move, Space toggles.
class BlockPicker : public QWidget {
    Q_OBJECT

public:
    explicit BlockPicker(QWidget* parent = nullptr);

    void setLayers(int layers);                     // all of them chosen
    void setChosen(const std::vector<int>& blocks); // no signal
    [[nodiscard]] std::vector<int> chosen() const;

    [[nodiscard]] int layers() const { return static_cast<int>(m_chosen.size()); }

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;
    [[nodiscard]] int heightForWidth(int width) const override;
    [[nodiscard]] QRect cellRect(int block) const;

signals:
    void chosenChanged();

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

private:
    [[nodiscard]] int cellSize(int width) const;
    [[nodiscard]] int columns(int width) const;
    [[nodiscard]] int blockAt(const QPoint& point) const; // -1: none
    void set(int block, bool chosen);
    void describe();

    std::vector<bool> m_chosen;
    int m_cursor = 0;
    int m_hovered = -1;
    bool m_paintsChosen = true; // what a drag sets
};

}
