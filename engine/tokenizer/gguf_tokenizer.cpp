#include "engine/artifact/gguf.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"
#include "engine/tokenizer/readers.h"
#include "engine/tokenizer/unicode.h"

#include <utility>

namespace blockcert::tokenizer {

namespace {

constexpr const char* spaceMark = "\xE2\x96\x81";
constexpr const char* prefix = "tokenizer.ggml.";

class GgufReader {
public:
    explicit GgufReader(const artifact::GgufFile& file)
        : m_file(file)
        , m_source(file.path().string())
    {
    }

    Pipeline read()
    {
        readTokens();
        const std::string model = requireText("model");
        if (model == "gpt2")
            readByteLevel();
        else if (model == "llama")
            readSentencePieces();
        else
            throw UnsupportedError(m_source + ": tokenizer.ggml.model = " + artifact::shown(model) +
                                   " is not implemented, only gpt2 and llama are.");
        addSpecialTokens();
        if (const std::string* text = m_file.text("tokenizer.chat_template"))
            m_pipeline.chatTemplate = *text;
        return std::move(m_pipeline);
    }

private:
    static std::string key(const char* name) { return std::string(prefix) + name; }

    std::string requireText(const char* name) const
    {
        const std::string* text = m_file.text(key(name));
        if (text == nullptr)
            throw FormatError(m_source + ": " + key(name) + " is missing; the file carries no tokenizer.");
        return *text;
    }

    std::optional<TokenId> id(const char* name) const
    {
        const auto value = m_file.integer(key(name));
        if (!value || *value == 0xFFFFFFFF || *value == -1) // how converters write "none"
            return std::nullopt;
        if (*value < 0 || *value >= m_pipeline.vocabulary->size())
            throw FormatError(m_source + ": " + key(name) + " = " + std::to_string(*value) +
                              " lies outside the vocabulary of " + std::to_string(m_pipeline.vocabulary->size()) + ".");
        return static_cast<TokenId>(*value);
    }

    void readTokens()
    {
        const auto* tokens = m_file.strings(key("tokens"));
        if (tokens == nullptr || tokens->empty())
            throw FormatError(m_source + ": tokenizer.ggml.tokens is missing; the file carries no tokenizer.");
        for (std::size_t i = 0; i < tokens->size(); ++i) {
            if (firstInvalidUtf8((*tokens)[i]))
                throw FormatError(m_source + ": token " + std::to_string(i) + " is not valid UTF-8.");
            m_pipeline.vocabulary->add((*tokens)[i], static_cast<std::int64_t>(i), m_source);
        }
        m_types.assign(tokens->size(), PieceType::Normal);
        if (const auto* types = m_file.integers(key("token_type"))) {
            requireCount(types->size(), "token_type");
            for (std::size_t i = 0; i < types->size(); ++i) {
                if ((*types)[i] < 1 || (*types)[i] > 6)
                    throw FormatError(m_source + ": token " + std::to_string(i) + " has the unknown type " +
                                      std::to_string((*types)[i]) + ".");
                m_types[i] = static_cast<PieceType>((*types)[i]);
            }
        }
    }

    void requireCount(std::size_t count, const char* name) const
    {
        if (count != m_types.size())
            throw FormatError(m_source + ": " + key(name) + " has " + std::to_string(count) + " entries for " +
                              std::to_string(m_types.size()) + " tokens.");
    }

    void readByteLevel()
    {
        const std::string* named = m_file.text(key("pre"));
        const std::string pre = named == nullptr ? "default" : *named;
        BpeOptions options;
        if (pre == "smollm") {
            m_pipeline.preTokenizer = {DigitsStep{true}, ByteLevelStep{}};
        } else if (pre == "gpt-2") {
            m_pipeline.preTokenizer = {ByteLevelStep{}};
        } else if (pre == "default") {
            for (const std::string_view expression : patterns::llamaCppDefault)
                m_pipeline.preTokenizer.emplace_back(SplitStep{Pattern::regex(expression, m_source)});
            m_pipeline.preTokenizer.emplace_back(ByteLevelStep{false, false});
            tellDefaultSplit(named != nullptr);
        } else if (pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3") {
            options.ignoreMerges = true;
            m_addBos = true;
            m_pipeline.preTokenizer = {SplitStep{Pattern::regex(patterns::llama3, m_source)},
                                       ByteLevelStep{false, false}};
        } else {
            throw UnsupportedError(m_source + ": tokenizer.ggml.pre = " + artifact::shown(pre) +
                                   " is not implemented; use the model as safetensors with its tokenizer.json.");
        }
        BpeModel model(*m_pipeline.vocabulary, options);
        const auto* merges = m_file.strings(key("merges"));
        if (merges == nullptr)
            throw FormatError(m_source + ": tokenizer.ggml.merges is missing.");
        for (std::size_t i = 0; i < merges->size(); ++i) {
            const std::string_view merge = (*merges)[i];
            const std::size_t space = merge.find(' ');
            if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos)
                throw FormatError(m_source + ": merge " + std::to_string(i) +
                                  " is not two token texts with one space between them.");
            model.addMerge(merge.substr(0, space), merge.substr(space + 1), m_source);
        }
        m_pipeline.model.emplace(std::move(model));
        m_pipeline.decoder = {ByteLevelDecoder{}};
        m_pipeline.byteLetters = true;
        m_pipeline.kind = "byte-level BPE (GGUF, " + pre + ")";
    }

