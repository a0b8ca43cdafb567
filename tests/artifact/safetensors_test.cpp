#include "engine/base/error.h"
#include "tests/artifact/model_fixture.h"

#include <gmock/gmock.h>

namespace blockcert::artifact {
namespace {

using test::safetensorsBytes;
using test::TemporaryFolder;
using testing::HasSubstr;

constexpr const char* twoTensors = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                   R"("b":{"dtype":"U8","shape":[1,3],"data_offsets":[8,11]}})";

SafetensorsFile opened(const std::string& bytes, const SafetensorsLimits& limits = {})
{
    const TemporaryFolder folder;
    return SafetensorsFile::open(folder.write("x.safetensors", bytes), limits);
}

std::string refusal(const std::string& header, const std::string& data = {})
{
    return test::messageOf<FormatError>([&] { (void)opened(safetensorsBytes(header, data)); });
}

TEST(Safetensors, GivesNamesShapesAndPositionsInTheFile)
{
    const SafetensorsFile file = opened(safetensorsBytes(twoTensors, "12345678abc"));
    const std::uint64_t data = 8 + std::string_view(twoTensors).size();
    ASSERT_EQ(file.tensors().size(), 2U);
    EXPECT_EQ(file.tensors()[1].name, "b");
    EXPECT_EQ(file.tensors()[1].dtype, DType::U8);
    EXPECT_EQ(file.tensors()[1].shape, (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(file.tensors()[1].begin, data + 8);
    EXPECT_EQ(file.tensors()[1].end, data + 11);
    EXPECT_EQ(test::valuesOf<char>(file.read("b")), (std::vector<char>{'a', 'b', 'c'}));
}

TEST(Safetensors, AcceptsTextMetadataPaddingScalarsAndEmptyTensors)
{
    const SafetensorsFile file = opened(
        safetensorsBytes(R"({"__metadata__":{"format":"pt"},"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
                         R"("e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]}}    )",
                         "12345678"));
    EXPECT_EQ(file.metadata().at("format"), "pt");
    EXPECT_EQ(file.find("s")->shape.size(), 0U);
    EXPECT_EQ(file.find("e")->end, file.find("e")->begin);
}

TEST(Safetensors, AcceptsAFileWithoutTensors)
{
    EXPECT_TRUE(opened(safetensorsBytes("{}", "")).tensors().empty());
}

TEST(Safetensors, RefusesItsOwnFileTruncatedAtEveryByte)
{
    const TemporaryFolder folder;
    const std::string whole = safetensorsBytes(twoTensors, "12345678abc");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto path = folder.write("x.safetensors", whole.substr(0, length));
        EXPECT_THROW((void)SafetensorsFile::open(path), FormatError) << length;
    }
}

TEST(Safetensors, SurvivesEveryFlippedByteOfTheHeader)
{
    const TemporaryFolder folder;
    const std::string whole = safetensorsBytes(twoTensors, "12345678abc");
    for (std::size_t at = 0; at < whole.size() - 11; ++at) {
        for (const int flip : {1, 0x20, 0x80, 0xFF}) {
            std::string broken = whole;
            broken[at] = static_cast<char>(broken[at] ^ flip);
            try {
                (void)SafetensorsFile::open(folder.write("x.safetensors", broken)); // a name may change
            } catch (const Error&) {
            }
        }
    }
}

TEST(Safetensors, RefusesAHeaderLengthNearTwoToThe64)
{
    const std::string bytes = test::Bytes().u64(~std::uint64_t{0} - 3).raw("{}").str();
    EXPECT_THAT(test::messageOf<FormatError>([&] { (void)opened(bytes); }), HasSubstr("byte 0 declares a header"));
}

TEST(Safetensors, RefusesAHeaderLongerThanTheLimit)
{
    EXPECT_THROW((void)opened(safetensorsBytes(twoTensors, "12345678abc"), {.headerBytes = 100}), ResourceError);
}

TEST(Safetensors, RefusesMoreTensorsThanTheLimit)
{
    EXPECT_THROW((void)opened(safetensorsBytes(twoTensors, "12345678abc"), {.tensors = 1}), ResourceError);
}

TEST(Safetensors, RefusesAHoleBetweenTensors)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                        R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                        "xyz"),
                HasSubstr("holes"));
}

TEST(Safetensors, RefusesAHoleBeforeTheFirstTensor)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xy"), HasSubstr("holes"));
}

TEST(Safetensors, RefusesOverlappingTensors)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                        R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                        "xyz"),
                HasSubstr("overlap"));
}

TEST(Safetensors, RefusesTwoTensorsOnTheSameBytes)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                        R"("b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
                        "xy"),
                HasSubstr("overlap"));
}

TEST(Safetensors, RefusesBytesAfterTheLastTensor)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "xPK\x03\x04"),
                HasSubstr("tensors end at byte"));
}

TEST(Safetensors, RefusesOffsetsThatRunBackwards)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                        R"("b":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})",
                        "x"),
                HasSubstr("\"b\" begins"));
}

TEST(Safetensors, RefusesOffsetsBeyondTheFile)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", "x"), HasSubstr("outside"));
}

TEST(Safetensors, RefusesAShapeWhoseProductWrapsAround)
{
    // 2³³ · 2³¹ elements: 2⁶⁴ wraps to 0, the size of the empty data.
    EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[8589934592,2147483648],"data_offsets":[0,0]}})"),
                HasSubstr("does not agree"));
}

