// The visual tokens (colours, sizes, fonts) of both appearances, and the one place that applies them.
#pragma once

#include <QColor>
#include <QFont>

#include <array>
#include <cstdint>

class QApplication;
class QPainter;
class QPalette;
class QRectF;
class QWidget;

namespace blockcert::widgets {

enum class Appearance : std::uint8_t { Desktop, Light, Dark };

struct Tint {
    QColor ink;
    QColor fill;
};

// One appearance. Text and states keep at least 5.2 : 1 against panel; faint is decoration only.
struct Tokens {
    bool dark = false;
    QColor window;
    QColor panel;
    QColor line;
    QColor text;
    QColor secondary;
    QColor faint;
    QColor accent;
    QColor accentFill;
    QColor onAccent; // text on a filled primary button
    QColor hover;    // fill under the pointer
    Tint verified;
    Tint failed;
    Tint weaker;
    Tint notChecked;
    std::array<QColor, 5> cool; // below τ, small to large
    std::array<QColor, 5> warm; // above τ
    QColor hatch;
};

[[nodiscard]] const Tokens& lightTokens();
[[nodiscard]] const Tokens& darkTokens();

// The palette is the carrier: every painted widget asks for the tokens of its own palette when it paints.
[[nodiscard]] const Tokens& tokensOf(const QPalette& palette);
[[nodiscard]] const Tokens& tokensOf(const QWidget& widget);

// Sets style, palette, fonts and style sheet of the application; call again to switch.
void applyAppearance(QApplication& application, Appearance appearance);
[[nodiscard]] bool desktopIsDark();
// All type larger by this factor: for a projector. What is in view follows at once, with rows and columns of tables;
// what is hidden follows from the event loop, in slices of less than a frame.
void setTypeScale(QApplication& application, double scale);

enum class TextSize : std::uint8_t { Axis, Secondary, Body, Title, Headline }; // 11, 12, 13, 15, 20 at scale 1
enum class TextWeight : std::uint8_t { Normal, Medium, Strong };

// Sizes follow the desktop's font: 13 is its body size.
[[nodiscard]] QFont textFont(TextSize size, TextWeight weight = TextWeight::Normal);
[[nodiscard]] QFont fixedFont(TextSize size, TextWeight weight = TextWeight::Normal);
// The only way in which a widget of ours gets a font of its own: it keeps its size and weight, not the font, so that it
// follows setTypeScale. Painters and models ask for textFont and fixedFont whenever they need one.
void setTextFont(QWidget& widget, TextSize size, TextWeight weight = TextWeight::Normal);
void setFixedFont(QWidget& widget, TextSize size, TextWeight weight = TextWeight::Normal);

namespace space {
inline constexpr int tiny = 4;
inline constexpr int small = 8;
inline constexpr int medium = 12;
inline constexpr int large = 16;
inline constexpr int huge = 24;
inline constexpr int tableRow = 26;
inline constexpr int button = 28;
inline constexpr int rail = 64;
inline constexpr int inspector = 336;
inline constexpr int statusBar = 28;
inline constexpr int crumbBar = 48;
inline constexpr int corner = 6;
}

// Style classes read by the style sheet: setProperty("role", …).
enum class ButtonRole : std::uint8_t {
    Plain,
    Primary, // one a screen
    Link,
    Danger,
    Flush, // a link that lines up with the text around it
    Icon,  // a small square with an icon only
};
void setButtonRole(QWidget& button, ButtonRole role);

// A two-pixel ring in the accent colour, inside rect.
void paintFocusRing(QPainter& painter, const QRectF& rect, const Tokens& tokens, double radius = 4);

}
