#include "engine/tokenizer/tokenizer.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/tokenizer/chat_template.h"
#include "engine/tokenizer/readers.h"

#include <system_error>
#include <utility>

namespace blockcert::tokenizer {

namespace {

constexpr std::size_t largestFile = 256U << 20U;

bool isThere(const std::filesystem::path& path)
{
    std::error_code error;
    return std::filesystem::exists(path, error);
}

bool hasTokenizer(const std::filesystem::path& folder)
{
    return isThere(folder / "tokenizer.json") || isThere(folder / "tokenizer.model") ||
           (isThere(folder / "vocab.json") && isThere(folder / "merges.txt"));
}

// Ids around the prompt must be tokens; the BOS, if nothing names it, is a single id in front of the prompt.
void finish(Pipeline& pipeline, const std::string& source)
{
    for (const TemplateItem& item : pipeline.surroundings)
        for (const TokenId id : item.ids)
            if (id >= pipeline.vocabularySize())
                throw FormatError(source + ": the post-processor adds token " + std::to_string(id) +
                                  ", which does not exist.");
    const std::vector<TemplateItem>& items = pipeline.surroundings;
    if (!pipeline.bos && items.size() > 1 && !items.front().prompt && items.front().ids.size() == 1)
        pipeline.bos = items.front().ids.front();
}

Pipeline readFolder(const std::filesystem::path& folder)
{
    const Companions companions = readCompanions(folder);
    if (const auto path = folder / "tokenizer.json"; isThere(path)) {
        Pipeline pipeline = readTokenizerJson(readWholeFile(path, largestFile), path.string());
        applyTokenizerClass(pipeline, companions);
        addTokensToJson(pipeline, companions);
        applyCompanions(pipeline, companions);
        return pipeline;
    }
    if (const auto path = folder / "tokenizer.model"; isThere(path))
        return readSentencePiece(readWholeFile(path, largestFile), companions, path.string());
    if (hasTokenizer(folder))
        return readVocabularyAndMerges(readWholeFile(folder / "vocab.json", largestFile),
                                       readWholeFile(folder / "merges.txt", largestFile), companions, folder.string());
    throw FileError(folder.string() + ": no tokenizer.json, tokenizer.model, or vocab.json with merges.txt.");
}

}

struct Tokenizer::State {
    Pipeline pipeline;
};

Tokenizer::Tokenizer(std::unique_ptr<State> state)
    : m_state(std::move(state))
{
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::fromFolder(const std::filesystem::path& folder)
{
    auto state = std::make_unique<State>(State{readFolder(folder)});
    finish(state->pipeline, folder.string());
    return Tokenizer(std::move(state));
}

Tokenizer Tokenizer::fromGguf(const artifact::GgufFile& file)
{
    return Tokenizer(std::make_unique<State>(State{readGgufTokenizer(file)}));
}

Tokenizer Tokenizer::of(const artifact::Checkpoint& checkpoint)
{
    if (!checkpoint.folder().empty() && hasTokenizer(checkpoint.folder()))
        return fromFolder(checkpoint.folder());
    if (checkpoint.gguf() != nullptr)
        return fromGguf(*checkpoint.gguf());
    return fromFolder(checkpoint.folder());
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, SpecialTokens special) const
{
    return m_state->pipeline.encode(text, special == SpecialTokens::Add);
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skipSpecial) const
{
    return m_state->pipeline.decode(ids, skipSpecial);
}

std::string Tokenizer::piece(TokenId id) const
{
    return m_state->pipeline.piece(id);
}

bool Tokenizer::isSpecial(TokenId id) const
{
    const AddedToken* token = m_state->pipeline.added.find(id);
    return token != nullptr && token->special;
}

std::int32_t Tokenizer::vocabularySize() const
{
    return m_state->pipeline.vocabularySize();
}

std::optional<TokenId> Tokenizer::bos() const
{
    return m_state->pipeline.bos;
}

std::vector<TokenId> Tokenizer::endOfText() const
{
    return m_state->pipeline.endOfText;
}

std::string Tokenizer::kind() const
{
    return m_state->pipeline.kind;
}

const std::vector<std::string>& Tokenizer::notices() const
{
    return m_state->pipeline.notices;
}

bool Tokenizer::hasChatTemplate() const
{
    return !m_state->pipeline.chatTemplate.empty();
}

std::string Tokenizer::chatTemplateSha256() const
{
    return hasChatTemplate() ? sha256Of(m_state->pipeline.chatTemplate) : std::string();
}

RenderedChat Tokenizer::renderChat(std::span<const ChatMessage> messages, bool addGenerationPrompt,
                                   std::string_view date) const
{
    if (!hasChatTemplate())
        throw UnsupportedError("The model has no chat template; give prompts as \"text\" instead of \"messages\".");
    return renderTemplate(m_state->pipeline.chatTemplate, messages, m_state->pipeline.templateStrings,
                          addGenerationPrompt, date);
}

}
