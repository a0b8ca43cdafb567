// Label and number pairs with hairlines between them: the body of cards, receipts and the inspector. Where both do not
// fit, words give way: a number is never cut, because its exponent stands at the end.
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
    [[nodiscard]] QSize minimumSizeHint() const override; // wide enough for the widest number
    // The two texts of a row as they are painted at the present width.
    [[nodiscard]] QString shownLabel(int row) const;
    [[nodiscard]] QString shownValue(int row) const;

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    [[nodiscard]] int rowHeight() const;
    [[nodiscard]] int labelWidth(int row) const;
    void copyRow(int row) const;
    void copyEverything() const;

    std::vector<Fact> m_facts;
};

}
