// Prompts that chat templates have rendered are shown as their turns.
#include "widgets/chat_text.h"

#include <gtest/gtest.h>

namespace blockcert::widgets {
namespace {

using namespace Qt::StringLiterals;

TEST(ChatText, ReadsTheTurnsOfEveryFormItKnows)
{
    const std::vector<ChatTurn> turns{{u"system"_s, u"Be kind."_s}, {u"user"_s, u"How do I\nbake?"_s}};
    EXPECT_EQ(chatTurns(u"<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHow do I\nbake?<|im_end|>\n"
                        "<|im_start|>assistant\n"_s),
              turns);
    EXPECT_EQ(chatTurns(u"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
                        "<|start_header_id|>user<|end_header_id|>\n\nHow do I\nbake?<|eot_id|>"
                        "<|start_header_id|>assistant<|end_header_id|>\n\n"_s),
              turns);
    EXPECT_EQ(chatTurns(u"<|system|>\nBe kind.</s>\n<|user|>\nHow do I\nbake?</s>\n<|assistant|>\n"_s), turns);
    EXPECT_EQ(chatTurns(u"<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHow do I\nbake? [/INST]"_s), turns);
    EXPECT_TRUE(chatTurns(u"the quick brown fox"_s).empty());
}

TEST(ChatText, ShowsTheQuestionAndFoldsWhatStandsBeforeIt)
{
    const QString rendered = u"<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nfirst<|im_end|>\n"
                             "<|im_start|>assistant\nno<|im_end|>\n<|im_start|>user\nsecond<|im_end|>\n"
                             "<|im_start|>assistant\n"_s;
    EXPECT_EQ(questionOf(rendered), u"second"_s);
    EXPECT_EQ(foldedBefore(rendered), u"behind a system prompt and 2 turns"_s);
    EXPECT_EQ(chatOutline(rendered), u"system: S\nuser: first\nassistant: no\nuser: second"_s);
    EXPECT_EQ(questionOf(u"plain text"_s), u"plain text"_s);
    EXPECT_EQ(foldedBefore(u"plain text"_s), QString());
    EXPECT_EQ(foldedBefore(u"<|im_start|>user\nfirst<|im_end|>\n<|im_start|>assistant\n"_s), QString());
}

}
}
