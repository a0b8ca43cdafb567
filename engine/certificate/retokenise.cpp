#include "engine/certificate/retokenise.h"

#include "engine/base/error.h"
#include "engine/prompts/prompts.h"
#include "engine/tokenizer/tokenizer.h"

#include <algorithm>

namespace blockcert::certificate {

namespace {

using tokenizer::SpecialTokens;
using tokenizer::Tokenizer;

// The ids are the text's, with the stated number of tokens cut off at the end.
bool isEncodingOf(const EncodedPrompt& prompt, const Tokenizer& tokenizer, SpecialTokens special)
{
    const std::vector<TokenId> ids = tokenizer.encode(prompt.rendered, special);
    return ids.size() == prompt.tokenIds.size() + static_cast<std::size_t>(prompt.truncatedTokens) &&
           std::equal(prompt.tokenIds.begin(), prompt.tokenIds.end(), ids.begin());
}

// A bundled prompt of messages must have been rendered by the model's own template.
bool isRenderingOf(const EncodedPrompt& prompt, const PromptFile& set, const PromptSet& prompts,
                   const Tokenizer& tokenizer)
{
    for (const PromptSource& source : set.prompts) {
        if (source.id != prompt.id || source.messages.empty())
            continue;
        try {
            const tokenizer::RenderedChat chat = tokenizer.renderChat(source.messages, true, prompts.pinnedDate);
            return chat.text == prompt.rendered && chat.templateSha256 == prompts.templateSha256 &&
                   chat.usedDate == !prompts.pinnedDate.empty();
        } catch (const FormatError&) { // the run states a date that is none
            return false;
        }
    }
    return true;
}

bool hasOwnPieces(const EncodedPrompt& prompt, const Tokenizer& tokenizer)
{
    for (std::size_t i = 0; i < prompt.pieces.size(); ++i)
        if (prompt.pieces[i] != tokenizer.piece(prompt.tokenIds[i]))
            return false;
    return true;
}

void checkTokens(Row row, const PromptSet& set, const artifact::Checkpoint& model, CheckList& checks)
{
    const auto& all = set.prompts;
    const auto literal =
        std::count_if(all.begin(), all.end(), [](const EncodedPrompt& prompt) { return prompt.rendered.empty(); });
    const bool anyPieces =
        std::any_of(all.begin(), all.end(), [](const EncodedPrompt& prompt) { return !prompt.pieces.empty(); });
    const auto count = static_cast<std::int64_t>(all.size());
    if (literal == count && !anyPieces) {
        checks.add(
            row.how("literal ids").note("nothing to tokenise: every prompt was given as token ids").passedIf(true, ""));
        return;
    }
    std::string wrong;
    std::string falsePieces;
    bool ownTemplate = true;
    try {
        const Tokenizer tokenizer = Tokenizer::of(model);
        const PromptFile bundled = set.bundled ? prompts::readPrompts(set.name) : PromptFile();
        if (set.bundled && bundled.sha256 != set.sha256) {
            checks.add(row.passedIf(false, "The set \"" + set.name + "\" is not the one that comes with the program."));
            return;
        }
        ownTemplate = set.templateSha256.empty() || set.templateSha256 == tokenizer.chatTemplateSha256();
        for (const EncodedPrompt& prompt : all) {
            if (!hasOwnPieces(prompt, tokenizer) && falsePieces.empty())
                falsePieces = prompt.id;
            if (prompt.rendered.empty())
                continue;
            // A raw text takes the tokenizer's own special tokens; a chat template has written them itself.
            const bool raw = isEncodingOf(prompt, tokenizer, SpecialTokens::Add);
            const bool right = (raw || isEncodingOf(prompt, tokenizer, SpecialTokens::Omit)) &&
                               isRenderingOf(prompt, bundled, set, tokenizer);
            if (!right && wrong.empty())
                wrong = prompt.id;
        }
    } catch (const UnsupportedError& error) {
        checks.add(row.notChecked(error.what()));
        return;
    } catch (const FileError& error) {
        checks.add(row.notChecked(error.what()));
        return;
    }
    row.how("encoded, " + counted(count - literal, "prompt"));
    if (literal > 0)
        row.note(counted(literal, "prompt") + " of literal ids: nothing to tokenise");
    if (wrong.empty() && !ownTemplate) {
        checks.add(row.passedIf(false, "The chat template that the run names is not the model's."));
        return;
    }
    if (wrong.empty() && !falsePieces.empty()) {
        checks.add(row.passedIf(false, "The token texts of prompt \"" + falsePieces + "\" are not those of its ids."));
        return;
    }
    checks.add(row.passedIf(wrong.empty(), "The ids of prompt \"" + wrong +
                                               "\" are not what the model's tokenizer gives for its text."));
}

}

void checkRetokenised(const RunManifest& manifest, const artifact::Checkpoint& model, CheckList& checks)
{
    checkTokens(Row("model.tokens", group::provenance, "", "Prompts tokenised again"), manifest.prompts, model, checks);
    const std::int64_t context = model.config().context;
    const std::int64_t asked = manifest.request.maxTokens;
    const std::int64_t most = context > 0 ? std::min(asked, context) : asked;
    const auto& prompts = manifest.prompts.prompts;
    const auto wrong = std::ranges::find_if(prompts, [most](const EncodedPrompt& prompt) {
        const auto tokens = static_cast<std::int64_t>(prompt.tokenIds.size());
        return tokens > most || (prompt.truncatedTokens > 0 && tokens != most);
    });
    Row lengths("model.lengths", group::provenance, "", "Prompts are cut where the run says");
    lengths.how("at " + counted(most, "token") + (most < asked ? ", the model's context" : ", the run's limit"));
    checks.add(wrong == prompts.end()
                   ? lengths.passedIf(true, "")
                   : lengths.failed("The prompt \"" + wrong->id + "\" has " +
                                    counted(static_cast<std::int64_t>(wrong->tokenIds.size()), "token") +
                                    (wrong->truncatedTokens > 0 ? " after it was cut" : "") + ", the limit is " +
                                    std::to_string(most) + "."));
}

void checkHeldOutTokens(const PromptSetStatement& heldout, const std::vector<std::vector<TokenId>>& ids,
                        const std::string& where, const artifact::Checkpoint& model, CheckList& checks)
{
    PromptSet set;
    set.name = heldout.name;
    set.sha256 = heldout.sha256;
    set.bundled = heldout.bundled;
    set.templateSha256 = heldout.templateSha256;
    set.pinnedDate = heldout.pinnedDate;
    for (std::size_t q = 0; q < heldout.prompts.size(); ++q) {
        EncodedPrompt& prompt = set.prompts.emplace_back();
        prompt.id = heldout.prompts[q].id;
        prompt.rendered = heldout.prompts[q].rendered;
        prompt.truncatedTokens = heldout.prompts[q].truncatedTokens;
        prompt.tokenIds = ids[q];
    }
    checkTokens(Row("edit.heldout_tokens", group::provenance, where, "Held-out prompts tokenised again"), set, model,
                checks);
}

}