TEST(Safetensors, RefusesAByteCountThatWrapsAround)
{
    // 2⁶² elements of 4 bytes: 2⁶⁴ wraps to 0.
    EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[4294967296,1073741824],"data_offsets":[0,0]}})"),
                HasSubstr("does not agree"));
}

TEST(Safetensors, RefusesASizeThatDisagreesWithShapeAndType)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", "12345678"),
                HasSubstr("does not agree"));
}

TEST(Safetensors, RefusesNumbersAboveTwoToThe48)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[281474976710657],"data_offsets":[0,0]}})"),
                HasSubstr("281474976710657"));
}

TEST(Safetensors, RefusesNumbersThatAreNotPlainIntegers)
{
    for (const char* number :
         {"-1", "-0", "1.0", "1e0", "18446744073709551616", "\"1\"", "null", "true", "[1]", "{}"}) {
        const std::string header =
            std::string(R"({"a":{"dtype":"U8","shape":[)") + number + R"(],"data_offsets":[0,1]}})";
        EXPECT_THROW((void)opened(safetensorsBytes(header, "x")), FormatError) << number;
    }
}

TEST(Safetensors, RefusesThreeOffsets)
{
    EXPECT_THROW((void)opened(safetensorsBytes(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}})", "x")),
                 FormatError);
}

TEST(Safetensors, RefusesOneOffset)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", "x"), HasSubstr("not two numbers"));
}

TEST(Safetensors, RefusesANameTwice)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                        R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                        "xy"),
                HasSubstr("same name twice"));
}

TEST(Safetensors, RefusesANameTwiceInDifferentSpelling)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                        R"("\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                        "xy"),
                HasSubstr("same name twice"));
}

TEST(Safetensors, RefusesAFieldTwice)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", "x"),
                HasSubstr("repeated"));
}

TEST(Safetensors, RefusesAnUnknownField)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]}})", "x"),
                HasSubstr("strides"));
}

TEST(Safetensors, RefusesAnEntryWithoutOffsets)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[0]}})"), HasSubstr("without"));
}

TEST(Safetensors, RefusesMetadataThatIsNotText)
{
    EXPECT_THAT(refusal(R"({"__metadata__":{"n":1}})"), HasSubstr("__metadata__"));
}

TEST(Safetensors, RefusesMetadataTwice)
{
    EXPECT_THROW((void)opened(safetensorsBytes(R"({"__metadata__":{},"__metadata__":{}})", "")), FormatError);
}

TEST(Safetensors, RefusesAHeaderThatDoesNotBeginWithABrace)
{
    EXPECT_THAT(refusal(" {}"), HasSubstr("begin with"));
}

TEST(Safetensors, RefusesAZeroByteThatWouldHideTheRestOfTheHeader)
{
    EXPECT_THAT(refusal(std::string("{}\0{\"a\":1}", 10)), HasSubstr("zero byte at byte 10"));
}

TEST(Safetensors, RefusesTextAfterTheHeadersJson)
{
    EXPECT_THROW((void)opened(safetensorsBytes("{}x", "")), FormatError);
}

TEST(Safetensors, RefusesInvalidUtf8)
{
    EXPECT_THROW(
        (void)opened(safetensorsBytes("{\"\xFF\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", "")),
        FormatError);
}

TEST(Safetensors, RefusesADeeplyNestedHeaderWithoutRecursion)
{
    EXPECT_THROW((void)opened(safetensorsBytes("{\"a\":" + std::string(1'000'000, '['), "")), FormatError);
}

TEST(Safetensors, RefusesRankNine)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", "x"),
                HasSubstr("more than 8 dimensions"));
}

TEST(Safetensors, RefusesALongName)
{
    EXPECT_THAT(refusal("{\"" + std::string(513, 'n') + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"),
                HasSubstr("513 bytes"));
}

TEST(Safetensors, NamesAnElementTypeThatIsNotImplemented)
{
    const std::string header = R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})";
    EXPECT_THAT(test::messageOf<UnsupportedError>([&] { (void)opened(safetensorsBytes(header, "x")); }),
                HasSubstr("F8_E4M3"));
}

TEST(Safetensors, RefusesAnElementTypeThatDoesNotExist)
{
    EXPECT_THAT(refusal(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,1]}})", "x"), HasSubstr("F31"));
}

TEST(Safetensors, ShowsControlCharactersOfANameAsNumbers)
{
    EXPECT_THAT(refusal(R"({"\u001b[2J":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}})", "x"),
                HasSubstr("\\x1b[2J"));
}

TEST(Safetensors, ReportsAFileThatBecameShorterWhileOpen)
{
    const TemporaryFolder folder;
    const auto path = folder.write("x.safetensors", safetensorsBytes(twoTensors, "12345678abc"));
    const SafetensorsFile file = SafetensorsFile::open(path);
    std::filesystem::resize_file(path, 40);
    EXPECT_THROW((void)file.read("a"), FileError);
}

TEST(Safetensors, RefusesAFolderAndAMissingFile)
{
    const TemporaryFolder folder;
    EXPECT_THROW((void)SafetensorsFile::open(folder.path()), FileError);
    EXPECT_THROW((void)SafetensorsFile::open(folder.path() / "missing"), FileError);
}

}
}