    // Files from before llama.cpp told the splits apart: what they were converted from is no longer known.
    void tellDefaultSplit(bool named)
    {
        std::string notice =
            std::string(named ? "tokenizer.ggml.pre = \"default\" does not name"
                              : "Without tokenizer.ggml.pre the file does not name") +
            " how the model's tokenizer splits a text; here it is split as llama.cpp does by default, which may not be "
            "how the model was trained";
        if (!m_file.boolean(key("add_bos_token")) && m_file.integer(key("bos_token_id")))
            notice += ", and, as there, no begin-of-text token stands in front of it";
        m_pipeline.notices.push_back(notice + ".");
    }

    void readSentencePieces()
    {
        const auto* scores = m_file.floats(key("scores"));
        if (scores == nullptr)
            throw FormatError(m_source + ": tokenizer.ggml.scores is missing.");
        requireCount(scores->size(), "scores");
        const bool byteFallback = m_pipeline.vocabulary->find("<0x00>").has_value();
        const TokenId unknown = id("unknown_token_id").value_or(0);
        m_pipeline.model.emplace(std::in_place_type<ScoreModel>, *m_pipeline.vocabulary, *scores, m_types, unknown,
                                 byteFallback, m_source);
        const bool spacePrefix = m_file.boolean(key("add_space_prefix")).value_or(true);
        if (spacePrefix)
            m_pipeline.normaliser.emplace_back(PrependStep{" "});
        m_pipeline.normaliser.emplace_back(ReplaceStep{Pattern::literal(" "), spaceMark});
        m_pipeline.decoder = {ReplaceStep{Pattern::literal(spaceMark), " "}, ByteFallbackDecoder{}, FuseDecoder{}};
        if (spacePrefix)
            m_pipeline.decoder.emplace_back(StripDecoder{" ", 1, 0});
        m_pipeline.metaspace = true;
        m_addBos = true;
        m_pipeline.kind = "SentencePiece BPE (GGUF)";
    }

    void addSpecialTokens()
    {
        for (std::size_t i = 0; i < m_types.size(); ++i) {
            const PieceType type = m_types[i];
            if (type != PieceType::Control && type != PieceType::Unknown && type != PieceType::UserDefined)
                continue;
            AddedToken token;
            token.id = static_cast<TokenId>(i);
            token.content = *m_pipeline.vocabulary->text(token.id);
            token.special = type != PieceType::UserDefined;
            addToken(m_pipeline, std::move(token));
        }
        m_pipeline.bos = id("bos_token_id");
        const std::optional<TokenId> eos = id("eos_token_id");
        for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"})
            addEndOfText(m_pipeline, id(name));
        const std::pair<const char*, const char*> names[] = {{"bos_token", "bos_token_id"},
                                                             {"eos_token", "eos_token_id"},
                                                             {"unk_token", "unknown_token_id"},
                                                             {"pad_token", "padding_token_id"}};
        for (const auto& [name, keyName] : names)
            if (const auto token = id(keyName))
                m_pipeline.templateStrings[name] = *m_pipeline.vocabulary->text(*token);
        if (m_file.boolean(key("add_bos_token")).value_or(m_addBos) && m_pipeline.bos)
            m_pipeline.surroundings.insert(m_pipeline.surroundings.begin(), TemplateItem{false, {*m_pipeline.bos}});
        if (m_file.boolean(key("add_eos_token")).value_or(false) && eos)
            m_pipeline.surroundings.push_back({false, {*eos}});
    }

    const artifact::GgufFile& m_file;
    std::string m_source;
    Pipeline m_pipeline;
    std::vector<PieceType> m_types;
    bool m_addBos = false; // if the file does not say
};

}

Pipeline readGgufTokenizer(const artifact::GgufFile& file)
{
    return GgufReader(file).read();
}

}
