#include "app/terminal/number_words.h"
#include "app/terminal/progress_view.h"
#include "app/terminal/text_style.h"
#include "app/terminal/text_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

using namespace blockcert;
using namespace blockcert::terminal;
using testing::HasSubstr;
using testing::Not;

TEST(NumberWords, ShowThreeSignificantDigits)
{
    EXPECT_EQ(threeDigits(0), "0");
    EXPECT_EQ(threeDigits(1), "1.00");
    EXPECT_EQ(threeDigits(0.0123456), "0.0123");
    EXPECT_EQ(threeDigits(0.00123456), "0.00123");
    EXPECT_EQ(threeDigits(0.000123456), "1.23e-4");
    EXPECT_EQ(threeDigits(99.96), "100");
    EXPECT_EQ(threeDigits(999.6), "1.00e3");
    EXPECT_EQ(threeDigits(-12.345), "-12.3");
    EXPECT_EQ(threeDigits(1.5e-30), "1.50e-30");
}

TEST(NumberWords, ShowOnWhichSideOfAThresholdTheyLie)
{
    EXPECT_EQ(threeDigits(0.0123456, 0.01), "0.0123");
    EXPECT_EQ(threeDigits(0.01, 0.01), "0.0100");
    EXPECT_EQ(threeDigits(0.0100004, 0.01), "0.0100004");
    EXPECT_EQ(threeDigits(0.00999999, 0.01), "0.0100") << "as small as it looks: at most the threshold";
    EXPECT_EQ(threeDigits(1.0000001e-5, 1e-5), "1.0000001e-5");
    EXPECT_EQ(threeDigits(std::nextafter(0.01, 1), 0.01), "0.010000000000000002");
}

TEST(NumberWords, NeverRoundACoverageUpToAHundred)
{
    EXPECT_EQ(percent(1), "100 %");
    EXPECT_EQ(percent(0.99999), "99.9 %");
    EXPECT_EQ(percent(0.94), "94.0 %");
    EXPECT_EQ(percent(0.9391), "93.9 %");
    EXPECT_EQ(percent(1.0 / 6), "16.7 %");
    EXPECT_EQ(percent(0.0001), "< 0.1 %") << "not nothing";
    EXPECT_EQ(percent(0.9996), "99.9 %") << "not all";
    EXPECT_EQ(percent(0), "0 %");
}

TEST(NumberWords, ShowThresholdsWithoutNeedlessZeros)
{
    EXPECT_EQ(plainNumber(0.01), "0.01");
    EXPECT_EQ(plainNumber(1e-5), "1e-5");
    EXPECT_EQ(plainNumber(0.94 * 100), "94");
}

