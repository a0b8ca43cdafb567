#include "engine/model/batch.h"

#include <algorithm>

namespace blockcert::model {

std::int64_t Batch::longest() const
{
    std::int64_t positionsNeeded = 0;
    for (std::int64_t p = 0; p < prompts(); ++p)
        positionsNeeded = std::max(positionsNeeded, start[static_cast<std::size_t>(p)] + count(p));
    return positionsNeeded;
}

std::vector<std::int64_t> Batch::positions() const
{
    std::vector<std::int64_t> result;
    result.reserve(static_cast<std::size_t>(rows()));
    for (std::int64_t p = 0; p < prompts(); ++p)
        for (std::int64_t row = 0; row < count(p); ++row)
            result.push_back(start[static_cast<std::size_t>(p)] + row);
    return result;
}

void Batch::add(std::int64_t rowCount, std::int64_t firstPosition)
{
    offset.push_back(offset.back() + rowCount);
    start.push_back(firstPosition);
}

Batch batchOf(std::span<const std::vector<TokenId>> prompts)
{
    Batch batch;
    for (const std::vector<TokenId>& prompt : prompts)
        batch.add(static_cast<std::int64_t>(prompt.size()));
    return batch;
}

std::vector<TokenId> joined(std::span<const std::vector<TokenId>> prompts)
{
    std::vector<TokenId> ids;
    for (const std::vector<TokenId>& prompt : prompts)
        ids.insert(ids.end(), prompt.begin(), prompt.end());
    return ids;
}

}
