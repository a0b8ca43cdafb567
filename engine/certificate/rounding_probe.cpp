#include "engine/certificate/rounding_probe.h"

#include "engine/certificate/metrics.h"
#include "engine/certificate/widen.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::certificate {

namespace {

// A value times a fraction is rounded elsewhere than the value itself, so that the twins' roundings have little in
// common; below 1, so that nothing overflows that did not before.
constexpr std::array<double, 2> grids = {1.0, 0.75};

// What the twins departed by at most on the prompts on which allowanceFor() was chosen.
struct Usual {
    double state = 0; // ÷ the token's largest norm so far
    double logit = 0;
};

Usual usualFor(DType baseline)
{
    switch (baseline) {
    case DType::BF16: return {0.043, 1.7};
    case DType::F16: return {4.3e-3, 0.12};
    default: return {7.4e-7, 3e-5};
    }
}

void roundOn(double grid, DType dtype, std::vector<double>& state)
{
    for (double& value : state)
        value *= grid;
    state = roundedTo(dtype, state);
    for (double& value : state)
        value /= grid;
}

// At least 1; what is no number is as far as can be.
double factorOf(double departure, double usual)
{
    return std::isnan(departure) ? HUGE_VAL : std::max(1.0, departure / usual);
}

}

RoundingProbe::RoundingProbe(DType baseline, std::size_t width, std::vector<std::vector<double>> states)
    : m_baseline(baseline)
    , m_width(width)
{
    for (const std::vector<double>& state : states) {
        m_largest.emplace_back(state.size() / width, 0.0);
        m_factors.emplace_back(state.size() / width, 1.0);
        for (std::size_t t = 0; t < m_largest.back().size(); ++t)
            m_largest.back()[t] = l2Norm(std::span(state).subspan(t * width, width));
    }
    m_twins[0] = std::move(states);
    m_twins[1] = m_twins[0];
}

void RoundingProbe::advance(const ir::BlockIr& block, std::span<const std::vector<double>* const> exact, int threads,
                            const RunContext& context)
{
    std::vector<std::vector<double>*> all;
    for (std::vector<std::vector<double>>& twin : m_twins)
        for (std::vector<double>& state : twin)
            all.push_back(&state);
    advanceStates(block, all, threads, context);
    for (std::size_t i = 0; i < m_twins.size(); ++i)
        for (std::vector<double>& state : m_twins[i])
            roundOn(grids[i], m_baseline, state);
    const double usual = usualFor(m_baseline).state;
    const auto row = [&](const std::vector<double>& state, std::size_t t) {
        return std::span(state).subspan(t * m_width, m_width);
    };
    for (std::size_t p = 0; p < exact.size(); ++p)
        for (std::size_t t = 0; t < m_largest[p].size(); ++t) {
            double& largest = m_largest[p][t];
            largest = std::max(largest, l2Norm(row(*exact[p], t)));
            for (const std::vector<std::vector<double>>& twin : m_twins)
                m_factors[p][t] = std::max(m_factors[p][t],
                                           factorOf(l2Distance(row(twin[p], t), row(*exact[p], t)) / largest, usual));
        }
}

std::vector<double> RoundingProbe::headFactors(const ReferenceHead& head, std::size_t prompt, std::size_t first,
                                               std::span<const double> exact, int threads,
                                               const RunContext& context) const
{
    const std::size_t vocabulary = head.vocabulary();
    std::vector<double> departures(exact.size() / vocabulary, 0.0);
    for (const std::vector<std::vector<double>>& twin : m_twins) {
        const auto see = [&](std::size_t begin, std::span<const double> logits) {
            for (std::size_t i = 0; i < logits.size(); ++i) {
                double& departure = departures[begin + i / vocabulary];
                const double moved = std::abs(logits[i] - exact[begin * vocabulary + i]);
                if (!(moved <= departure))
                    departure = moved;
            }
        };
        head.forEachLogits(std::span(twin[prompt]).subspan(first * m_width, departures.size() * m_width), see, threads,
                           context);
    }
    const double usual = usualFor(m_baseline).logit;
    for (double& departure : departures)
        departure = factorOf(departure, usual);
    return departures;
}

}
