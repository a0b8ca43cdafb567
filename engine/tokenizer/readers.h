// The readers of tokenizer files; each builds a pipeline and fails closed on what it does not implement.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/tokenizer/pipeline.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact {
class GgufFile;
}

namespace blockcert::tokenizer {

// tokenizer.json of the `tokenizers` library.
[[nodiscard]] Pipeline readTokenizerJson(std::string_view text, std::string_view source);

// Parts of it, from pipeline_steps.cpp; `where` names file and part.
[[nodiscard]] std::vector<NormaliserStep> readNormaliser(const Json& value, const std::string& where);
[[nodiscard]] std::vector<PreTokenizerStep> readPreTokenizer(const Json& value, const std::string& where);
[[nodiscard]] std::vector<DecoderStep> readDecoder(const Json& value, const std::string& where);
[[nodiscard]] std::vector<TemplateItem> readPostProcessor(const Json& value, const std::string& where);

// bos_token and the like, in the order in which the reference adds the tokens they name.
struct NamedToken {
    std::string name;
    AddedToken token;
};

// What the files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json, added_tokens.json, chat
// template files, and the end-of-text ids of generation_config.json and config.json.
struct Companions {
    std::vector<NamedToken> named;
    std::vector<std::string> nameless;             // of bos_token, … those that are null on purpose
    std::vector<AddedToken> extra;                 // additional_special_tokens, extra_special_tokens
    std::vector<AddedToken> addedTokens;           // of added_tokens_decoder, else added_tokens.json; by id
    bool hasDecoder = false;                       // added_tokens_decoder is there, and silences the older files
    std::map<std::string, std::string> ofTheModel; // image_token and the like -> text
    std::vector<NamedToken> onlyNewer; // of these, the ones that transformers 5 adds and transformers 4 does not
    std::vector<std::int64_t> endOfText;
    std::string chatTemplate;
    std::string tokenizerClass; // as tokenizer_config.json names it, without "Fast"; empty if it does not
    std::string modelType;      // of config.json
    std::optional<bool> addBos;
    std::optional<bool> addEos;
    std::optional<bool> legacy;
    std::optional<bool> addPrefixSpace;
    bool legacyIsNull = false;       // null is not the same as missing to the reference
    bool prefixSpaceIsNull = false;  // nor here
    bool hasSentencePieces = false;  // a tokenizer.model is in the folder
    bool splitSpecialTokens = false; // special tokens in a text are text

    // Null if no such token is named.
    [[nodiscard]] const AddedToken* find(std::string_view name) const;
    // Names a token if it is neither named nor null on purpose.
    void suggest(std::string_view name, std::string_view text);
};

[[nodiscard]] Companions readCompanions(const std::filesystem::path& folder);

// Adds the tokens of the companions to a tokenizer.json, which has given ids to its own: tokens that are new get the
// next free ids, whatever the companions say, as transformers does it.
void addTokensToJson(Pipeline& pipeline, const Companions& companions);
// Adds them to a tokenizer whose files leave room for them: with the ids that added_tokens_decoder gives.
void addCompanionTokens(Pipeline& pipeline, const Companions& companions, const std::string& where);
// BOS, end of text, template.
void applyCompanions(Pipeline& pipeline, const Companions& companions);

// What the class that tokenizer_config.json names changes about a tokenizer.json in transformers 4 and 5 alike; where
// they differ from each other the steps and surroundings of one of them, and a notice. What neither makes is an
// UnsupportedError.
void applyTokenizerClass(Pipeline& pipeline, const Companions& companions);

// vocab.json and merges.txt of GPT-2; `source` names the folder.
[[nodiscard]] Pipeline readVocabularyAndMerges(std::string_view vocabulary, std::string_view merges,
                                               const Companions& companions, const std::string& source);

// tokenizer.model: SentencePiece's protobuf with a model of type BPE. Its control and unknown pieces are found in a
// text only if the companions name them: SentencePiece itself never finds them.
[[nodiscard]] Pipeline readSentencePiece(std::string_view bytes, const Companions& companions,
                                         const std::string& source);

// tokenizer.ggml.* of a GGUF file.
[[nodiscard]] Pipeline readGgufTokenizer(const artifact::GgufFile& file);

}
