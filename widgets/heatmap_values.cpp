#include "widgets/heatmap_values.h"

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

void add(Marginal& marginal, double magnitude, double threshold)
{
    if (isMissing(magnitude))
        return;
    const double extreme =
        isMissing(threshold) ? std::min(marginal.extreme, magnitude) : std::max(marginal.extreme, magnitude);
    marginal.extreme = marginal.measured == 0 ? magnitude : extreme;
    marginal.mean = marginal.measured == 0 ? magnitude : marginal.mean + magnitude;
    ++marginal.measured;
    if (isMissing(threshold) || magnitude <= threshold)
        ++marginal.covered;
}

void finish(Marginal& marginal)
{
    if (marginal.measured > 0)
        marginal.mean /= marginal.measured;
}

}

void HeatmapValues::build(const TokenMap& map, Metric metric, const std::vector<HeatmapRow>& rows,
                          const ErrorScale& scale)
{
    m_rows = static_cast<int>(rows.size());
    m_columns = static_cast<int>(map.blocks.size());
    m_values.assign(rows.size() * map.blocks.size(), missing);
    for (int column = 0; column < m_columns; ++column)
        read(map, metric, rows, 0, m_rows, column);
    m_steps.resize(m_values.size());
    for (int row = 0; row < m_rows; ++row)
        if (rows[static_cast<std::size_t>(row)].token < 0)
            std::fill_n(m_steps.begin() + static_cast<std::ptrdiff_t>(at(row, 0)), m_columns, std::int8_t{-2});
        else
            for (int column = 0; column < m_columns; ++column)
                m_steps[at(row, column)] = static_cast<std::int8_t>(scale.stepOf(m_values[at(row, column)]));
    summarise(scale);
}

void HeatmapValues::read(const TokenMap& map, Metric metric, const std::vector<HeatmapRow>& rows, int firstRow,
                         int lastRow, int column)
{
    for (int row = firstRow; row < lastRow; ++row) {
        const HeatmapRow& key = rows[static_cast<std::size_t>(row)];
        const MapCell* cell = map.cell(static_cast<std::size_t>(column), static_cast<std::size_t>(key.prompt));
        m_values[at(row, column)] =
            cell != nullptr && key.token >= 0 ? valueOf(*cell, metric, static_cast<std::size_t>(key.token)) : missing;
    }
}

void HeatmapValues::refresh(const TokenMap& map, Metric metric, const std::vector<HeatmapRow>& rows,
                            const ErrorScale& scale, int column, int prompt)
{
    const auto first =
        std::lower_bound(rows.begin(), rows.end(), prompt, [](const HeatmapRow& row, int p) { return row.prompt < p; });
    const auto last =
        std::upper_bound(first, rows.end(), prompt, [](int p, const HeatmapRow& row) { return p < row.prompt; });
    const int firstRow = static_cast<int>(first - rows.begin());
    const int lastRow = static_cast<int>(last - rows.begin());
    read(map, metric, rows, firstRow, lastRow, column);
    for (int row = firstRow; row < lastRow; ++row)
        if (rows[static_cast<std::size_t>(row)].token >= 0)
            m_steps[at(row, column)] = static_cast<std::int8_t>(scale.stepOf(m_values[at(row, column)]));
    summarise(scale);
}

void HeatmapValues::rescale(const ErrorScale& scale)
{
    for (std::size_t i = 0; i < m_steps.size(); ++i)
        if (m_steps[i] != -2)
            m_steps[i] = static_cast<std::int8_t>(scale.stepOf(m_values[i]));
    summarise(scale);
}

void HeatmapValues::summarise(const ErrorScale& scale)
{
    m_columnMarginals.assign(static_cast<std::size_t>(m_columns), {});
    m_rowMarginals.assign(static_cast<std::size_t>(m_rows), {});
    for (int row = 0; row < m_rows; ++row)
        for (int column = 0; column < m_columns; ++column) {
            const double magnitude = std::abs(m_values[at(row, column)]);
            add(m_columnMarginals[static_cast<std::size_t>(column)], magnitude, scale.threshold());
            add(m_rowMarginals[static_cast<std::size_t>(row)], magnitude, scale.threshold());
        }
    std::for_each(m_columnMarginals.begin(), m_columnMarginals.end(), finish);
    std::for_each(m_rowMarginals.begin(), m_rowMarginals.end(), finish);
}

}
