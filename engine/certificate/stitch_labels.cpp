#include "engine/certificate/stitch_labels.h"

#include "engine/tokenizer/tokenizer.h"

#include <algorithm>

namespace blockcert::certificate {

namespace {

using tokenizer::SpecialTokens;
using tokenizer::Tokenizer;

std::int32_t labelId(const EncodedPrompt& prompt, const Tokenizer& tokenizer)
{
    if (prompt.label.empty() || prompt.truncatedTokens > 0)
        return -1;
    if (!prompt.rendered.empty()) {
        const std::vector<TokenId> whole = tokenizer.encode(prompt.rendered + prompt.label, SpecialTokens::Add);
        const std::vector<TokenId>& ids = prompt.tokenIds;
        if (whole.size() > ids.size() && std::equal(ids.begin(), ids.end(), whole.begin()))
            return whole[ids.size()];
    }
    // A label that melts into the prompt's last token, or literal ids: the label by itself.
    const std::vector<TokenId> alone = tokenizer.encode(prompt.label, SpecialTokens::Omit);
    return alone.empty() ? -1 : alone.front();
}

}

std::vector<std::int32_t> labelIds(const PromptSet& prompts, const Tokenizer& tokenizer)
{
    std::vector<std::int32_t> labels;
    for (const EncodedPrompt& prompt : prompts.prompts)
        labels.push_back(prompts.templateSha256.empty() ? labelId(prompt, tokenizer) : -1);
    return labels;
}

}
