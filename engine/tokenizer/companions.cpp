#include "engine/base/atomic_file.h"
#include "engine/tokenizer/json_fields.h"
#include "engine/tokenizer/readers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace blockcert::tokenizer {

namespace {

constexpr std::size_t largestCompanion = 64U << 20U;
constexpr std::size_t largestTemplate = 1U << 20U;
constexpr JsonLimits limits{.bytes = largestCompanion,
                            .depth = 32,
                            .stringBytes = largestTemplate,
                            .numberCharacters = 64,
                            .roundWideIntegers = true};

std::optional<Json> readJson(const std::filesystem::path& path)
{
    std::error_code error;
    if (!std::filesystem::exists(path, error))
        return std::nullopt;
    return parseStrictJson(readWholeFile(path, largestCompanion), path.string(), limits);
}

// A special token is written as its text or as an object with "content".
void readSpecialToken(const Json& config, const std::string& name, const std::string& where, Companions& companions)
{
    const Json* value = member(config, name);
    if (value == nullptr)
        return;
    if (value->is_string())
        companions.specialTokens[name] = value->get<std::string>();
    else if (value->is_object())
        companions.specialTokens[name] = requireText(*value, "content", where);
    else
        badMember(where, name, "a text or an object with \"content\"");
}

void readSpecialTokens(const Json& config, const std::string& where, Companions& companions)
{
    for (const char* name :
         {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
        readSpecialToken(config, name, where, companions);
}

void readAddedTokensDecoder(const Json& config, const std::string& where, Companions& companions)
{
    const Json* tokens = member(config, "added_tokens_decoder");
    if (tokens == nullptr)
        return;
    if (!tokens->is_object())
        badMember(where, "added_tokens_decoder", "an object");
    for (const auto& [key, entry] : tokens->items()) {
        AddedToken token;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token.id);
        if (error != std::errc() || end != key.data() + key.size() || token.id < 0 || token.id > Vocabulary::largestId)
            badMember(where, "added_tokens_decoder", "an object whose keys are token ids");
        token.content = requireText(entry, "content", where);
        token.singleWord = flag(entry, "single_word", false, where);
        token.stripLeft = flag(entry, "lstrip", false, where);
        token.stripRight = flag(entry, "rstrip", false, where);
        token.normalised = flag(entry, "normalized", false, where);
        token.special = flag(entry, "special", false, where);
        companions.addedTokens.push_back(std::move(token));
    }
}

// added_tokens.json, the older spelling: {"text": id}.
void readAddedTokensFile(const std::filesystem::path& path, Companions& companions)
{
    const std::optional<Json> json = readJson(path);
    if (!json)
        return;
    if (!json->is_object())
        throw FormatError(path.string() + ": the top level must be an object of texts and ids.");
    for (const auto& [text, value] : json->items()) {
        const std::int64_t id = requireInteger(value, text, path.string());
        if (id < 0 || id > Vocabulary::largestId)
            badMember(path.string(), text, "a valid token id");
        const bool known = std::ranges::any_of(
            companions.addedTokens, [&text = text](const AddedToken& token) { return token.content == text; });
        if (known)
            continue;
        AddedToken token;
        token.content = text;
        token.id = static_cast<TokenId>(id);
        companions.addedTokens.push_back(std::move(token));
    }
}

// One template, or several with names, of which "default" is meant.
void readTemplate(const Json& config, const std::string& where, Companions& companions)
{
    const Json* value = member(config, "chat_template");
    if (value == nullptr)
        return;
    if (value->is_string()) {
        companions.chatTemplate = value->get<std::string>();
        return;
    }
    if (!value->is_array())
        badMember(where, "chat_template", "a text or an array of named templates");
    for (const Json& entry : *value)
        if (requireText(entry, "name", where) == "default")
            companions.chatTemplate = requireText(entry, "template", where);
}

void readTokenizerConfig(const std::filesystem::path& path, Companions& companions)
{
    const std::optional<Json> config = readJson(path);
    if (!config)
        return;
    const std::string where = path.string();
    readSpecialTokens(*config, where, companions);
    readAddedTokensDecoder(*config, where, companions);
    readTemplate(*config, where, companions);
    if (member(*config, "tokenizer_class") != nullptr)
        companions.tokenizerClass = requireText(*config, "tokenizer_class", where);
    if (member(*config, "add_bos_token") != nullptr)
        companions.addBos = flag(*config, "add_bos_token", false, where);
    if (member(*config, "add_eos_token") != nullptr)
        companions.addEos = flag(*config, "add_eos_token", false, where);
    if (member(*config, "legacy") != nullptr)
        companions.legacy = flag(*config, "legacy", true, where);
    companions.addPrefixSpace = flag(*config, "add_prefix_space", false, where);
}

void readEndOfText(const std::filesystem::path& path, Companions& companions)
{
    const std::optional<Json> config = readJson(path);
    const Json* value = config ? member(*config, "eos_token_id") : nullptr;
    if (value == nullptr)
        return;
    if (!value->is_array())
        companions.endOfText.push_back(requireInteger(*value, "eos_token_id", path.string()));
    else
        for (const Json& id : *value)
            companions.endOfText.push_back(requireInteger(id, "eos_token_id", path.string()));
}

}

Companions readCompanions(const std::filesystem::path& folder)
{
    Companions companions;
    readTokenizerConfig(folder / "tokenizer_config.json", companions);
    readAddedTokensFile(folder / "added_tokens.json", companions);
    const std::filesystem::path map = folder / "special_tokens_map.json";
    if (const std::optional<Json> json = readJson(map)) {
        Companions older;
        readSpecialTokens(*json, map.string(), older);
        companions.specialTokens.merge(older.specialTokens); // tokenizer_config.json has the last word
    }
    const std::filesystem::path jsonTemplate = folder / "chat_template.json";
    if (const std::optional<Json> json = readJson(jsonTemplate))
        readTemplate(*json, jsonTemplate.string(), companions);
    std::error_code error;
    if (const std::filesystem::path jinja = folder / "chat_template.jinja"; std::filesystem::exists(jinja, error))
        companions.chatTemplate = readWholeFile(jinja, largestTemplate);
    readEndOfText(folder / "generation_config.json", companions);
    readEndOfText(folder / "config.json", companions);
    return companions;
}

void addCompanionTokens(Pipeline& pipeline, const Companions& companions, const std::string& where)
{
    for (AddedToken token : companions.addedTokens) {
        if (token.content.empty())
            continue;
        const auto known = pipeline.vocabulary->find(token.content);
        const std::string* other = pipeline.vocabulary->text(token.id);
        if ((known && *known != token.id) || (!known && other != nullptr))
            throw FormatError(where + ": the added token \"" + token.content + "\" has id " + std::to_string(token.id) +
                              ", which the vocabulary uses otherwise.");
        addToken(pipeline, std::move(token));
    }
    for (const auto& [name, text] : companions.specialTokens) {
        const auto id = pipeline.vocabulary->find(text);
        const AddedToken* known = pipeline.added.find(text);
        const bool found = known != nullptr && !known->special;
        if (!id || text.empty() || found)
            continue;
        AddedToken token;
        token.content = text;
        token.id = *id;
        token.special = true;
        addToken(pipeline, std::move(token));
    }
}

void applyCompanions(Pipeline& pipeline, const Companions& companions)
{
    const auto idOf = [&](const char* name) -> std::optional<TokenId> {
        const auto text = companions.specialTokens.find(name);
        return text == companions.specialTokens.end() ? std::nullopt : pipeline.find(text->second);
    };
    if (const auto bos = idOf("bos_token"))
        pipeline.bos = bos;
    addEndOfText(pipeline, idOf("eos_token"));
    for (const std::int64_t id : companions.endOfText)
        if (id >= 0 && id <= Vocabulary::largestId)
            addEndOfText(pipeline, static_cast<TokenId>(id));
    for (const auto& [name, text] : companions.specialTokens)
        pipeline.templateStrings[name] = text;
    pipeline.chatTemplate = companions.chatTemplate;
}

}
