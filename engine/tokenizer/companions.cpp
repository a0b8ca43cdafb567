#include "engine/base/atomic_file.h"
#include "engine/tokenizer/json_fields.h"
#include "engine/tokenizer/readers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
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

constexpr std::array<std::string_view, 7> tokenNames = {
    "bos_token", "eos_token", "unk_token", "sep_token",
    "pad_token", "cls_token", "mask_token"}; // in the reference's order

// A token is written as its text or as an object with "content" and flags.
AddedToken readToken(const Json& value, const std::string& name, const std::string& where)
{
    AddedToken token;
    token.special = true;
    if (value.is_string()) {
        token.content = value.get<std::string>();
    } else if (value.is_object()) {
        token.content = requireText(value, "content", where);
        token.singleWord = flag(value, "single_word", false, where);
        token.stripLeft = flag(value, "lstrip", false, where);
        token.stripRight = flag(value, "rstrip", false, where);
        token.normalised = flag(value, "normalized", false, where);
    } else {
        badMember(where, name, "a text or an object with \"content\"");
    }
    return token;
}

void sortByName(std::vector<NamedToken>& tokens)
{
    std::ranges::stable_sort(tokens, {}, [](const NamedToken& each) {
        return std::ranges::find(tokenNames, each.name) - tokenNames.begin();
    });
}

void setNamed(std::vector<NamedToken>& tokens, const std::string& name, AddedToken token)
{
    const auto known = std::ranges::find(tokens, name, &NamedToken::name);
    if (known == tokens.end())
        tokens.push_back({name, std::move(token)});
    else
        known->token = std::move(token);
}

void readNamedTokens(const Json& config, const std::string& where, Companions& companions)
{
    for (const std::string_view each : tokenNames) {
        const std::string name(each);
        if (const Json* value = member(config, name))
            setNamed(companions.named, name, readToken(*value, name, where));
        else if (config.contains(name))
            companions.nameless.push_back(name);
    }
}

// additional_special_tokens and extra_special_tokens: an array of tokens, or an object of names and tokens.
void readExtraTokens(const Json& config, const std::string& where, Companions& companions)
{
    for (const std::string name : {"additional_special_tokens", "extra_special_tokens"}) {
        const Json* value = member(config, name);
        if (value == nullptr)
            continue;
        if (!value->is_array() && !value->is_object())
            badMember(where, name, "an array of tokens");
        for (const auto& [key, entry] : value->items()) {
            AddedToken token = readToken(entry, name, where);
            if (value->is_object())
                companions.ofTheModel.insert_or_assign(key, token.content);
            companions.extra.push_back(std::move(token));
        }
    }
}

// "image_token": "<image>" and the like.
void readTokensOfTheModel(const Json& config, const std::string& where, Companions& companions)
{
    for (const auto& [key, value] : config.items())
        if (key.ends_with("_token") && value.is_string() && std::ranges::find(tokenNames, key) == tokenNames.end() &&
            companions.ofTheModel.emplace(key, value.get<std::string>()).second)
            companions.onlyNewer.push_back({key, readToken(value, key, where)});
}

void readAddedTokensDecoder(const Json& config, const std::string& where, Companions& companions)
{
    const Json* tokens = member(config, "added_tokens_decoder");
    if (tokens == nullptr)
        return;
    if (!tokens->is_object())
        badMember(where, "added_tokens_decoder", "an object");
    companions.hasDecoder = true;
    for (const auto& [key, entry] : tokens->items()) {
        if (!entry.is_object())
            badMember(where, "added_tokens_decoder", "an object of tokens");
        AddedToken token;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token.id);
        if (error != std::errc() || end != key.data() + key.size() || token.id < 0 || token.id > Vocabulary::largestId)
            badMember(where, "added_tokens_decoder", "an object whose keys are token ids");
        token.content = requireText(entry, "content", where);
        token.singleWord = flag(entry, "single_word", false, where);
        token.stripLeft = flag(entry, "lstrip", false, where);
        token.stripRight = flag(entry, "rstrip", false, where);
        token.special = flag(entry, "special", false, where);
        token.normalised = flag(entry, "normalized", !token.special, where);
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
    std::set<std::string, std::less<>> special;
    for (const NamedToken& each : companions.named)
        special.insert(each.token.content);
    for (const AddedToken& token : companions.extra)
        special.insert(token.content);
    for (const auto& [text, value] : json->items()) {
        const std::int64_t id = requireInteger(value, text, path.string());
        if (id < 0 || id > Vocabulary::largestId)
            badMember(path.string(), text, "a valid token id");
        AddedToken token;
        token.content = text;
        token.id = static_cast<TokenId>(id);
        token.special = special.contains(text);
        token.normalised = !token.special;
        companions.addedTokens.push_back(std::move(token));
    }
}

