#include "engine/pipeline/missing_work.h"

#include "engine/base/sha256.h"

#include <utility>

namespace blockcert::pipeline {

MissingWork missingWork(const RunManifest& manifest, const certificate::RunWriter& writer)
{
    const auto prompts = static_cast<std::int64_t>(manifest.prompts.prompts.size());
    MissingWork missing;
    for (const LayerIndex block : manifest.request.blocks) {
        if (writer.hasBlock(block)) {
            ++missing.blocksDone;
            missing.cellsDone += prompts;
            continue;
        }
        Wanted wanted{block, {}, {}};
        for (std::int64_t prompt = 0; prompt < prompts; ++prompt) {
            const PromptIndex index{static_cast<std::int32_t>(prompt)};
            if (!writer.hasCell(block, index)) {
                wanted.cells.push_back(prompt);
                wanted.losses.push_back(prompt);
            } else {
                ++missing.cellsDone;
                if (!writer.hasLosses(block, index))
                    wanted.losses.push_back(prompt);
            }
        }
        missing.blocks.push_back(std::move(wanted));
    }
    return missing;
}

std::vector<std::vector<TokenId>> idsOf(const PromptSet& set, const std::vector<std::int64_t>& prompts)
{
    std::vector<std::vector<TokenId>> ids;
    for (const std::int64_t prompt : prompts)
        ids.push_back(set.prompts[static_cast<std::size_t>(prompt)].tokenIds);
    return ids;
}

std::string digestOf(const std::vector<std::vector<TokenId>>& prompts)
{
    std::string text;
    for (const std::vector<TokenId>& prompt : prompts) {
        for (const TokenId id : prompt)
            text += std::to_string(id) + " ";
        text += "\n";
    }
    return sha256Of(text);
}

}
