#include "engine/artifact/shown.h"
#include "engine/tokenizer/json_fields.h"
#include "engine/tokenizer/readers.h"

#include <utility>

namespace blockcert::tokenizer {

namespace {

constexpr JsonLimits limits{.bytes = 256U << 20U, .depth = 32, .stringBytes = 1U << 20U};

void refuseMember(const Json& object, std::string_view name, const std::string& where)
{
    const Json* value = member(object, name);
    if (value != nullptr && !(value->is_string() && value->get_ref<const std::string&>().empty()) &&
        !(value->is_number() && value->get<double>() == 0.0))
        throw UnsupportedError(where + ": \"" + std::string(name) + "\" = " + value->dump().substr(0, 80) +
                               " is not implemented.");
}

void readVocabulary(const Json& model, Vocabulary& vocabulary, const std::string& where)
{
    const Json& entries = requireMember(model, "vocab", where);
    if (!entries.is_object())
        badMember(where, "vocab", "an object of token texts and ids");
    for (const auto& [text, id] : entries.items())
        vocabulary.add(text, requireInteger(id, "vocab", where), where);
}

// Both spellings: ["a", "b"] and "a b".
void readMerges(const Json& model, BpeModel& bpe, const std::string& where)
{
    const Json& merges = requireMember(model, "merges", where);
    if (!merges.is_array())
        badMember(where, "merges", "an array");
    std::size_t rank = 0;
    for (const Json& merge : merges) {
        const std::string name = "merges[" + std::to_string(rank++) + "]";
        if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
            bpe.addMerge(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>(), where);
            continue;
        }
        if (!merge.is_string())
            badMember(where, name, "two token texts");
        const std::string& text = merge.get_ref<const std::string&>();
        const std::size_t space = text.find(' ');
        if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
            badMember(where, name, "two token texts with one space between them");
        bpe.addMerge(std::string_view(text).substr(0, space), std::string_view(text).substr(space + 1), where);
    }
}

void readModel(const Json& model, Pipeline& pipeline, const std::string& where)
{
    // Files older than the "type" member hold a BPE model if they have merges.
    const Json* type = member(model, "type");
    if (type != nullptr && *type != "BPE")
        throw UnsupportedError(where + ": a model of type " + type->dump().substr(0, 80) +
                               " is not implemented, only BPE is.");
    refuseMember(model, "dropout", where);
    refuseMember(model, "continuing_subword_prefix", where);
    refuseMember(model, "end_of_word_suffix", where);
    readVocabulary(model, *pipeline.vocabulary, where);
    BpeOptions options;
    options.fuseUnknown = flag(model, "fuse_unk", false, where);
    options.byteFallback = flag(model, "byte_fallback", false, where);
    options.ignoreMerges = flag(model, "ignore_merges", false, where);
    if (member(model, "unk_token") != nullptr) {
        const std::string& unknown = requireText(model, "unk_token", where);
        options.unknown = pipeline.vocabulary->find(unknown);
        if (!options.unknown)
            throw FormatError(where + ": the unknown token " + artifact::shown(unknown) + " is not in the vocabulary.");
    }
    pipeline.plainModel = !options.unknown && !options.fuseUnknown && !options.byteFallback && !options.ignoreMerges;
    BpeModel bpe(*pipeline.vocabulary, options);
    readMerges(model, bpe, where);
    pipeline.model.emplace(std::move(bpe));
}

// The reference gives an added token the id its text has in the model, else the next free one; a file that says
// otherwise would not mean what it says.
void readAddedTokens(const Json& tokens, Pipeline& pipeline, const std::string& where)
{
    if (!tokens.is_array())
        badMember(where, "added_tokens", "an array");
    auto next = static_cast<std::int64_t>(pipeline.vocabulary->count());
    for (const Json& entry : tokens) {
        AddedToken token;
        token.content = requireText(entry, "content", where);
        const std::int64_t id = requireInteger(requireMember(entry, "id", where), "id", where);
        if (token.content.empty())
            continue;
        if (token.content.size() > Vocabulary::longestToken)
            throw ResourceError(where + ": added token " + std::to_string(id) + " is longer than " +
                                std::to_string(Vocabulary::longestToken) + " bytes.");
        const auto known = pipeline.vocabulary->find(token.content);
        const std::int64_t expected = known ? *known : next++;
        if (id != expected || id > Vocabulary::largestId || pipeline.added.find(token.content) != nullptr)
            throw FormatError(where + ": added token " + artifact::shown(token.content) + " has id " +
                              std::to_string(id) + " where " + std::to_string(expected) +
                              " is expected, or appears twice.");
        token.id = static_cast<TokenId>(id);
        token.singleWord = flag(entry, "single_word", false, where);
        token.stripLeft = flag(entry, "lstrip", false, where);
        token.stripRight = flag(entry, "rstrip", false, where);
        token.normalised = flag(entry, "normalized", true, where);
        token.special = flag(entry, "special", false, where);
        addToken(pipeline, std::move(token));
    }
}

}

Pipeline readTokenizerJson(std::string_view text, std::string_view source)
{
    const std::string where(source);
    const Json json = parseStrictJson(text, source, limits);
    if (!json.is_object())
        throw FormatError(where + ": the top level must be an object.");
    if (const Json* version = member(json, "version"); version != nullptr && *version != "1.0")
        throw UnsupportedError(where + ": version " + version->dump().substr(0, 80) + " is not implemented.");
    Pipeline pipeline;
    readModel(requireMember(json, "model", where), pipeline, where + ": model");
    if (const Json* value = member(json, "normalizer"))
        pipeline.normaliser = readNormaliser(*value, where + ": normalizer");
    if (const Json* value = member(json, "pre_tokenizer")) {
        pipeline.preTokenizer = readPreTokenizer(*value, where + ": pre_tokenizer");
        pipeline.loneByteLevel = requireText(*value, "type", where) == "ByteLevel";
    }
    if (const Json* value = member(json, "post_processor"))
        pipeline.surroundings = readPostProcessor(*value, where + ": post_processor");
    if (const Json* value = member(json, "decoder"))
        pipeline.decoder = readDecoder(*value, where + ": decoder");
    if (const Json* value = member(json, "added_tokens"))
        readAddedTokens(*value, pipeline, where + ": added_tokens");
    for (const DecoderStep& step : pipeline.decoder)
        pipeline.byteLetters = pipeline.byteLetters || std::holds_alternative<ByteLevelDecoder>(step);
    pipeline.metaspace = !pipeline.byteLetters;
    pipeline.kind =
        std::string(pipeline.byteLetters ? "byte-level BPE" : "SentencePiece-style BPE") + " (tokenizer.json)";
    return pipeline;
}

}
