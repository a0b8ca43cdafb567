#include "engine/tokenizer/pipeline.h"

#include "engine/base/error.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace blockcert::tokenizer {

namespace {

// Bytes that are no UTF-8 as \xHH, the rest as it is.
std::string withEscapes(std::string_view bytes)
{
    std::string result;
    while (!bytes.empty()) {
        const std::size_t valid = firstInvalidUtf8(bytes).value_or(bytes.size());
        result += bytes.substr(0, valid);
        bytes.remove_prefix(valid);
        if (bytes.empty())
            break;
        char text[8];
        std::snprintf(text, sizeof text, "\\x%02X", static_cast<unsigned>(static_cast<unsigned char>(bytes.front())));
        result += text;
        bytes.remove_prefix(1);
    }
    return result;
}

}

std::optional<TokenId> Pipeline::find(std::string_view text) const
{
    if (const AddedToken* token = added.find(text))
        return token->id;
    return vocabulary->find(text);
}

std::int32_t Pipeline::vocabularySize() const
{
    const std::int32_t inModel = vocabulary->size();
    return added.all().empty() ? inModel : std::max(inModel, added.all().rbegin()->first + 1);
}

void Pipeline::encodeFragment(std::string_view text, bool atStart, std::vector<TokenId>& ids) const
{
    const std::string normalised = applyNormaliser(normaliser, text, atStart);
    for (const Fragment& fragment : added.split(normalised, true)) {
        if (fragment.id) {
            ids.push_back(*fragment.id);
            continue;
        }
        const bool first = atStart && fragment.text.data() == normalised.data();
        for (const Word& word : preTokenize(preTokenizer, {std::string(fragment.text), first}))
            std::visit([&](const auto& words) { words.encode(word.text, ids); }, *model);
    }
}

std::vector<TokenId> Pipeline::encode(std::string_view text, bool addSpecial) const
{
    if (text.size() > longestText)
        throw ResourceError("A text of " + std::to_string(text.size()) + " bytes is longer than the limit of " +
                            std::to_string(longestText) + "; shorten it.");
    requireUtf8(text, "The text to encode");
    std::vector<TokenId> ids;
    for (const TemplateItem& item : surroundings) {
        if (addSpecial)
            ids.insert(ids.end(), item.ids.begin(), item.ids.end());
        if (!item.prompt)
            continue;
        for (const Fragment& fragment : added.split(text, false)) {
            if (fragment.id)
                ids.push_back(*fragment.id);
            else
                encodeFragment(fragment.text, fragment.text.data() == text.data(), ids);
        }
    }
    return ids;
}

std::string Pipeline::decode(std::span<const TokenId> ids, bool skipSpecial) const
{
    std::vector<std::string> tokens;
    tokens.reserve(ids.size());
    for (const TokenId id : ids) {
        if (const AddedToken* token = added.find(id)) {
            const AddedToken* named = added.find(token->decoded); // the reference asks by text, not by id
            if (!skipSpecial || named == nullptr || !named->special)
                tokens.push_back(token->decoded);
        } else if (const std::string* text = vocabulary->text(id)) {
            tokens.push_back(*text);
        }
    }
    return applyDecoder(decoder, std::move(tokens));
}

std::string Pipeline::piece(TokenId id) const
{
    if (const AddedToken* token = added.find(id))
        return token->content;
    const std::string* text = vocabulary->text(id);
    if (text == nullptr)
        return "";
    if (byteLetters)
        return withEscapes(fromByteLetters(*text));
    if (const int byte = byteOfToken(*text); byte >= 0)
        return withEscapes(std::string(1, static_cast<char>(static_cast<std::uint8_t>(byte))));
    return metaspace ? replaceMatches({Pattern::literal("\xE2\x96\x81"), " "}, *text) : *text;
}

void addToken(Pipeline& pipeline, AddedToken token)
{
    const std::string pattern =
        token.normalised ? applyNormaliser(pipeline.normaliser, token.content, true) : token.content;
    pipeline.added.add(std::move(token), pattern);
}

void addEndOfText(Pipeline& pipeline, std::optional<TokenId> id)
{
    if (id && std::ranges::find(pipeline.endOfText, *id) == pipeline.endOfText.end())
        pipeline.endOfText.push_back(*id);
}

}
