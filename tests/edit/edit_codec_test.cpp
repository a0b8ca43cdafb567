// Patches and edit certificates as JSON.
#include "engine/base/error.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/patch_codec.h"
#include "tests/edit/edit_sample.h"

#include <gtest/gtest.h>

namespace blockcert::certificate {
namespace {

TEST(PatchCodec, ReadsWhatItWrites)
{
    EXPECT_EQ(parsePatch(writeJson(patchToJson(sample::patch())), "patch.json"), sample::patch());
}

TEST(PatchCodec, RefusesWhatNoPatchCanSay)
{
    const Json honest = patchToJson(sample::patch());
    const auto refused = [&](const char* pointer, const Json& value) {
        Json json = honest;
        json[Json::json_pointer(pointer)] = value;
        EXPECT_THROW(parsePatch(writeJson(json), "patch.json"), Error) << pointer << " " << value;
    };
    refused("/schema", "blockcert.patch/2");
    refused("/model/files", Json::array());
    refused("/model/files/0", "z");
    refused("/steps", Json::array());
    refused("/steps/0/target", "mpl");
    refused("/steps/0/operation", "halve");
    refused("/steps/0/strength", "0.3");
    refused("/steps/0/head", 1);     // of a step that is about no head
    refused("/steps/1/strength", 1); // zero has none
    refused("/steps/2/file", "../d.npz");
    refused("/steps/2/sha256", "0");
    EXPECT_THROW(parsePatch("{\"steps\": NaN}", "patch.json"), FormatError);
}

TEST(EditCodec, ReadsWhatItWrites)
{
    const EditCertificate certificate = sample::edit();
    EXPECT_EQ(editFromJson(parseStrictJson(writeJson(editToJson(certificate)), "c"), "c"), certificate);
}

TEST(EditCodec, RefusesAnEditThatTouchesNothing)
{
    Json json = editToJson(sample::edit());
    json["touched"] = Json::array();
    EXPECT_THROW((void)editFromJson(json, "c"), FormatError);
}

TEST(EditRequestDigest, ChangesWithEveryPartOfTheRequest)
{
    const EditRequest request = sample::edit().request;
    const std::string digest = editRequestDigest(request);
    const auto differs = [&](auto change) {
        EditRequest other = request;
        change(other);
        EXPECT_NE(editRequestDigest(other), digest);
    };
    differs([](EditRequest& r) { r.patch.steps[0].strength = 0.34; });
    differs([](EditRequest& r) { r.blocks[0].sha256[0] = '0'; });
    differs([](EditRequest& r) { r.replayDtype = DType::F32; });
    differs([](EditRequest& r) { r.maxNew = 9; });
    differs([](EditRequest& r) { r.condition.sha256 = ""; });
    differs([](EditRequest& r) { r.markersSha256 = ""; });
    differs([](EditRequest& r) { r.heldoutSha256 = ""; });
    differs([](EditRequest& r) { r.labelsSha256 = ""; });
}

TEST(EditPaths, AreRecognised)
{
    EXPECT_EQ(editNamed("edits/a-1/certificate.json"), "a-1");
    EXPECT_FALSE(editNamed("edits/a/b/certificate.json"));
    EXPECT_FALSE(editNamed("stitch/a/certificate.json"));
}

}
}
