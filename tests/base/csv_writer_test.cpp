#include "engine/base/csv_writer.h"

#include <gtest/gtest.h>

#include <limits>

namespace blockcert {
namespace {

TEST(CsvWriter, QuotesWhatRfc4180AsksFor)
{
    CsvWriter csv({"a", "b"});
    csv.text("one, two").text("say \"no\"").endRow();
    csv.text("line\nend").text("plain ünï").endRow();
    EXPECT_EQ(csv.content(), "a,b\r\n\"one, two\",\"say \"\"no\"\"\"\r\n\"line\nend\",plain ünï\r\n");
}

TEST(CsvWriter, KeepsTextsFromBeingFormulas)
{
    CsvWriter csv({"x"});
    for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "a=1", ""})
        csv.text(text).endRow();
    EXPECT_EQ(csv.content(), "x\r\n'=1+1\r\n'+1\r\n'-1\r\n'@SUM(A1)\r\n'\tx\r\n\"'\r=1\"\r\na=1\r\n\r\n");
}

TEST(CsvWriter, WritesNumbersThatReadBackAndNoOthers)
{
    CsvWriter csv({"a", "b", "c", "d", "e"});
    csv.number(-0.1).number(5e-324).number(std::nullopt).integer(-3).boolean(true).endRow();
    csv.number(std::numeric_limits<double>::infinity()).nothing().number(1e22).integer(0).boolean(false).endRow();
    EXPECT_EQ(csv.content(), "a,b,c,d,e\r\n-0.1,5e-324,,-3,true\r\n,,1e+22,0,false\r\n");
}

}
}
