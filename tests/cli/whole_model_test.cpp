// Whole models at the edges, on tiny ones: runs that gain prompts, and surrogates whose numbers leave single precision.

#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

using namespace blockcert;
using namespace blockcert::tests;
using testing::HasSubstr;

namespace fs = std::filesystem;

namespace {

std::string model(const std::string& name)
{
    return std::string(std::getenv("BLOCKCERT_TEST_DATA")) + "/models/" + name; // NOLINT(concurrency-mt-unsafe)
}

// A copy of llama-gqa whose block 1 gives outputs that many times as large.
void writeLouderModel(const fs::path& folder, const std::string& times)
{
    fs::copy(model("llama-gqa"), folder);
    const Outcome made = runShell("/usr/bin/python3 - '" + (folder / "model.safetensors").string() + "' " + times +
                                  R"( <<'END'
import array, json, struct, sys
path, times = sys.argv[1], float(sys.argv[2])
data = bytearray(open(path, "rb").read())
first = 8 + struct.unpack("<Q", data[:8])[0]
begin, end = json.loads(data[8:first])["model.layers.1.mlp.down_proj.weight"]["data_offsets"]
values = array.array("f", bytes(data[first + begin:first + end]))
data[first + begin:first + end] = array.array("f", [x * times for x in values]).tobytes()
open(path, "wb").write(data)
END
)");
    ASSERT_EQ(made.status, 0) << made.err;
}

}

// A run that gains prompts has other block certificates: what was stitched of the old ones is said to be gone.
TEST(RunsThatGainPrompts, SayWhichStitchedModelsTheyLoseAndGiveTheNameBack)
{
    TemporaryFolder folder;
    const std::string run = (folder / "run").string();
    const fs::path prompts = folder / "prompts.jsonl";
    const std::string first = "{\"id\":\"a\",\"text\":\"abcabc\"}\n";
    writeFile(prompts, first);
    const auto certify = [&](std::vector<std::string> more) {
        std::vector<std::string> words = {"certify", model("llama-gqa"), "--prompts", prompts.string(), "-o",
                                          run,       "--blocks",         "0,1"};
        words.insert(words.end(), more.begin(), more.end());
        return runBlockcert(words);
    };
    ASSERT_EQ(certify({}).status, 0);
    ASSERT_EQ(runBlockcert({"stitch", run, "--name", "mine"}).status, 0);
    EXPECT_THAT(certify({"--resume"}).out, testing::Not(HasSubstr("no longer"))) << "nothing was added";
    EXPECT_EQ(runBlockcert({"stitch", run, "--name", "mine", "--blocks", "0"}).status, 2) << "the name is taken";

    writeFile(prompts, first + "{\"id\":\"b\",\"text\":\"def abc\"}\n");
    const Outcome more = certify({"--resume"});
    ASSERT_EQ(more.status, 0) << more.err;
    EXPECT_THAT(more.out, HasSubstr("The stitched model mine is about the run before its prompts changed"));
    EXPECT_EQ(certify({"--resume", "--json"}).json().at("notes").size(), 1U);
    EXPECT_TRUE(runBlockcert({"show", run, "--json"}).json().at("stitches").empty());

    const Outcome again = runBlockcert({"stitch", run, "--name", "mine", "--blocks", "0"});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(runBlockcert({"verify", run, "--json"}).json().at("verdict"), "verified");
    EXPECT_EQ(runBlockcert({"show", run, "--json"}).json().at("stitches")[0].at("blocks"), Json({0}));
    EXPECT_TRUE(certify({"--resume", "--json"}).json().at("notes").empty());
}

// Finite numbers whose squares are not: the norms behind the block would make zeros of them, and what the model then
// says of the next tokens is no property of the surrogate. Such a block gets no certificate, instead of one that level
// 4 rightly refuses.
TEST(SurrogatesThatOverflow, GetNoCertificateOfTheirLosses)
{
    TemporaryFolder folder;
    writeLouderModel(folder / "loud", "1e20");
    writeLouderModel(folder / "louder", "1e18");
    const auto certify = [&](const char* name, const std::string& run, std::vector<std::string> more) {
        std::vector<std::string> words = {"certify",     model("llama-gqa"),
                                          "--prompts",   "base",
                                          "--blocks",    "0,1",
                                          "-o",          run,
                                          "--surrogate", "checkpoint:" + (folder / name).string()};
        words.insert(words.end(), more.begin(), more.end());
        return runBlockcert(words);
    };
    const std::string run = (folder / "run").string();
    const Outcome outcome = certify("loud", run, {"--json"});
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    ASSERT_EQ(outcome.json().at("findings").size(), 1U);
    EXPECT_EQ(outcome.json().at("findings")[0].at("block"), 1);
    EXPECT_THAT(outcome.json().at("findings")[0].at("sentence").get<std::string>(),
                testing::AllOf(HasSubstr("which the model's next norm takes in single precision, is not finite"),
                               HasSubstr("--loss none measures its errors alone")));
    const auto holds = [](const std::string& path) {
        const Json verdict = runBlockcert({"verify", path, "--level", "4", "--json"}).json();
        EXPECT_EQ(verdict.at("verdict"), "weaker_than_policy") << verdict.at("sentence");
    };
    EXPECT_NE(runBlockcert({"verify", run, "--level", "4", "--json"}).json().at("verdict"), "failed");

    // Its errors alone can be measured; the model with it in place cannot.
    const std::string errors = (folder / "errors").string();
    ASSERT_EQ(certify("loud", errors, {"--loss", "none"}).status, 0);
    holds(errors);
    const Outcome stitched = runBlockcert({"stitch", errors, "--blocks", "1"});
    EXPECT_NE(stitched.status, 0);
    EXPECT_THAT(stitched.err, HasSubstr("the sum of squares of its state after block 1"));

    // A factor below, all numbers are the model's.
    const std::string near = (folder / "near").string();
    ASSERT_EQ(certify("louder", near, {}).status, 0);
    ASSERT_EQ(runBlockcert({"stitch", near}).status, 0);
    holds(near);
}
