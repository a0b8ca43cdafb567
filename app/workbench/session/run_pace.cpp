#include "app/workbench/session/run_pace.h"

#include <algorithm>
#include <cmath>

namespace blockcert::workbench {

namespace {

constexpr std::size_t mostPaces = 32;
constexpr double muchSmaller = 0.25;
constexpr double muchLarger = 10;

}

void PaceBook::learn(const RunPace& pace)
{
    const bool isUsable = std::isfinite(pace.flops) && pace.flops > 0 && std::isfinite(pace.seconds) &&
                          pace.seconds > 0 && std::isfinite(pace.secondsBefore) && pace.secondsBefore >= 0;
    if (!isUsable)
        return;
    const auto known = std::ranges::find_if(
        m_paces, [&pace](const RunPace& one) { return one.model == pace.model && one.dtype == pace.dtype; });
    if (known != m_paces.end()) {
        if (pace.flops < muchSmaller * known->flops)
            return;
        m_paces.erase(known);
    }
    m_paces.insert(m_paces.begin(), pace);
    if (m_paces.size() > mostPaces)
        m_paces.resize(mostPaces);
}

std::optional<ExpectedTime> PaceBook::expected(const QString& model, const QString& dtype, double flops) const
{
    const auto known =
        std::ranges::find_if(m_paces, [&](const RunPace& one) { return one.model == model && one.dtype == dtype; });
    if (known == m_paces.end() || !std::isfinite(flops) || flops < 0)
        return std::nullopt;
    return ExpectedTime{known->secondsBefore + flops * known->seconds / known->flops,
                        flops > muchLarger * known->flops};
}

}
