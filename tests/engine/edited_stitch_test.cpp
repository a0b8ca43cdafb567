// A stitched model some of whose surrogates an edit of the run has changed: measured, verified, forged, refused.
#include "engine/base/sha256.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/verify.h"
#include "engine/pipeline/pipeline.h"
#include "tests/engine/edit_verb_fixture.h"
#include "tests/engine/model_fixture.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>

#include <functional>

namespace blockcert::test {
namespace {

using certificate::failedIds;
using certificate::problemsOf;
using certificate::TamperedRun;
using testing::Contains;
using testing::HasSubstr;

class EditedStitch : public EditVerb {
protected:
    // A run of block 1 with an edit of it, "soft".
    fs::path editedRun(const std::string& name)
    {
        fs::path run = m_folder.path() / name;
        pipeline::EditOptions soft = options(name, run);
        soft.name = "soft";
        m_soft = edit(soft);
        return run;
    }

    static pipeline::StitchOptions stitchOptions(const fs::path& run, const std::string& edit, const std::string& name)
    {
        pipeline::StitchOptions options;
        options.run = run;
        options.edit = edit;
        options.name = name;
        options.created = "2026-01-02T03:04:05Z";
        options.commandLine = "blockcert stitch";
        return options;
    }

    static Json stitch(const pipeline::StitchOptions& options)
    {
        pipeline::ModelCache cache(host());
        return pipeline::stitch(options, cache, RunContext());
    }

    static std::string refusal(const pipeline::StitchOptions& options)
    {
        try {
            (void)stitch(options);
        } catch (const Error& error) {
            EXPECT_EQ(error.exitCode(), ExitCode::Usage) << error.what();
            return error.what();
        }
        ADD_FAILURE() << "it was not refused";
        return "";
    }

