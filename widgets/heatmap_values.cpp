#include "widgets/heatmap_values.h"

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

// Of single tokens coverage is 0 or 1, whatever share of them is wanted.
bool isCovered(double value, const ErrorScale& scale)
{
    return scale.isCoverage() ? value >= 1 : scale.isWithin(value);
}

// Adds `count` tokens whose extreme and mean are known.
void add(Marginal& marginal, double extreme, double mean, std::int32_t count, std::int32_t covered, Striking striking)
{
    if (count == 0)
        return;
    const bool isStronger =
        marginal.measured == 0 ||
        (striking == Striking::Large ? std::abs(extreme) > std::abs(marginal.extreme) : extreme < marginal.extreme);
    if (isStronger)
        marginal.extreme = extreme;
    marginal.mean = (marginal.measured == 0 ? 0 : marginal.mean) + mean * count;
    marginal.measured += count;
    marginal.covered += covered;
}

// Of differences the large ones are wanted, whatever they are differences of.
Striking strikingOf(const ErrorScale& scale, Metric metric)
{
    return scale.isDiverging() ? Striking::Large : strikingEnd(metric);
}

void finish(Marginal& marginal)
{
    if (marginal.measured > 0)
        marginal.mean /= marginal.measured;
}

}

void HeatmapValues::build(const TokenMap& map, Metric metric, const HeatmapArrangement& shown, Aggregate aggregate,
                          const ErrorScale& scale)
{
    m_metric = metric;
    m_aggregate = aggregateOf(metric, aggregate);
    m_shown = shown;
    m_rows = static_cast<int>(shown.rows.size());
    m_columns = static_cast<int>(shown.columns.size());
    m_wholePrompts = std::any_of(shown.rows.begin(), shown.rows.end(),
                                 [](const HeatmapRow& row) { return row.token == HeatmapRow::wholePrompt; });
    const std::size_t cells = shown.rows.size() * shown.columns.size();
    m_values.assign(cells, missing);
    m_steps.assign(cells, -2);
    m_counts.assign(m_wholePrompts ? cells : 0, {});
    for (int row = 0; row < m_rows; ++row)
        if (!shown.rows[static_cast<std::size_t>(row)].isHeading())
            for (int column = 0; column < m_columns; ++column)
                read(map, scale, row, column);
    summarise(scale);
}

void HeatmapValues::read(const TokenMap& map, const ErrorScale& scale, int row, int column)
{
    const HeatmapRow& key = m_shown.rows[static_cast<std::size_t>(row)];
    const auto prompt = static_cast<std::size_t>(key.prompt);
    const MapCell* cell = map.cell(static_cast<std::size_t>(m_shown.columns[static_cast<std::size_t>(column)]), prompt);
    double value = missing;
    if (key.token >= 0) {
        if (cell != nullptr)
            value = valueOf(*cell, m_metric, static_cast<std::size_t>(key.token), map.thresholds);
    } else {
        Summary sum(strikingOf(scale, m_metric));
        Count count;
        double signedSum = 0;
        for (std::size_t token = 0; cell != nullptr && token < map.prompts[prompt].tokens.size(); ++token) {
            const double one = valueOf(*cell, m_metric, token, map.thresholds);
            if (isMissing(one))
                continue;
            if (sum.add(one))
                count.token = static_cast<std::int32_t>(token);
            count.covered += isCovered(one, scale) ? 1 : 0;
            signedSum += one;
        }
        count.measured = sum.count();
        count.extreme = sum.extreme();
        count.mean = sum.mean();
        value = sum.value(m_aggregate);
        if (scale.isDiverging() && sum.count() > 0) { // a difference keeps its sign
            count.extreme = valueOf(*cell, m_metric, static_cast<std::size_t>(count.token), map.thresholds);
            count.mean = signedSum / sum.count();
            value = m_aggregate == Aggregate::Mean ? count.mean : count.extreme;
        }
        m_counts[at(row, column)] = count;
    }
    m_values[at(row, column)] = value;
    m_steps[at(row, column)] = static_cast<std::int8_t>(scale.stepOf(value));
}

void HeatmapValues::refresh(const TokenMap& map, const ErrorScale& scale, int block, int prompt)
{
    const auto found = std::find(m_shown.columns.begin(), m_shown.columns.end(), block);
    if (found == m_shown.columns.end())
        return;
    const int column = static_cast<int>(found - m_shown.columns.begin());
    for (int row = 0; row < m_rows; ++row) {
        const HeatmapRow& key = m_shown.rows[static_cast<std::size_t>(row)];
        if (key.prompt == prompt && !key.isHeading())
            read(map, scale, row, column);
    }
    summarise(scale);
}

void HeatmapValues::rescale(const ErrorScale& scale)
{
    for (std::size_t i = 0; i < m_steps.size(); ++i)
        if (m_steps[i] != -2)
            m_steps[i] = static_cast<std::int8_t>(scale.stepOf(m_values[i]));
    summarise(scale);
}

int HeatmapValues::tokenOf(int row, int column) const
{
    const HeatmapRow& key = m_shown.rows[static_cast<std::size_t>(row)];
    return key.token == HeatmapRow::wholePrompt ? m_counts[at(row, column)].token : key.token;
}

void HeatmapValues::summarise(const ErrorScale& scale)
{
    const Striking striking = strikingOf(scale, m_metric);
    m_columnMarginals.assign(static_cast<std::size_t>(m_columns), {});
    m_rowMarginals.assign(static_cast<std::size_t>(m_rows), {});
    m_smallest = missing;
    m_largest = missing;
    for (int row = 0; row < m_rows; ++row)
        for (int column = 0; column < m_columns; ++column) {
            const std::size_t index = at(row, column);
            const double magnitude = std::abs(m_values[index]);
            if (isMissing(magnitude))
                continue;
            if (isMissing(m_smallest) || magnitude < m_smallest)
                m_smallest = magnitude;
            if (isMissing(m_largest) || magnitude > m_largest)
                m_largest = magnitude;
            const double shown = scale.isDiverging() ? m_values[index] : magnitude;
            Count one{1, isCovered(magnitude, scale) ? 1 : 0, 0, shown, shown};
            if (m_wholePrompts)
                one = m_counts[index];
            for (Marginal* marginal :
                 {&m_columnMarginals[static_cast<std::size_t>(column)], &m_rowMarginals[static_cast<std::size_t>(row)]})
                add(*marginal, one.extreme, one.mean, one.measured, one.covered, striking);
        }
    std::for_each(m_columnMarginals.begin(), m_columnMarginals.end(), finish);
    std::for_each(m_rowMarginals.begin(), m_rowMarginals.end(), finish);
}

}
