// Text <-> token ids, bit for bit as the model's own tokenizer does it, from any of the formats it is shipped in.
#pragma once

#include "engine/values/ids.h"
#include "engine/values/prompt_set.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact {
class Checkpoint;
class GgufFile;
}

namespace blockcert::tokenizer {

enum class SpecialTokens : bool { Omit, Add }; // BOS/EOS as the tokenizer's own post-processor or flags say

// How a chat template was rendered.
struct RenderedChat {
    std::string text;
    std::string templateSha256;
    bool usedDate = false; // the template asked for today's date
};

// Immutable; const members may be called from several threads.
class Tokenizer {
public:
    // tokenizer.json, else tokenizer.model, else vocab.json + merges.txt, with tokenizer_config.json,
    // special_tokens_map.json, added_tokens.json and chat_template files, as transformers' AutoTokenizer puts them
    // together. Throws FileError, FormatError, UnsupportedError.
    [[nodiscard]] static Tokenizer fromFolder(const std::filesystem::path& folder);
    [[nodiscard]] static Tokenizer fromGguf(const artifact::GgufFile& file);
    // The one of the checkpoint: its folder's if it has one, else the GGUF's own.
    [[nodiscard]] static Tokenizer of(const artifact::Checkpoint& checkpoint);

    ~Tokenizer();
    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) noexcept;

    // Invalid UTF-8 is a FormatError. Added tokens are recognised in the text as the tokenizer's flags say.
    [[nodiscard]] std::vector<TokenId> encode(std::string_view text, SpecialTokens special) const;
    // Bytes of all pieces joined; invalid sequences become U+FFFD. skipSpecial leaves special tokens out.
    [[nodiscard]] std::string decode(std::span<const TokenId> ids, bool skipSpecial) const;
    // What one token looks like to a person: its own text (" the", "<|im_end|>", "\\xE2" for a lone byte).
    [[nodiscard]] std::string piece(TokenId id) const;
    [[nodiscard]] bool isSpecial(TokenId id) const;
    [[nodiscard]] std::int32_t vocabularySize() const;
    [[nodiscard]] std::optional<TokenId> bos() const;
    [[nodiscard]] std::vector<TokenId> endOfText() const; // eos and end-of-turn ids that the files name
    [[nodiscard]] std::string kind() const;               // "byte-level BPE (tokenizer.json)" …
    // Where versions of transformers read these files differently: one sentence each, saying which one is followed.
    [[nodiscard]] const std::vector<std::string>& notices() const;

    // The model's chat template with a bounded Jinja subset; strftime_now() formats `date` ("26 Jul 2024" if empty, as
    // the templates' own default) at 00:00. Encode the text with SpecialTokens::Omit.
    // Throws UnsupportedError if there is no template or it uses what is not implemented (named).
    [[nodiscard]] RenderedChat renderChat(std::span<const ChatMessage> messages, bool addGenerationPrompt,
                                          std::string_view date) const;
    [[nodiscard]] bool hasChatTemplate() const;
    [[nodiscard]] std::string chatTemplateSha256() const; // empty if there is none

private:
    struct State;
    explicit Tokenizer(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

}
