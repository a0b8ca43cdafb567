// A set that calls itself bundled is the bundled one: every prompt, in its place, with its text and its label.
#include "engine/certificate/provenance.h"
#include "engine/prompts/prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace blockcert::certificate {
namespace {

using testing::HasSubstr;

// As a run records it, in the words of a chat template of no model's own.
PromptSet recorded(const std::string& name)
{
    const PromptFile file = prompts::readPrompts(name);
    PromptSet set{file.name, file.sha256, true, {}, {}, {}};
    for (const PromptSource& source : file.prompts) {
        EncodedPrompt prompt;
        prompt.id = source.id;
        prompt.label = source.label;
        prompt.rendered = source.text.value_or("");
        for (const ChatMessage& message : source.messages)
            prompt.rendered += "<" + message.role + ">" + message.content + "</" + message.role + ">";
        prompt.tokenIds = {1, 2};
        set.prompts.push_back(prompt);
    }
    return set;
}

std::string problemOf(const PromptSet& set)
{
    CheckList checks;
    if (checkPrompts(set, checks))
        return "";
    for (const Check& check : checks.checks())
        return check.detail;
    return "no row";
}

TEST(BundledPrompts, AreTheWholeSetWithItsTextsAndLabels)
{
    for (const std::string& name : prompts::bundledNames()) {
        const PromptSet honest = recorded(name);
        EXPECT_EQ(problemOf(honest), "") << name;
        const auto forged = [&](const std::function<void(PromptSet&)>& forge) {
            PromptSet set = honest;
            forge(set);
            return problemOf(set);
        };
        EXPECT_THAT(forged([](PromptSet& set) { set.prompts.pop_back(); }), HasSubstr("is left out"));
        EXPECT_THAT(forged([](PromptSet& set) { set.prompts.erase(set.prompts.begin()); }),
                    HasSubstr("not in this place"));
        EXPECT_THAT(forged([](PromptSet& set) { std::swap(set.prompts[0], set.prompts[1]); }),
                    HasSubstr("not in this place"));
        EXPECT_THAT(forged([](PromptSet& set) { set.prompts.push_back(set.prompts.front()); }),
                    HasSubstr("not in the bundled set"));
        EXPECT_THAT(forged([](PromptSet& set) { set.prompts[1].rendered = "Hello."; }), HasSubstr("with this text"));
        EXPECT_THAT(forged([](PromptSet& set) { set.prompts[1].label += "x"; }), HasSubstr("another label"));
    }
}

}
}
