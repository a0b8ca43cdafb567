// The numbers behind a painted map: one metric of the shown rows, dense, with colour steps and marginals.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/heatmap_geometry.h"
#include "widgets/values.h"

#include <cstdint>
#include <vector>

namespace blockcert::widgets {

// Summary of one row or column over what was measured. Magnitudes.
struct Marginal {
    double extreme = missing; // the largest; of margins, which have no threshold, the smallest
    double mean = missing;
    std::int32_t measured = 0;
    std::int32_t covered = 0; // ≤ τ; equals measured without threshold
};

// Headings are rows without values. Not thread-safe; one owner.
class HeatmapValues {
public:
    void build(const TokenMap& map, Metric metric, const std::vector<HeatmapRow>& rows, const ErrorScale& scale);
    // Reads one column again for the rows of one prompt.
    void refresh(const TokenMap& map, Metric metric, const std::vector<HeatmapRow>& rows, const ErrorScale& scale,
                 int column, int prompt);
    void rescale(const ErrorScale& scale);

    [[nodiscard]] int rows() const { return m_rows; }

    [[nodiscard]] int columns() const { return m_columns; }

    [[nodiscard]] double value(int row, int column) const { return m_values[at(row, column)]; }

    // Step of the scale, -1: missing, -2: heading.
    [[nodiscard]] int step(int row, int column) const { return m_steps[at(row, column)]; }

    [[nodiscard]] const std::int8_t* stepRow(int row) const { return m_steps.data() + at(row, 0); }

    [[nodiscard]] const Marginal& columnMarginal(int column) const
    {
        return m_columnMarginals[static_cast<std::size_t>(column)];
    }

    [[nodiscard]] const Marginal& rowMarginal(int row) const { return m_rowMarginals[static_cast<std::size_t>(row)]; }

private:
    [[nodiscard]] std::size_t at(int row, int column) const
    {
        return static_cast<std::size_t>(row) * static_cast<std::size_t>(m_columns) + static_cast<std::size_t>(column);
    }

    void read(const TokenMap& map, Metric metric, const std::vector<HeatmapRow>& rows, int firstRow, int lastRow,
              int column);
    void summarise(const ErrorScale& scale);

    int m_rows = 0;
    int m_columns = 0;
    std::vector<double> m_values;     // [row, column]
    std::vector<std::int8_t> m_steps; // [row, column]
    std::vector<Marginal> m_columnMarginals;
    std::vector<Marginal> m_rowMarginals;
};

}
