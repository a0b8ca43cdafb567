#include "engine/artifact/shown.h"
#include "engine/base/error.h"
#include "engine/tokenizer/readers.h"

#include <algorithm>
#include <set>
#include <utility>

namespace blockcert::tokenizer {

namespace {

// The id that the `tokenizers` library gives: that of the text, else the next free one.
void addWithAnyId(Pipeline& pipeline, AddedToken token, const std::string& where)
{
    if (token.content.empty())
        return;
    if (token.content.size() > Vocabulary::longestToken)
        throw ResourceError(where + ": an added token is longer than " + std::to_string(Vocabulary::longestToken) +
                            " bytes.");
    const auto& added = pipeline.added.all();
    const auto count = static_cast<TokenId>(pipeline.vocabulary->count());
    const TokenId next = added.empty() ? count : std::max(count, added.rbegin()->first + 1);
    token.id = pipeline.find(token.content).value_or(next);
    if (token.id > Vocabulary::largestId)
        throw ResourceError(where + ": the added token " + artifact::shown(token.content) + " would have an id above " +
                            std::to_string(Vocabulary::largestId) + ".");
    addToken(pipeline, std::move(token));
}

bool isNamed(const Companions& companions, const std::string& text)
{
    return std::ranges::any_of(companions.named,
                               [&text](const NamedToken& each) { return each.token.content == text; });
}

std::string andMore(std::size_t count)
{
    return count == 1 ? "" : " (and " + std::to_string(count - 1) + " more)";
}

// Special tokens that are named, and then the others, unless they are added tokens already; those that are named become
// special in any case.
void addNewSpecialTokens(Pipeline& pipeline, const Companions& companions, const std::string& where)
{
    for (const NamedToken& each : companions.named) {
        const AddedToken* known = pipeline.added.find(each.token.content);
        AddedToken token = known == nullptr ? each.token : *known;
        token.special = true;
        if (known == nullptr || !known->special)
            addWithAnyId(pipeline, std::move(token), where);
    }
    for (const AddedToken& token : companions.extra)
        if (pipeline.added.find(token.content) == nullptr)
            addWithAnyId(pipeline, token, where);
}

}

void addTokensToJson(Pipeline& pipeline, const Companions& companions)
{
    const std::string where = "tokenizer_config.json";
    std::vector<const AddedToken*> moved;
    for (const AddedToken& stated : companions.addedTokens) {
        AddedToken token = stated;
        const AddedToken* known = pipeline.added.find(token.content);
        if (known == nullptr || !known->saysTheSameAs(token)) {
            token.special = token.special || isNamed(companions, token.content);
            addWithAnyId(pipeline, token, where);
        }
        if (const auto id = pipeline.find(stated.content); id && *id != stated.id)
            moved.push_back(&stated);
    }
    if (!moved.empty())
        pipeline.notices.push_back(
            "tokenizer_config.json gives the token " + artifact::shown(moved.front()->content) + andMore(moved.size()) +
            " the id " + std::to_string(moved.front()->id) + "; beside tokenizer.json it has " +
            std::to_string(*pipeline.find(moved.front()->content)) + ", here as in transformers.");
    addNewSpecialTokens(pipeline, companions, where);
}

void addCompanionTokens(Pipeline& pipeline, const Companions& companions, const std::string& where)
{
    std::set<TokenId> configured;
    for (AddedToken token : companions.addedTokens) {
        if (token.content.empty())
            continue;
        configured.insert(token.id);
        const auto known = pipeline.vocabulary->find(token.content);
        const std::string* other = pipeline.vocabulary->text(token.id);
        if ((known && *known != token.id) || (!known && other != nullptr))
            throw FormatError(where + ": the added token " + artifact::shown(token.content) + " has id " +
                              std::to_string(token.id) + ", which the vocabulary uses otherwise.");
        addToken(pipeline, std::move(token));
    }
    // A token that was added only as one that is never found in a text is found once it is named.
    for (const NamedToken& each : companions.named)
        if (const AddedToken* known = pipeline.added.find(each.token.content);
            known != nullptr && known->special && !configured.contains(known->id))
            addWithAnyId(pipeline, each.token, where);
    addNewSpecialTokens(pipeline, companions, where);
}

void applyCompanions(Pipeline& pipeline, const Companions& companions)
{
    const auto idOf = [&](const char* name) -> std::optional<TokenId> {
        const AddedToken* token = companions.find(name);
        return token == nullptr ? std::nullopt : pipeline.find(token->content);
    };
    if (const auto bos = idOf("bos_token"))
        pipeline.bos = bos;
    addEndOfText(pipeline, idOf("eos_token"));
    for (const std::int64_t id : companions.endOfText)
        if (id >= 0 && id <= Vocabulary::largestId)
            addEndOfText(pipeline, static_cast<TokenId>(id));
    for (const auto& [name, text] : companions.ofTheModel)
        pipeline.templateStrings[name] = text;
    for (const NamedToken& each : companions.named)
        pipeline.templateStrings[each.name] = each.token.content;
    std::vector<const NamedToken*> missing;
    for (const NamedToken& each : companions.onlyNewer)
        if (!pipeline.added.find(each.token.content))
            missing.push_back(&each);
    if (!missing.empty())
        pipeline.notices.push_back("tokenizer_config.json names the token " +
                                   artifact::shown(missing.front()->token.content) + " as " +
                                   artifact::shown(missing.front()->name) + andMore(missing.size()) +
                                   ", which transformers 5 adds to the vocabulary and transformers 4 does not; here it "
                                   "is not added.");
    if (companions.splitSpecialTokens)
        pipeline.added.leaveSpecialInText();
    pipeline.chatTemplate = companions.chatTemplate;
}

}
