// Two groups of controls in one line, the second at its right end; where it is too narrow they take more lines.
#pragma once

#include <QLayout>
#include <QList>

namespace blockcert::widgets {

class FlowRow : public QLayout {
    Q_OBJECT

public:
    explicit FlowRow(QWidget* parent = nullptr);
    ~FlowRow() override;
    void startEnd(); // what is added from here on stands at the right end

    void addItem(QLayoutItem* item) override;
    [[nodiscard]] int count() const override;
    [[nodiscard]] QLayoutItem* itemAt(int index) const override;
    QLayoutItem* takeAt(int index) override;
    [[nodiscard]] Qt::Orientations expandingDirections() const override;
    [[nodiscard]] bool hasHeightForWidth() const override;
    [[nodiscard]] int heightForWidth(int width) const override;
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSize() const override;
    void setGeometry(const QRect& rect) override;

private:
    int place(const QRect& rect, bool isTrial) const; // returns the height that it takes

    QList<QLayoutItem*> m_items;
    int m_end = -1; // index of the first item of the right end; −1: there is none
};

}
