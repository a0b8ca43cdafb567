#include "widgets/chat_text.h"

#include <QCoreApplication>
#include <QRegularExpression>

#include <algorithm>

namespace blockcert::widgets {

using namespace Qt::StringLiterals;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("ChatText", text);
}

struct Form {
    QRegularExpression turn; // captures role, then text
    QRegularExpression end;  // what ends a text, if it is there
};

// Each reads on to the next turn, so that no part of a text is lost where its end is not marked.
const std::vector<Form>& forms()
{
    const auto form = [](const QString& begin, const QString& end) {
        return Form{
            QRegularExpression(begin + u"(.*?)(?=(?:"_s + QString(begin).replace(u"(\\w+)"_s, u"\\w+"_s) + u")|$)"_s,
                               QRegularExpression::DotMatchesEverythingOption),
            QRegularExpression(end)};
    };
    static const std::vector<Form> all{
        form(u"<\\|im_start\\|>(\\w+)\\n"_s, u"<\\|im_end\\|>\\s*$"_s),
        form(u"<\\|start_header_id\\|>(\\w+)<\\|end_header_id\\|>\\s*"_s, u"<\\|eot_id\\|>\\s*$"_s),
        form(u"<\\|(system|user|assistant)\\|>\\n"_s, u"(</s>|<\\|end\\|>|<\\|endoftext\\|>)?\\s*$"_s),
    };
    return all;
}

std::vector<ChatTurn> instructions(const QString& rendered)
{
    static const QRegularExpression turn(u"\\[INST\\](.*?)\\[/INST\\](.*?)(?=\\[INST\\]|$)"_s,
                                         QRegularExpression::DotMatchesEverythingOption);
    static const QRegularExpression system(u"<<SYS>>(.*?)<</SYS>>"_s, QRegularExpression::DotMatchesEverythingOption);
    static const QRegularExpression end(u"(</s>|<s>|\\s)+$"_s);
    std::vector<ChatTurn> turns;
    for (auto found = turn.globalMatch(rendered); found.hasNext();) {
        const QRegularExpressionMatch match = found.next();
        QString user = match.captured(1);
        if (const QRegularExpressionMatch told = system.match(user); told.hasMatch()) {
            turns.push_back({u"system"_s, told.captured(1).trimmed()});
            user.remove(told.capturedStart(), told.capturedLength());
        }
        turns.push_back({u"user"_s, user.trimmed()});
        if (const QString answer = match.captured(2).remove(end).trimmed(); !answer.isEmpty())
            turns.push_back({u"assistant"_s, answer});
    }
    return turns;
}

qsizetype lastQuestion(const std::vector<ChatTurn>& turns)
{
    for (auto at = static_cast<qsizetype>(turns.size()) - 1; at >= 0; --at)
        if (turns[static_cast<std::size_t>(at)].role == "user"_L1)
            return at;
    return -1;
}

}

std::vector<ChatTurn> chatTurns(const QString& rendered)
{
    for (const Form& form : forms()) {
        std::vector<ChatTurn> turns;
        for (auto found = form.turn.globalMatch(rendered); found.hasNext();) {
            const QRegularExpressionMatch match = found.next();
            turns.push_back({match.captured(1), match.captured(2).remove(form.end).trimmed()});
        }
        if (turns.empty())
            continue;
        if (turns.back().role == "assistant"_L1 && turns.back().text.isEmpty())
            turns.pop_back(); // where the answer begins
        return turns;
    }
    return instructions(rendered);
}

QString questionOf(const QString& rendered)
{
    const std::vector<ChatTurn> turns = chatTurns(rendered);
    const qsizetype at = lastQuestion(turns);
    return at < 0 ? rendered : turns[static_cast<std::size_t>(at)].text;
}

QString foldedBefore(const QString& rendered)
{
    const std::vector<ChatTurn> turns = chatTurns(rendered);
    const qsizetype at = std::max<qsizetype>(0, lastQuestion(turns));
    const auto before = turns.begin() + at;
    const auto isSystem = [](const ChatTurn& turn) { return turn.role == "system"_L1; };
    const bool hasSystem = std::any_of(turns.begin(), before, isSystem);
    const auto others = std::count_if(turns.begin(), before, [&](const ChatTurn& turn) { return !isSystem(turn); });
    const QString count = others == 1 ? tr("1 turn") : tr("%1 turns").arg(others);
    return hasSystem && others > 0 ? tr("behind a system prompt and %1").arg(count)
           : hasSystem             ? tr("behind a system prompt")
           : others > 0            ? tr("behind %1").arg(count)
                                   : QString();
}

QString chatOutline(const QString& rendered)
{
    QString outline;
    for (const ChatTurn& turn : chatTurns(rendered))
        outline += (outline.isEmpty() ? QString() : u"\n"_s) + turn.role + u": "_s + turn.text;
    return outline.isEmpty() ? rendered : outline;
}

}
