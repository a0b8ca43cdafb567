#include "engine/base/error.h"
#include "tests/artifact/model_fixture.h"

#include <algorithm>
#include <cmath>

namespace blockcert::artifact {
namespace {

using test::valuesOf;

struct Setting {
    std::string name;
    std::int32_t headDim;
    double theta;
    RopeScaling scaling;
};

TransformerConfig configOf(const Setting& setting)
{
    TransformerConfig config;
    config.architecture = Architecture::Llama;
    config.headDim = setting.headDim;
    config.ropeTheta = setting.theta;
    config.ropeScaling = setting.scaling;
    config.context = 8192;
    return config;
}

class RopeSettings : public testing::TestWithParam<Setting> {};

// Frequencies and angles are the reference's bit for bit; its vectorised cosine and sine are off by one unit in the
// last place now and then, ours are rounded once.
constexpr double oneUnit = 0x1p-24;

TEST_P(RopeSettings, AgreeWithTransformersToOneUnitInTheLastPlace)
{
    const auto file = SafetensorsFile::open(test::testData() / "gguf" / "rope.safetensors");
    const std::string& name = GetParam().name;
    const auto positions = valuesOf<std::int64_t>(file.read(name + ".positions"));
    const auto frequencies = valuesOf<float>(file.read(name + ".frequencies"));
    const auto cosine = valuesOf<float>(file.read(name + ".cosine"));
    const auto sine = valuesOf<float>(file.read(name + ".sine"));
    const RopeTables tables = ropeTables(configOf(GetParam()), 8192, DType::F32);
    const auto ourCosine = valuesOf<float>(tables.cosine);
    const auto ourSine = valuesOf<float>(tables.sine);
    const std::size_t half = frequencies.size();
    ASSERT_EQ(tables.cosine.shape, (std::vector<std::int64_t>{8192, static_cast<std::int64_t>(half)}));
    for (std::size_t row = 0; row < positions.size(); ++row) {
        const auto position = static_cast<std::size_t>(positions[row]);
        for (std::size_t i = 0; i < half; ++i) {
            ASSERT_NEAR(ourCosine[position * half + i], cosine[row * half + i], oneUnit) << position << " " << i;
            ASSERT_NEAR(ourSine[position * half + i], sine[row * half + i], oneUnit) << position << " " << i;
        }
    }
}

TEST_P(RopeSettings, AreEqualToTransformersInBf16)
{
    const auto file = SafetensorsFile::open(test::testData() / "gguf" / "rope.safetensors");
    const auto positions = valuesOf<std::int64_t>(file.read(GetParam().name + ".positions"));
    const RopeTables tables = ropeTables(configOf(GetParam()), 8192, DType::BF16);
    for (const auto& [name, table] : {std::pair("cosine", &tables.cosine), std::pair("sine", &tables.sine)}) {
        const auto expected = valuesOf<std::uint16_t>(file.read(GetParam().name + ".bf16." + name));
        const auto actual = valuesOf<std::uint16_t>(*table);
        const std::size_t half = expected.size() / positions.size();
        for (std::size_t i = 0; i < expected.size(); ++i)
            ASSERT_EQ(actual[static_cast<std::size_t>(positions[i / half]) * half + i % half], expected[i])
                << name << i;
    }
}

INSTANTIATE_TEST_SUITE_P(All, RopeSettings,
                         testing::Values(Setting{"plain", 64, 1e4, {}}, Setting{"smollm", 64, 1e5, {}},
                                         Setting{"linear", 80, 1e4, {.kind = RopeScaling::Kind::Linear, .factor = 4}},
                                         Setting{"llama3",
                                                 128,
                                                 5e5,
                                                 {.kind = RopeScaling::Kind::Llama3,
                                                  .factor = 32,
                                                  .lowFrequencyFactor = 1,
                                                  .highFrequencyFactor = 4,
                                                  .originalContext = 8192}}),
                         [](const auto& test) { return test.param.name; });

TEST(RopeTables, DivideFrequenciesByTheFilesDivisors)
{
    TransformerConfig config = configOf({"", 4, 1e4, {.kind = RopeScaling::Kind::Divisors}});
    config.ropeDivisors = {1, 8};
    const auto cosine = valuesOf<float>(ropeTables(config, 3, DType::F32).cosine);
    EXPECT_FLOAT_EQ(cosine[4], std::cos(2.0F));
    EXPECT_FLOAT_EQ(cosine[5], std::cos(2.0F * 0.01F / 8.0F));
}

TEST(RopeTables, BeginWithNoRotation)
{
    const RopeTables tables = ropeTables(configOf({"", 8, 1e4, {}}), 1, DType::F32);
    EXPECT_EQ(valuesOf<float>(tables.cosine), std::vector<float>(4, 1.0F));
    EXPECT_EQ(valuesOf<float>(tables.sine), std::vector<float>(4, 0.0F));
}

TEST(RopeTables, RefuseMorePositionsThanTheModelHas)
{
    EXPECT_THROW((void)ropeTables(configOf({"", 8, 1e4, {}}), 8193, DType::F32), UsageError);
}

TEST(RopeTables, RefuseGpt2)
{
    TransformerConfig config = configOf({"", 8, 1e4, {}});
    config.architecture = Architecture::Gpt2;
    EXPECT_THROW((void)ropeTables(config, 1, DType::F32), UnsupportedError);
}

}
}
