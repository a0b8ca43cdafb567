#include "widgets/prompt_label.h"
#include "widgets/theme.h"

#include <QFontMetrics>

#include <gtest/gtest.h>

#include <set>

namespace blockcert::widgets {
namespace {

using namespace Qt::StringLiterals;

QFontMetrics metrics()
{
    return QFontMetrics(textFont(TextSize::Secondary));
}

std::set<QString> labelsOf(const QStringList& texts, int width)
{
    std::set<QString> labels;
    const qsizetype shared = sharedBeginning(texts);
    for (const QString& text : texts) {
        const QString label = promptLabel(text, shared, metrics(), width);
        EXPECT_LE(metrics().horizontalAdvance(label), width) << label.toStdString();
        labels.insert(label);
    }
    return labels;
}

TEST(PromptLabel, LongIdsStayDifferentWhereverTheyDiffer)
{
    const QString same = u"collected-from-the-archive-of-letters"_s;
    const int narrow = metrics().horizontalAdvance(u"collected-from-the"_s);
    EXPECT_EQ(labelsOf({same + u"-1"_s, same + u"-2"_s, same + u"-3"_s}, narrow).size(), 3U) << "at the end";
    EXPECT_EQ(labelsOf({u"1-"_s + same, u"2-"_s + same, u"3-"_s + same}, narrow).size(), 3U) << "at the beginning";
    EXPECT_EQ(labelsOf({same + u"-1-"_s + same, same + u"-2-"_s + same}, narrow).size(), 2U) << "in the middle";
}

TEST(PromptLabel, WhatFitsStaysWhole)
{
    EXPECT_EQ(promptLabel(u"stress-code"_s, 7, metrics(), 500), u"stress-code"_s);
    EXPECT_EQ(sharedBeginning({u"stress-code"_s, u"stress-prose"_s}), 7);
    EXPECT_EQ(sharedBeginning({u"alone"_s}), 0);
    EXPECT_EQ(sharedBeginning({}), 0);
    EXPECT_EQ(sharedBeginning({u"\U0001F600"_s, u"\U0001F601"_s}), 0) << "half a character is none";
}

}
}