    Json m_soft; // what `edit` gave
};

// The edit's own numbers come from the native model with that sublayer's output scaled: another path than this one.
TEST_F(EditedStitch, DepartsFromTheModelAsTheNativeEditDoes)
{
    for (const std::string name : {"llama-gqa", "gpt2"}) {
        const fs::path run = editedRun(name);
        const Json result = stitch(stitchOptions(run, "soft", "edited"));
        EXPECT_EQ(result.at("edit"), Json({{"name", "soft"}, {"blocks", {1}}}));
        EXPECT_EQ(result.at("layers")[0].at("largest"), 0.0);
        const std::vector<TokenSpread> native =
            certificate::editFromJson(TamperedRun(run).json("edits/soft/certificate.json"), "soft").effect.layers;
        ASSERT_EQ(native.size(), result.at("layers").size());
        for (std::size_t layer = 1; layer < native.size(); ++layer) // in fp32 one, in double replay the other
            EXPECT_NEAR(result.at("layers")[layer].at("largest").get<double>(), native[layer].largest,
                        1e-4 * native[layer].largest)
                << name << ", layer " << layer;
        // The plain surrogates do nothing of the kind, and are another stitched model.
        const Json plain = stitch(stitchOptions(run, "", "plain"));
        EXPECT_EQ(plain.at("edit"), nullptr);
        EXPECT_LT(plain.at("max_residual").at("value").get<double>(),
                  1e-3 * result.at("max_residual").at("value").get<double>());
        EXPECT_TRUE(stitch(stitchOptions(run, "soft:1", "edited")).at("already").get<bool>());
        for (const int level : {0, 1, 2, 3, 4}) {
            const Verdict verdict = TamperedRun(run).verify(level);
            EXPECT_TRUE(failedIds(verdict).empty()) << "level " << level << ": " << problemsOf(verdict);
            EXPECT_THAT(verdict.doesNotSay,
                        Contains(HasSubstr("block 1 is what the edit soft makes of the surrogate")));
        }
    }
}

TEST_F(EditedStitch, AloneItIsVerifiedWithItsEdit)
{
    const fs::path run = editedRun("llama-gqa");
    (void)stitch(stitchOptions(run, "soft", "edited"));
    certificate::VerifyOptions options;
    options.level = 4;
    options.childProgram = host().childProgram;
    const Verdict verdict = certificate::verify(run / "stitch/edited/certificate.json", options, RunContext());
    EXPECT_TRUE(failedIds(verdict).empty()) << problemsOf(verdict);
    EXPECT_EQ(verdict.scope.edits, std::vector<std::string>{"soft"});
    EXPECT_EQ(verdict.scope.blocks, std::vector<std::int32_t>{1});
}

TEST_F(EditedStitch, WhoeverClaimsAnotherEditThanTheOneMeasuredIsFound)
{
    const fs::path run = editedRun("llama-gqa");
    (void)stitch(stitchOptions(run, "soft", "edited"));
    const std::string path = "stitch/edited/certificate.json";
    const auto forged = [&](const std::function<void(Json&)>& forge, int level) {
        TamperedRun copy(run);
        Json json = copy.json(path);
        forge(json);
        copy.setJson(path, json);
        copy.resum();
        return failedIds(copy.verify(level));
    };
    // The edited numbers given out as those of the surrogates alone.
    EXPECT_THAT(forged([](Json& json) { json.erase("edit"); }, 4), Contains("stitch.model_residuals"));
    const auto edit = [](const char* key, const Json& value) { return [=](Json& json) { json["edit"][key] = value; }; };
    EXPECT_THAT(forged(edit("sha256", std::string(64, 'a')), 0), Contains("stitch.edit"));
    EXPECT_THAT(forged(edit("certificate", "edits/other/certificate.json"), 0), Contains("consistency.stitch"));
    EXPECT_THAT(forged(edit("name", "../x"), 0), Contains("consistency.stitch"));
    EXPECT_THAT(forged(edit("blocks", {2}), 0), Contains("consistency.stitch"));
    EXPECT_THAT(forged(edit("blocks", Json::array()), 0), Contains("structure.stitch"));
    EXPECT_THAT(forged(edit("blocks", {1, 1}), 0), Contains("structure.stitch"));
    EXPECT_THAT(forged(edit("more", 1), 0), Contains("structure.stitch"));
    EXPECT_THAT(forged(
                    [](Json& json) {
                        json["edit"]["name"] = "gone";
                        json["edit"]["certificate"] = "edits/gone/certificate.json";
                    },
                    0),
                Contains("stitch.edit"));
}

// An edit that is not the one stitched with, though a good certificate of its own.
TEST_F(EditedStitch, AnotherEditUnderItsNameIsFound)
{
    const fs::path run = editedRun("llama-gqa");
    (void)stitch(stitchOptions(run, "soft", "edited"));
    const fs::path other = m_folder.path() / "other";
    pipeline::EditOptions harder = options("llama-gqa", other);
    harder.name = "soft";
    harder.patch.scaleMlp = 0;
    (void)edit(harder);
    TamperedRun copy(run);
    fs::copy(other / "edits/soft", copy.path() / "edits/soft",
             fs::copy_options::overwrite_existing | fs::copy_options::recursive);
    copy.resum();
    EXPECT_THAT(failedIds(copy.verify(0)), Contains("stitch.edit"));
    // And with its digest claimed: only the numbers tell.
    Json json = copy.json("stitch/edited/certificate.json");
    json["edit"]["sha256"] = sha256Of(copy.text("edits/soft/certificate.json"));
    copy.setJson("stitch/edited/certificate.json", json);
    copy.resum();
    EXPECT_TRUE(failedIds(copy.verify(3)).empty());
    EXPECT_THAT(failedIds(copy.verify(4)), Contains("stitch.model_residuals"));
}

TEST_F(EditedStitch, RefusesInOneSentence)
{
    const fs::path run = editedRun("llama-gqa");
    EXPECT_EQ(refusal(stitchOptions(run, "hard", "")), "--edit hard: the run has no such edit; it has soft.");
    EXPECT_EQ(refusal(stitchOptions(run, "../soft", "")), "--edit ../soft: the run has no such edit; it has soft.");
    EXPECT_EQ(refusal(stitchOptions(run, "soft:2", "")),
              "--edit soft:2: block 2 is not edited by soft; it edits block 1.");
    EXPECT_THAT(refusal(stitchOptions(run, "soft:", "")), HasSubstr("block"));
}

// Whoever can write SHA256SUMS can write this.
TEST_F(EditedStitch, RefusesAnEditThatTheModelCannotHave)
{
    TamperedRun copy(editedRun("llama-gqa"));
    Json json = copy.json("edits/soft/certificate.json");
    json["patch"]["steps"][0]["target"] = "head";
    json["patch"]["steps"][0]["head"] = 999;
    copy.setJson("edits/soft/certificate.json", json);
    copy.resum();
    EXPECT_THAT(refusal(stitchOptions(copy.path(), "soft", "")), HasSubstr("head 999"));
}

TEST_F(EditedStitch, WritesWhatTheNativeEditWrites)
{
    const fs::path run = editedRun("llama-gqa");
    pipeline::GenerateOptions options;
    options.model.model = fixtureModel("llama-gqa").string();
    options.prompts.content = promptFile;
    options.maxNew = 5;
    options.surrogates = run;
    options.surrogateEdit = "soft";
    pipeline::ModelCache cache(host());
    const Json result = pipeline::generate(options, cache, RunContext());
    EXPECT_EQ(result.at("edit"), Json({{"name", "soft"}, {"blocks", {1}}}));
    const Json& rows = m_soft.at("evaluation").at("rows");
    ASSERT_EQ(result.at("prompts").size(), rows.size());
    for (std::size_t p = 0; p < rows.size(); ++p) {
        EXPECT_EQ(result.at("prompts")[p].at("text"), rows[p].at("before").at("text"));
        EXPECT_EQ(result.at("prompts")[p].at("stitched").at("text"), rows[p].at("after").at("text"));
    }
}

}
}
