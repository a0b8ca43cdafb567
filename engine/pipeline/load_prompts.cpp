#include "engine/base/error.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/prompts/prompts.h"

#include <algorithm>

namespace blockcert::pipeline {

namespace {

// Prompts given as token ids need no tokenizer.
PromptSet takeLiterally(const PromptFile& file, const prompts::EncodeOptions& options)
{
    PromptSet set;
    set.name = file.name;
    set.sha256 = file.sha256;
    set.bundled = file.bundled;
    const std::int64_t most = options.context > 0 ? std::min(options.maxTokens, options.context) : options.maxTokens;
    for (const PromptSource& source : file.prompts) {
        for (const TokenId id : source.tokenIds)
            if (id < 0 || id >= options.vocabulary)
                throw FormatError("Prompt \"" + source.id + "\": token " + std::to_string(id) +
                                  " lies outside the vocabulary of " + std::to_string(options.vocabulary) + ".");
        EncodedPrompt prompt;
        prompt.id = source.id;
        prompt.tokenIds = source.tokenIds;
        prompt.label = source.label;
        prompt.tags = source.tags;
        prompt.split = source.split;
        if (const auto size = static_cast<std::int64_t>(prompt.tokenIds.size()); size > most) {
            prompt.truncatedTokens = size - most;
            prompt.tokenIds.resize(static_cast<std::size_t>(most));
        }
        set.prompts.push_back(std::move(prompt));
    }
    return set;
}

bool isLiteral(const PromptSource& source)
{
    return !source.text && source.messages.empty() && !source.tokenIds.empty();
}

}

PromptSet loadPrompts(const PromptOptions& options, const OpenedModel& opened, Heldout heldout)
{
    PromptFile file = options.content ? prompts::parsePrompts(*options.content, options.format, options.name)
                                      : prompts::readPrompts(options.source);
    if (heldout == Heldout::Drop)
        std::erase_if(file.prompts, [](const PromptSource& source) { return source.split == "heldout"; });
    if (file.prompts.empty())
        throw UsageError("The prompt set " + file.name + " has no prompt" +
                         (heldout == Heldout::Drop ? " that may be used to certify (split \"heldout\" never is)" : "") +
                         "; add one.");

    const TransformerConfig& config = opened.checkpoint->config();
    prompts::EncodeOptions encode;
    encode.maxTokens = options.maxTokens;
    encode.date = options.date;
    encode.context = config.context;
    encode.vocabulary = config.vocab;
    if (!opened.tokenizer) {
        if (!std::all_of(file.prompts.begin(), file.prompts.end(), isLiteral))
            throw UnsupportedError("The prompts of " + file.name + " cannot be encoded: " + opened.tokenizerProblem +
                                   " Give token_ids instead of text.");
        return takeLiterally(file, encode);
    }
    PromptSet set = prompts::encodePrompts(file, *opened.tokenizer, encode);
    for (EncodedPrompt& prompt : set.prompts) {
        prompt.pieces.clear();
        for (const TokenId id : prompt.tokenIds)
            prompt.pieces.push_back(id < opened.tokenizer->vocabularySize() ? opened.tokenizer->piece(id)
                                                                            : std::string());
    }
    return set;
}

std::vector<std::vector<TokenId>> tokenIdsOf(const PromptSet& prompts)
{
    std::vector<std::vector<TokenId>> ids;
    for (const EncodedPrompt& prompt : prompts.prompts)
        ids.push_back(prompt.tokenIds);
    return ids;
}

}
