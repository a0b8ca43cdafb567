#include "engine/protocol/token_listing.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/prompts/prompts.h"
#include "engine/tokenizer/tokenizer.h"

#include <memory>
#include <optional>
#include <string>
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

// Without a tokenizer every piece is empty.
Json promptToJson(const EncodedPrompt& prompt, const tokenizer::Tokenizer* tokenizer)
{
    Json pieces = Json::array();
    Json special = Json::array();
    for (const TokenId id : prompt.tokenIds) {
        pieces.push_back(tokenizer ? tokenizer->piece(id) : std::string());
        special.push_back(tokenizer && tokenizer->isSpecial(id));
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

using TokenizerPointer = std::unique_ptr<const tokenizer::Tokenizer>;

// Null where there is none, and then `why` is set.
TokenizerPointer openTokenizer(const artifact::Checkpoint& checkpoint, std::optional<Error>& why)
{
    try {
        return std::make_unique<const tokenizer::Tokenizer>(tokenizer::Tokenizer::of(checkpoint));
    } catch (const Error& error) {
        why = error;
        return nullptr;
    }
}

// A text of the command line is no prompt of a file, and is not spoken of as one.
void requireEncodable(const std::string& text, const TokenizerPointer& tokenizer, const std::optional<Error>& why)
{
    if (why)
        throw Error(why->exitCode(),
                    std::string("The text cannot be encoded: ") + why->what() +
                        " Put a tokenizer that can be read beside the model, or give ids with --prompts, as "
                        "token_ids in a .jsonl file.");
    if (tokenizer->encode(text, tokenizer::SpecialTokens::Add).empty())
        throw FormatError(text.empty() ? "The text encodes to no token; give one that is not empty."
                                       : "The text encodes to no token: the model's tokenizer knows none of its "
                                         "characters.");
}

}

Json tokenize(const TokenizeOptions& options, const artifact::ModelLocations& locations)
{
    const int given = (options.text ? 1 : 0) + (options.content ? 1 : 0) + (options.prompts.empty() ? 0 : 1);
    if (given != 1)
        throw UsageError("tokenize needs either a text (--text) or a prompt set (--prompts), and only one of them.");
    const PromptFile file = promptFileOf(options);
    const auto checkpoint = artifact::Checkpoint::open(artifact::resolveModel(options.model, locations));
    std::optional<Error> why;
    const TokenizerPointer tokenizer = openTokenizer(checkpoint, why);
    if (options.text)
        requireEncodable(*options.text, tokenizer, why);
    prompts::EncodeOptions encoding;
    encoding.maxTokens = options.maxTokens;
    encoding.context = checkpoint.config().context;
    encoding.vocabulary = checkpoint.config().vocab;
    const PromptSet set =
        tokenizer ? prompts::encodePrompts(file, *tokenizer, encoding) : prompts::takeLiterally(file, encoding, *why);

    Json warnings = tokenizer ? Json(tokenizer->notices()) : Json::array();
    if (!set.pinnedDate.empty())
        warnings.push_back("The chat template asks for the date and is always told " + set.pinnedDate +
                           ", 00:00, so that the same prompts give the same ids on every day.");
    Json items = Json::array();
    for (const EncodedPrompt& prompt : set.prompts)
        items.push_back(promptToJson(prompt, tokenizer.get()));
    Json listing = {{"name", set.name},
                    {"sha256", set.sha256},
                    {"bundled", set.bundled},
                    {"token_ids_sha256", prompts::tokenIdsSha256(set)},
                    {"template_sha256", textOrNull(set.templateSha256)},
                    {"warnings", std::move(warnings)}};
    if (options.text) {
        listing["token_ids"] = items[0]["token_ids"];
        listing["pieces"] = items[0]["pieces"];
    }
    listing["prompts"] = std::move(items);
    return listing;
}

}
