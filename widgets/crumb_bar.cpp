#include "widgets/crumb_bar.h"

#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QAction>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPainter>
#include <QToolButton>

#include <algorithm>

namespace blockcert::widgets {

namespace {

constexpr int shortestCrumb = 8; // characters an elided crumb keeps

class Separator : public QWidget {
public:
    explicit Separator(QWidget* parent)
        : QWidget(parent)
    {
        setFixedSize(14, 24);
    }

protected:
    void paintEvent(QPaintEvent*) override
    {
        QPainter painter(this);
        paintIcon(painter, QRectF(1, 6.5, 11, 11), Icon::ChevronRight, tokensOf(*this).faint);
    }
};

}

CrumbBar::CrumbBar(QWidget* parent)
    : QWidget(parent)
{
    fitHeight();
    m_leading = new QHBoxLayout;
    m_leading->setSpacing(0);
    m_path = new QHBoxLayout;
    m_path->setSpacing(2);
    m_right = new QHBoxLayout;
    m_right->setSpacing(space::small);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(space::large - 1, 0, space::large, 1); // texts line up with the page below
    row->setSpacing(space::small);
    row->addLayout(m_leading);
    row->addLayout(m_path);
    row->addStretch(1);
    row->addLayout(m_right);
    setAccessibleName(tr("Selection"));
}

// The buttons of a path of the same length are kept: the selection moves many times a second.
void CrumbBar::setCrumbs(const std::vector<Crumb>& crumbs)
{
    const bool isSamePath = crumbs.size() == m_crumbs.size();
    m_crumbs = crumbs;
    for (Crumb& crumb : m_crumbs) {
        crumb.text = shownName(crumb.text);
        for (QString& sibling : crumb.siblings)
            sibling = shownName(sibling);
    }
    if (!isSamePath)
        makeButtons();
    for (std::size_t level = 0; level < m_crumbs.size(); ++level) {
        m_buttons[level]->setAccessibleName(m_crumbs[level].text);
        m_buttons[level]->setToolTip(plainToolTip(m_crumbs[level].text));
    }
    elide();
}

void CrumbBar::makeButtons()
{
    while (QLayoutItem* item = m_path->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    m_buttons.clear();
    m_separators.clear();
    for (int level = 0; level < static_cast<int>(m_crumbs.size()); ++level) {
        const bool last = level + 1 == static_cast<int>(m_crumbs.size());
        auto* button = new QToolButton(this);
        button->setProperty("role", QStringLiteral("crumb"));
        button->setProperty("last", last);
        setTextFont(*button, TextSize::Body, last ? TextWeight::Strong : TextWeight::Normal);
        button->setFocusPolicy(Qt::TabFocus);
        connect(button, &QToolButton::clicked, this, [this, level] { openCrumb(level); });
        m_buttons.push_back(button);
        m_path->addWidget(button);
        if (!last) {
            m_separators.push_back(new Separator(this));
            m_path->addWidget(m_separators.back());
        }
    }
}

void CrumbBar::openCrumb(int level)
{
    emit crumbChosen(level);
    if (level >= static_cast<int>(m_crumbs.size()))
        return; // the receiver changed the path
    const Crumb& crumb = m_crumbs[static_cast<std::size_t>(level)];
    if (crumb.siblings.isEmpty())
        return;
    QMenu menu(this);
    for (int i = 0; i < crumb.siblings.size(); ++i) {
        QAction* action = menu.addAction(QString(crumb.siblings[i]).replace(u'&', QStringLiteral("&&")));
        action->setCheckable(true);
        action->setChecked(i == crumb.current);
        action->setData(i);
        if (i == crumb.current)
            menu.setActiveAction(action);
    }
    const QToolButton* button = m_buttons[static_cast<std::size_t>(level)];
    const QAction* chosen = menu.exec(button->mapToGlobal(QPoint(0, button->height() + 2)));
    if (chosen != nullptr)
        emit siblingChosen(level, chosen->data().toInt());
}

void CrumbBar::addLeading(QWidget* widget)
{
    m_leading->addWidget(widget);
    elide();
}

void CrumbBar::addWidget(QWidget* widget)
{
    m_right->addWidget(widget);
    elide();
}

QSize CrumbBar::sizeHint() const
{
    return {640, height()};
}

void CrumbBar::elide()
{
    if (m_buttons.empty())
        return;
    const int leading = m_leading->count() > 0 ? m_leading->sizeHint().width() + space::large : 0;
    const int room = width() - leading - m_right->sizeHint().width() - 3 * space::large;
    const QFontMetrics normal(textFont(TextSize::Body));
    const QFontMetrics strong(textFont(TextSize::Body, TextWeight::Strong));
    // What a tool button adds to its text: two blanks, padding and border.
    const int frame = 2 * strong.horizontalAdvance(u' ') + 10;
    // Shorten the longest crumb until everything fits, the last one last of all.
    std::vector<int> widths;
    int total = 0;
    for (std::size_t i = 0; i < m_crumbs.size(); ++i) {
        const QFontMetrics& metrics = i + 1 == m_crumbs.size() ? strong : normal;
        widths.push_back(metrics.horizontalAdvance(m_crumbs[i].text) + 2);
        total += widths.back() + frame + (i + 1 < m_crumbs.size() ? 18 : 0);
    }
    const int smallest = shortestCrumb * normal.averageCharWidth();
    while (total > room) {
        auto longest = std::max_element(widths.begin(), widths.size() > 1 ? widths.end() - 1 : widths.end());
        if (*longest <= smallest)
            longest = widths.end() - 1;
        if (*longest <= smallest)
            break;
        const int cut = std::min(total - room, *longest - smallest);
        *longest -= cut;
        total -= cut;
    }
    // Where even that is too wide, the outermost crumbs give way: a crumb is shortened or not there, never cut.
    std::size_t first = 0;
    for (; total > room && first + 1 < widths.size(); ++first)
        total -= widths[first] + frame + 18;
    for (std::size_t i = 0; i < m_buttons.size(); ++i) {
        m_buttons[i]->setVisible(i >= first);
        if (i < m_separators.size())
            m_separators[i]->setVisible(i >= first);
    }
    for (std::size_t i = 0; i < m_buttons.size(); ++i) {
        const QFontMetrics& metrics = i + 1 == m_crumbs.size() ? strong : normal;
        m_buttons[i]->setText(
            metrics.elidedText(m_crumbs[i].text, Qt::ElideMiddle, widths[i]).replace(u'&', QStringLiteral("&&")));
    }
}

void CrumbBar::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    elide();
}

// The type has become larger or smaller, or what stands beside the path has.
bool CrumbBar::event(QEvent* event)
{
    const bool isHandled = QWidget::event(event);
    if (event->type() == QEvent::FontChange)
        fitHeight();
    if (event->type() == QEvent::FontChange || event->type() == QEvent::LayoutRequest)
        elide();
    return isHandled;
}

void CrumbBar::fitHeight()
{
    setFixedHeight(std::max(space::crumbBar, QFontMetrics(textFont(TextSize::Body)).height() + 28));
}

void CrumbBar::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    painter.fillRect(rect(), tokens.panel);
    painter.fillRect(QRect(0, height() - 1, width(), 1), tokens.line);
}

}
