#include "engine/pipeline/weight_digests.h"

namespace blockcert::pipeline {

std::optional<std::string> WeightDigests::find(const WeightReference& reference) const
{
    if (reference.fileSha256.empty())
        return std::nullopt;
    const std::lock_guard<std::mutex> lock(m_mutex);
    const auto found = m_digests.find(reference);
    return found == m_digests.end() ? std::nullopt : std::optional(found->second);
}

void WeightDigests::add(const WeightReference& reference, const std::string& sha256)
{
    if (reference.fileSha256.empty())
        return;
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_digests[reference] = sha256;
}

}
