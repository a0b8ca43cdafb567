#include "engine/base/error.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/prompts/prompts.h"

namespace blockcert::pipeline {

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
    if (!opened.tokenizer)
        return prompts::takeLiterally(file, encode, *opened.tokenizerProblem);
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
