// Label and number pairs with hairlines between them: the body of cards, receipts and the inspector.
#pragma once

#include <QString>
#include <QWidget>

#include <vector>

namespace blockcert::widgets {

struct Fact {
    QString label;
    QString value;   // fixed pitch, right-aligned
    QString toolTip; // the full value where `value` is abbreviated
    bool missing = false;
};

class FactList : public QWidget {
    Q_OBJECT

public:
    explicit FactList(QWidget* parent = nullptr);
    void setFacts(std::vector<Fact> facts);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    [[nodiscard]] int rowHeight() const;
    void copyRow(int row) const;
    void copyEverything() const;

    std::vector<Fact> m_facts;
};

}
