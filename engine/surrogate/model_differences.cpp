#include "engine/surrogate/model_differences.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/tokenizer/tokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace blockcert::surrogate {

namespace {

using tokenizer::Tokenizer;

class Differences {
public:
    template <class Value>
    void compare(std::string_view what, const Value& here, const Value& there)
    {
        if (here != there)
            m_found.push_back(fmt::format("{} is {} here and {} there", what, here, there));
    }

    void add(std::string sentence) { m_found.push_back(std::move(sentence)); }

    [[nodiscard]] std::vector<std::string> take() { return std::move(m_found); }

private:
    std::vector<std::string> m_found;
};

std::string scalingText(const TransformerConfig& config)
{
    const RopeScaling& scaling = config.ropeScaling;
    switch (scaling.kind) {
    case RopeScaling::Kind::None: return "none";
    case RopeScaling::Kind::Linear: return fmt::format("linear by {}", scaling.factor);
    case RopeScaling::Kind::Llama3:
        return fmt::format("llama3 by {} between {} and {} from {} positions", scaling.factor,
                           scaling.lowFrequencyFactor, scaling.highFrequencyFactor, scaling.originalContext);
    case RopeScaling::Kind::Divisors: return "a list of divisors";
    }
    return "";
}

std::string idText(const std::optional<TokenId>& id)
{
    return id ? std::to_string(*id) : "none";
}

std::string idsText(std::vector<TokenId> ids)
{
    std::sort(ids.begin(), ids.end());
    return ids.empty() ? "none" : fmt::format("{}", fmt::join(ids, ", "));
}

void compareConfigs(const TransformerConfig& here, const TransformerConfig& there, Differences& found)
{
    found.compare("the vocabulary", here.vocab, there.vocab);
    found.compare("the context", here.context, there.context);
    // GGUF holds them in single precision, JSON in decimal digits: one number in two spellings.
    const auto inSingle = [](double value) { return static_cast<float>(value); };
    found.compare("the epsilon of the norms", inSingle(here.normEpsilon), inSingle(there.normEpsilon));
    found.compare("rope_theta", inSingle(here.ropeTheta), inSingle(there.ropeTheta));
    found.compare("rope_scaling", scalingText(here), scalingText(there));
    if (here.ropeDivisors != there.ropeDivisors && here.ropeScaling.kind == there.ropeScaling.kind)
        found.add("the divisors of the RoPE frequencies differ");
    found.compare("tied embeddings", here.tiedEmbeddings, there.tiedEmbeddings);
    found.compare("scale_attn_by_inverse_layer_idx", here.scaleAttentionByInverseLayer,
                  there.scaleAttentionByInverseLayer);
    found.compare("reorder_and_upcast_attn", here.upcastAttention, there.upcastAttention);
    found.compare("the configuration's first token", idText(here.bos), idText(there.bos));
    found.compare("the configuration's end of text", idsText(here.eos), idsText(there.eos));
}

std::optional<Tokenizer> tokenizerOf(const artifact::Checkpoint& checkpoint)
{
    try {
        return Tokenizer::of(checkpoint);
    } catch (const Error&) {
        return std::nullopt;
    }
}

// What a short conversation becomes: templates that differ in no message people send are no difference.
std::string chatOf(const Tokenizer& tokenizer)
{
    const std::vector<ChatMessage> messages = {{"user", "Hello"}, {"assistant", "Good day."}, {"user", "Why?"}};
    try {
        return tokenizer.renderChat(messages, true, "").text;
    } catch (const Error&) {
        return "";
    }
}

void comparePieces(const Tokenizer& here, const Tokenizer& there, Differences& found)
{
    found.compare("the tokenizer's vocabulary", here.vocabularySize(), there.vocabularySize());
    const std::int32_t common = std::min(here.vocabularySize(), there.vocabularySize());
    std::int32_t differing = 0;
    std::string first;
    for (TokenId id = 0; id < common; ++id) {
        const std::string mine = here.piece(id);
        const std::string other = there.piece(id);
        if (mine == other && here.isSpecial(id) == there.isSpecial(id))
            continue;
        if (differing++ == 0)
            first = fmt::format("token {} is \"{}\" here and \"{}\" there", id, mine, other);
    }
    if (differing > 0)
        found.add(fmt::format("{} of {} tokens of the tokenizers differ ({})", differing, common, first));
}

void compareTokenizers(const Tokenizer& here, const Tokenizer& there, Differences& found)
{
    comparePieces(here, there, found);
    found.compare("the tokenizer's first token", idText(here.bos()), idText(there.bos()));
    found.compare("the tokenizer's end of text", idsText(here.endOfText()), idsText(there.endOfText()));
    // The merges can differ where the pieces do not.
    constexpr std::string_view sample =
        "The naïve café's 1234 résumés — “déjà vu”, 東京 2026!\n\tfor (i = 0; i < n; ++i)";
    const auto ids = [&](const Tokenizer& tokenizer) {
        return tokenizer.encode(sample, tokenizer::SpecialTokens::Add);
    };
    if (ids(here) != ids(there))
        found.add("the tokenizers encode the same text differently");
    if (chatOf(here) != chatOf(there))
        found.add("the chat templates render the same conversation differently");
}

}

std::vector<std::string> modelDifferences(const artifact::Checkpoint& model, const artifact::Checkpoint& other)
{
    Differences found;
    compareConfigs(model.config(), other.config(), found);
    const std::optional<Tokenizer> here = tokenizerOf(model);
    const std::optional<Tokenizer> there = tokenizerOf(other);
    if (here && there)
        compareTokenizers(*here, *there, found);
    else if (here || there)
        found.add(here ? "there is no tokenizer there that could be read"
                       : "there is no tokenizer here that could be read");
    return found.take();
}

}
