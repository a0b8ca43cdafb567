#include "widgets/theme.h"

#include "widgets/resources.h"
#include "widgets/style_sheet.h"
#include "widgets/table_look.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QFontDatabase>
#include <QFontInfo>
#include <QPainter>
#include <QPalette>
#include <QPointer>
#include <QResizeEvent>
#include <QStyle>
#include <QStyleFactory>
#include <QTableView>
#include <QTimer>
#include <QVariant>
#include <QWidget>

#include <algorithm>
#include <vector>

namespace blockcert::widgets {

namespace {

QColor rgb(QRgb value)
{
    return QColor::fromRgb(value);
}

Tokens makeLight()
{
    Tokens t;
    t.window = rgb(0xF6F7F9);
    t.panel = rgb(0xFFFFFF);
    t.line = rgb(0xE1E5EA);
    t.text = rgb(0x1B2027);
    t.secondary = rgb(0x5B6675);
    t.faint = rgb(0x8D97A5);
    t.accent = rgb(0x2B66D9);
    t.accentFill = rgb(0xE8F0FE);
    t.onAccent = rgb(0xFFFFFF);
    t.hover = rgb(0xEEF1F4);
    t.verified = {rgb(0x0B7A61), rgb(0xE3F4EF)};
    t.failed = {rgb(0xB93A17), rgb(0xFCE9E3)};
    t.weaker = {rgb(0x8A5A00), rgb(0xFBF0DA)};
    t.notChecked = {rgb(0x5B6675), rgb(0xEEF1F4)};
    t.cool = {rgb(0xDFEAF3), rgb(0xCBDDEA), rgb(0xB0CBDF), rgb(0x8FB1CE), rgb(0x6C93BA)};
    t.warm = {rgb(0xF6C667), rgb(0xEE9A3A), rgb(0xDE6A22), rgb(0xB83D1B), rgb(0x7A1D14)};
    t.hatch = rgb(0xC3CAD3);
    return t;
}

Tokens makeDark()
{
    Tokens t;
    t.dark = true;
    t.window = rgb(0x13161A);
    t.panel = rgb(0x1A1E24);
    t.line = rgb(0x2B323B);
    t.text = rgb(0xE7EAEF);
    t.secondary = rgb(0xA0AAB8);
    t.faint = rgb(0x6F7A89);
    t.accent = rgb(0x74A5FF);
    t.accentFill = rgb(0x1D2C47);
    t.onAccent = rgb(0x13161A);
    t.hover = rgb(0x242A32);
    t.verified = {rgb(0x4CC9A8), rgb(0x14312A)};
    t.failed = {rgb(0xFF8763), rgb(0x3A1E16)};
    t.weaker = {rgb(0xE6B450), rgb(0x34290F)};
    t.notChecked = {rgb(0xA0AAB8), rgb(0x242A32)};
    t.cool = {rgb(0x24303D), rgb(0x2B3B4B), rgb(0x344B61), rgb(0x3F5D79), rgb(0x4C7297)};
    t.warm = {rgb(0xF6C667), rgb(0xEE9A3A), rgb(0xDE6A22), rgb(0xB83D1B), rgb(0x7A1D14)};
    t.hatch = rgb(0x3D4651);
    return t;
}

QPalette paletteOf(const Tokens& t)
{
    QPalette palette;
    palette.setColor(QPalette::Window, t.window);
    palette.setColor(QPalette::WindowText, t.text);
    palette.setColor(QPalette::Base, t.panel);
    palette.setColor(QPalette::AlternateBase, t.window);
    palette.setColor(QPalette::Text, t.text);
    palette.setColor(QPalette::PlaceholderText, t.secondary);
    palette.setColor(QPalette::Button, t.panel);
    palette.setColor(QPalette::ButtonText, t.text);
    palette.setColor(QPalette::BrightText, t.failed.ink);
    palette.setColor(QPalette::ToolTipBase, t.panel);
    palette.setColor(QPalette::ToolTipText, t.text);
    palette.setColor(QPalette::Highlight, t.accent);
    palette.setColor(QPalette::HighlightedText, t.onAccent);
    palette.setColor(QPalette::Link, t.accent);
    palette.setColor(QPalette::LinkVisited, t.accent);
    palette.setColor(QPalette::Light, t.panel);
    palette.setColor(QPalette::Midlight, t.hover);
    palette.setColor(QPalette::Mid, t.line);
    palette.setColor(QPalette::Dark, t.faint);
    palette.setColor(QPalette::Shadow, t.dark ? t.window.darker(150) : t.faint);
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, t.faint);
    return palette;
}

// The factor of setTypeScale, kept by the application it was set for.
double typeScale()
{
    const QVariant scale = QCoreApplication::instance()->property("blockcertTypeScale");
    return scale.isValid() ? scale.toDouble() : 1.0;
}

// 1 for a desktop whose body text is 13 pixels high; the classroom's large fonts scale everything.
double fontScale()
{
    const int pixels = QFontInfo(QFontDatabase::systemFont(QFontDatabase::GeneralFont)).pixelSize();
    const double scale = pixels / 13.0;
    return (scale > 0.9 && scale < 1.1 ? 1.0 : std::clamp(scale, 1.0, 2.0)) * typeScale();
}

QFont sized(QFont font, TextSize size, TextWeight weight)
{
    constexpr int pixels[] = {11, 12, 13, 15, 20};
    font.setPixelSize(qRound(pixels[static_cast<int>(size)] * fontScale()));
    font.setWeight(weight == TextWeight::Strong   ? QFont::DemiBold
                   : weight == TextWeight::Medium ? QFont::Medium
                                                  : QFont::Normal);
    return font;
}

constexpr const char* typeProperty = "blockcertType";

// What a widget remembers of its font.
struct TextType {
    TextSize size = TextSize::Body;
    TextWeight weight = TextWeight::Normal;
    bool isFixed = false;