// One template, or several with names, of which "default" is meant.
void readTemplate(const Json& config, const std::string& where, Companions& companions)
{
    const Json* value = member(config, "chat_template");
    if (value == nullptr)
        return;
    companions.chatTemplate.clear();
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
    if (!config->is_object())
        throw FormatError(where + ": the top level must be an object.");
    readNamedTokens(*config, where, companions);
    readExtraTokens(*config, where, companions);
    readTokensOfTheModel(*config, where, companions);
    readAddedTokensDecoder(*config, where, companions);
    readTemplate(*config, where, companions);
    if (member(*config, "tokenizer_class") != nullptr)
        companions.tokenizerClass = requireText(*config, "tokenizer_class", where);
    if (companions.tokenizerClass.ends_with("Fast") && companions.tokenizerClass != "PreTrainedTokenizerFast")
        companions.tokenizerClass.resize(companions.tokenizerClass.size() - 4);
    if (member(*config, "add_bos_token") != nullptr)
        companions.addBos = flag(*config, "add_bos_token", false, where);
    if (member(*config, "add_eos_token") != nullptr)
        companions.addEos = flag(*config, "add_eos_token", false, where);
    if (member(*config, "legacy") != nullptr)
        companions.legacy = flag(*config, "legacy", true, where);
    if (member(*config, "add_prefix_space") != nullptr)
        companions.addPrefixSpace = flag(*config, "add_prefix_space", false, where);
    companions.legacyIsNull = config->contains("legacy") && !companions.legacy;
    companions.prefixSpaceIsNull = config->contains("add_prefix_space") && !companions.addPrefixSpace;
    companions.splitSpecialTokens = flag(*config, "split_special_tokens", false, where);
}

// Without added_tokens_decoder it has the last word; with it, the reference does not open it.
void readSpecialTokensMap(const std::filesystem::path& path, Companions& companions)
{
    const std::optional<Json> json = readJson(path);
    if (!json)
        return;
    if (!json->is_object())
        throw FormatError(path.string() + ": the top level must be an object.");
    readNamedTokens(*json, path.string(), companions);
    readExtraTokens(*json, path.string(), companions);
}

void readModelFile(const std::filesystem::path& path, Companions& companions)
{
    const std::optional<Json> config = readJson(path);
    if (!config)
        return;
    if (!config->is_object())
        throw FormatError(path.string() + ": the top level must be an object.");
    if (const Json* type = member(*config, "model_type"); type != nullptr && type->is_string())
        companions.modelType = type->get<std::string>();
    const Json* value = member(*config, "eos_token_id");
    if (value == nullptr)
        return;
    if (!value->is_array())
        companions.endOfText.push_back(requireInteger(*value, "eos_token_id", path.string()));
    else
        for (const Json& id : *value)
            companions.endOfText.push_back(requireInteger(id, "eos_token_id", path.string()));
}

}

const AddedToken* Companions::find(std::string_view name) const
{
    const auto found = std::ranges::find(named, name, &NamedToken::name);
    return found == named.end() ? nullptr : &found->token;
}

void Companions::suggest(std::string_view name, std::string_view text)
{
    if (find(name) != nullptr || std::ranges::find(nameless, name) != nameless.end())
        return;
    AddedToken token;
    token.content = text;
    token.special = true;
    named.push_back({std::string(name), std::move(token)});
    sortByName(named);
}

Companions readCompanions(const std::filesystem::path& folder)
{
    Companions companions;
    // A file for processors of images; the reference's tokenizers look for a template in the other two places.
    const std::filesystem::path jsonTemplate = folder / "chat_template.json";
    if (const std::optional<Json> json = readJson(jsonTemplate))
        readTemplate(*json, jsonTemplate.string(), companions);
    readTokenizerConfig(folder / "tokenizer_config.json", companions);
    if (!companions.hasDecoder) {
        readSpecialTokensMap(folder / "special_tokens_map.json", companions);
        readAddedTokensFile(folder / "added_tokens.json", companions);
    }
    std::ranges::stable_sort(companions.addedTokens, {}, &AddedToken::id);
    sortByName(companions.named);
    std::error_code error;
    if (const std::filesystem::path jinja = folder / "chat_template.jinja"; std::filesystem::exists(jinja, error))
        companions.chatTemplate = readWholeFile(jinja, largestTemplate);
    companions.hasSentencePieces = std::filesystem::exists(folder / "tokenizer.model", error);
    readModelFile(folder / "generation_config.json", companions);
    readModelFile(folder / "config.json", companions);
    return companions;
}

}
