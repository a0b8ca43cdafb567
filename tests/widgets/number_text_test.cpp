#include "widgets/number_text.h"
#include "widgets/values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace blockcert::widgets {

namespace {

std::string text(const QString& value)
{
    return value.toStdString();
}

}

TEST(NumberText, TablesShowThreeSignificantDigits)
{
    EXPECT_EQ(text(tableNumber(0.014217093)), "0.0142");
    EXPECT_EQ(text(tableNumber(2.41e-4)), "2.41e-4");
    EXPECT_EQ(text(tableNumber(5.2e-3)), "5.20e-3");
    EXPECT_EQ(text(tableNumber(0.01)), "0.0100");
    EXPECT_EQ(text(tableNumber(0.0100004, 0.01)), "0.0100004");
    EXPECT_EQ(text(tableNumber(1.0000001e-5, 1e-5)), "1.0000001e-5");
    EXPECT_EQ(text(tableNumber(0.01, 0.01)), "0.0100");
    EXPECT_EQ(text(tableNumber(0.0123456, 0.01)), "0.0123");
    EXPECT_EQ(text(tableNumber(37.24)), "37.2");
    EXPECT_EQ(text(tableNumber(612)), "612");
    EXPECT_EQ(text(tableNumber(19804)), "1.98e4");
    EXPECT_EQ(text(tableNumber(-0.131)), "-0.131");
    EXPECT_EQ(text(tableNumber(0)), "0");
}

TEST(NumberText, RoundingThatGainsADigitKeepsThreeDigits)
{
    EXPECT_EQ(text(tableNumber(9.996e-3)), "0.0100");
    EXPECT_EQ(text(tableNumber(999.6)), "1.00e3");
}

TEST(NumberText, WhatWasNotMeasuredIsADashAndNeverZero)
{
    EXPECT_EQ(text(tableNumber(missing)), "–");
    EXPECT_EQ(text(exactNumber(missing)), "–");
    EXPECT_EQ(text(signedNumber(missing)), "–");
    EXPECT_EQ(text(coverageText(missing)), "–");
    EXPECT_EQ(text(coverageText(0, 0)), "–");
    EXPECT_EQ(text(durationText(missing)), "–");
}

TEST(NumberText, ExactNumbersReadBackToTheSameDouble)
{
    EXPECT_EQ(text(exactNumber(0.1)), "0.1");
    for (const QString& number :
         {exactNumber(3.1e-205), exactNumber(-0.25), signedNumber(1e-9), signedNumber(-2), tableNumber(19800),
          countText(1234567), bytesText(98400000), tableNumber(20) + u'×', percentText(0.42)})
        EXPECT_TRUE(isNumberText(number)) << text(number);
    for (const QString& words : {QStringLiteral("not measured"), QStringLiteral("3 of 12"), QStringLiteral("–"),
                                 QStringLiteral("2 h 05 min"), QStringLiteral("4d1e…90ab"), QString()})
        EXPECT_FALSE(isNumberText(words)) << text(words);
    EXPECT_EQ(text(exactNumber(0.01)), "0.01");
    EXPECT_EQ(text(exactNumber(1e-5)), "1e-5");
    EXPECT_EQ(text(exactNumber(19804)), "19804");
    EXPECT_EQ(text(exactNumber(1e22)), "1e22");
    std::mt19937_64 random(7);
    for (int i = 0; i < 20000; ++i) {
        const std::uint64_t bits = random();
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value))
            continue;
        bool ok = false;
        ASSERT_EQ(exactNumber(value).toDouble(&ok), value) << text(exactNumber(value));
        ASSERT_TRUE(ok);
    }
}

TEST(NumberText, InfinityIsWrittenAsSuch)
{
    EXPECT_EQ(text(exactNumber(std::numeric_limits<double>::infinity())), "∞");
    EXPECT_EQ(text(tableNumber(-std::numeric_limits<double>::infinity())), "−∞");
}

TEST(NumberText, SignsAreExplicitWhereTheyMatter)
{
    EXPECT_EQ(text(signedNumber(0.131)), "+0.131");
    EXPECT_EQ(text(signedNumber(-3.1e-6)), "−3.1e-6");
    EXPECT_EQ(text(signedNumber(0)), "0");
    EXPECT_EQ(text(signedTableNumber(0.58123)), "+0.581");
}

TEST(NumberText, TicksHaveNoZerosAtTheirEnd)
{
    EXPECT_EQ(text(tickNumber(1e-6)), "1e-6");
    EXPECT_EQ(text(tickNumber(0.01)), "0.01");
    EXPECT_EQ(text(tickNumber(0.4)), "0.4");
    EXPECT_EQ(text(tickNumber(10)), "10");
    EXPECT_EQ(text(tickNumber(0.0142)), "0.0142");
}