    [[nodiscard]] int packed() const
    {
        return static_cast<int>(size) | static_cast<int>(weight) << 4 | (isFixed ? 1 << 8 : 0);
    }

    static TextType unpacked(int value)
    {
        return {static_cast<TextSize>(value & 15), static_cast<TextWeight>(value >> 4 & 15), (value >> 8 & 1) != 0};
    }
};

QFont fontOf(const TextType& type)
{
    return type.isFixed ? fixedFont(type.size, type.weight) : textFont(type.size, type.weight);
}

void setType(QWidget& widget, const TextType& type)
{
    widget.setProperty(typeProperty, type.packed());
    widget.setFont(fontOf(type));
}

QString typeChangeName()
{
    return QStringLiteral("blockcertTypeChange");
}

// Gives widgets the fonts of another scale: those in view at once, the others in slices of which none holds the window
// for a frame. GUI thread.
class TypeChange : public QObject {
public:
    explicit TypeChange(QApplication& application)
        : QObject(&application)
    {
        setObjectName(typeChangeName());
        for (QWidget* widget : QApplication::allWidgets()) {
            if (widget->isVisible())
                refit(*widget);
            else
                m_hidden.emplace_back(widget);
        }
        m_timer.setInterval(0);
        connect(&m_timer, &QTimer::timeout, this, &TypeChange::goOn);
        m_timer.start();
    }

private:
    static void refit(QWidget& widget)
    {
        if (const QVariant type = widget.property(typeProperty); type.isValid())
            widget.setFont(fontOf(TextType::unpacked(type.toInt())));
        else if (!widget.testAttribute(Qt::WA_SetFont))
            widget.setFont(QFont()); // under a style sheet no font reaches a widget from its parent or the application
        if (auto* table = qobject_cast<QTableView*>(&widget)) {
            prepareRows(*table);
            const QSize size = table->viewport()->size(); // columns are laid out when a table is resized
            QCoreApplication::postEvent(table->viewport(), new QResizeEvent(size, size));
        }
    }