TEST(NumberWords, NameSizesCountsAndTimes)
{
    EXPECT_EQ(bytes(512), "512 bytes");
    EXPECT_EQ(bytes(98'362'432), "98.4 MB");
    EXPECT_EQ(bytes(999'999), "1.00 MB");
    EXPECT_EQ(largeCount(134'515'008), "134.5 million");
    EXPECT_EQ(grouped(49152), "49 152");
    EXPECT_EQ(grouped(1234567), "1 234 567");
    EXPECT_EQ(grouped(-999), "-999");
    EXPECT_EQ(duration(0.123), "0.12 s");
    EXPECT_EQ(duration(200), "3 min 20 s");
    EXPECT_EQ(duration(7500), "2 h 05 min");
    EXPECT_EQ(counted(1, "token"), "1 token");
    EXPECT_EQ(counted(2000, "token"), "2 000 tokens");
    EXPECT_EQ(shortDigest(std::string(60, 'a') + "beef"), "aaaa…beef");
}

TEST(TextStyle, PaintsOnlyWhereColoursAreSeen)
{
    EXPECT_EQ(Style().paint(Tone::Bad, "no"), "no");
    EXPECT_EQ(Style(true).paint(Tone::Bad, "no"), "\x1b[31mno\x1b[0m");
}

TEST(TextStyle, MakesControlCharactersHarmless)
{
    EXPECT_EQ(visible("a\nb\tc"), "a⏎b⇥c");
    EXPECT_THAT(visible("\x1b[2Jgone\r"), Not(HasSubstr("\x1b")));
    EXPECT_EQ(visible("\xff\xfe"), "��");
    EXPECT_EQ(visiblePiece(" the end", 20), "␣the␣end");
}

TEST(TextStyle, CutsByColumnsNotByBytes)
{
    EXPECT_EQ(shortened("äöüäöü", 6), "äöüäöü");
    EXPECT_EQ(shortened("äöüäöü", 4), "äöü…");
    EXPECT_EQ(displayWidth("日本"), 4);
    EXPECT_EQ(shortened("日本語", 5), "日本…");
}

TEST(TextTable, AlignsColumnsAndWritesNoBlanksAtTheEnd)
{
    TextTable table({{"block", Align::Right}, {"token"}, {"ε", Align::Right}});
    table.add({"0", "“ä”", "1.00"});
    table.add({"15", "long one", ""});
    EXPECT_EQ(table.render(Style(), 0), "block  token        ε\n"
                                        "    0  “ä”       1.00\n"
                                        "   15  long one\n");
}

TEST(TextTable, CutsTheLastColumnToTheWidthOfTheTerminal)
{
    TextTable table({{"a"}, {"b"}});
    table.add({"one", "a long explanation"});
    EXPECT_EQ(table.render(Style(), 0, 15), "a    b\n"
                                            "one  a long ex…\n");
    EXPECT_EQ(table.render(Style(), 0, 0), "a    b\n"
                                           "one  a long explanation\n");
}

TEST(TextTable, WrapsALastColumnThatAsksForIt)
{
    TextTable table({{""}, {"", Align::Left, Narrow::Wrap}});
    table.add({"device", "one two three four five six"});
    EXPECT_EQ(table.render(Style(), 0, 29), "device  one two three four\n"
                                            "        five six\n");
    EXPECT_EQ(table.render(Style(), 0, 0), "device  one two three four five six\n");
}

TEST(TextTable, LeavesOutALastColumnThatAllowsItAndCutsText)
{
    TextTable table({{"check"}, {"ε", Align::Right}, {"how", Align::Left, Narrow::LeaveOut}});
    table.add({"the norm of every recorded output", "0.000123456", "replayed in double"});
    EXPECT_EQ(table.render(Style(), 0, 30), "check                        ε\n"
                                            "the norm of ever…  0.000123456\n");
    EXPECT_EQ(table.render(Style(), 0, 60), "check                                        ε  how\n"
                                            "the norm of every recorded output  0.000123456  replayed in…\n");
}

TEST(Text, KeepsALevelAndItsNumberOnOneLine)
{
    EXPECT_EQ(wrap("not checked (level 4), more", 18, 2), "not checked\n  (level 4), more");
    EXPECT_EQ(wrap("verify --level 3", 14, 0), "verify\n--level 3");
    EXPECT_EQ(wrap("at every level of it", 14, 0), "at every level\nof it");
}

TEST(TextTable, NeverCutsNumbers)
{
    TextTable table({{"a", Align::Right}, {"b", Align::Right}});
    table.add({"1.2345678901234", "0.98765432109876"});
    EXPECT_THAT(table.render(Style(), 0, 20), HasSubstr("1.2345678901234  "));
}

namespace {

std::string shown(ProgressForm form, std::initializer_list<std::int64_t> done)
{
    std::string text;
    ProgressView view(form, Style(), 80, false, [&](const std::string& part) { text += part; });
    protocol::ProgressMeter meter(0, 0);
    double now = 0;
    for (const std::int64_t count : done) {
        Progress event;
        event.stage = "replay";
        event.done = count;
        event.total = 4;
        event.unit = "cells";
        event.block = 7;
        if (const auto metered = meter.take(event, now))
            view.show(*metered);
        now += 1;
    }
    view.finish();
    return text;
}

}

TEST(ProgressView, WritesOneLineAStageWithoutATerminal)
{
    EXPECT_EQ(shown(ProgressForm::Lines, {0, 1, 2, 3, 4}), "replay: 4 cells in 4.0 s\n");
}

namespace {

// Four cells and what is told of them later, with numbers or without.
std::string toldAgain(const char* numbers)
{
    std::string text;
    ProgressView view(ProgressForm::Lines, Style(), 80, false, [&](const std::string& part) { text += part; });
    protocol::ProgressMeter meter(0, 0);
    double now = 0;
    const auto tell = [&](const char* stage, std::int64_t done, const char* unit, const char* detail) {
        Progress event;
        event.stage = stage;
        event.done = done;
        event.total = 4;
        event.unit = unit;
        event.detail = detail;
        if (const auto metered = meter.take(event, now))
            view.show(*metered);
        now += 1;
    };
    for (const std::int64_t done : {0, 1, 2, 3, 4})
        tell("replay", done, "cells", numbers);
    for (int loss = 0; loss < 2; ++loss)
        tell("replay", 4, "cells", numbers); // the losses of these cells, known later
    tell("write", 4, "blocks", numbers);
    tell("replay", 4, "cells", numbers);
    view.finish();
    return text;
}

}

TEST(ProgressView, CountsAStageOnceHoweverMuchIsToldOfItAfterwards)
{
    EXPECT_EQ(toldAgain("{}"), "replay: 4 cells in 6.0 s\nwrite: 4 blocks in 1.0 s\n");
    EXPECT_THAT(toldAgain(""), HasSubstr("replay: 4 cells in"));
}

TEST(ProgressView, DrawsABarWithRateAndRemainingTimeAndRemovesIt)
{
    const std::string text = shown(ProgressForm::Bar, {0, 2, 4});
    EXPECT_THAT(text, HasSubstr("2 / 4 cells  2.00/s  1.0 s left  block 7"));
    EXPECT_TRUE(text.ends_with("\r\x1b[K")) << "the bar is still there";
}
