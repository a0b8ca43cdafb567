#include "engine/tokenizer/json_fields.h"
#include "engine/tokenizer/readers.h"
#include "engine/tokenizer/unicode.h"

#include <map>
#include <utility>

namespace blockcert::tokenizer {

namespace {

constexpr std::size_t longestInsertion = 4096; // bytes that one step may put into a text

[[noreturn]] void refuse(const std::string& where, std::string_view type)
{
    throw UnsupportedError(where + ": a component of type \"" + std::string(type).substr(0, 80) +
                           "\" is not implemented.");
}

// Calls `read` for every component of nested Sequences, in order. The JSON reader bounds the nesting.
template <class Read>
void eachComponent(const Json& value, std::string_view sequenceMember, const std::string& where, Read read)
{
    const std::string& type = requireText(value, "type", where);
    if (type != "Sequence") {
        read(value, type);
        return;
    }
    const Json& parts = requireMember(value, sequenceMember, where);
    if (!parts.is_array())
        badMember(where, sequenceMember, "an array");
    for (const Json& part : parts)
        eachComponent(part, sequenceMember, where, read);
}

std::string requireShortText(const Json& value, std::string_view name, const std::string& where)
{
    const std::string& text = requireText(value, name, where);
    if (text.size() > longestInsertion)
        throw ResourceError(where + ": \"" + std::string(name) + "\" is longer than " +
                            std::to_string(longestInsertion) + " bytes.");
    return text;
}

std::string requireCodePoint(const Json& value, std::string_view name, const std::string& where)
{
    const std::string& text = requireText(value, name, where);
    std::size_t end = 0;
    if (!text.empty())
        static_cast<void>(nextCodePoint(text, end));
    if (text.empty() || end != text.size())
        badMember(where, name, "a single character");
    return text;
}

// {"String": …} or {"Regex": …}.
Pattern readPattern(const Json& value, const std::string& where)
{
    const Json& pattern = requireMember(value, "pattern", where);
    if (member(pattern, "String") != nullptr)
        return Pattern::literal(requireText(pattern, "String", where));
    if (member(pattern, "Regex") != nullptr)
        return Pattern::regex(requireText(pattern, "Regex", where), where);
    badMember(where, "pattern", "an object with \"String\" or \"Regex\"");
}

ReplaceStep readReplace(const Json& value, const std::string& where)
{
    return {readPattern(value, where), requireShortText(value, "content", where)};
}

SplitBehaviour readBehaviour(const Json& value, const std::string& where)
{
    static const std::map<std::string_view, SplitBehaviour> behaviours = {
        {"Isolated", SplitBehaviour::Isolated},
        {"Removed", SplitBehaviour::Removed},
        {"Contiguous", SplitBehaviour::Contiguous},
        {"MergedWithPrevious", SplitBehaviour::MergedWithPrevious},
        {"MergedWithNext", SplitBehaviour::MergedWithNext},
    };
    const std::string& name = requireText(value, "behavior", where);
    const auto behaviour = behaviours.find(name);
    if (behaviour == behaviours.end())
        badMember(where, "behavior", "one of the five behaviours of Split");
    return behaviour->second;
}

SplitStep readSplit(const Json& value, const std::string& where)
{
    return {readPattern(value, where), readBehaviour(value, where), flag(value, "invert", false, where)};
}

MetaspaceStep readMetaspace(const Json& value, const std::string& where)
{
    MetaspaceStep step;
    step.replacement = requireCodePoint(value, "replacement", where);
    step.split = flag(value, "split", true, where);
    const std::string scheme = member(value, "prepend_scheme") ? requireText(value, "prepend_scheme", where) : "always";
    if (scheme != "always" && scheme != "first" && scheme != "never")
        badMember(where, "prepend_scheme", "always, first or never");
    step.scheme = scheme == "always"  ? PrependScheme::Always
                  : scheme == "first" ? PrependScheme::First
                                      : PrependScheme::Never;
    // The spelling of older files.
    if (!flag(value, "add_prefix_space", true, where)) {
        if (member(value, "prepend_scheme") != nullptr && step.scheme != PrependScheme::Never)
            badMember(where, "add_prefix_space", "in agreement with prepend_scheme");
        step.scheme = PrependScheme::Never;
    }
    return step;
}

std::size_t requireCount(const Json& value, std::string_view name, const std::string& where)
{
    const std::int64_t count = requireInteger(requireMember(value, name, where), name, where);
    if (count < 0 || count > 1'000'000)
        badMember(where, name, "between 0 and 1000000");
    return static_cast<std::size_t>(count);
}

std::vector<TokenId> readSpecialIds(const Json& processor, const std::string& name, const std::string& where)
{
    const Json& entry = requireMember(requireMember(processor, "special_tokens", where), name, where);
    const Json& ids = requireMember(entry, "ids", where);
    if (!ids.is_array() || ids.size() > 1024)
        badMember(where, "ids", "a short array of ids");
    std::vector<TokenId> result;
    for (const Json& id : ids) {
        const std::int64_t value = requireInteger(id, "ids", where);
        if (value < 0 || value > Vocabulary::largestId)
            badMember(where, "ids", "valid token ids");
        result.push_back(static_cast<TokenId>(value));
    }
    return result;
}

// A [text, id] pair of an older post-processor, whose classifier and separator stand around the prompt.
TemplateItem readPair(const Json& processor, const char* name, const std::string& where)
{
    const Json& pair = requireMember(processor, name, where);
    if (!pair.is_array() || pair.size() != 2)
        badMember(where, name, "a token text and its id");
    const std::int64_t id = requireInteger(pair[1], name, where);
    if (id < 0 || id > Vocabulary::largestId)
        badMember(where, name, "a token text and its valid id");
    return {false, {static_cast<TokenId>(id)}};
}

std::vector<TemplateItem> readTemplate(const Json& processor, const std::string& where)
{
    const Json& pieces = requireMember(processor, "single", where);
    if (!pieces.is_array() || pieces.size() > 1024)
        badMember(where, "single", "a short array of pieces");
    std::vector<TemplateItem> items;
    bool sawPrompt = false;
    for (const Json& piece : pieces) {
        if (const Json* sequence = member(piece, "Sequence")) {
            if (requireText(*sequence, "id", where) != "A" || sawPrompt)
                throw UnsupportedError(where + ": a template that is not the prompt once is not implemented.");
            sawPrompt = true;
            items.push_back({true, {}});
        } else {
            const std::string& name = requireText(requireMember(piece, "SpecialToken", where), "id", where);
            items.push_back({false, readSpecialIds(processor, name, where)});
        }
    }
    if (!sawPrompt)
        throw UnsupportedError(where + ": a template without the prompt is not implemented.");
    return items;
}

}

std::vector<NormaliserStep> readNormaliser(const Json& value, const std::string& where)
{
    static const std::map<std::string_view, NormalForm> forms = {
        {"NFC", NormalForm::Nfc}, {"NFD", NormalForm::Nfd}, {"NFKC", NormalForm::Nfkc}, {"NFKD", NormalForm::Nfkd}};
    std::vector<NormaliserStep> steps;
    eachComponent(value, "normalizers", where, [&](const Json& part, const std::string& type) {
        if (const auto form = forms.find(type); form != forms.end())
            steps.emplace_back(form->second);
        else if (type == "Lowercase")
            steps.emplace_back(LowercaseStep{});
        else if (type == "Prepend")
            steps.emplace_back(PrependStep{requireShortText(part, "prepend", where)});
        else if (type == "Replace")
            steps.emplace_back(readReplace(part, where));
        else if (type == "Strip")
            steps.emplace_back(
                StripStep{flag(part, "strip_left", true, where), flag(part, "strip_right", true, where)});
        else
            refuse(where, type);
    });
    return steps;
}

std::vector<PreTokenizerStep> readPreTokenizer(const Json& value, const std::string& where)
{
    std::vector<PreTokenizerStep> steps;
    eachComponent(value, "pretokenizers", where, [&](const Json& part, const std::string& type) {
        if (type == "ByteLevel")
            steps.emplace_back(
                ByteLevelStep{flag(part, "add_prefix_space", true, where), flag(part, "use_regex", true, where)});
        else if (type == "Digits")
            steps.emplace_back(DigitsStep{flag(part, "individual_digits", false, where)});
        else if (type == "Split")
            steps.emplace_back(readSplit(part, where));
        else if (type == "Metaspace")
            steps.emplace_back(readMetaspace(part, where));
        else if (type == "Whitespace")
            steps.emplace_back(WordRunsStep{});
        else if (type == "WhitespaceSplit")
            steps.emplace_back(WhiteSpaceStep{});
        else if (type == "Punctuation")
            steps.emplace_back(
                PunctuationStep{member(part, "behavior") ? readBehaviour(part, where) : SplitBehaviour::Isolated});
        else if (type == "BertPreTokenizer")
            steps.insert(steps.end(), {WhiteSpaceStep{}, PunctuationStep{}});
        else if (type == "CharDelimiterSplit")
            steps.emplace_back(SplitStep{Pattern::literal(requireCodePoint(part, "delimiter", where)),
                                         SplitBehaviour::Removed, false});
        else
            refuse(where, type);
    });
    return steps;
}

std::vector<DecoderStep> readDecoder(const Json& value, const std::string& where)
{
    std::vector<DecoderStep> steps;
    eachComponent(value, "decoders", where, [&](const Json& part, const std::string& type) {
        if (type == "ByteLevel") {
            steps.emplace_back(ByteLevelDecoder{});
        } else if (type == "ByteFallback") {
            steps.emplace_back(ByteFallbackDecoder{});
        } else if (type == "Fuse") {
            steps.emplace_back(FuseDecoder{});
        } else if (type == "Strip") {
            steps.emplace_back(StripDecoder{requireCodePoint(part, "content", where),
                                            requireCount(part, "start", where), requireCount(part, "stop", where)});
        } else if (type == "Replace") {
            steps.emplace_back(readReplace(part, where));
        } else if (type == "Metaspace") {
            const MetaspaceStep step = readMetaspace(part, where);
            steps.emplace_back(MetaspaceDecoder{step.replacement, step.scheme != PrependScheme::Never});
        } else {
            refuse(where, type);
        }
    });
    return steps;
}

std::vector<TemplateItem> readPostProcessor(const Json& value, const std::string& where)
{
    std::vector<TemplateItem> items = {{true, {}}};
    eachComponent(value, "processors", where, [&](const Json& part, const std::string& type) {
        if (type == "ByteLevel") // only moves offsets, which we do not have
            return;
        std::vector<TemplateItem> around;
        if (type == "TemplateProcessing")
            around = readTemplate(part, where);
        else if (type == "RobertaProcessing" || type == "BertProcessing")
            around = {readPair(part, "cls", where), {true, {}}, readPair(part, "sep", where)};
        else
            refuse(where, type);
        // Each template surrounds what the templates before it made.
        std::vector<TemplateItem> surrounded;
        for (TemplateItem& item : around) {
            if (item.prompt)
                surrounded.insert(surrounded.end(), items.begin(), items.end());
            else
                surrounded.push_back(std::move(item));
        }
        items = std::move(surrounded);
    });
    return items;
}

}
