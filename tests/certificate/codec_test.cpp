#include "engine/base/error.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/stitch_codec.h"
#include "tests/certificate/sample.h"

#include <gtest/gtest.h>

#include <functional>

namespace blockcert::certificate {
namespace {

RunDocument sampleRun()
{
    return {sample::manifest(), {true, {{0}}, {{{1}, "non_finite_baseline", "prompt 0, token 2", "A NaN."}}}};
}

// Every path to a leaf or an empty container, and every object on the way.
void visit(const Json& json, const Json::json_pointer& at, const std::function<void(const Json::json_pointer&)>& leaf,
           const std::function<void(const Json::json_pointer&)>& object)
{
    if (json.is_object()) {
        object(at);
        for (const auto& [key, value] : json.items())
            visit(value, at / key, leaf, object);
    } else if (json.is_array()) {
        for (std::size_t i = 0; i < json.size(); ++i)
            visit(json[i], at / i, leaf, object);
    } else {
        leaf(at);
    }
}

void readAny(const Json& json)
{
    if (json.at("schema").get<std::string>().starts_with("blockcert.run"))
        static_cast<void>(runFromJson(json, "run.json"));
    else if (json.contains("bisect"))
        static_cast<void>(stitchFromJson(json, "stitch.json"));
    else
        static_cast<void>(certificateFromJson(json, "certificate.json"));
}

class Codec : public ::testing::TestWithParam<const char*> {
protected:
    Json json = GetParam() == std::string("Run")      ? runToJson(sampleRun())
                : GetParam() == std::string("Stitch") ? stitchToJson(sample::stitch())
                                                      : certificateToJson(sample::certificate());
};

INSTANTIATE_TEST_SUITE_P(All, Codec, ::testing::Values("Run", "Certificate", "Stitch"),
                         [](const auto& which) { return std::string(which.param); });

TEST(StitchCodec, GivesBackEveryField)
{
    const StitchCertificate stitch = sample::stitch();
    const std::string text = writeJson(stitchToJson(stitch));
    EXPECT_EQ(stitchFromJson(parseStrictJson(text, "s"), "s"), stitch);
    EXPECT_EQ(writeJson(stitchToJson(stitchFromJson(parseStrictJson(text, "s"), "s"))), text);
}

TEST(StitchCodec, TheKindFollowsFromTheBlocksAndADifferenceFromItsParts)
{
    Json json = stitchToJson(sample::stitch());
    EXPECT_EQ(json.at("kind"), "full-model"); // one of two blocks
    json["kind"] = "full-block";
    EXPECT_THROW(static_cast<void>(stitchFromJson(json, "s")), FormatError);
    json["kind"] = "full-model";
    json["metrics"]["perplexity"]["difference"] = certifiedNumber(1.0 + 1e-15);
    EXPECT_THROW(static_cast<void>(stitchFromJson(json, "s")), FormatError);
    json = stitchToJson(sample::stitch());
    json["blocks"].push_back(json["blocks"][0]);
    EXPECT_THROW(static_cast<void>(stitchFromJson(json, "s")), FormatError);
    EXPECT_THROW(static_cast<void>(certificateFromJson(stitchToJson(sample::stitch()), "c")), FormatError);
}

TEST(CertificateCodec, GivesBackEveryField)
{
    const Certificate certificate = sample::certificate();
    const std::string text = writeJson(certificateToJson(certificate));
    EXPECT_EQ(certificateFromJson(parseStrictJson(text, "certificate.json"), "certificate.json"), certificate);
    EXPECT_EQ(writeJson(certificateToJson(certificateFromJson(parseStrictJson(text, "c"), "c"))), text);
}

TEST(CertificateCodec, GivesBackAnEstimateAndTakesNoneWhereLossesWereMeasured)
{
    const Certificate estimate = sample::estimate();
    EXPECT_EQ(certificateFromJson(certificateToJson(estimate), "certificate.json"), estimate);
    Certificate measured = estimate;
    measured.metrics.prompts[0].loss = {0.75, 3, 4, {1, 2}, 0.5, ""};
    EXPECT_THROW((void)certificateFromJson(certificateToJson(measured), "certificate.json"), FormatError);
}

TEST(RunCodec, GivesBackEveryField)
{
    const RunDocument run = sampleRun();
    const std::string text = writeJson(runToJson(run));
    EXPECT_EQ(runFromJson(parseStrictJson(text, "run.json"), "run.json"), run);
}

TEST(CertificateCodec, GivesBackAnImportedBaseline)
{
    Certificate certificate = sample::certificate();
    certificate.request.imported = {"transformers", "4.44.2", std::string(64, 'c'), true,
                                    ImportedBaseline::Mask::Recorded};
    EXPECT_EQ(certificateFromJson(certificateToJson(certificate), "certificate.json"), certificate);
    RunDocument run = sampleRun();
    run.manifest.request.imported = certificate.request.imported;
    EXPECT_EQ(runFromJson(runToJson(run), "run.json"), run);
}

TEST_P(Codec, RefusesAnUnknownFieldInEveryObject)
{
    std::size_t objects = 0;
    visit(
        json, Json::json_pointer(), [](const auto&) {},
        [&](const Json::json_pointer& at) {
            Json changed = json;
            changed[at]["surprise"] = 1;
            EXPECT_THROW(readAny(changed), FormatError) << at.to_string();
            ++objects;
        });
    EXPECT_GT(objects, 10U);
}

TEST_P(Codec, RefusesEveryMissingField)
{
    visit(
        json, Json::json_pointer(), [](const auto&) {},
        [&](const Json::json_pointer& at) {
            for (const auto& [key, unused] : json[at].items()) {
                if (at.empty() && key == "schema")
                    continue; // readAny looks at it
                Json changed = json;
                changed[at].erase(key);
                EXPECT_THROW(readAny(changed), FormatError) << at.to_string() << "/" << key;
            }
        });
}

TEST_P(Codec, RefusesEveryLeafOfAnotherType)
{
    visit(
        json, Json::json_pointer(),
        [&](const Json::json_pointer& at) {
            if (at.to_string() == "/schema")
                return;
            for (const Json& wrong : {Json(1.25), Json::array({1, 2}), Json(-7), Json(Json::value_t::object)}) {
                Json changed = json;
                changed[at] = wrong;
                EXPECT_THROW(readAny(changed), FormatError) << at.to_string() << " = " << wrong.dump();
            }
        },
        [](const auto&) {});
}

TEST_P(Codec, SaysWhereAFieldIsWrong)
{
    Json changed = json;
    changed["environment"]["threads"] = "two";
    try {
        readAny(changed);
        FAIL();
    } catch (const FormatError& error) {
        EXPECT_NE(std::string(error.what()).find(".json: environment.threads must be an integer"), std::string::npos)
            << error.what();
    }
}

TEST_P(Codec, IgnoresExtensionsAndNothingElse)
{
    Json changed = json;
    changed["extensions"] = {{"org.example", {{"anything", {1, 2, 3}}}}};
    EXPECT_NO_THROW(readAny(changed));
    changed["extensions"] = 3;
    EXPECT_THROW(readAny(changed), FormatError);
}

TEST_P(Codec, CallsAnotherMajorVersionUnsupportedAndAnotherFamilyMalformed)
{
    const std::string schema = json["schema"];
    Json changed = json;
    changed["schema"] = schema.substr(0, schema.size() - 1) + "2";
    EXPECT_THROW(readAny(changed), UnsupportedError);
    changed["schema"] = schema + ".1";
    EXPECT_THROW(readAny(changed), FormatError);
    changed["schema"] = "blockcert.other/1";
    EXPECT_THROW(readAny(changed), FormatError);
}

TEST(CertificateCodec, RefusesNumbersThatDisagreeWithTheirHexadecimalForm)
{
    Json json = certificateToJson(sample::certificate());
    json["metrics"]["l2"]["mean"]["value"] = 0.0999;
    EXPECT_THROW(static_cast<void>(certificateFromJson(json, "c")), FormatError);
}

TEST(CertificateCodec, RefusesCountsThatDoNotAddUp)
{
    const Json good = certificateToJson(sample::certificate());
    for (const char* field : {"count", "tokens"}) {
        Json json = good;
        json["prompts"][field] = json["prompts"][field].get<int>() + 1;
        EXPECT_THROW(static_cast<void>(certificateFromJson(json, "c")), FormatError) << field;
    }
    Json json = good;
    json["metrics"]["path"]["covered"] = 6;
    EXPECT_THROW(static_cast<void>(certificateFromJson(json, "c")), FormatError);
}

TEST(CertificateCodec, RefusesALossCoverageWithoutReasonAndAReasonWithoutNeed)
{
    Json json = certificateToJson(sample::certificate());
    json["metrics"]["loss"]["why"] = "";
    EXPECT_THROW(static_cast<void>(certificateFromJson(json, "c")), FormatError);
    json = certificateToJson(sample::certificate());
    json["metrics"]["prompts"][0]["loss"]["why"] = "because";
    EXPECT_THROW(static_cast<void>(certificateFromJson(json, "c")), FormatError);
}

TEST(RunCodec, RefusesBlocksThatAreNotAscending)
{
    Json json = runToJson(sampleRun());
    json["request"]["blocks"] = {1, 1};
    EXPECT_THROW(static_cast<void>(runFromJson(json, "run.json")), FormatError);
    json["request"]["blocks"] = {1, 0};
    EXPECT_THROW(static_cast<void>(runFromJson(json, "run.json")), FormatError);
}

TEST(RunCodec, RefusesPiecesThatDoNotMatchTheIds)
{
    Json json = runToJson(sampleRun());
    json["prompts"]["items"][0]["pieces"] = {"one"};
    EXPECT_THROW(static_cast<void>(runFromJson(json, "run.json")), FormatError);
}

}
}
