// A tokenizer in parts, whatever file it came from: find added tokens, normalise, cut, encode, surround.
#pragma once

#include "engine/tokenizer/added_tokens.h"
#include "engine/tokenizer/bpe_model.h"
#include "engine/tokenizer/decoder.h"
#include "engine/tokenizer/normaliser.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/score_model.h"
#include "engine/tokenizer/vocabulary.h"
#include "engine/values/ids.h"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace blockcert::tokenizer {

// One place of the post-processor's template: the prompt itself, or ids around it.
struct TemplateItem {
    bool prompt = false;
    std::vector<TokenId> ids;
};

struct Pipeline {
    static constexpr std::size_t longestText = 64U << 20U; // bytes

    std::string kind;
    std::unique_ptr<Vocabulary> vocabulary = std::make_unique<Vocabulary>(); // the model points at it
    AddedTokens added;
    std::vector<NormaliserStep> normaliser;
    std::vector<PreTokenizerStep> preTokenizer;
    std::optional<std::variant<BpeModel, ScoreModel>> model;
    std::vector<TemplateItem> surroundings = {{true, {}}};
    std::vector<DecoderStep> decoder;
    bool byteLetters = false; // token texts are written in the byte alphabet
    bool metaspace = false;   // U+2581 stands for a space in token texts

    std::optional<TokenId> bos;
    std::vector<TokenId> endOfText;
    std::string chatTemplate;                           // empty: none
    std::map<std::string, std::string> templateStrings; // bos_token and the like, for the template
    std::vector<std::string> notices;                   // where versions of the reference disagree; one sentence each
    bool loneByteLevel = false; // tokenizer.json: the pre-tokeniser is ByteLevel itself, not a sequence with it
    bool plainModel = true;     // tokenizer.json: a BPE model without options

    // Resolves a token text among added tokens, then in the vocabulary.
    [[nodiscard]] std::optional<TokenId> find(std::string_view text) const;
    [[nodiscard]] std::int32_t vocabularySize() const;

    // Throws FormatError if the text is not UTF-8, ResourceError if it is too long.
    [[nodiscard]] std::vector<TokenId> encode(std::string_view text, bool addSpecial) const;
    [[nodiscard]] std::string decode(std::span<const TokenId> ids, bool skipSpecial) const;
    [[nodiscard]] std::string piece(TokenId id) const;

private:
    void encodeFragment(std::string_view text, bool atStart, std::vector<TokenId>& ids) const;
};

// What readers use again and again: adds a token to `added`, with its pattern normalised if it asks for that.
void addToken(Pipeline& pipeline, AddedToken token);

// Names an id as one that ends a text, once.
void addEndOfText(Pipeline& pipeline, std::optional<TokenId> id);

}
