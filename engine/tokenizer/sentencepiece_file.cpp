#include "engine/artifact/shown.h"
#include "engine/base/error.h"
#include "engine/tokenizer/readers.h"
#include "engine/tokenizer/unicode.h"

#include <bit>
#include <cstdint>
#include <utility>

namespace blockcert::tokenizer {

namespace {

constexpr const char* spaceMark = "\xE2\x96\x81";

// Reads protobuf fields within bounds; nested messages are cursors of their own over the same bytes.
class Message {
public:
    Message(std::string_view bytes, std::size_t offset, const std::string& source)
        : m_bytes(bytes)
        , m_offset(offset)
        , m_source(source)
    {
    }

    // False at the end. The value of the field must then be taken, or is skipped by the next call.
    bool next()
    {
        skip();
        if (m_position == m_bytes.size())
            return false;
        const std::uint64_t key = varint();
        m_field = key >> 3U;
        m_wire = static_cast<unsigned>(key & 7U);
        m_pending = true;
        if (m_field == 0 || (m_wire != 0 && m_wire != 1 && m_wire != 2 && m_wire != 5))
            refuse("an invalid field key");
        return true;
    }

    [[nodiscard]] std::uint64_t field() const { return m_field; }

    std::uint64_t integer()
    {
        require(0, "an integer");
        return varint();
    }

    float number()
    {
        require(5, "a float");
        const std::string_view bytes = take(4);
        std::uint32_t bits = 0;
        for (std::size_t i = 4; i-- > 0;)
            bits = (bits << 8U) | static_cast<unsigned char>(bytes[i]);
        return std::bit_cast<float>(bits);
    }

    std::string_view bytes()
    {
        require(2, "bytes");
        return take(varint());
    }

    Message message()
    {
        const std::string_view inside = bytes();
        return {inside, m_offset + m_position - inside.size(), m_source};
    }

    [[noreturn]] void refuse(const std::string& what) const
    {
        throw FormatError(m_source + ": " + what + " at byte " + std::to_string(m_offset + m_position) +
                          "; the file is no SentencePiece model or is damaged.");
    }

private:
    void require(unsigned wire, const std::string& what)
    {
        if (m_wire != wire)
            refuse("field " + std::to_string(m_field) + " is not " + what);
        m_pending = false;
    }

    void skip()
    {
        if (!m_pending)
            return;
        m_pending = false;
        if (m_wire == 0)
            static_cast<void>(varint());
        else
            static_cast<void>(take(m_wire == 1 ? 8 : m_wire == 5 ? 4 : varint()));
    }

    std::uint64_t varint()
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            if (m_position == m_bytes.size())
                refuse("the data ends inside a number");
            const auto byte = static_cast<unsigned char>(m_bytes[m_position++]);
            if (shift == 63 && byte > 1)
                refuse("a number beyond 64 bits");
            value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if (byte < 0x80)
                return value;
        }
        refuse("a number beyond 64 bits");
    }

    std::string_view take(std::uint64_t count)
    {
        if (count > m_bytes.size() - m_position)
            refuse("a field of " + std::to_string(count) + " bytes does not fit");
        const std::string_view result = m_bytes.substr(m_position, static_cast<std::size_t>(count));
        m_position += static_cast<std::size_t>(count);
        return result;
    }

    std::string_view m_bytes;
    std::size_t m_offset; // of m_bytes in the file, for messages
    const std::string& m_source;
    std::size_t m_position = 0;
    std::uint64_t m_field = 0;
    unsigned m_wire = 0;
    bool m_pending = false;
};

struct Model {
    std::vector<float> scores;
    std::vector<PieceType> types;
    std::optional<TokenId> unknown;
    bool isBpe = false;
    bool byteFallback = false;
    bool spaceAsSuffix = false;
    bool dummyPrefix = true;
    bool collapseSpaces = true;
    bool escapeSpaces = true;
    std::string_view characterMap; // empty: none
    std::string bos = "<s>";
    std::string eos = "</s>";
};

void readPiece(Message piece, Model& model, Vocabulary& vocabulary, const std::string& source)
{
    std::string text;
    float score = 0;
    std::uint64_t type = 1;
    while (piece.next()) {
        if (piece.field() == 1)
            text = piece.bytes();
        else if (piece.field() == 2)
            score = piece.number();
        else if (piece.field() == 3)
            type = piece.integer();
    }
    const std::size_t id = model.scores.size();
    if (type < 1 || type > 6)
        piece.refuse("piece " + std::to_string(id) + " has type " + std::to_string(type));
    if (text.empty() || firstInvalidUtf8(text))
        piece.refuse("piece " + std::to_string(id) + " is empty or not UTF-8");
    vocabulary.add(std::move(text), static_cast<std::int64_t>(id), source);
    model.scores.push_back(score);
    model.types.push_back(static_cast<PieceType>(type));
    if (model.types.back() == PieceType::Unknown) {
        if (model.unknown)
            piece.refuse("a second unknown piece");
        model.unknown = static_cast<TokenId>(id);
    }
}

