#include "engine/exchange/tokenizer_files.h"

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/gguf.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/strict_json.h"
#include "engine/tokenizer/pattern.h"

#include <array>
#include <system_error>

namespace blockcert::exchange {

namespace {

namespace fs = std::filesystem;
using artifact::GgufFile;

constexpr std::size_t largestFile = 512U << 20U;
constexpr std::int64_t control = 3; // token types of GGUF
constexpr std::int64_t unknown = 2;
constexpr std::int64_t userDefined = 4;

std::optional<std::int64_t> tokenId(const GgufFile& file, const std::string& name, std::size_t vocabulary)
{
    const std::optional<std::int64_t> id = file.integer("tokenizer.ggml." + name);
    return id && *id >= 0 && static_cast<std::size_t>(*id) < vocabulary ? id : std::nullopt;
}

// What Hugging Face's byte-level pre-tokenizers are called for each of GGUF's names.
Json preTokenizerOf(const std::string& pre)
{
    const Json byteLevel = {
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    if (pre == "gpt-2")
        return byteLevel;
    if (pre == "default") {
        Json steps = Json::array();
        for (const std::string_view expression : tokenizer::patterns::llamaCppDefault)
            steps.push_back(
                {{"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", "Isolated"}, {"invert", false}});
        steps.push_back(byteLevel);
        steps.back()["use_regex"] = false;
        return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
    }
    if (pre == "smollm")
        return {{"type", "Sequence"},
                {"pretokenizers", {{{"type", "Digits"}, {"individual_digits", true}}, byteLevel}}};
    throw UnsupportedError("The tokenizer of this GGUF (" + pre +
                           ") cannot be written as tokenizer.json by this version; export from the safetensors model.");
}

void writeFromGguf(const GgufFile& file, const fs::path& folder)
{
    const std::string* kind = file.text("tokenizer.ggml.model");
    const auto* tokens = file.strings("tokenizer.ggml.tokens");
    const auto* merges = file.strings("tokenizer.ggml.merges");
    if (kind == nullptr || *kind != "gpt2" || tokens == nullptr || merges == nullptr)
        throw UnsupportedError("Only byte-level BPE tokenizers of a GGUF can be written as tokenizer.json; export from "
                               "the safetensors model.");
    const std::string* pre = file.text("tokenizer.ggml.pre");
    Json vocabulary = Json::object();
    Json added = Json::array();
    const auto* types = file.integers("tokenizer.ggml.token_type");
    for (std::size_t i = 0; i < tokens->size(); ++i) {
        vocabulary[(*tokens)[i]] = i;
        const std::int64_t type = types == nullptr || i >= types->size() ? 1 : (*types)[i];
        if (type == control || type == unknown || type == userDefined)
            added.push_back({{"id", i},
                             {"content", (*tokens)[i]},
                             {"single_word", false},
                             {"lstrip", false},
                             {"rstrip", false},
                             {"normalized", false},
                             {"special", type != userDefined}});
    }
    const Json tokenizer = {
        {"version", "1.0"},
        {"truncation", nullptr},
        {"padding", nullptr},
        {"added_tokens", std::move(added)},
        {"normalizer", nullptr},
        {"pre_tokenizer", preTokenizerOf(pre == nullptr ? "default" : *pre)},
        {"post_processor", nullptr},
        {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
        {"model",
         {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"vocab", std::move(vocabulary)},
          {"merges", *merges}}}};
    writeFileAtomically(folder / "tokenizer.json", writeJson(tokenizer));

    // Not GPT2Tokenizer, which transformers 5 builds without tokenizer.json's pre_tokenizer.
    Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
    for (const auto& [name, key] :
         std::array<std::pair<const char*, const char*>, 4>{{{"bos_token", "bos_token_id"},
                                                             {"eos_token", "eos_token_id"},
                                                             {"unk_token", "unknown_token_id"},
                                                             {"pad_token", "padding_token_id"}}})
        if (const auto id = tokenId(file, key, tokens->size()))
            config[name] = (*tokens)[static_cast<std::size_t>(*id)];
    if (file.boolean("tokenizer.ggml.add_bos_token").value_or(false))
        throw UnsupportedError("This GGUF's tokenizer adds a token in front of every text, which this version cannot "
                               "write as tokenizer.json; export from the safetensors model.");
    if (const std::string* chat = file.text("tokenizer.chat_template"))
        config["chat_template"] = *chat;
    writeFileAtomically(folder / "tokenizer_config.json", writeJson(config));
}

}

std::vector<std::string> writeTokenizerFiles(const artifact::Checkpoint& model, const fs::path& folder)
{
    std::vector<std::string> written;
    if (!model.folder().empty())
        for (const char* name : {"tokenizer.json", "tokenizer.model", "tokenizer_config.json",
                                 "special_tokens_map.json", "vocab.json", "merges.txt", "added_tokens.json",
                                 "chat_template.jinja", "chat_template.json", "generation_config.json"}) {
            std::error_code missing;
            if (!fs::exists(model.folder() / name, missing))
                continue;
            writeFileAtomically(folder / name, readWholeFile(model.folder() / name, largestFile));
            written.emplace_back(name);
        }
    if (!written.empty() || model.gguf() == nullptr)
        return written;
    writeFromGguf(*model.gguf(), folder);
    return {"tokenizer.json", "tokenizer_config.json"};
}

}
