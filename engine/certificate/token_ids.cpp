#include "engine/certificate/token_ids.h"

#include "engine/base/sha256.h"

#include <vector>

namespace blockcert::certificate {

std::string tokenIdsDigest(std::span<const std::int64_t> offset, std::span<const TokenId> ids)
{
    Sha256 digest;
    std::vector<std::byte> bytes;
    const auto append = [&](std::uint64_t value, int size) {
        for (int i = 0; i < size; ++i)
            bytes.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFFU));
    };
    for (std::size_t p = 0; p + 1 < offset.size(); ++p) {
        bytes.clear();
        append(static_cast<std::uint64_t>(offset[p + 1] - offset[p]), 8);
        for (auto i = static_cast<std::size_t>(offset[p]); i < static_cast<std::size_t>(offset[p + 1]); ++i)
            append(static_cast<std::uint32_t>(ids[i]), 4);
        digest.add(bytes);
    }
    return digest.finish();
}

std::string tokenIdsDigest(const PromptSet& prompts)
{
    std::vector<std::int64_t> offset = {0};
    std::vector<TokenId> ids;
    for (const EncodedPrompt& prompt : prompts.prompts) {
        ids.insert(ids.end(), prompt.tokenIds.begin(), prompt.tokenIds.end());
        offset.push_back(static_cast<std::int64_t>(ids.size()));
    }
    return tokenIdsDigest(offset, ids);
}

PromptSetStatement statementOf(const PromptSet& prompts)
{
    PromptSetStatement statement;
    statement.name = prompts.name;
    statement.sha256 = prompts.sha256;
    statement.bundled = prompts.bundled;
    statement.tokenIdsSha256 = tokenIdsDigest(prompts);
    statement.templateSha256 = prompts.templateSha256;
    statement.pinnedDate = prompts.pinnedDate;
    for (const EncodedPrompt& prompt : prompts.prompts)
        statement.prompts.push_back(
            {prompt.id, prompt.rendered, static_cast<std::int64_t>(prompt.tokenIds.size()), prompt.truncatedTokens});
    return statement;
}

}