void readTrainer(Message trainer, Model& model)
{
    while (trainer.next()) {
        if (trainer.field() == 3)
            model.isBpe = trainer.integer() == 2;
        else if (trainer.field() == 24)
            model.spaceAsSuffix = trainer.integer() != 0;
        else if (trainer.field() == 35)
            model.byteFallback = trainer.integer() != 0;
        else if (trainer.field() == 46)
            model.bos = trainer.bytes();
        else if (trainer.field() == 47)
            model.eos = trainer.bytes();
    }
}

void readNormaliser(Message rules, Model& model)
{
    while (rules.next()) {
        if (rules.field() == 2)
            model.characterMap = rules.bytes();
        else if (rules.field() == 3)
            model.dummyPrefix = rules.integer() != 0;
        else if (rules.field() == 4)
            model.collapseSpaces = rules.integer() != 0;
        else if (rules.field() == 5)
            model.escapeSpaces = rules.integer() != 0;
    }
}

Model readModel(std::string_view bytes, Vocabulary& vocabulary, const std::string& source)
{
    Model model;
    Message file(bytes, 0, source);
    while (file.next()) {
        if (file.field() == 1) {
            readPiece(file.message(), model, vocabulary, source);
        } else if (file.field() == 2) {
            readTrainer(file.message(), model);
        } else if (file.field() == 3) {
            readNormaliser(file.message(), model);
        } else if (file.field() == 5) {
            Message denormaliser = file.message();
            while (denormaliser.next())
                if (denormaliser.field() == 2 && !denormaliser.bytes().empty())
                    throw UnsupportedError(source + ": a SentencePiece model with a denormaliser is not implemented.");
        }
    }
    if (!model.unknown)
        throw FormatError(source + ": no piece of type unknown; the file is no SentencePiece model or is cut off.");
    if (!model.isBpe)
        throw UnsupportedError(source + ": a SentencePiece model of a type other than BPE is not implemented.");
    if (model.spaceAsSuffix)
        throw UnsupportedError(source + ": treat_whitespace_as_suffix is not implemented.");
    return model;
}

}

namespace {

// User-defined pieces are kept as they are written.
CharacterMap characterMapOf(const Model& model, const Vocabulary& vocabulary, const std::string& source)
{
    std::vector<std::string> verbatim;
    for (std::size_t id = 0; id < model.types.size(); ++id)
        if (model.types[id] == PieceType::UserDefined)
            verbatim.push_back(*vocabulary.text(static_cast<TokenId>(id)));
    return {model.characterMap, PrefixSet(std::move(verbatim)), source};
}

// How a text's spaces are marked: what both versions of transformers make of the companions, or one of them.
struct Marking {
    bool prefix = true;  // a mark in front, where the model wants one
    bool legacy = true;  // by a normaliser, as in older conversions of Llama 2
    bool always = false; // without legacy: in front of every part of a text, not of its first alone
    bool newer = false;  // transformers 5 is followed
};

// With "add_prefix_space": null transformers 4 forgets the mark in front of a text, so that transformers 5 is followed.
Marking markingOf(const Companions& companions)
{
    if (!companions.prefixSpaceIsNull)
        return {companions.addPrefixSpace.value_or(true), companions.legacy.value_or(true), false, false};
    if (companions.tokenizerClass == "LlamaTokenizer")
        return {true, false, companions.legacy.value_or(false), true};
    return {true, companions.legacy.value_or(!companions.legacyIsNull), false, true};
}

// Where transformers 4 and 5 read a tokenizer.model differently, and which is followed.
void tellVersions(Pipeline& pipeline, const Companions& companions)
{
    const std::string& name = companions.tokenizerClass;
    const bool bare = name.empty() && companions.modelType.empty(); // a tokenizer.model by itself
    if (companions.prefixSpaceIsNull && !bare)
        pipeline.notices.push_back(
            std::string("tokenizer_config.json says add_prefix_space = null") +
            (companions.addBos ? "" : " and no add_bos_token") + ": transformers 4 then puts " +
            (companions.addBos ? "no mark of a space" : "a begin-of-text token and no mark of a space") +
            " in front of tokenizer.model's texts; here it is as in transformers 5.");
    else if (name == "LlamaTokenizer" && companions.legacy.value_or(true))
        pipeline.notices.push_back(std::string("tokenizer_config.json ") +
                                   (companions.legacy ? "says legacy = true" : "does not say legacy = true or false") +
                                   " for LlamaTokenizer: transformers 5 then marks spaces in tokenizer.model's texts "
                                   "otherwise than transformers "
                                   "4, which is followed here; a tokenizer.json beside it would decide.");
    else if (name.empty() && !bare && (companions.legacyIsNull || !companions.addPrefixSpace.value_or(true)))
        pipeline.notices.push_back(std::string("tokenizer_config.json names no tokenizer_class and says ") +
                                   (companions.legacyIsNull ? "legacy = null" : "add_prefix_space = false") +
                                   ": transformers 5 then marks spaces in tokenizer.model's texts otherwise than "
                                   "transformers 4, which is followed here.");
    if (!name.empty() && name != "LlamaTokenizer")
        pipeline.notices.push_back("tokenizer_config.json names the tokenizer class " + artifact::shown(name) +
                                   ", which versions of transformers build differently from a tokenizer.model; the ids "
                                   "here are those of a LlamaTokenizer.");
    if (!companions.addBos && pipeline.bos && !companions.prefixSpaceIsNull)
        pipeline.notices.emplace_back(
            "No add_bos_token in a tokenizer_config.json: the begin-of-text token stands in front "
            "of a text, as in transformers 4 and not in transformers 5.");
}

}

