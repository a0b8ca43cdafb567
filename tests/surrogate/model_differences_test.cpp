#include "engine/artifact/checkpoint.h"
#include "engine/base/atomic_file.h"
#include "engine/base/strict_json.h"
#include "engine/surrogate/model_differences.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

namespace blockcert::surrogate {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::TemporaryFolder;

fs::path model()
{
    return fs::path(std::getenv("BLOCKCERT_TEST_DATA")) / "models" / "llama-gqa";
}

// The differences from a copy with one of its JSON files changed.
std::vector<std::string> differencesFrom(const char* file, const std::function<void(Json&)>& change)
{
    const TemporaryFolder folder;
    const fs::path copy = folder.path() / "copy";
    fs::copy(model(), copy);
    Json json = parseStrictJson(readWholeFile(copy / file, 64U << 20U), file);
    change(json);
    writeFileAtomically(copy / file, writeJson(json));
    return modelDifferences(artifact::Checkpoint::open(model()), artifact::Checkpoint::open(copy));
}

TEST(ModelDifferences, OfAModelFromItselfAreNone)
{
    EXPECT_THAT(modelDifferences(artifact::Checkpoint::open(model()), artifact::Checkpoint::open(model())), IsEmpty());
}

TEST(ModelDifferences, NameWhatTheConfigurationsDisagreeAbout)
{
    EXPECT_THAT(differencesFrom("config.json", [](Json& json) { json["rope_theta"] = 50000.0; }),
                ElementsAre("rope_theta is 10000 here and 50000 there"));
    EXPECT_THAT(
        differencesFrom("config.json",
                        [](Json& json) {
                            json["rms_norm_eps"] = 1e-6;
                            json["max_position_embeddings"] = 32;
                        }),
        ElementsAre("the context is 64 here and 32 there", "the epsilon of the norms is 1e-05 here and 1e-06 there"));
}

TEST(ModelDifferences, NameWhatTheTokenizersDisagreeAbout)
{
    const auto swapped = differencesFrom("tokenizer.json", [](Json& json) {
        Json& vocabulary = json["model"]["vocab"];
        std::swap(vocabulary["a"], vocabulary["b"]);
    });
    EXPECT_THAT(swapped, Contains(HasSubstr("2 of 288 tokens of the tokenizers differ (token")));
    const auto merges = differencesFrom("tokenizer.json", [](Json& json) { json["model"]["merges"] = Json::array(); });
    EXPECT_THAT(merges, Contains("the tokenizers encode the same text differently"));
}

}
}
