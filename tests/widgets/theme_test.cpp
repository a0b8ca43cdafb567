#include "widgets/block_table.h"
#include "widgets/icons.h"
#include "widgets/panel.h"
#include "widgets/rail.h"
#include "widgets/segmented_control.h"
#include "widgets/state_badge.h"
#include "widgets/status_line.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QHeaderView>
#include <QImage>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QTest>
#include <QVBoxLayout>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <optional>

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

TEST(Theme, EveryWidgetFollowsTheSizeOfTypeHoweverOftenItChanges)
{
    auto& application = *qobject_cast<QApplication*>(QCoreApplication::instance());
    applyAppearance(application, Appearance::Light);
    const auto pixels = [](const QWidget& widget) { return QFontInfo(widget.font()).pixelSize(); };
    QWidget window;
    auto* column = new QVBoxLayout(&window);
    auto* rail = new Rail;
    rail->setSteps({{QStringLiteral("Explore"), Icon::Explore, {}, true, false, std::nullopt}});
    auto* title = new PageTitle;
    title->setText(QStringLiteral("title"), QStringLiteral("scope"));
    auto* tabs = new SegmentedControl;
    tabs->setChoices({QStringLiteral("Map"), QStringLiteral("Coverage")});
    auto* table = new BlockTable;
    auto* status = new StatusLine;
    auto* heading = makeLabel(QStringLiteral("heading"), TextSize::Body, TextWeight::Strong);
    auto* plain = new QLabel(QStringLiteral("of the application"));
    for (QWidget* part : std::initializer_list<QWidget*>{rail, title, tabs, table, status, heading, plain})
        column->addWidget(part);
    window.show();
    QWidget hiddenPage;
    auto* hidden =
        makeLabel(QStringLiteral("hidden"), TextSize::Secondary, TextWeight::Normal, TextTone::Text, &hiddenPage);
    const int railAtOne = rail->width();
    for (const double scale : {1.6, 1.25, 1.6, 1.0, 1.6, 1.0}) {
        setTypeScale(application, scale);
        const auto expected = [scale](int at1) { return qRound(at1 * scale); };
        const QList<QLabel*> titles = title->findChildren<QLabel*>();
        ASSERT_EQ(titles.size(), 2);
        EXPECT_EQ(pixels(*titles[0]), expected(15)) << scale;
        EXPECT_EQ(pixels(*titles[1]), expected(12)) << scale;
        EXPECT_EQ(pixels(*tabs->findChild<QPushButton*>()), expected(12)) << scale;
        EXPECT_EQ(pixels(*table->horizontalHeader()), expected(11)) << scale;
        EXPECT_EQ(pixels(*status->findChild<QLabel*>()), expected(12)) << scale;
        EXPECT_EQ(pixels(*heading), expected(13)) << scale;
        EXPECT_EQ(heading->font().weight(), QFont::DemiBold);
        EXPECT_EQ(pixels(*plain), expected(13)) << scale;
        EXPECT_TRUE(QTest::qWaitFor([&] { return pixels(*hidden) == expected(12); }))
            << "from the event loop " << scale;
        const QFontMetrics strong(textFont(TextSize::Axis, TextWeight::Strong));
        EXPECT_GE(rail->width(), strong.horizontalAdvance(QStringLiteral("Explore")) + 12) << "no word is cut";
        EXPECT_GE(status->height(), QFontMetrics(textFont(TextSize::Secondary)).height() + 4);
        EXPECT_EQ(rail->width() > railAtOne, scale > 1) << scale;
        EXPECT_EQ(table->verticalHeader()->defaultSectionSize(),
                  std::max(space::tableRow, QFontMetrics(fixedFont(TextSize::Secondary)).height() + 10))
            << scale;
    }
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

TEST(Icons, AnIconWithoutRoomIsNothingAndNoWarning) // every warning of Qt fails this program
{
    const QImage image =
        painted([](QPainter& painter) { paintIcon(painter, QRectF(0, 0, 12, 0), Icon::Stop, QColor(Qt::red)); });
    EXPECT_EQ(inked(image), 0);
}

TEST(States, DifferByShapeWithoutAnyColour)
{
    // One bit per pixel: ink or ground, whatever the colours are.
    std::vector<std::vector<bool>> shapes;
    for (const Mark state :
         {Mark::Verified, Mark::Failed, Mark::NotChecked, Mark::WeakerThanPolicy, Mark::ButLosses, Mark::Unchanged}) {
        const QImage image = painted([&](QPainter& painter) {
            painter.fillRect(0, 0, 32, 32, lightTokens().panel);
            paintMark(painter, QRectF(0, 0, 32, 32), state, lightTokens());
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

TEST(Theme, AButtonThatBecomesThePrimaryOneKeepsTheLargerType)
{
    applyAppearance(*qApp, Appearance::Light);
    QWidget window;
    auto* button = new QPushButton(QStringLiteral("Verify"), &window);
    setButtonRole(*button, ButtonRole::Plain);
    window.show();
    QApplication::processEvents();
    setTypeScale(*qApp, 1.6);
    QApplication::processEvents();
    const int large = textFont(TextSize::Body).pixelSize();
    EXPECT_EQ(button->font().pixelSize(), large);
    for (const ButtonRole role : {ButtonRole::Primary, ButtonRole::Plain, ButtonRole::Primary}) {
        setButtonRole(*button, role);
        QApplication::processEvents();
        EXPECT_EQ(QFontInfo(button->font()).pixelSize(), large);
    }
    setTypeScale(*qApp, 1);
    QApplication::processEvents();
}

}