Pipeline readSentencePiece(std::string_view bytes, const Companions& companions, const std::string& source)
{
    Pipeline pipeline;
    const Model model = readModel(bytes, *pipeline.vocabulary, source);
    pipeline.model.emplace(std::in_place_type<ScoreModel>, *pipeline.vocabulary, model.scores, model.types,
                           *model.unknown, model.byteFallback, source);
    const Marking marking = markingOf(companions);
    const bool dummyPrefix = model.dummyPrefix && marking.prefix;
    // What the reference converts without `legacy` marks spaces as a newer tokenizer.json does: one mark at the start
    // of the text, unless a space is there. Older conversions of Llama 2 put one behind every special token, too.
    const bool newer = !marking.legacy && model.escapeSpaces;
    // The prefix stands in front of a text that the map then empties, too; but not of one that was only spaces.
    const PrependStep prefix{" ", !marking.legacy};
    if (dummyPrefix && !newer && !model.collapseSpaces)
        pipeline.normaliser.emplace_back(prefix);
    if (!model.characterMap.empty())
        pipeline.normaliser.emplace_back(characterMapOf(model, *pipeline.vocabulary, source));
    if (model.collapseSpaces)
        pipeline.normaliser.emplace_back(CollapseSpacesStep{});
    if (dummyPrefix && !newer && model.collapseSpaces)
        pipeline.normaliser.emplace_back(prefix);
    if (newer)
        pipeline.preTokenizer.emplace_back(MetaspaceStep{spaceMark,
                                                         !dummyPrefix     ? PrependScheme::Never
                                                         : marking.always ? PrependScheme::Always
                                                                          : PrependScheme::First,
                                                         false});
    else if (model.escapeSpaces)
        pipeline.normaliser.emplace_back(ReplaceStep{Pattern::literal(" "), spaceMark});
    pipeline.decoder = {ReplaceStep{Pattern::literal(spaceMark), " "}, ByteFallbackDecoder{}, FuseDecoder{}};
    if (dummyPrefix || model.collapseSpaces)
        pipeline.decoder.emplace_back(StripDecoder{" ", model.collapseSpaces ? SIZE_MAX : 1, 0});
    pipeline.metaspace = true;
    pipeline.kind = "SentencePiece BPE (tokenizer.model)";

    for (std::size_t id = 0; id < model.types.size(); ++id) {
        if (model.types[id] != PieceType::Control && model.types[id] != PieceType::Unknown)
            continue;
        AddedToken token;
        token.id = static_cast<TokenId>(id);
        token.content = *pipeline.vocabulary->text(token.id);
        token.special = true;
        pipeline.added.add(std::move(token), ""); // never found in a text
    }
    pipeline.templateStrings = {{"bos_token", model.bos}, {"eos_token", model.eos}};
    pipeline.bos = pipeline.vocabulary->find(model.bos);
    const auto eos = pipeline.vocabulary->find(model.eos);
    Companions ofModel = companions;
    if (!companions.modelType.empty() || !companions.tokenizerClass.empty()) { // not a tokenizer.model by itself
        const std::pair<const char*, std::string> names[] = {{"bos_token", model.bos},
                                                             {"eos_token", model.eos},
                                                             {"unk_token", *pipeline.vocabulary->text(*model.unknown)}};
        for (const auto& [name, text] : names)
            if (pipeline.vocabulary->find(text))
                ofModel.suggest(name, text);
    }
    addCompanionTokens(pipeline, ofModel, source);
    applyCompanions(pipeline, ofModel);
    addEndOfText(pipeline, eos);
    tellVersions(pipeline, companions);
    if (companions.addBos.value_or(!marking.newer) && pipeline.bos)
        pipeline.surroundings.insert(pipeline.surroundings.begin(), TemplateItem{false, {*pipeline.bos}});
    if (companions.addEos.value_or(false) && eos)
        pipeline.surroundings.push_back({false, {*eos}});
    return pipeline;
}

}
