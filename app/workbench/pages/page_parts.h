// Parts that several pages share: columns, section headings, wrapped text, buttons, the side panel.
#pragma once

#include "app/workbench/process/job.h"
#include "widgets/panel.h"
#include "widgets/theme.h"

#include <QBoxLayout>
#include <QComboBox>
#include <QDateTime>
#include <QLabel>
#include <QScrollArea>
#include <QString>

class QLineEdit;
class QProgressBar;
class QPushButton;

namespace blockcert::workbench {

// A layout on `parent` with the page's margins and the grid's spacing.
[[nodiscard]] QVBoxLayout* pageLayout(QWidget* parent);
[[nodiscard]] QVBoxLayout* column(int spacing = widgets::space::small);
[[nodiscard]] QHBoxLayout* row(int spacing = widgets::space::small);
[[nodiscard]] QLabel* heading(const QString& text); // of a section
[[nodiscard]] QLabel* wrapped(const QString& text, widgets::TextTone tone = widgets::TextTone::Text,
                              widgets::TextSize size = widgets::TextSize::Body);
// "1 block", "30 blocks": the words as they stand behind the number.
[[nodiscard]] QString counted(qint64 count, const QString& one, const QString& several);
void keepTwoLines(QLabel& label); // of a sentence that grows to them: what is below it stays where it is
void markInvalid(QLineEdit* field, bool invalid); // as the style draws it
[[nodiscard]] QPushButton* button(const QString& text, widgets::ButtonRole role = widgets::ButtonRole::Plain);

// The panel at the right of a page, as wide as the inspector; what is added stands one below the other.
class SidePanel : public QScrollArea {
    Q_OBJECT

public:
    explicit SidePanel(QWidget* parent = nullptr);

    [[nodiscard]] QVBoxLayout* content() const { return m_content; }

private:
    QVBoxLayout* m_content = nullptr;
};

// What is being done and how far it is. Keeps its place while it is hidden, so that nothing moves when it comes.
class ProgressRow : public QWidget {
    Q_OBJECT

public:
    explicit ProgressRow(QPushButton* beside = nullptr);
    void setProgress(const QString& stage, const JobProgress& progress); // its total 0: nobody knows how far

private:
    QLabel* m_stage = nullptr;
    QProgressBar* m_bar = nullptr;
};

// One line of text that gives way: shortened in the middle to the width there is, whole in its tool tip.
class ElidedLabel : public QLabel {
    Q_OBJECT

public:
    ElidedLabel(const QString& text, widgets::TextSize size, widgets::TextTone tone = widgets::TextTone::Text,
                widgets::TextWeight weight = widgets::TextWeight::Normal);
    void setText(const QString& text); // as widgets::shownName() has it; the tool tip follows
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
};

// A choice whose text ends in an ellipsis where it does not fit, and is whole in the tool tip: a style sheet's cuts it
// off.
class ElidedComboBox : public QComboBox {
    Q_OBJECT

public:
    using QComboBox::QComboBox;
    [[nodiscard]] QString shownText() const; // of the current choice, as it is painted

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;
};

// A link as wide as its column, its text shortened like that of an ElidedLabel.
[[nodiscard]] QPushButton* elidedLink(const QString& text, int width);

// A page's middle that scrolls where the window is too low for it.
[[nodiscard]] QScrollArea* scrolling(QWidget* content);

// A line of one pixel between two parts of the window.
class Hairline : public QWidget {
    Q_OBJECT

public:
    explicit Hairline(Qt::Orientation orientation, QWidget* parent = nullptr);

protected:
    void paintEvent(QPaintEvent* event) override;
};

// What to offer beside an error.
enum class Remedy { Retry, OpenOther, Settings, RestartEngine };

[[nodiscard]] Remedy remedyFor(const JobFault& fault);
[[nodiscard]] QString remedyText(Remedy remedy);

// "today 14:05", "23 Nov 2026".
[[nodiscard]] QString shortTime(const QDateTime& time);
// What went wrong, in a box of its own; as plain text, whatever name of a file it holds.
void warn(QWidget* parent, const QString& title, const QString& sentence);
// A file or folder for people: the home folder as ~.
[[nodiscard]] QString shortPath(const QString& path);
// What a prompt asks, at most so many characters of it, with what its chat template puts before it folded into a word.
[[nodiscard]] QString askedText(const QString& rendered, int most);

}
