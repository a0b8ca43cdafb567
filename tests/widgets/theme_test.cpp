#include "widgets/icons.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QImage>
#include <QLabel>
#include <QPainter>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace blockcert::widgets {

namespace {

double luminance(const QColor& colour)
{
    const auto linear = [](double channel) {
        return channel <= 0.03928 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF());
}

// WCAG 2 contrast ratio.
double contrast(const QColor& a, const QColor& b)
{
    const double light = std::max(luminance(a), luminance(b));
    const double dark = std::min(luminance(a), luminance(b));
    return (light + 0.05) / (dark + 0.05);
}

QImage painted(const std::function<void(QPainter&)>& paint)
{
    QImage image(32, 32, QImage::Format_ARGB32_Premultiplied);
    image.fill(Qt::transparent);
    QPainter painter(&image);
    paint(painter);
    return image;
}

int inked(const QImage& image)
{
    int count = 0;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            count += image.pixelColor(x, y).alpha() > 100 ? 1 : 0;
    return count;
}

}

TEST(Theme, TextStandsOutFromThePanel)
{
    for (const Tokens* tokens : {&lightTokens(), &darkTokens()}) {
        EXPECT_GE(contrast(tokens->text, tokens->panel), 13.0);
        EXPECT_GE(contrast(tokens->text, tokens->window), 13.0);
        EXPECT_GE(contrast(tokens->secondary, tokens->panel), 5.8);
        EXPECT_GE(contrast(tokens->onAccent, tokens->accent), 4.5);
        EXPECT_GE(contrast(tokens->accent, tokens->accentFill), 4.5);
    }
}

TEST(Theme, StatesStandOutFromThePanelAndFromTheirFill)
{
    for (const Tokens* tokens : {&lightTokens(), &darkTokens()})
        for (const Tint* tint : {&tokens->verified, &tokens->failed, &tokens->weaker, &tokens->notChecked}) {
            EXPECT_GE(contrast(tint->ink, tokens->panel), 5.2);
            EXPECT_GE(contrast(tint->ink, tint->fill), 4.5);
            EXPECT_GE(contrast(tokens->text, tint->fill), 7.0);
        }
}

TEST(Theme, SwitchingIsExplicitAndReversible)
{
    auto& application = *qobject_cast<QApplication*>(QCoreApplication::instance());
    applyAppearance(application, Appearance::Dark);
    EXPECT_EQ(&tokensOf(QApplication::palette()), &darkTokens());
    QLabel label;
    label.ensurePolished();
    EXPECT_EQ(label.palette().color(QPalette::WindowText), darkTokens().text);
    applyAppearance(application, Appearance::Light);
    EXPECT_EQ(&tokensOf(QApplication::palette()), &lightTokens());
    EXPECT_EQ(label.palette().color(QPalette::WindowText), lightTokens().text);
}

TEST(Theme, TheDesktopIsRememberedAfterASwitch)
{
    auto& application = *qobject_cast<QApplication*>(QCoreApplication::instance());
    const bool before = desktopIsDark();
    applyAppearance(application, before ? Appearance::Light : Appearance::Dark);
    EXPECT_EQ(desktopIsDark(), before);
    applyAppearance(application, Appearance::Desktop);
    EXPECT_EQ(&tokensOf(QApplication::palette()) == &darkTokens(), before);
    applyAppearance(application, Appearance::Light);
}

TEST(Theme, SizesOfTextAreOrdered)
{
    int last = 0;
    for (const TextSize size :
         {TextSize::Axis, TextSize::Secondary, TextSize::Body, TextSize::Title, TextSize::Headline}) {
        EXPECT_GT(textFont(size).pixelSize(), last);
        last = textFont(size).pixelSize();
    }
    EXPECT_TRUE(QFontInfo(fixedFont(TextSize::Body)).fixedPitch());
}

TEST(Icons, EveryIconHasAPicture)
{
    for (int i = 0; i <= static_cast<int>(Icon::BrokenLink); ++i) {
        const QImage image = painted([&](QPainter& painter) {
            paintIcon(painter, QRectF(0, 0, 32, 32), static_cast<Icon>(i), QColor(Qt::red));
        });
        EXPECT_GT(inked(image), 40) << "icon " << i;
        for (int y = 0; y < 32; ++y)
            for (int x = 0; x < 32; ++x)
                if (image.pixelColor(x, y).alpha() > 250) {
                    const QColor pixel = image.pixelColor(x, y);
                    ASSERT_GE(pixel.red(), 250);
                    ASSERT_EQ(pixel.green() + pixel.blue(), 0) << "tinted by nothing else";
                }
    }
}

TEST(Icons, FollowTheAppearance)
{
    auto& application = *qobject_cast<QApplication*>(QCoreApplication::instance());
    const QIcon icon = themedIcon(Icon::Stop, IconTint::Text);
    const auto darkest = [&] {
        const QImage image = icon.pixmap(24, 24).toImage();
        int lightness = -1;
        for (int y = 0; y < image.height(); ++y)
            for (int x = 0; x < image.width(); ++x)
                if (image.pixelColor(x, y).alpha() > 200)
                    lightness = std::max(lightness, image.pixelColor(x, y).lightness());
        return lightness;
    };
    applyAppearance(application, Appearance::Light);
    const int light = darkest();
    applyAppearance(application, Appearance::Dark);
    const int dark = darkest();
    applyAppearance(application, Appearance::Light);
    EXPECT_LT(light, 80);
    EXPECT_GT(dark, 180);
}

TEST(States, DifferByShapeWithoutAnyColour)
{
    // One bit per pixel: ink or ground, whatever the colours are.
    std::vector<std::vector<bool>> shapes;
    for (const CheckState state :
         {CheckState::Verified, CheckState::Failed, CheckState::NotChecked, CheckState::WeakerThanPolicy}) {
        const QImage image = painted([&](QPainter& painter) {
            painter.fillRect(0, 0, 32, 32, lightTokens().panel);
            paintStateGlyph(painter, QRectF(0, 0, 32, 32), state, lightTokens());
        });
        const int ink = qGray(tintOf(state, lightTokens()).ink.rgb());
        std::vector<bool> shape;
        for (int y = 0; y < 32; ++y)
            for (int x = 0; x < 32; ++x)
                shape.push_back(qGray(image.pixel(x, y)) < (ink + 255) / 2);
        shapes.push_back(std::move(shape));
    }
    for (std::size_t a = 0; a < shapes.size(); ++a)
        for (std::size_t b = a + 1; b < shapes.size(); ++b) {
            int different = 0;
            for (std::size_t i = 0; i < shapes[a].size(); ++i)
                different += shapes[a][i] != shapes[b][i] ? 1 : 0;
            EXPECT_GT(different, 100) << a << " and " << b; // a tenth of the glyph
        }
}

TEST(States, AlwaysHaveAWord)
{
    StateBadge badge;
    badge.setForm(StateBadge::Form::Glyph);
    badge.setState(CheckState::WeakerThanPolicy);
    EXPECT_EQ(badge.accessibleName().toStdString(), "Weaker than policy");
    badge.setWord(QStringLiteral("Not covered"));
    EXPECT_EQ(badge.accessibleName().toStdString(), "Not covered");
}

TEST(Evidence, MeasuredBoundedAndProvedAreThreeWords)
{
    EXPECT_EQ(evidenceWord(Evidence::Measured).toStdString(), "measured");
    EXPECT_EQ(evidenceWord(Evidence::Bounded).toStdString(), "bounded");
    EXPECT_EQ(evidenceWord(Evidence::Proved).toStdString(), "proved");
}

}
