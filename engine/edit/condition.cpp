#include "engine/edit/condition.h"

#include "engine/base/error.h"
#include "engine/base/schema_name.h"
#include "engine/base/sha256.h"
#include "engine/base/strict_json.h"
#include "engine/edit/bundled_texts.h"

namespace blockcert::edit {

Preamble bundledPreamble(std::string_view name)
{
    if (name == "none")
        return {};
    const std::string_view text = bundledText("preambles/" + std::string(name));
    if (text.empty())
        throw UsageError("The condition is none, system, few-shot or a preamble file, not \"" + std::string(name) +
                         "\".");
    return parsePreamble(text, name);
}

Preamble parsePreamble(std::string_view text, std::string_view source)
{
    const auto refuse = [&](const std::string& problem) { throw FormatError(std::string(source) + ": " + problem); };
    const Json json = parseStrictJson(text, source);
    if (json.is_object() && json.contains("schema") && json.at("schema").is_string())
        requireSchemaName(json.at("schema").get<std::string>(), "blockcert.preamble", 1,
                          std::string(source) + ": schema");
    if (!json.is_object() || json.size() != 3 || !json.contains("schema") || !json.contains("name") ||
        !json.contains("messages"))
        refuse("a preamble is an object of schema, name and messages.");
    if (!json.at("schema").is_string())
        refuse("schema must be \"blockcert.preamble/1\".");
    if (!json.at("name").is_string() || json.at("name").get<std::string>().empty() || json.at("name") == "none")
        refuse("name must be a text other than none.");
    if (!json.at("messages").is_array() || json.at("messages").empty())
        refuse("messages must be an array of at least one message.");
    Preamble preamble;
    preamble.condition = {json.at("name").get<std::string>(), sha256Of(text)};
    for (const Json& message : json.at("messages")) {
        if (!message.is_object() || message.size() != 2 || !message.contains("role") || !message.contains("content") ||
            !message.at("role").is_string() || !message.at("content").is_string())
            refuse("every message has a role and a content, both texts.");
        if (const std::string role = message.at("role"); role != "system" && role != "user" && role != "assistant")
            refuse("a role is system, user or assistant, not \"" + role + "\".");
        preamble.messages.push_back({message.at("role").get<std::string>(), message.at("content").get<std::string>()});
    }
    return preamble;
}

PromptFile conditioned(PromptFile prompts, const Preamble& preamble)
{
    if (preamble.messages.empty())
        return prompts;
    for (PromptSource& prompt : prompts.prompts) {
        if (!prompt.tokenIds.empty())
            throw UsageError("Prompt \"" + prompt.id + "\" is given as token ids, which no preamble can precede.");
        std::vector<ChatMessage> messages = preamble.messages;
        if (prompt.text)
            messages.push_back({"user", *prompt.text});
        messages.insert(messages.end(), prompt.messages.begin(), prompt.messages.end());
        prompt.text.reset();
        prompt.messages = std::move(messages);
    }
    prompts.name += ", " + preamble.condition.name;
    prompts.bundled = false;
    return prompts;
}

}
