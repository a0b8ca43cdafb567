// A prompt that a chat template has rendered, as the turns that it is made of.
#pragma once

#include <QString>

#include <vector>

namespace blockcert::widgets {

struct ChatTurn {
    QString role; // "system", "user", "assistant", as the template says it
    QString text;

    friend bool operator==(const ChatTurn&, const ChatTurn&) = default;
};

// In order, without the beginning of the answer; empty where the text is no chat of a form that is known: ChatML
// (<|im_start|>), Llama 3 (<|start_header_id|>), Zephyr (<|user|>) and [INST].
[[nodiscard]] std::vector<ChatTurn> chatTurns(const QString& rendered);
// What the last user asked; of a text that is no chat, all of it.
[[nodiscard]] QString questionOf(const QString& rendered);
// What stands before that question: "behind a system prompt and 4 turns"; empty: nothing does.
[[nodiscard]] QString foldedBefore(const QString& rendered);
// "user: …", a line a turn; of a text that is no chat, the text.
[[nodiscard]] QString chatOutline(const QString& rendered);

}
