#include "engine/certificate/run_differences.h"
#include "tests/certificate/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blockcert::certificate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Differences, AreNoneForTheSameRequestMadeElsewhere)
{
    RunManifest asked = sample::manifest();
    asked.created = "later";
    asked.modelHint = "elsewhere";
    asked.environment.threads = 64;
    asked.subject.model = "renamed";
    asked.prompts.prompts[0].pieces.clear();
    EXPECT_THAT(differences(sample::manifest(), asked), IsEmpty());
}

TEST(Differences, AreNoneForMoreBlocksOrMorePrompts)
{
    RunManifest asked = sample::manifest();
    asked.request.blocks.push_back({5});
    asked.prompts.prompts.push_back({"c", "", {9}, {}, 0, "", {}, ""});
    asked.prompts.sha256 = "";
    asked.prompts.name = "grown";
    EXPECT_THAT(differences(sample::manifest(), asked), IsEmpty());
    EXPECT_TRUE(addsPrompts(sample::manifest(), asked));
}

TEST(Differences, NameBothValues)
{
    RunManifest asked = sample::manifest();
    asked.request.loss = LossMode::Exact;
    asked.request.policy.alphaAct = 0.75;
    EXPECT_THAT(differences(sample::manifest(), asked),
                ElementsAre("loss is exact here and none in the run", "alpha_act is 0.75 here and 0.5 in the run"));
}

TEST(Differences, SayThatBlocksAndPromptsAreNotTakenAway)
{
    RunManifest asked = sample::manifest();
    asked.request.blocks = {{1}};
    asked.prompts.prompts.pop_back();
    EXPECT_THAT(
        differences(sample::manifest(), asked),
        ElementsAre(HasSubstr("blocks are [1] here and [0,1] in the run"), HasSubstr("there are 1 prompts here")));
}

TEST(Differences, NoticeAnotherPromptInTheSamePlace)
{
    RunManifest asked = sample::manifest();
    asked.prompts.prompts[1].tokenIds[0] += 1;
    EXPECT_THAT(differences(sample::manifest(), asked), ElementsAre(HasSubstr("prompt 1 (b)")));
}

TEST(Differences, NoticeAnotherModel)
{
    RunManifest asked = sample::manifest();
    asked.subject.files[0].sha256[0] = 'f' == asked.subject.files[0].sha256[0] ? '0' : 'f';
    EXPECT_THAT(differences(sample::manifest(), asked), ElementsAre(HasSubstr("files is ")));
}

}
}
