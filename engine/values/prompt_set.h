// Prompts as the user wrote them, and as the exact token ids the model is fed.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

struct ChatMessage {
    std::string role;
    std::string content;

    friend bool operator==(const ChatMessage&, const ChatMessage&) = default;
};

// One line of a prompt file. Exactly one of text, messages, tokenIds is given.
struct PromptSource {
    std::string id;
    std::optional<std::string> text;   // encoded as it is, leading and trailing space kept
    std::vector<ChatMessage> messages; // through the chat template
    std::vector<TokenId> tokenIds;     // taken literally
    std::string label;
    std::vector<std::string> tags;
    std::string split; // "heldout" is never used to certify

    friend bool operator==(const PromptSource&, const PromptSource&) = default;
};

struct PromptFile {
    std::string name;   // "base", or the file's base name
    std::string sha256; // of the file's bytes; of the bundled resource for a bundled set
    bool bundled = false;
    std::vector<PromptSource> prompts;

    friend bool operator==(const PromptFile&, const PromptFile&) = default;
};

struct EncodedPrompt {
    std::string id;
    std::string rendered; // the text that was encoded (after the chat template); empty for literal ids
    std::vector<TokenId> tokenIds;
    std::vector<std::string> pieces;  // what each token looks like, for display only; may be empty
    std::int64_t truncatedTokens = 0; // how many tokens --max-tokens removed at the end
    std::string label;
    std::vector<std::string> tags;
    std::string split;

    friend bool operator==(const EncodedPrompt&, const EncodedPrompt&) = default;
};

// What a run is made on. Positions are 0 … S-1 in every prompt; prompts never see each other.
struct PromptSet {
    std::string name;
    std::string sha256;
    bool bundled = false;
    std::string templateSha256; // of the chat template's text; empty if none was used
    std::string pinnedDate;     // what strftime_now() returned; empty if no template asked
    std::vector<EncodedPrompt> prompts;

    [[nodiscard]] std::int64_t tokenCount() const
    {
        std::int64_t count = 0;
        for (const EncodedPrompt& prompt : prompts)
            count += static_cast<std::int64_t>(prompt.tokenIds.size());
        return count;
    }

    friend bool operator==(const PromptSet&, const PromptSet&) = default;
};

}
