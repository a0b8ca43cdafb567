#include "engine/certificate/rounding_probe.h"

#include "engine/certificate/metrics.h"
#include "engine/certificate/model_comparison.h"
#include "engine/certificate/widen.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::certificate {

namespace {

// A value times a fraction is rounded elsewhere than the value itself, so that the twins' roundings have little in
// common; below 1, so that nothing overflows that did not before.
constexpr std::array<double, 2> grids = {1.0, 0.75};

// What is allowed of a recorded number where rounding is carried further than usual, in units of what the twins depart
// by there. A baseline rounds inside its blocks too, which they do not. Where they departed most (a tenth of the tokens
// of `stress`, `semantic` and 200 prompts of two to five words), numbers of the demo model departed by at most: states
// F32 20.5, F16 9.1, BF16 3.9 times as much; logits 6.9, 8.3, 2.2 times. Chosen five times or more above that.
struct Multiple {
    double state = 0;
    double logit = 0;
};

Multiple multipleFor(DType baseline)
{
    switch (baseline) {
    case DType::BF16: return {20, 17};
    case DType::F16: return {46, 42};
    default: return {130, 65};
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

// Of the usual allowance, at least 1; what is no number is as far as can be.
double factorOf(double departure, double multiple, double allowance)
{
    return std::isnan(departure) ? HUGE_VAL : std::max(1.0, departure * multiple / allowance);
}

}

RoundingProbe::RoundingProbe(DType baseline, std::size_t width, std::vector<std::vector<double>> states)
    : m_baseline(baseline)
    , m_width(width)
{
    for (const std::vector<double>& state : states)
        m_factors.emplace_back(state.size() / width, 1.0);
    raiseNorms(states, width, m_largest);
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
    const double multiple = multipleFor(m_baseline).state;
    const double allowance = allowanceFor(m_baseline).state;
    const auto row = [&](const std::vector<double>& state, std::size_t t) {
        return std::span(state).subspan(t * m_width, m_width);
    };
    for (std::size_t p = 0; p < exact.size(); ++p)
        for (std::size_t t = 0; t < m_largest[p].size(); ++t) {
            double& largest = m_largest[p][t];
            largest = std::max(largest, l2Norm(row(*exact[p], t)));
            for (const std::vector<std::vector<double>>& twin : m_twins)
                m_factors[p][t] =
                    std::max(m_factors[p][t],
                             factorOf(l2Distance(row(twin[p], t), row(*exact[p], t)) / largest, multiple, allowance));
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
    const double multiple = multipleFor(m_baseline).logit;
    const double allowance = allowanceFor(m_baseline).logit;
    for (double& departure : departures)
        departure = factorOf(departure, multiple, allowance);
    return departures;
}

std::vector<double> headFactors(const std::optional<RoundingProbe>& probe, const ReferenceHead& head,
                                std::size_t prompt, std::size_t first, std::span<const double> exact, int threads,
                                const RunContext& context)
{
    return probe ? probe->headFactors(head, prompt, first, exact, threads, context)
                 : std::vector<double>(exact.size() / head.vocabulary(), 1.0);
}

}
