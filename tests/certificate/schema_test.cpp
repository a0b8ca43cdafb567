// The published JSON Schemas against the codecs, judged by Python's jsonschema.
#include "engine/base/error.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/patch_codec.h"
#include "engine/certificate/policy_file.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/stitch_codec.h"
#include "tests/certificate/sample.h"
#include "tests/edit/edit_sample.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

namespace blockcert::certificate {
namespace {

namespace fs = std::filesystem;

// true per document that the schema accepts.
std::vector<bool> judgedBySchema(const std::string& name, const std::vector<Json>& documents)
{
    const testing_support::TemporaryFolder folder;
    const fs::path source = std::getenv("BLOCKCERT_SOURCE");
    std::ofstream input(folder.path() / "documents");
    for (const Json& document : documents)
        input << document.dump() << "\n";
    input.close();
    const fs::path output = folder.path() / "verdicts";
    const std::string command = "/usr/bin/python3 '" + (source / "tests/certificate/validate.py").string() + "' '" +
                                (source / "resources/schemas" / (name + ".schema.json")).string() + "' < '" +
                                (folder.path() / "documents").string() + "' > '" + output.string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::vector<bool> verdicts;
    std::ifstream lines(output);
    for (std::string line; std::getline(lines, line);)
        verdicts.push_back(line == "valid");
    EXPECT_EQ(verdicts.size(), documents.size());
    return verdicts;
}

bool accepts(const std::function<void()>& read)
{
    try {
        read();
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool judgedByCodec(const std::string& name, const Json& document)
{
    if (name == "certificate")
        return accepts([&] { static_cast<void>(certificateFromJson(document, name)); });
    if (name == "stitch")
        return accepts([&] { static_cast<void>(stitchFromJson(document, name)); });
    if (name == "edit")
        return accepts([&] { static_cast<void>(editFromJson(document, name)); });
    if (name == "patch")
        return accepts([&] { static_cast<void>(parsePatch(document.dump(), name)); });
    if (name == "run")
        return accepts([&] { static_cast<void>(runFromJson(document, name)); });
    return accepts([&] { static_cast<void>(parsePolicy(document.dump(), name, {})); });
}

Json sampleOf(const std::string& name)
{
    if (name == "certificate")
        return certificateToJson(sample::certificate());
    if (name == "stitch")
        return stitchToJson(sample::stitch());
    if (name == "edit")
        return editToJson(sample::edit());
    if (name == "patch")
        return patchToJson(sample::patch());
    if (name == "run")
        return runToJson({sample::manifest(), {true, {{0}}, {{{1}, "non_finite_baseline", "prompt 0", "A NaN."}}}});
    return {{"schema", "blockcert.policy/1"},
            {"tau_act", 0.01},
            {"alpha_loss", certifiedNumber(0.5)},
            {"error", "relative-l2"},
            {"expect", {{"models", {std::string(64, 'a')}}, {"prompts", Json::array()}, {"tools", {"0.1.0"}}}},
            {"require_losses", true},
            {"extensions", {{"any", 1}}}};
}

// A run of a baseline that another program ran, and its certificate.
Json importedOf(const std::string& name)
{
    RunManifest manifest = sample::manifest();
    Certificate certificate = sample::certificate();
    const ImportedBaseline imported = {"transformers", "4.44.2", std::string(64, 'c'), false,
                                       ImportedBaseline::Mask::Causal};
    manifest.request.imported = certificate.request.imported = imported;
    return name == "certificate" ? certificateToJson(certificate) : runToJson({manifest, {}});
}

// Variants that no reader may accept: a surprise in an object, a field missing, a leaf of another type.
void collectVariants(const Json& root, const Json::json_pointer& at, std::vector<Json>& variants)
{
    const Json& here = root[at];
    const auto add = [&](const Json::json_pointer& place, const Json& value) {
        variants.push_back(root);
        variants.back()[place] = value;
    };
    if (here.is_object()) {
        add(at / "surprise", 1);
        for (const auto& [key, value] : here.items()) {
            variants.push_back(root);
            variants.back()[at].erase(key);
            collectVariants(root, at / key, variants);
        }
    } else if (here.is_array()) {
        add(at, "not a list");
        for (std::size_t i = 0; i < here.size(); ++i)
            collectVariants(root, at / i, variants);
    } else {
        for (const Json& wrong : {Json(1.25), Json(-7), Json("~"), Json(), Json(true), Json::array()})
            if (wrong.type() != here.type())
                add(at, wrong);
    }
}

class Schema : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Of, Schema, ::testing::Values("certificate", "run", "policy", "stitch", "edit", "patch"),
                         [](const auto& which) { return std::string(which.param); });

TEST_P(Schema, AcceptsWhatTheCodecWrites)
{
    EXPECT_EQ(judgedBySchema(GetParam(), {sampleOf(GetParam())}), std::vector<bool>{true});
    EXPECT_TRUE(judgedByCodec(GetParam(), sampleOf(GetParam())));
}

void expectAgreement(const std::string& name, const Json& document)
{
    std::vector<Json> variants;
    collectVariants(document, Json::json_pointer(), variants);
    const std::vector<bool> bySchema = judgedBySchema(name, variants);
    ASSERT_EQ(bySchema.size(), variants.size());
    std::size_t refused = 0;
    for (std::size_t i = 0; i < variants.size(); ++i) {
        const bool byCodec = judgedByCodec(name, variants[i]);
        refused += byCodec ? 0 : 1;
        // A schema cannot compare two fields with each other; what it refuses the codec must refuse.
        EXPECT_TRUE(bySchema[i] || !byCodec) << variants[i].dump(1);
    }
    EXPECT_GT(refused * 4, variants.size() * 3);
}

TEST_P(Schema, AndCodecAgreeOnEveryDefect)
{
    expectAgreement(GetParam(), sampleOf(GetParam()));
}

TEST(SchemaOfEstimates, AgreesWithTheCodec)
{
    const Json estimated = certificateToJson(sample::estimate());
    EXPECT_EQ(judgedBySchema("certificate", {estimated}), std::vector<bool>{true});
    EXPECT_TRUE(judgedByCodec("certificate", estimated));
    expectAgreement("certificate", estimated);
    std::vector<Json> wrong(4, estimated);
    wrong[0]["baseline"]["loss"] = "none";
    wrong[1]["metrics"].erase("loss_estimate");
    wrong[2]["metrics"]["prompts"][1].erase("loss_estimate");
    wrong[3]["metrics"]["loss_estimate"]["method"] = "second-order";
    EXPECT_EQ(judgedBySchema("certificate", wrong), std::vector<bool>(wrong.size(), false));
    for (const Json& each : wrong)
        EXPECT_FALSE(judgedByCodec("certificate", each)) << each.dump(1);
}

TEST(SchemaOfImports, AgreesWithTheCodec)
{
    for (const std::string name : {"certificate", "run"}) {
        const Json imported = importedOf(name);
        EXPECT_EQ(judgedBySchema(name, {imported}), std::vector<bool>{true}) << name;
        EXPECT_TRUE(judgedByCodec(name, imported)) << name;
        expectAgreement(name, imported);
    }
    Json named = sampleOf("certificate");
    named["baseline"]["imported"] = importedOf("certificate")["baseline"]["imported"];
    EXPECT_EQ(judgedBySchema("certificate", {named}), std::vector<bool>{false});
    EXPECT_FALSE(judgedByCodec("certificate", named)) << "a native baseline was not imported";
}

}
}
