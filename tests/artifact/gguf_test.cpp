#include "engine/artifact/gguf.h"
#include "engine/base/error.h"
#include "tests/artifact/model_fixture.h"

#include <gmock/gmock.h>

namespace blockcert::artifact {
namespace {

using test::Bytes;
using test::ggufF32;
using test::GgufFields;
using test::ggufText;
using test::ggufU32;
using test::TemporaryFolder;
using testing::HasSubstr;

GgufFile opened(const std::string& bytes, const GgufLimits& limits = {})
{
    const TemporaryFolder folder;
    return GgufFile::open(folder.write("x.gguf", bytes), limits);
}

std::string refusal(const GgufFields& fields)
{
    return test::messageOf<FormatError>([&] { (void)opened(fields.bytes()); });
}

GgufFields smallFile()
{
    GgufFields fields;
    fields.metadata = {{"general.architecture", ggufText("llama")}, {"n", ggufU32(7)}, {"f", ggufF32(0.5F)}};
    fields.tensors = {{"a", {3, 2}, 0, 24, {}}, {"q", {64, 2}, 2, 72, {}}};
    return fields;
}

// An array value: element type, count and the elements' bytes.
std::string ggufArray(std::uint32_t type, std::uint64_t count, const std::string& elements)
{
    return Bytes().u32(9).u32(type).u64(count).raw(elements).str();
}

TEST(Gguf, GivesMetadataAndTensorsOfVersionsTwoAndThree)
{
    for (const std::uint32_t version : {2U, 3U}) {
        GgufFields fields = smallFile();
        fields.version = version;
        const GgufFile file = opened(fields.bytes());
        EXPECT_EQ(*file.text("general.architecture"), "llama");
        EXPECT_EQ(file.integer("n"), 7);
        EXPECT_EQ(file.number("f"), 0.5);
        ASSERT_EQ(file.tensors().size(), 2U);
        EXPECT_EQ(file.tensors()[0].shape, (std::vector<std::int64_t>{2, 3})); // reversed: rows first
        EXPECT_EQ(file.tensors()[1].dtype, DType::Q4_0);
        EXPECT_EQ(file.tensors()[1].begin, file.tensors()[0].begin + 32);
        EXPECT_EQ(file.tensors()[1].end - file.tensors()[1].begin, 72U);
        EXPECT_EQ(file.tensors()[0].begin % 32, 0U);
    }
}

TEST(Gguf, ReadsEveryKindOfValue)
{
    GgufFields fields;
    fields.metadata = {
        {"u8", Bytes().u32(0).u8(200).str()},
        {"i8", Bytes().u32(1).u8(0xFE).str()},
        {"u16", Bytes().u32(2).integer<std::uint16_t>(65535).str()},
        {"i16", Bytes().u32(3).integer<std::uint16_t>(0xFFFD).str()},
        {"i32", Bytes().u32(5).u32(0xFFFFFFFC).str()},
        {"yes", Bytes().u32(7).u8(1).str()},
        {"u64", Bytes().u32(10).u64(~std::uint64_t{0}).str()},
        {"i64", Bytes().u32(11).u64(static_cast<std::uint64_t>(-5)).str()},
        {"f64", Bytes().u32(12).u64(std::bit_cast<std::uint64_t>(0.1)).str()},
        {"texts", ggufArray(8, 2, Bytes().text("a").text("\xFF").str())},
        {"numbers", ggufArray(1, 2, "\x01\xFF")},
        {"floats", ggufArray(6, 1, Bytes().f32(-2.5F).str())},
        {"flags", ggufArray(7, 2, std::string("\x01\x00", 2))},
    };
    const GgufFile file = opened(fields.bytes());
    EXPECT_EQ(file.integer("u8"), 200);
    EXPECT_EQ(file.integer("i8"), -2);
    EXPECT_EQ(file.integer("u16"), 65535);
    EXPECT_EQ(file.integer("i16"), -3);
    EXPECT_EQ(file.integer("i32"), -4);
    EXPECT_EQ(file.boolean("yes"), true);
    EXPECT_EQ(std::get<std::uint64_t>(*file.find("u64")), ~std::uint64_t{0});
    EXPECT_EQ(file.integer("i64"), -5);
    EXPECT_EQ(file.number("f64"), 0.1);
    EXPECT_EQ(*file.strings("texts"), (std::vector<std::string>{"a", "\xFF"}));
    EXPECT_EQ(*file.integers("numbers"), (std::vector<std::int64_t>{1, -1}));
    EXPECT_EQ(*file.floats("floats"), (std::vector<float>{-2.5F}));
    EXPECT_EQ(std::get<std::vector<bool>>(*file.find("flags")), (std::vector<bool>{true, false}));
    EXPECT_EQ(file.find("absent"), nullptr);
    EXPECT_EQ(file.strings("absent"), nullptr);
    EXPECT_EQ(file.integer("absent"), std::nullopt);
}

TEST(Gguf, NamesBothTypesWhenAKeyHasAnother)
{
    const GgufFile file = opened(smallFile().bytes());
    EXPECT_THAT(test::messageOf<FormatError>([&] { (void)file.strings("n"); }),
                testing::AllOf(HasSubstr("\"n\""), HasSubstr("an integer"), HasSubstr("an array of texts")));
    EXPECT_THROW((void)file.integer("f"), FormatError);
    EXPECT_THROW((void)file.text("n"), FormatError);
    EXPECT_THROW((void)file.boolean("n"), FormatError);
}

TEST(Gguf, RefusesItsOwnFileTruncatedAtEveryByte)
{
    const TemporaryFolder folder;
    const std::string whole = smallFile().bytes();
    const GgufFile file = GgufFile::open(folder.write("x.gguf", whole));
    for (std::size_t length = 0; length < file.tensors().back().end; ++length)
        EXPECT_THROW((void)GgufFile::open(folder.write("x.gguf", whole.substr(0, length))), FormatError) << length;
    // The padding after the last tensor may be missing.
    EXPECT_NO_THROW((void)GgufFile::open(folder.write("x.gguf", whole.substr(0, file.tensors().back().end))));
}

TEST(Gguf, SurvivesEveryFlippedByteOfTheHeader)
{
    const TemporaryFolder folder;
    const std::string whole = smallFile().bytes();
    const std::size_t header = GgufFile::open(folder.write("x.gguf", whole)).tensors().front().begin;
    for (std::size_t at = 0; at < header; ++at) {
        for (const int flip : {1, 0x80, 0xFF}) {
            std::string broken = whole;
            broken[at] = static_cast<char>(broken[at] ^ flip);
            try {
                (void)GgufFile::open(folder.write("x.gguf", broken));
            } catch (const Error&) {
            }
        }
    }
}

TEST(Gguf, RefusesOtherMagicNumbers)
{
    GgufFields fields = smallFile();
    fields.magic = "ggml";
    EXPECT_THAT(refusal(fields), HasSubstr("GGUF"));
}

TEST(Gguf, RefusesOtherVersionsAndBigEndianFiles)
{
    for (const auto& [version, words] : std::vector<std::pair<std::uint32_t, std::string>>{
             {1, "version 1"}, {4, "version 4"}, {0x03000000, "big-endian"}}) {
        GgufFields fields = smallFile();
        fields.version = version;
        EXPECT_THAT(test::messageOf<UnsupportedError>([&] { (void)opened(fields.bytes()); }), HasSubstr(words));
    }
}

// CVE-2024-21802: counts and lengths from the file used for allocation.
TEST(Gguf, Cve202421802RefusesCountsAboveTheLimits)
{
    for (const std::uint64_t count : {~std::uint64_t{0}, std::uint64_t{1} << 63U, std::uint64_t{100'001}}) {
        GgufFields fields = smallFile();
        fields.tensorCount = count;
        EXPECT_THAT(refusal(fields), testing::AllOf(HasSubstr("number of tensors"), HasSubstr("(byte 8)"))) << count;
        fields = smallFile();
        fields.keyCount = count;
        EXPECT_THAT(refusal(fields), testing::AllOf(HasSubstr("number of metadata keys"), HasSubstr("(byte 16)")))
            << count;
    }
}

TEST(Gguf, RefusesCountsThatTheFileCannotHold)
{
    GgufFields fields = smallFile();
    fields.tensorCount = 90'000;
    EXPECT_THAT(refusal(fields), HasSubstr("bytes follow"));
}

TEST(Gguf, Cve202421802RefusesAStringLongerThanTheFile)
{
    for (const std::uint64_t length : {~std::uint64_t{0}, ~std::uint64_t{0} - 7, std::uint64_t{1} << 40U}) {
        GgufFields fields = smallFile();
        fields.metadata.emplace_back("s", Bytes().u32(8).u64(length).raw("x").str());
        EXPECT_THAT(refusal(fields), HasSubstr("length of a string")) << length;
    }
}

TEST(Gguf, Cve202421802RefusesAnArrayLongerThanTheFile)
{
    for (const std::uint64_t count : {~std::uint64_t{0}, std::uint64_t{1} << 61U, std::uint64_t{3'999'999}}) {
        GgufFields fields = smallFile();
        fields.metadata.emplace_back("s", ggufArray(8, count, "x"));
        EXPECT_THROW((void)opened(fields.bytes()), FormatError) << count;
    }
}

// CVE-2025-53630 and CVE-2026-27940: the sum of padded tensor sizes wraps around.
TEST(Gguf, Cve202553630RefusesTensorSizesWhoseSumWrapsAround)
{
    GgufFields fields = smallFile();
    const std::uint64_t huge = (std::uint64_t{1} << 61U) - 8; // · 4 bytes is almost 2⁶³
    fields.tensors = {{"a", {huge}, 0, 0, 0}, {"b", {huge}, 0, 0, huge * 4}, {"c", {16}, 0, 64, 0}};
    fields.withData = false;
    EXPECT_THAT(refusal(fields), HasSubstr("more than the file has"));
}

TEST(Gguf, Cve202627940RefusesASizeThatPaddingWrapsAround)
{
    GgufFields fields = smallFile();
    fields.tensors = {{"a", {~std::uint64_t{0} >> 1U}, 24, 0, {}}}; // 2⁶³−1 bytes
    fields.withData = false;
    EXPECT_THAT(refusal(fields), HasSubstr("more than the file has"));
}

// CVE-2026-33298: a tensor of exabytes backed by a few megabytes.
TEST(Gguf, Cve202633298RefusesATensorWhoseByteCountWrapsAround)
{
    GgufFields fields = smallFile();
    fields.tensors = {{"a", {std::uint64_t{1} << 31U, std::uint64_t{1} << 31U, 1}, 28, 0, {}}}; // 2⁶² · 8 bytes
    fields.withData = false;
    EXPECT_THAT(refusal(fields), HasSubstr("does not fit in 64 bits"));
}

// llama.cpp#26245: the product of the dimensions wraps around.
TEST(Gguf, RefusesDimensionsWhoseProductWrapsAround)
{
    GgufFields fields = smallFile();
    fields.tensors = {{"a", {std::uint64_t{1} << 32U, std::uint64_t{1} << 32U, 3}, 0, 0, {}}};
    fields.withData = false;
    EXPECT_THAT(refusal(fields), HasSubstr("does not fit in 64 bits"));
}

// CVE-2026-7482 and CVE-2025-62609: offsets that point outside the file or into another tensor.
TEST(Gguf, Cve20267482RefusesATensorThatLiesElsewhere)
{
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{8}, std::uint64_t{64}, ~std::uint64_t{0} - 31}) {
        GgufFields fields = smallFile();
        fields.tensors[1].offset = offset;
        EXPECT_THAT(refusal(fields), HasSubstr("instead of 32")) << offset;
    }
}

TEST(Gguf, RefusesDataThatIsNotThere)
{
    GgufFields fields = smallFile();
    fields.withData = false;
    EXPECT_THAT(refusal(fields), HasSubstr("ends within tensor \"q\""));
}

TEST(Gguf, RefusesBytesAfterTheLastTensor)
{
    const std::string bytes = smallFile().bytes() + "PK";
    EXPECT_THAT(test::messageOf<FormatError>([&] { (void)opened(bytes); }), HasSubstr("after the last tensor"));
}

// gguf-tools#25: a rank that only an assert checked.
TEST(Gguf, RefusesFiveDimensions)
{
    GgufFields fields = smallFile();
    fields.tensors = {{"a", {1, 1, 1, 1, 1}, 0, 4, {}}};
    EXPECT_THAT(refusal(fields), HasSubstr("at most 4"));
}

TEST(Gguf, RefusesAZeroDimension)
{
    GgufFields fields = smallFile();
    fields.tensors = {{"a", {4, 0}, 0, 0, {}}};
    EXPECT_THAT(refusal(fields), HasSubstr("the dimension 0"));
}

TEST(Gguf, RefusesADimensionWithTheSignBit)
{
    GgufFields fields = smallFile();
    fields.tensors = {{"a", {std::uint64_t{1} << 63U}, 0, 0, {}}};
    EXPECT_THAT(refusal(fields), HasSubstr("the dimension 9223372036854775808"));
}

// gguf-tools#28: alignment 0 divided by.
TEST(Gguf, RefusesAlignmentsThatAreNotPowersOfTwoFromEightTo4096)
{
    for (const std::uint32_t alignment : {0U, 1U, 4U, 24U, 8192U, 0x80000000U}) {
        GgufFields fields = smallFile();
        fields.metadata.emplace_back("general.alignment", ggufU32(alignment));
        EXPECT_THAT(refusal(fields), HasSubstr("general.alignment")) << alignment;
    }
}

TEST(Gguf, HonoursAnotherAlignment)
{
    GgufFields fields = smallFile();
    fields.metadata.emplace_back("general.alignment", ggufU32(64));
    fields.alignment = 64;
    const GgufFile file = opened(fields.bytes());
    EXPECT_EQ(file.tensors()[0].begin % 64, 0U);
    EXPECT_EQ(file.tensors()[1].begin, file.tensors()[0].begin + 64);
}

// llama.cpp#26318: the key had another type than the reader took for granted.
TEST(Gguf, RefusesAnAlignmentOfAnotherType)
{
    for (const std::string& value :
         {Bytes().u32(5).u32(32).str(), Bytes().u32(10).u64(32).str(), ggufText("32"), ggufArray(4, 0, "")}) {
        GgufFields fields = smallFile();
        fields.metadata.emplace_back("general.alignment", value);
        EXPECT_THAT(refusal(fields), HasSubstr("general.alignment"));
    }
}

TEST(Gguf, RefusesAKeyTwice)
{
    GgufFields fields = smallFile();
    fields.metadata.emplace_back("n", ggufU32(8));
    EXPECT_THAT(refusal(fields), HasSubstr("\"n\" is there twice"));
}

TEST(Gguf, RefusesATensorTwice)
{
    GgufFields fields = smallFile();
    fields.tensors = {{"a", {8}, 0, 32, {}}, {"a", {8}, 0, 32, {}}};
    EXPECT_THAT(refusal(fields), HasSubstr("\"a\" is empty or there twice"));
}

TEST(Gguf, RefusesNamesThatAreTooLongOrEmpty)
{
    GgufFields fields = smallFile();
    fields.tensors[0].name = std::string(64, 'n');
    EXPECT_THAT(refusal(fields), HasSubstr("a tensor name is 64"));
    fields.tensors[0].name = "";
    EXPECT_THAT(refusal(fields), HasSubstr("empty"));
    fields = smallFile();
    fields.metadata.emplace_back("", ggufU32(1));
    EXPECT_THAT(refusal(fields), HasSubstr("printable"));
    fields.metadata.back().first = std::string(70'000, 'k');
    EXPECT_THAT(refusal(fields), HasSubstr("65535"));
}

TEST(Gguf, RefusesNamesThatAreNotPrintable)
{
    GgufFields fields = smallFile();
    fields.tensors[0].name = "a\x1b[2J";
    EXPECT_THAT(refusal(fields), HasSubstr("a\\x1b[2J"));
}

TEST(Gguf, RefusesNestedArrays)
{
    GgufFields fields = smallFile();
    fields.metadata.emplace_back("s", ggufArray(9, 1, ggufArray(4, 0, "")));
    EXPECT_THAT(refusal(fields), HasSubstr("arrays as elements"));
}

TEST(Gguf, RefusesAnArrayAboveTheLimit)
{
    GgufFields fields = smallFile();
    fields.metadata.emplace_back("s", ggufArray(0, 101, std::string(101, 'x')));
    EXPECT_THROW((void)opened(fields.bytes(), {.arrayElements = 100}), FormatError);
}

TEST(Gguf, RefusesAHeaderAboveTheLimit)
{
    GgufFields fields = smallFile();
    fields.metadata.emplace_back("s", ggufText(std::string(5000, 'x')));
    EXPECT_THROW((void)opened(fields.bytes(), {.headerBytes = 4096}), ResourceError);
}

TEST(Gguf, RefusesAChatTemplateAboveOneMebibyte)
{
    GgufFields fields = smallFile();
    fields.metadata.emplace_back("tokenizer.chat_template", ggufText(std::string((1U << 20U) + 1, 'x')));
    EXPECT_THAT(refusal(fields), HasSubstr("1048576"));
}

TEST(Gguf, RefusesTruthValuesOtherThanZeroAndOne)
{
    GgufFields fields = smallFile();
    fields.metadata.emplace_back("b", Bytes().u32(7).u8(2).str());
    EXPECT_THAT(refusal(fields), HasSubstr("truth value"));
}

TEST(Gguf, RefusesUnknownValueTypes)
{
    GgufFields fields = smallFile();
    fields.metadata.emplace_back("b", Bytes().u32(13).u8(2).str());
    EXPECT_THAT(refusal(fields), HasSubstr("unknown type 13"));
}

TEST(Gguf, RefusesRowsThatAreNotWholeBlocks)
{
    GgufFields fields = smallFile();
    fields.tensors = {{"a", {48, 2}, 8, 102, {}}};
    EXPECT_THAT(refusal(fields), HasSubstr("multiple of 32"));
}

TEST(Gguf, NamesTensorTypesThatAreNotImplemented)
{
    GgufFields fields = smallFile();
    fields.tensors[1].type = 23;
    EXPECT_THAT(test::messageOf<UnsupportedError>([&] { (void)opened(fields.bytes()); }), HasSubstr("IQ4_XS"));
}

TEST(Gguf, RefusesTensorTypesThatDoNotExist)
{
    for (const std::uint32_t type : {32U, 99U, ~0U}) {
        GgufFields fields = smallFile();
        fields.tensors[1].type = type;
        EXPECT_THAT(refusal(fields), HasSubstr("unknown type")) << type;
    }
}

// --- split models ---------------------------------------------------------------------------------------------

std::string ggufU16(std::uint16_t v)
{
    return Bytes().u32(2).integer(v).str();
}

GgufFields part(std::uint16_t number, std::uint16_t count, std::uint32_t tensors, const std::string& name)
{
    GgufFields fields;
    fields.metadata = {{"split.no", ggufU16(number)},
                       {"split.count", ggufU16(count)},
                       {"split.tensors.count", Bytes().u32(5).u32(tensors).str()}};
    fields.tensors = {{name, {8}, 0, 32, {}}};
    return fields;
}

TEST(GgufSplit, ReadsAllPartsWhicheverIsNamed)
{
    for (const char* name : {"tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf"}) {
        const GgufFile file = GgufFile::open(test::testData() / "models" / "llama-gguf-split" / name);
        EXPECT_EQ(file.files().size(), 2U);
        EXPECT_EQ(file.tensors().size(), 20U);
        EXPECT_EQ(file.files()[0].path.filename(), "tiny-00001-of-00002.gguf");
        EXPECT_EQ(*file.text("general.architecture"), "llama");
    }
}

TEST(GgufSplit, RefusesAMissingPart)
{
    const TemporaryFolder folder;
    EXPECT_THROW((void)GgufFile::open(folder.write("m-00001-of-00002.gguf", part(0, 2, 2, "a").bytes())), FileError);
}

TEST(GgufSplit, RefusesANameThatIsNotThePartsName)
{
    const TemporaryFolder folder;
    EXPECT_THROW((void)GgufFile::open(folder.write("m.gguf", part(0, 2, 2, "a").bytes())), FormatError);
}

TEST(GgufSplit, RefusesATensorInTwoParts)
{
    const TemporaryFolder folder;
    folder.write("m-00002-of-00002.gguf", part(1, 2, 2, "a").bytes());
    const auto path = folder.write("m-00001-of-00002.gguf", part(0, 2, 2, "a").bytes());
    EXPECT_THAT(test::messageOf<FormatError>([&] { (void)GgufFile::open(path); }), HasSubstr("earlier part"));
}

TEST(GgufSplit, RefusesAWrongTotal)
{
    const TemporaryFolder folder;
    folder.write("m-00002-of-00002.gguf", part(1, 2, 3, "b").bytes());
    const auto path = folder.write("m-00001-of-00002.gguf", part(0, 2, 3, "a").bytes());
    EXPECT_THAT(test::messageOf<FormatError>([&] { (void)GgufFile::open(path); }), HasSubstr("split.tensors.count"));
}

TEST(GgufSplit, RefusesPartsThatDisagree)
{
    const TemporaryFolder folder;
    folder.write("m-00002-of-00002.gguf", part(0, 2, 2, "b").bytes());
    const auto path = folder.write("m-00001-of-00002.gguf", part(0, 2, 2, "a").bytes());
    EXPECT_THAT(test::messageOf<FormatError>([&] { (void)GgufFile::open(path); }), HasSubstr("do not say part 1"));
}

TEST(GgufSplit, RefusesAbsurdCounts)
{
    const TemporaryFolder folder;
    const auto zero = folder.write("m-00001-of-00000.gguf", part(0, 0, 1, "a").bytes());
    EXPECT_THROW((void)GgufFile::open(zero), FormatError);
    const auto many = folder.write("m-00001-of-65535.gguf", part(0, 65535, 1, "a").bytes());
    EXPECT_THROW((void)GgufFile::open(many), FormatError);
}

}
}