TEST(NumberText, CoverageIsNeverRoundedUpToOne)
{
    EXPECT_EQ(text(coverageText(1.0)), "1.000");
    EXPECT_EQ(text(coverageText(0.9999999)), "0.999");
    EXPECT_EQ(text(coverageText(2047, 2048)), "0.999");
    EXPECT_EQ(text(coverageText(999'999'999'999, 1'000'000'000'000)), "0.999");
    EXPECT_EQ(text(coverageText(2048, 2048)), "1.000");
}

TEST(NumberText, CoverageIsNeverRoundedDownToNone)
{
    EXPECT_EQ(text(coverageText(0.0)), "0.000");
    EXPECT_EQ(text(coverageText(1, 4096)), "<0.001");
    EXPECT_EQ(text(coverageText(4e-4)), "<0.001");
}

TEST(NumberText, CoverageIsCutOnItsDecimalDigits)
{
    // 0.57 · 1000 is 569.99… in binary: cutting the product would print 0.569.
    EXPECT_EQ(text(coverageText(0.57)), "0.570");
    EXPECT_EQ(text(coverageText(0.29)), "0.290");
    EXPECT_EQ(text(coverageText(0.94)), "0.940");
    EXPECT_EQ(text(coverageText(0.9399999999)), "0.939");
    EXPECT_EQ(text(coverageText(94, 100)), "0.940");
}

TEST(NumberText, PercentsHaveOneDecimalAndNeverReadNothingOrAllForWhatIsNeither)
{
    EXPECT_EQ(text(percentText(0.4217)), "42.2\u00a0%");
    EXPECT_EQ(text(percentText(1.0 / 6)), "16.7\u00a0%");
    EXPECT_EQ(text(percentText(0.0625)), "6.3\u00a0%"); // a half away from zero
    EXPECT_EQ(text(percentText(0.9999)), "99.9\u00a0%");
    EXPECT_EQ(text(percentText(0.0004)), "less than 0.1\u00a0%");
    EXPECT_EQ(text(percentText(1.00001)), "more than 100\u00a0%");
    EXPECT_EQ(text(percentText(0)), "0\u00a0%");
    EXPECT_EQ(text(percentText(1)), "100\u00a0%");
    EXPECT_EQ(text(percentText(missing)), "–");
}

TEST(NumberText, CountsAreGroupedByThinSpaces)
{
    EXPECT_EQ(text(countText(0)), "0");
    EXPECT_EQ(text(countText(999)), "999");
    EXPECT_EQ(text(countText(19804)), "19\u202f804");
    EXPECT_EQ(text(countText(134515008)), "134\u202f515\u202f008");
    EXPECT_EQ(text(countText(-1234)), "-1\u202f234");
}

TEST(NumberText, BytesUsePowersOfTen)
{
    EXPECT_EQ(text(bytesText(0)), "0 B");
    EXPECT_EQ(text(bytesText(999)), "999 B");
    EXPECT_EQ(text(bytesText(1000)), "1.00 kB");
    EXPECT_EQ(text(bytesText(98393888)), "98.4 MB");
    EXPECT_EQ(text(bytesText(999'600'000)), "1.00 GB");
    EXPECT_EQ(text(bytesText(std::numeric_limits<std::uint64_t>::max())), "18.4 EB");
}

TEST(NumberText, DurationsGrowCoarserWithLength)
{
    EXPECT_EQ(text(durationText(0.12)), "120 ms");
    EXPECT_EQ(text(durationText(6.21)), "6.2 s");
    EXPECT_EQ(text(durationText(9.97)), "10 s");
    EXPECT_EQ(text(durationText(59.7)), "1 min 00 s");
    EXPECT_EQ(text(durationText(200)), "3 min 20 s");
    EXPECT_EQ(text(durationText(7500)), "2 h 05 min");
}

TEST(NumberText, TheTimeLeftIsARange)
{
    EXPECT_EQ(text(etaText(95, 160)), "about 2–3 min left");
    EXPECT_EQ(text(etaText(118, 122)), "about 2 min left");
    EXPECT_EQ(text(etaText(20, 41)), "about 20–40 s left");
    EXPECT_EQ(text(etaText(2, 6)), "a few seconds left");
    EXPECT_EQ(text(etaText(missing, missing)), "time left not known yet");
}

TEST(NumberText, DigestsShowFirstAndLastFour)
{
    const QString digest = QStringLiteral("4d1e0c9b8a7f6e5d4c3b2a190807f6e5d4c3b2a1908070605040302010f090ab");
    EXPECT_EQ(text(digestText(digest)), "4d1e…90ab");
    EXPECT_EQ(text(digestText(QStringLiteral("4d1e"))), "4d1e");
}

TEST(NumberText, TwoDigestsThatDifferInTheMiddleDoNotLookAlike)
{
    const QString a = QStringLiteral("4d1e0c9b8a7f6e5d4c3b2a190807f6e5d4c3b2a1908070605040302010f090ab");
    QString b = a;
    b[40] = u'f';
    const int at = firstDifference(a, b);
    ASSERT_EQ(at, 40);
    EXPECT_EQ(text(digestText(a)), text(digestText(b)));
    EXPECT_NE(text(digestText(a, at)), text(digestText(b, at)));
}

TEST(NumberText, ANameCannotTurnTheTextRoundOrHideInIt)
{
    EXPECT_EQ(text(shownName(QStringLiteral("exact run, 30 %"))), "exact run, 30 %");
    EXPECT_EQ(text(shownName(QStringLiteral("a\u202efdp.b\n\u200bc"))), "a\\u202efdp.b\\u000a\\u200bc");
    EXPECT_EQ(text(shownName(QStringLiteral("größe-日本"))), "größe-日本");
    // Beyond the first plane: a tag letter is not seen, an emoji is.
    EXPECT_EQ(text(shownName(QStringLiteral(u"a\U000E0041b\U0001F600"))), "a\\U000e0041b\U0001F600");
    EXPECT_EQ(text(shownText(QStringLiteral("a\u202eb\n\tc"))), "a\\u202eb\n\tc") << "a sentence keeps its lines";
}

TEST(NumberText, NumbersOfAnotherOrderDifferFromTheFirstDigitOn)
{
    const auto at = [](const char* a, const char* b) {
        return firstDifference(QString::fromLatin1(a), QString::fromLatin1(b));
    };
    EXPECT_EQ(at("3.205732295074645e-06", "3.205732295285444e-06"), 11) << "the digit that differs";
    EXPECT_EQ(at("3.205732295074645e-06", "3.205732295285444e-05"), 0) << "ten times as much";
    EXPECT_EQ(at("0.0012", "0.012"), 0);
    EXPECT_EQ(at("1.5e-3", "-1.5e-3"), 0);
    EXPECT_EQ(at("0.0012", "0.0013"), 5);
    EXPECT_EQ(at("0", "0.5"), 1);
    EXPECT_EQ(at("0.5", "0.5"), -1);
}

TEST(NumberText, AComparisonShowsAsManyDigitsAsItNeeds)
{
    EXPECT_EQ(text(comparisonText(0.014217093, 0.01)), "0.014217… > 0.01");
    EXPECT_EQ(text(comparisonText(0.01, 0.01)), "0.01 ≤ 0.01");
    EXPECT_EQ(text(comparisonText(0.5, 0.01)), "0.5 > 0.01");
    const double above = std::nextafter(0.01, 1.0);
    EXPECT_EQ(text(comparisonText(above, 0.01)), "0.010000000000000002 > 0.01");
    EXPECT_EQ(text(comparisonText(0.010000043219, 0.01)), "0.01000004… > 0.01");
    EXPECT_EQ(text(comparisonText(3.141592653e-7, 1e-5)), "3.1415…e-7 ≤ 1e-5");
}

TEST(NumberText, AShortenedComparisonIsNeverOnTheWrongSide)
{
    std::mt19937_64 random(11);
    for (int i = 0; i < 20000; ++i) {
        const double threshold = std::pow(10.0, -static_cast<double>(random() % 6));
        const double spread = std::pow(10.0, -static_cast<double>(random() % 15));
        const double sign = (random() & 1U) != 0 ? 1.0 : -1.0;
        const double value = threshold * (1 + sign * spread * (static_cast<double>(random() % 1000) / 1000));
        const QString shown = comparisonText(value, threshold);
        const bool above = shown.contains(u'>');
        EXPECT_EQ(above, value > threshold);
        const double written = shown.section(u' ', 0, 0).remove(u'…').toDouble();
        EXPECT_EQ(written > threshold, above) << text(shown);
    }
}

TEST(NumberText, PiecesShowTheirSpacesAndControls)
{
    EXPECT_EQ(text(visiblePiece(QStringLiteral(" the"))), "␣the");
    EXPECT_EQ(text(visiblePiece(QStringLiteral("\n\t"))), "⏎⇥");
    EXPECT_EQ(text(visiblePiece(QString(QChar(0x1b)))), "\\u001b");
    EXPECT_EQ(text(visiblePiece(QString(QChar(0x202e)))), "\\u202e"); // would turn the text around
    EXPECT_EQ(text(visiblePiece(QStringLiteral("κόσμε"))), "κόσμε");
}

TEST(NumberText, ATokenCannotWriteMarkupIntoAToolTip)
{
    const QString shown = plainToolTip(QStringLiteral("<img src=\"file:///etc/passwd\"> <b>verified</b>"));
    EXPECT_FALSE(shown.contains(QStringLiteral("<b>")));
    EXPECT_FALSE(shown.contains(QStringLiteral("<img")));
    EXPECT_TRUE(shown.contains(QStringLiteral("&lt;b&gt;verified")));
    EXPECT_TRUE(plainToolTip(QString()).isEmpty()); // no empty box
}

}
