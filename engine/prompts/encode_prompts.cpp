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

void requireVocabulary(const EncodedPrompt& prompt, std::int32_t vocabulary)
{
    for (std::size_t i = 0; i < prompt.tokenIds.size(); ++i)
        if (prompt.tokenIds[i] < 0 || prompt.tokenIds[i] >= vocabulary)
            throw FormatError("Prompt \"" + prompt.id + "\": token " + std::to_string(prompt.tokenIds[i]) +
                              " at position " + std::to_string(i) + " lies outside the vocabulary of " +
                              std::to_string(vocabulary) + ".");
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
    if (options.maxTokens < 1)
        throw UsageError("Prompts cannot be truncated to " + std::to_string(options.maxTokens) +
                         " tokens; give at least 1.");
    const std::int64_t most = options.context > 0 ? std::min(options.maxTokens, options.context) : options.maxTokens;
    const std::int32_t vocabulary = options.vocabulary > 0 ? options.vocabulary : tokenizer.vocabularySize();
    PromptSet set;
    set.name = file.name;
    set.sha256 = file.sha256;
    set.bundled = file.bundled;
    for (const PromptSource& source : file.prompts) {
        EncodedPrompt prompt;
        prompt.id = source.id;
        prompt.label = source.label;
        prompt.tags = source.tags;
        prompt.split = source.split;
        if (source.text) {
            prompt.rendered = *source.text;
            prompt.tokenIds = tokenizer.encode(*source.text, SpecialTokens::Add);
        } else if (!source.messages.empty()) {
            encodeMessages(source, tokenizer, options, prompt, set);
        } else {
            prompt.tokenIds = source.tokenIds;
        }
        if (prompt.tokenIds.empty())
            throw UsageError("Prompt \"" + prompt.id + "\" of " + file.name + " encodes to no token; remove it.");
        requireVocabulary(prompt, vocabulary);
        if (const auto size = static_cast<std::int64_t>(prompt.tokenIds.size()); size > most) {
            prompt.truncatedTokens = size - most;
            prompt.tokenIds.resize(static_cast<std::size_t>(most));
        }
        for (const TokenId id : prompt.tokenIds)
            prompt.pieces.push_back(tokenizer.piece(id));
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
