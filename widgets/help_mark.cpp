#include "widgets/help_mark.h"

#include "widgets/panel.h"
#include "widgets/theme.h"

#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace blockcert::widgets {

namespace {

constexpr int diameter = 16;
constexpr int cardWidth = 340;

// Closes by itself as soon as the attention is elsewhere.
class HelpCard : public Panel {
public:
    explicit HelpCard(const std::vector<Term>& terms, QWidget* window)
        : Panel(window)
    {
        setAttribute(Qt::WA_DeleteOnClose);
        setFocusPolicy(Qt::StrongFocus);
        auto* layout = new QVBoxLayout(this);
        layout->setContentsMargins(space::large, space::medium, space::large, space::medium);
        layout->setSpacing(space::tiny);
        QString said;
        for (const Term term : terms) {
            if (layout->count() > 0)
                layout->addSpacing(space::small);
            layout->addWidget(makeLabel(termName(term), TextSize::Body, TextWeight::Strong));
            QLabel* text = makeLabel(termText(term), TextSize::Body, TextWeight::Normal, TextTone::Secondary);
            text->setWordWrap(true);
            layout->addWidget(text);
            said += termName(term) + QStringLiteral(": ") + termText(term) + u' ';
        }
        setAccessibleName(said);
        setFixedWidth(std::min(cardWidth, window->width() - 2 * space::large));
        resize(width(), layout->heightForWidth(width()));
    }

protected:
    void keyPressEvent(QKeyEvent*) override { close(); }

    // Esc belongs to the card while it is open, not to the window's shortcut.
    bool event(QEvent* event) override
    {
        if (event->type() == QEvent::ShortcutOverride) {
            event->accept();
            return true;
        }
        return Panel::event(event);
    }

    void focusOutEvent(QFocusEvent*) override { close(); }

    void mousePressEvent(QMouseEvent*) override { close(); }
};

}

HelpMark::HelpMark(std::vector<Term> terms, QWidget* parent)
    : QAbstractButton(parent)
    , m_terms(std::move(terms))
{
    QStringList names;
    for (const Term term : m_terms)
        names << termName(term);
    setText(tr("What is %1?").arg(names.join(QStringLiteral(", "))));
    setAccessibleName(text());
    setToolTip(text());
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_Hover);
    setCursor(Qt::WhatsThisCursor);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    connect(this, &QAbstractButton::clicked, this, &HelpMark::open);
}

QSize HelpMark::sizeHint() const
{
    return {diameter + space::small, diameter + space::small};
}

void HelpMark::keyPressEvent(QKeyEvent* event)
{
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter)
        click();
    else
        QAbstractButton::keyPressEvent(event);
}

QWidget* HelpMark::card() const
{
    return m_card && m_card->isVisible() ? m_card.data() : nullptr;
}

void HelpMark::open()
{
    if (card())
        return;
    auto* card = new HelpCard(m_terms, window());
    m_card = card;
    connect(card, &QObject::destroyed, this, [this] {
        if (window()->isActiveWindow())
            setFocus();
    });
    // Below the mark, or above it where there is no room.
    const QPoint corner = mapTo(window(), QPoint(0, height()));
    const int x =
        std::clamp(corner.x(), space::small, std::max(space::small, window()->width() - card->width() - space::small));
    const int above = corner.y() - height() - card->height();
    const int y = corner.y() + card->height() < window()->height() || above < 0 ? corner.y() : above;
    card->move(x, y);
    card->show();
    card->raise();
    card->setFocus();
}

void HelpMark::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const QRectF disc((width() - diameter) / 2.0 + 0.5, (height() - diameter) / 2.0 + 0.5, diameter - 1, diameter - 1);
    const QColor ink = underMouse() || hasFocus() ? tokens.accent : tokens.secondary;
    painter.setPen(QPen(ink, hasFocus() ? 2 : 1));
    painter.setBrush(underMouse() ? tokens.accentFill : Qt::transparent);
    painter.drawEllipse(disc);
    painter.setFont(textFont(TextSize::Axis, TextWeight::Strong));
    painter.setPen(ink);
    painter.drawText(disc, Qt::AlignCenter, QStringLiteral("?"));
}

}
