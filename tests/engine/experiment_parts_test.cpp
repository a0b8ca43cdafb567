// The small parts of experiments: tables as text, blocks spread over a model, coverage over a threshold.
#include "engine/pipeline/experiment/experiment_kind.h"
#include "engine/pipeline/experiment/figure_parts.h"
#include "engine/pipeline/experiment/table.h"

#include <gmock/gmock.h>

namespace blockcert::pipeline {
namespace {

Table sample()
{
    return {"table",
            "A title",
            {{"name", "name"}, {"value", "value, exact"}, {"there", "there"}},
            {{"plain", 0.1, true}, {"with, comma", 1e-300, false}, {"a \"quote\"\nand a line", nullptr, 12}}};
}

TEST(Tables, AsCsvKeepEveryTextAndEveryDigit)
{
    EXPECT_EQ(toCsv(sample()), "name,value,there\r\nplain,0.1,true\r\n\"with, comma\",1e-300,false\r\n"
                               "\"a \"\"quote\"\"\nand a line\",,12\r\n");
}

TEST(Tables, AsMarkdownStayTables)
{
    Table table = sample();
    table.rows = {{"a | b\n# heading", 1.0, "<b>"}};
    EXPECT_EQ(toMarkdown(table),
              "| name | value, exact | there |\n|---|---|---|\n| a \\| b⏎# heading | 1.00 | \\<b\\> |\n");
}

TEST(Tables, ShowTokensThatAreBlanks)
{
    EXPECT_EQ(withMarkedBlanks(" five"), "␣five");
    EXPECT_EQ(withMarkedBlanks("\n"), "⏎");
    EXPECT_EQ(withMarkedBlanks(" "), "␣");
    EXPECT_EQ(withMarkedBlanks("two words \t"), "two words ⇥");
    EXPECT_EQ(withMarkedBlanks(""), "");
    Table table = sample();
    table.rows = {{"\n", 1.0, " "}};
    EXPECT_THAT(toMarkdown(table), testing::HasSubstr("| ⏎ | 1.00 | ␣ |"));
}

TEST(Tables, AsJsonNameEveryCell)
{
    const Json json = toJson(sample());
    EXPECT_EQ(json.at("rows").size(), 3U);
    EXPECT_EQ(json.at("rows")[1].at("value"), 1e-300);
    EXPECT_TRUE(json.at("rows")[2].at("value").is_null());
    EXPECT_EQ(json.at("columns")[1].at("title"), "value, exact");
}

TEST(ShortText, HasThreeDigits)
{
    EXPECT_EQ(shortText(0.0), "0");
    EXPECT_EQ(shortText(1.0), "1.00");
    EXPECT_EQ(shortText(0.9999), "0.999"); // never rounded to a full coverage
    EXPECT_EQ(shortText(12.345), "12.3");
    EXPECT_EQ(shortText(1234.5), "1234");
    EXPECT_EQ(shortText(0.0123456), "0.0123");
    EXPECT_EQ(shortText(0.00123456), "1.23e-3");
    EXPECT_EQ(shortText(-2.5e-7), "−2.50e-7"); // the sign is a minus, as in other verbs
    EXPECT_EQ(shortText(-0.0817), "−0.0817");
    EXPECT_EQ(shortText(-0.9999), "−0.999");
    EXPECT_EQ(shortText(98765.0), "9.88e4");
    EXPECT_EQ(shortText(42), "42");
    EXPECT_EQ(shortText(nullptr), "–");
    EXPECT_EQ(shortText(true), "yes");
}

TEST(PlainNumber, IsWhatOneWouldType)
{
    EXPECT_EQ(plainNumber(0.01), "0.01");
    EXPECT_EQ(plainNumber(1e-5), "1e-5");
    EXPECT_EQ(plainNumber(1e-10), "1e-10");
    EXPECT_EQ(plainNumber(100), "100");
}

TEST(SpreadBlocks, GoEvenlyFromTheFirstToTheLast)
{
    EXPECT_EQ(spreadBlocks(30), "0,7,15,22,29");
    EXPECT_EQ(spreadBlocks(22), "0,5,11,16,21");
    EXPECT_EQ(spreadBlocks(5), "0,1,2,3,4");
    EXPECT_EQ(spreadBlocks(3), "0,1,2");
    EXPECT_EQ(spreadBlocks(1), "0");
}

TEST(CoverageAt, CountsTheThresholdItself)
{
    const std::vector<double> errors = {0.0, 0.01, 0.010000000000000002, 1.0};
    EXPECT_EQ(coverageAt(errors, 0.01), 0.5);
    EXPECT_EQ(coverageAt(errors, 1.0), 1.0);
    EXPECT_EQ(coverageAt({}, 1.0), 0.0);
}

}
}
