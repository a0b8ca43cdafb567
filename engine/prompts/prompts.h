// Reads prompt files and bundled prompt sets, and turns them into the ids a model is fed.
#pragma once

#include "engine/values/prompt_set.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert {
class Error;
}

namespace blockcert::tokenizer {
class Tokenizer;
}

namespace blockcert::prompts {

// Names of the bundled sets: base, stress, semantic, refusal (compiled in from resources/prompts).
[[nodiscard]] std::vector<std::string> bundledNames();

// A bundled name, or a .jsonl, .txt or .csv file. Throws FileError, FormatError (line), ResourceError (64 MiB).
[[nodiscard]] PromptFile readPrompts(const std::string& nameOrPath);
// The same from memory, for prompts typed into the window; `format` is "jsonl", "txt" or "csv".
[[nodiscard]] PromptFile parsePrompts(std::string_view content, std::string_view format, std::string name);

struct EncodeOptions {
    std::int64_t maxTokens = 256; // longer prompts lose their end; counted per prompt
    std::string date{};           // for templates that print one
    std::int64_t context = 0;     // the model's limit; 0: none
    std::int32_t vocabulary = 0;  // ids must lie below it; 0: the tokenizer's size
};

// Throws FormatError for a prompt that encodes to nothing and for ids outside the vocabulary.
[[nodiscard]] PromptSet encodePrompts(const PromptFile& file, const tokenizer::Tokenizer& tokenizer,
                                      const EncodeOptions& options);

// The same for a model whose tokenizer could not be opened: prompts of token_ids are taken as they are, without pieces;
// for text and messages an Error with the exit code of `why`. `options` must state the vocabulary.
[[nodiscard]] PromptSet takeLiterally(const PromptFile& file, const EncodeOptions& options, const Error& why);

// SHA-256 over all ids: per prompt its length as u64 LE, then each id as i32 LE.
[[nodiscard]] std::string tokenIdsSha256(const PromptSet& prompts);

}
