#include "engine/protocol/token_listing.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/prompts/prompts.h"
#include "engine/tokenizer/tokenizer.h"

#include <utility>

namespace blockcert::protocol {

namespace {

Json textOrNull(const std::string& text)
{
    return text.empty() ? Json() : Json(text);
}

PromptFile promptFileOf(const TokenizeOptions& options)
{
    if (options.text) {
        PromptFile file;
        file.name = "text";
        file.sha256 = sha256Of(*options.text);
        PromptSource source;
        source.id = "text";
        source.text = options.text;
        file.prompts.push_back(std::move(source));
        return file;
    }
    if (options.content)
        return prompts::parsePrompts(*options.content, options.format, options.name);
    return prompts::readPrompts(options.prompts);
}

Json promptToJson(const EncodedPrompt& prompt, const tokenizer::Tokenizer& tokenizer)
{
    Json pieces = Json::array();
    Json special = Json::array();
    for (const TokenId id : prompt.tokenIds) {
        pieces.push_back(tokenizer.piece(id));
        special.push_back(tokenizer.isSpecial(id));
    }
    return {{"id", prompt.id},
            {"rendered", prompt.rendered},
            {"token_ids", prompt.tokenIds},
            {"pieces", std::move(pieces)},
            {"special", std::move(special)},
            {"truncated", prompt.truncatedTokens},
            {"label", prompt.label},
            {"tags", prompt.tags},
            {"split", prompt.split}};
}

}

Json tokenize(const TokenizeOptions& options, const artifact::ModelLocations& locations)
{
    const int given = (options.text ? 1 : 0) + (options.content ? 1 : 0) + (options.prompts.empty() ? 0 : 1);
    if (given != 1)
        throw UsageError("tokenize needs either a text (--text) or a prompt set (--prompts), and only one of them.");
    const PromptFile file = promptFileOf(options);
    const auto checkpoint = artifact::Checkpoint::open(artifact::resolveModel(options.model, locations));
    const auto tokenizer = tokenizer::Tokenizer::of(checkpoint);
    prompts::EncodeOptions encoding;
    encoding.maxTokens = options.maxTokens;
    encoding.context = checkpoint.config().context;
    encoding.vocabulary = checkpoint.config().vocab;
    const PromptSet set = prompts::encodePrompts(file, tokenizer, encoding);

    Json items = Json::array();
    for (const EncodedPrompt& prompt : set.prompts)
        items.push_back(promptToJson(prompt, tokenizer));
    Json listing = {{"name", set.name},
                    {"sha256", set.sha256},
                    {"bundled", set.bundled},
                    {"token_ids_sha256", prompts::tokenIdsSha256(set)},
                    {"template_sha256", textOrNull(set.templateSha256)}};
    if (options.text) {
        listing["token_ids"] = items[0]["token_ids"];
        listing["pieces"] = items[0]["pieces"];
    }
    listing["prompts"] = std::move(items);
    return listing;
}

}
