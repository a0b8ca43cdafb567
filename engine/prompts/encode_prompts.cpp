#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/prompts/prompts.h"
#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace blockcert::prompts {

namespace {

using tokenizer::SpecialTokens;
using tokenizer::Tokenizer;

constexpr const char* defaultDate = "26 Jul 2024";

void encodeMessages(const PromptSource& source, const Tokenizer& tokenizer, const EncodeOptions& options,
                    EncodedPrompt& prompt, PromptSet& set)
{
    const tokenizer::RenderedChat chat = tokenizer.renderChat(source.messages, true, options.date);
    prompt.rendered = chat.text;
    prompt.tokenIds = tokenizer.encode(chat.text, SpecialTokens::Omit); // the template writes them itself
    set.templateSha256 = chat.templateSha256;
    if (chat.usedDate)
        set.pinnedDate = options.date.empty() ? defaultDate : options.date;
}

std::int64_t mostTokens(const EncodeOptions& options)
{
    if (options.maxTokens < 1)
        throw UsageError("Prompts cannot be truncated to " + std::to_string(options.maxTokens) +
                         " tokens; give at least 1.");
    return options.context > 0 ? std::min(options.maxTokens, options.context) : options.maxTokens;
}

PromptSet emptySetOf(const PromptFile& file)
{
    PromptSet set;
    set.name = file.name;
    set.sha256 = file.sha256;
    set.bundled = file.bundled;
    return set;
}

EncodedPrompt unencoded(const PromptSource& source)
{
    EncodedPrompt prompt;
    prompt.id = source.id;
    prompt.label = source.label;
    prompt.tags = source.tags;
    prompt.split = source.split;
    return prompt;
}

void requireVocabulary(const EncodedPrompt& prompt, std::int32_t vocabulary)
{
    for (std::size_t i = 0; i < prompt.tokenIds.size(); ++i)
        if (prompt.tokenIds[i] < 0 || prompt.tokenIds[i] >= vocabulary)
            throw FormatError("Prompt \"" + prompt.id + "\": token " + std::to_string(prompt.tokenIds[i]) +
                              " at position " + std::to_string(i) + " lies outside the vocabulary of " +
                              std::to_string(vocabulary) + ".");
}

void truncate(EncodedPrompt& prompt, std::int64_t most)
{
    const auto size = static_cast<std::int64_t>(prompt.tokenIds.size());
    if (size <= most)
        return;
    prompt.truncatedTokens = size - most;
    prompt.tokenIds.resize(static_cast<std::size_t>(most));
}

template <std::size_t Size>
std::array<std::byte, Size> littleEndian(std::uint64_t value)
{
    std::array<std::byte, Size> bytes{};
    for (std::size_t i = 0; i < Size; ++i)
        bytes[i] = static_cast<std::byte>((value >> (8 * i)) & 0xFFU);
    return bytes;
}

}

PromptSet encodePrompts(const PromptFile& file, const Tokenizer& tokenizer, const EncodeOptions& options)
{
    const std::int64_t most = mostTokens(options);
    const std::int32_t vocabulary = options.vocabulary > 0 ? options.vocabulary : tokenizer.vocabularySize();
    PromptSet set = emptySetOf(file);
    for (const PromptSource& source : file.prompts) {
        EncodedPrompt prompt = unencoded(source);
        if (source.text) {
            prompt.rendered = *source.text;
            prompt.tokenIds = tokenizer.encode(*source.text, SpecialTokens::Add);
        } else if (!source.messages.empty()) {
            encodeMessages(source, tokenizer, options, prompt, set);
        } else {
            prompt.tokenIds = source.tokenIds;
        }
        if (prompt.tokenIds.empty())
            throw FormatError("Prompt \"" + prompt.id + "\" of " + file.name + " encodes to no token; remove it.");
        requireVocabulary(prompt, vocabulary);
        truncate(prompt, most);
        for (const TokenId id : prompt.tokenIds)
            prompt.pieces.push_back(tokenizer.piece(id));
        set.prompts.push_back(std::move(prompt));
    }
    return set;
}

PromptSet takeLiterally(const PromptFile& file, const EncodeOptions& options, const Error& why)
{
    const std::int64_t most = mostTokens(options);
    PromptSet set = emptySetOf(file);
    for (const PromptSource& source : file.prompts) {
        if (source.text || !source.messages.empty() || source.tokenIds.empty())
            throw Error(why.exitCode(),
                        "The prompts of " + file.name + " cannot be encoded: " + why.what() +
                            " Put a tokenizer that can be read beside the model, or give the prompts as "
                            "token_ids in a .jsonl file.");
        EncodedPrompt prompt = unencoded(source);
        prompt.tokenIds = source.tokenIds;
        requireVocabulary(prompt, options.vocabulary);
        truncate(prompt, most);
        set.prompts.push_back(std::move(prompt));
    }
    return set;
}

std::string tokenIdsSha256(const PromptSet& prompts)
{
    Sha256 digest;
    for (const EncodedPrompt& prompt : prompts.prompts) {
        digest.add(littleEndian<8>(prompt.tokenIds.size()));
        for (const TokenId id : prompt.tokenIds)
            digest.add(littleEndian<4>(static_cast<std::uint32_t>(id)));
    }
    return digest.finish();
}

}
