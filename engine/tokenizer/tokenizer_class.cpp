#include "engine/artifact/shown.h"
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

// Whether the steps are those that transformers 5 gives a LlamaTokenizer.
bool isNewLlama(const Pipeline& pipeline, const Companions& companions)
{
    if (pipeline.preTokenizer.size() != 1 || !pipeline.normaliser.empty())
        return false;
    const auto* step = std::get_if<MetaspaceStep>(&pipeline.preTokenizer.front());
    const PrependScheme scheme = !companions.addPrefixSpace.value_or(true) ? PrependScheme::Never
                                 : companions.legacy.value_or(false)       ? PrependScheme::Always
                                                                           : PrependScheme::First;
    return step != nullptr && step->replacement == spaceMark && step->scheme == scheme && !step->split;
}

// transformers 4 puts BOS and EOS around a LlamaTokenizer's text by the flags, whatever the post-processor says.
void tellSurroundings(Pipeline& pipeline, const Companions& companions)
{
    std::vector<TokenId> before;
    std::vector<TokenId> after;
    bool sawPrompt = false;
    for (const TemplateItem& item : pipeline.surroundings) {
        std::vector<TokenId>& ids = sawPrompt ? after : before;
        ids.insert(ids.end(), item.ids.begin(), item.ids.end());
        sawPrompt = sawPrompt || item.prompt;
    }
    const auto idOf = [&](const char* name, const char* fallback) {
        const AddedToken* token = companions.find(name);
        return pipeline.find(token == nullptr ? fallback : token->content);
    };
    const auto expected = [](bool wanted, std::optional<TokenId> id) {
        return wanted ? std::vector<TokenId>{id.value_or(-1)} : std::vector<TokenId>{};
    };
    if (before == expected(companions.addBos.value_or(true), idOf("bos_token", "<s>")) &&
        after == expected(companions.addEos.value_or(false), idOf("eos_token", "</s>")))
        return;
    pipeline.notices.push_back(std::string(companions.tokenizerClass.empty()
                                               ? "Without a tokenizer_class transformers 4 takes a LlamaTokenizer "
                                                 "and puts tokens around a text as add_bos_token ("
                                               : "transformers 4 puts tokens around a LlamaTokenizer's text as "
                                                 "add_bos_token (") +
                               (companions.addBos.value_or(true) ? "true" : "false") + ") and add_eos_token (" +
                               (companions.addEos.value_or(false) ? "true" : "false") +
                               ") say; here, as in transformers 5, they are those of tokenizer.json's post_processor.");
}

void applyLlama(Pipeline& pipeline, const Companions& companions)
{
    if (!pipeline.byteLetters && companions.tokenizerClass == "LlamaTokenizer") {
        if (!isNewLlama(pipeline, companions))
            tellRebuilt(pipeline, "LlamaTokenizer", "tokenizer.json's normalizer and pre_tokenizer");
        else if (loses(pipeline, companions))
            tellRebuilt(pipeline, "LlamaTokenizer", "the added tokens that only tokenizer.json has");
    }
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
