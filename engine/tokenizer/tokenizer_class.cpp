#include "engine/artifact/shown.h"
#include "engine/base/error.h"
#include "engine/tokenizer/readers.h"

#include <algorithm>
#include <unordered_set>

namespace blockcert::tokenizer {

namespace {

constexpr const char* spaceMark = "\xE2\x96\x81";

// transformers 4 reads tokenizer.json whatever the class is; transformers 5 builds some classes anew from its
// vocabulary and merges. `what` is what then gets lost.
void tellRebuilt(Pipeline& pipeline, const std::string& name, const std::string& what)
{
    pipeline.notices.push_back("tokenizer_config.json names " + name + ", which transformers 5 builds without " + what +
                               "; the ids here follow tokenizer.json, as in transformers 4.");
}

bool loses(const Pipeline& pipeline, const Companions& companions)
{
    std::unordered_set<std::string_view> kept;
    for (const AddedToken& token : companions.addedTokens)
        kept.insert(token.content);
    return companions.hasDecoder && std::ranges::any_of(pipeline.added.all(), [&kept](const auto& entry) {
               return !kept.contains(entry.second.content);
           });
}

bool isPlainByteLevel(const Pipeline& pipeline)
{
    if (pipeline.preTokenizer.size() != 1 || !pipeline.normaliser.empty())
        return false;
    const auto* step = std::get_if<ByteLevelStep>(&pipeline.preTokenizer.front());
    return step != nullptr && step->useRegex;
}

void applyGpt2(Pipeline& pipeline, const Companions& companions)
{
    const bool prefix = companions.addPrefixSpace.value_or(false);
    if (pipeline.loneByteLevel)
        std::get<ByteLevelStep>(pipeline.preTokenizer.front()).addPrefixSpace = prefix;
    const bool same =
        isPlainByteLevel(pipeline) && std::get<ByteLevelStep>(pipeline.preTokenizer.front()).addPrefixSpace == prefix;
    if (!same)
        tellRebuilt(pipeline, "GPT2Tokenizer", "tokenizer.json's pre_tokenizer and normalizer");
    else if (pipeline.plainModel && loses(pipeline, companions))
        tellRebuilt(pipeline, "GPT2Tokenizer", "the added tokens that only tokenizer.json has");
    else if (!pipeline.plainModel)
        tellRebuilt(pipeline, "GPT2Tokenizer", "the options of tokenizer.json's model");
}

PrependScheme newLlamaScheme(const Companions& companions)
{
    if (!companions.addPrefixSpace.value_or(true))
        return PrependScheme::Never;
    return companions.legacy.value_or(false) ? PrependScheme::Always : PrependScheme::First;
}

// Whether the steps are those that transformers 5 gives a LlamaTokenizer.
bool isNewLlama(const Pipeline& pipeline, const Companions& companions)
{
    if (pipeline.preTokenizer.size() != 1 || !pipeline.normaliser.empty())
        return false;
    const auto* step = std::get_if<MetaspaceStep>(&pipeline.preTokenizer.front());
    return step != nullptr && step->replacement == spaceMark && step->scheme == newLlamaScheme(companions) &&
           !step->split;
}

struct FlaggedTokens {
    std::vector<TokenId> before; // BOS
    std::vector<TokenId> after;  // EOS
    std::string flags;           // "add_bos_token (true) and …"
};

// The tokens that transformers 4 puts around a LlamaTokenizer's text, whatever the post-processor says; none if the
// post-processor says the same.
std::optional<FlaggedTokens> olderSurroundings(const Pipeline& pipeline, const Companions& companions)
{
    FlaggedTokens stated;
    bool sawPrompt = false;
    for (const TemplateItem& item : pipeline.surroundings) {
        std::vector<TokenId>& ids = sawPrompt ? stated.after : stated.before;
        ids.insert(ids.end(), item.ids.begin(), item.ids.end());
        sawPrompt = sawPrompt || item.prompt;
    }
    const auto flagged = [&](bool wanted, const char* name, const char* fallback) {
        const AddedToken* token = companions.find(name);
        return wanted ? std::vector<TokenId>{pipeline.find(token == nullptr ? fallback : token->content).value_or(-1)}
                      : std::vector<TokenId>{};
    };
    const bool bos = companions.addBos.value_or(true);
    const bool eos = companions.addEos.value_or(false);
    FlaggedTokens older = {flagged(bos, "bos_token", "<s>"), flagged(eos, "eos_token", "</s>"),
                           std::string("add_bos_token (") + (bos ? "true" : "false") + ") and add_eos_token (" +
                               (eos ? "true" : "false") + ")"};
    return older.before == stated.before && older.after == stated.after ? std::nullopt : std::optional(older);
}

void tellSurroundings(Pipeline& pipeline, const Companions& companions)
{
    if (const auto older = olderSurroundings(pipeline, companions))
        pipeline.notices.push_back(std::string(companions.tokenizerClass.empty()
                                                   ? "Without a tokenizer_class transformers 4 takes a LlamaTokenizer "
                                                     "and puts tokens around a text as "
                                                   : "transformers 4 puts tokens around a LlamaTokenizer's text as ") +
                                   older->flags +
                                   " say; here, as in transformers 5, they are those of tokenizer.json's "
                                   "post_processor.");
}

// Where transformers 4 is followed in the steps, it is followed in the tokens around a text.
void takeOlderSurroundings(Pipeline& pipeline, const Companions& companions)
{
    const auto older = olderSurroundings(pipeline, companions);
    if (!older)
        return;
    for (const std::vector<TokenId>& ids : {older->before, older->after})
        if (std::ranges::find(ids, -1) != ids.end())
            throw UnsupportedError("tokenizer_config.json says " + older->flags +
                                   ", and tokenizer.json has no such token; name one of its tokens as bos_token and "
                                   "eos_token.");
    pipeline.surroundings = {{false, older->before}, {true, {}}, {false, older->after}};
    std::erase_if(pipeline.surroundings, [](const TemplateItem& item) { return !item.prompt && item.ids.empty(); });
    pipeline.notices.push_back("The tokens around a text are as " + older->flags +
                               " say, as in transformers 4; in transformers 5 they are those of tokenizer.json's "
                               "post_processor.");
}

// With add_prefix_space transformers 5 builds the steps anew, and transformers 4 everything from tokenizer.model.
void buildNewLlama(Pipeline& pipeline, const Companions& companions)
{
    if (loses(pipeline, companions))
        throw UnsupportedError("tokenizer_config.json gives add_prefix_space for LlamaTokenizer, which transformers "
                               "then builds without the added tokens that only tokenizer.json has; this is not "
                               "implemented: add them to added_tokens_decoder, or leave add_prefix_space out.");
    pipeline.normaliser.clear();
    pipeline.preTokenizer = {MetaspaceStep{spaceMark, newLlamaScheme(companions), false}};
    pipeline.decoder = {ReplaceStep{Pattern::literal(spaceMark), " "}, ByteFallbackDecoder{}, FuseDecoder{}};
    if (*companions.addPrefixSpace)
        pipeline.decoder.emplace_back(StripDecoder{" ", 1, 0});
    const bool marksAlike = !*companions.addPrefixSpace || !companions.legacy.value_or(true);
    if (!companions.hasSentencePieces)
        pipeline.notices.emplace_back("tokenizer_config.json gives add_prefix_space, with which transformers 4 needs a "
                                      "tokenizer.model; the ids here are those of transformers 5.");
    else if (!marksAlike || (!companions.hasDecoder && pipeline.added.all().size() > companions.named.size()))
        pipeline.notices.emplace_back("tokenizer_config.json gives add_prefix_space, with which transformers 4 builds "
                                      "LlamaTokenizer anew from tokenizer.model and marks spaces and finds added "
                                      "tokens otherwise; the ids here are those of transformers 5.");
}

void applyLlama(Pipeline& pipeline, const Companions& companions)
{
    const bool rebuilt = !pipeline.byteLetters && companions.tokenizerClass == "LlamaTokenizer";
    bool followsOlder = false;
    if (rebuilt && companions.addPrefixSpace) {
        buildNewLlama(pipeline, companions);
    } else if (companions.addPrefixSpace) {
        pipeline.notices.emplace_back(
            "tokenizer_config.json gives add_prefix_space, with which transformers 4 builds a "
            "LlamaTokenizer from tokenizer.model, and none without that file; here, as in "
            "transformers 5, tokenizer.json decides.");
    } else if (rebuilt && !isNewLlama(pipeline, companions)) {
        tellRebuilt(pipeline, "LlamaTokenizer", "tokenizer.json's normalizer and pre_tokenizer");
        followsOlder = true;
    } else if (rebuilt && loses(pipeline, companions)) {
        tellRebuilt(pipeline, "LlamaTokenizer", "the added tokens that only tokenizer.json has");
        followsOlder = true;
    }
    if (followsOlder)
        takeOlderSurroundings(pipeline, companions);
    else
        tellSurroundings(pipeline, companions);
}

}

void applyTokenizerClass(Pipeline& pipeline, const Companions& companions)
{
    std::string name = companions.tokenizerClass;
    if (name.empty() && companions.modelType == "gpt2")
        name = "GPT2Tokenizer";
    if (name == "GPT2Tokenizer") {
        applyGpt2(pipeline, companions);
    } else if (name == "LlamaTokenizer" || (name.empty() && companions.modelType == "llama")) {
        applyLlama(pipeline, companions);
    } else if (name.empty() || name == "PreTrainedTokenizerFast" || name == "PreTrainedTokenizer" ||
               name == "TokenizersBackend") {
        if (pipeline.loneByteLevel && std::get<ByteLevelStep>(pipeline.preTokenizer.front()).addPrefixSpace !=
                                          companions.addPrefixSpace.value_or(false))
            pipeline.notices.emplace_back(
                "transformers 4 takes add_prefix_space from tokenizer_config.json; here, as in "
                "transformers 5, it is tokenizer.json's.");
    } else {
        pipeline.notices.push_back("tokenizer_config.json names the tokenizer class " + artifact::shown(name) +
                                   ", which versions of transformers may build differently; the ids here follow "
                                   "tokenizer.json.");
    }
}

}