    void goOn()
    {
        constexpr qint64 sliceMs = 6;
        QElapsedTimer slice;
        slice.start();
        while (!m_hidden.empty() && slice.elapsed() < sliceMs) {
            if (m_hidden.back())
                refit(*m_hidden.back());
            m_hidden.pop_back();
        }
        if (m_hidden.empty())
            deleteLater();
    }

    std::vector<QPointer<QWidget>> m_hidden;
    QTimer m_timer;
};

}

const Tokens& lightTokens()
{
    static const Tokens tokens = makeLight();
    return tokens;
}

const Tokens& darkTokens()
{
    static const Tokens tokens = makeDark();
    return tokens;
}

const Tokens& tokensOf(const QPalette& palette)
{
    return palette.color(QPalette::WindowText).lightness() > palette.color(QPalette::Window).lightness()
               ? darkTokens()
               : lightTokens();
}

const Tokens& tokensOf(const QWidget&)
{
    return tokensOf(QApplication::palette());
}

bool desktopIsDark()
{
    // Remembered from before the first switch: afterwards the application's palette is ours.
    QCoreApplication* application = QCoreApplication::instance();
    const QVariant remembered = application->property("blockcertDesktopDark");
    if (remembered.isValid())
        return remembered.toBool();
    const bool dark = &tokensOf(QApplication::palette()) == &darkTokens();
    application->setProperty("blockcertDesktopDark", dark);
    return dark;
}

void applyAppearance(QApplication& application, Appearance appearance)
{
    initialiseResources(); // the style sheet names icons
    const bool desktop = desktopIsDark();
    const bool dark = appearance == Appearance::Dark || (appearance == Appearance::Desktop && desktop);
    const Tokens& tokens = dark ? darkTokens() : lightTokens();
    // Style and palette before the sheet: the sheet wraps the style that is set when it arrives. A switch keeps the
    // style and changes the sheet once, because each change polishes every widget again.
    constexpr const char* styled = "blockcertStyled";
    if (!application.property(styled).toBool()) {
        application.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
        application.setFont(textFont(TextSize::Body));
        application.setProperty(styled, true);
    }
    application.setPalette(paletteOf(tokens));
    application.setStyleSheet(styleSheetOf(tokens));
}

void setTypeScale(QApplication& application, double scale)
{
    if (scale == typeScale())
        return;
    application.setProperty("blockcertTypeScale", scale);
    application.setFont(textFont(TextSize::Body));
    delete application.findChild<QObject*>(
        typeChangeName()); // one that has not come to its end: this one begins with every widget
    new TypeChange(application);
}

QFont textFont(TextSize size, TextWeight weight)
{
    return sized(QFontDatabase::systemFont(QFontDatabase::GeneralFont), size, weight);
}

QFont fixedFont(TextSize size, TextWeight weight)
{
    return sized(QFontDatabase::systemFont(QFontDatabase::FixedFont), size, weight);
}

void setTextFont(QWidget& widget, TextSize size, TextWeight weight)
{
    setType(widget, {size, weight, false});
}

void setFixedFont(QWidget& widget, TextSize size, TextWeight weight)
{
    setType(widget, {size, weight, true});
}

void setButtonRole(QWidget& button, ButtonRole role)
{
    static constexpr const char* names[] = {"plain", "primary", "link", "danger", "flush", "icon"};
    button.setProperty("role", QString::fromLatin1(names[static_cast<int>(role)]));
    if (button.testAttribute(Qt::WA_WState_Polished)) {
        // The style sheet reads the property only when it polishes.
        button.style()->unpolish(&button);
        button.style()->polish(&button);
    }
    // Behind the style sheet, which brings back the font that it found when it polished for the first time.
    setTextFont(button, TextSize::Body, TextWeight::Medium);
}

void paintFocusRing(QPainter& painter, const QRectF& rect, const Tokens& tokens, double radius)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(tokens.accent, 2));
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius, radius);
    painter.restore();
}

}
