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

// What the files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json, added_tokens.json, chat
// template files, and the end-of-text ids of generation_config.json and config.json.
struct Companions {
    std::map<std::string, std::string> specialTokens; // bos_token, eos_token, … -> text
    std::vector<AddedToken> addedTokens;              // of tokenizer_config.json and added_tokens.json
    std::vector<std::int64_t> endOfText;
    std::string chatTemplate;
    std::string tokenizerClass; // empty if not named
    std::optional<bool> addBos;
    std::optional<bool> addEos;
    std::optional<bool> legacy;
    bool addPrefixSpace = false;
};

[[nodiscard]] Companions readCompanions(const std::filesystem::path& folder);

// Adds the tokens of the companions (not those that tokenizer.json has itself) and their special texts.
void addCompanionTokens(Pipeline& pipeline, const Companions& companions, const std::string& where);
// BOS, end of text, template.
void applyCompanions(Pipeline& pipeline, const Companions& companions);

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
