#include "engine/tokenizer/json_fields.h"
#include "engine/tokenizer/readers.h"

#include <algorithm>
#include <utility>

namespace blockcert::tokenizer {

namespace {

constexpr JsonLimits limits{.bytes = 256U << 20U, .depth = 4, .stringBytes = Vocabulary::longestToken};

void readMergesText(std::string_view text, BpeModel& model, const std::string& where)
{
    std::size_t number = 0;
    bool blank = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.starts_with("#version"))
            continue;
        if (line.empty()) { // allowed at the end only
            blank = true;
            continue;
        }
        const std::size_t space = line.find(' ');
        if (blank || space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
            throw FormatError(where + ", line " + std::to_string(number) +
                              ": expected two token texts with one space between them.");
        model.addMerge(line.substr(0, space), line.substr(space + 1), where);
    }
}

}

Pipeline readVocabularyAndMerges(std::string_view vocabulary, std::string_view merges, const Companions& companions,
                                 const std::string& source)
{
    const std::string& kind = companions.tokenizerClass;
    if (!kind.empty() && kind != "GPT2Tokenizer")
        throw UnsupportedError(source + ": vocab.json and merges.txt of a \"" + kind +
                               "\" are not implemented, only GPT-2's; provide tokenizer.json.");
    const std::string where = source + "/vocab.json";
    const Json json = parseStrictJson(vocabulary, where, limits);
    if (!json.is_object())
        throw FormatError(where + ": the top level must be an object of token texts and ids.");
    Pipeline pipeline;
    for (const auto& [text, id] : json.items())
        pipeline.vocabulary->add(text, requireInteger(id, text, where), where);
    BpeModel model(*pipeline.vocabulary, {});
    readMergesText(merges, model, source + "/merges.txt");
    pipeline.model.emplace(std::move(model));
    pipeline.preTokenizer = {ByteLevelStep{companions.addPrefixSpace.value_or(false), true}};
    pipeline.decoder = {ByteLevelDecoder{}};
    pipeline.byteLetters = true;
    pipeline.kind = "byte-level BPE (vocab.json, merges.txt)";

    Companions named = companions; // GPT-2 has one special token, which its files need not name
    for (const char* name : {"bos_token", "eos_token", "unk_token"})
        if (pipeline.vocabulary->find("<|endoftext|>"))
            named.suggest(name, "<|endoftext|>");
    addCompanionTokens(pipeline, named, source);
    applyCompanions(pipeline, named);
    if (companions.addBos.value_or(false) && pipeline.bos)
        pipeline.surroundings.insert(pipeline.surroundings.begin(), TemplateItem{false, {*pipeline.bos}});
    if (companions.addEos.value_or(false) && !pipeline.endOfText.empty()) {
        pipeline.surroundings.push_back({false, {pipeline.endOfText.front()}});
        pipeline.notices.emplace_back("tokenizer_config.json's add_eos_token = true is followed here, as in "
                                      "transformers 5; transformers 4 does not follow it for GPT2Tokenizer.");
    }
    return pipeline;
}

}
