#include "engine/base/error.h"
#include "engine/base/strict_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace blockcert {
namespace {

Json parse(std::string_view text)
{
    return parseStrictJson(text, "text");
}

TEST(StrictJson, ReadsWhatItWrites)
{
    const Json value = {{"b", {1, 2.5, nullptr, true}}, {"a", "\xC3\xA9"}, {"c", Json::object()}};
    EXPECT_EQ(parse(writeJson(value)), value);
}

TEST(StrictJson, RefusesDuplicateKeysEvenWhenSpelledDifferently)
{
    EXPECT_THROW(parse(R"({"a": 1, "a": 1})"), FormatError);
    EXPECT_THROW(parse(R"({"a": 1, "\u0061": 1})"), FormatError);
    EXPECT_NO_THROW(parse(R"([{"a": 1}, {"a": 1}])"));
}

TEST(StrictJson, RefusesWhatIsNotJson)
{
    for (const char* text : {"", "{", "nul", "NaN", "Infinity", "-Infinity", "[1,]", "{\"a\":1} x", "\"\xFF\"", "01",
                             "1e999", "[1e-999999999999999999999999999999]", "123456789012345678901234567890",
                             "\"\\ud800\"", "// a\n1", "\xEF\xBB\xBF{}"})
        EXPECT_THROW(parse(text), FormatError) << text;
}

TEST(StrictJson, SaysThatAFileIsEmpty)
{
    for (const char* nothing : {"", " ", "\n\t\r\n"}) {
        try {
            (void)parseStrictJson(nothing, "file.json");
            ADD_FAILURE() << "read";
        } catch (const FormatError& error) {
            EXPECT_STREQ(error.what(), "file.json: not valid JSON: it is empty.");
        }
    }
}

TEST(StrictJson, HoldsItsLimits)
{
    const std::string deep(32, '[');
    EXPECT_NO_THROW(parse(deep + std::string(32, ']')));
    EXPECT_THROW(parse("[" + deep + std::string(33, ']')), FormatError);
    EXPECT_THROW(parse(std::string(1000000, '[')), FormatError);
    EXPECT_THROW(parseStrictJson("\"0123456789\"", "text", {.stringBytes = 9}), FormatError);
    EXPECT_THROW(parseStrictJson("[1, 2]", "text", {.bytes = 5}), ResourceError);
    EXPECT_NO_THROW(parseStrictJson("[1, 2]", "text", {.values = 3}));
    EXPECT_THROW(parseStrictJson("[1, 2]", "text", {.values = 2}), FormatError);
}

TEST(StrictJson, RoundsWideIntegersOnlyWhenAsked)
{
    const char* text = "1000000000000000019884624838656";
    EXPECT_THROW(parseStrictJson(text, "text"), FormatError);
    EXPECT_EQ(parseStrictJson(text, "text", {.roundWideIntegers = true}).get<double>(), 1e30);
}

TEST(StrictJson, NeverWritesANumberThatIsNotFinite)
{
    EXPECT_THROW(writeJson({{"a", {std::nan("")}}}), NumericError);
    EXPECT_THROW(writeJson({{"a", std::numeric_limits<double>::infinity()}}), NumericError);
    EXPECT_THROW(certifiedNumber(std::nan("")), NumericError);
}

TEST(StrictJson, NamesTheMembersThatDiffer)
{
    const Json a = {{"dtype", "F32"}, {"only_a", 1}, {"rows", {1, 2}}, {"seed", 3}};
    const Json b = {{"dtype", "F32"}, {"only_b", 1}, {"rows", {2, 1}}, {"seed", 4}};
    EXPECT_EQ(differingMembers(a, b), (std::vector<std::string>{"only_a", "rows", "seed", "only_b"}));
    EXPECT_TRUE(differingMembers(a, a).empty());
    EXPECT_TRUE(differingMembers(a, Json::array()).empty());
}

TEST(HexFloat, IsExactInBothDirections)
{
    std::mt19937_64 random(7);
    for (int i = 0; i < 10000; ++i) {
        double value = 0;
        const std::uint64_t bits = random();
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value))
            continue;
        ASSERT_EQ(fromHexFloat(toHexFloat(value)), value) << toHexFloat(value);
        ASSERT_EQ(readCertifiedNumber(parse(writeJson(certifiedNumber(value))), "x"), value);
        ASSERT_EQ(std::strtod(toHexFloat(value).c_str(), nullptr), value); // the C library reads it alike
    }
    EXPECT_EQ(toHexFloat(3), "0x1.8p+1");
    EXPECT_TRUE(std::signbit(fromHexFloat("-0x0p+0")));
}

TEST(HexFloat, RefusesEverythingElse)
{
    for (const char* text : {"", "1", "0x", "0x--1p0", "0x-1p0", "0x1p0 ", " 0x1p0", "nan", "0xnan", "inf", "0xinf",
                             "0x1p99999", "--0x1p0", "+0x1p0"})
        EXPECT_THROW(fromHexFloat(text), FormatError) << text;
}

TEST(CertifiedNumber, MustSayOneNumberTwice)
{
    EXPECT_EQ(readCertifiedNumber(parse(R"({"value": 1.5, "hex": "0x1.8p+0"})"), "x"), 1.5);
    for (const char* text :
         {R"({"value": 1.5, "hex": "0x1.9p+0"})", R"({"value": 1.5})", "1.5",
          R"({"value": 1.5, "hex": "0x1.8p+0", "more": 1})", R"({"value": "1.5", "hex": "0x1.8p+0"})"})
        EXPECT_THROW(readCertifiedNumber(parse(text), "x"), FormatError) << text;
}

}
}
