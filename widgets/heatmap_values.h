// The numbers behind a painted map: one metric of the shown rows, dense, with colour steps and marginals.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/heatmap_order.h"
#include "widgets/values.h"

#include <cstdint>
#include <vector>

namespace blockcert::widgets {

// Summary of one row or column over the tokens that were measured. Magnitudes.
struct Marginal {
    double extreme = missing; // the most striking: the largest, of margins the smallest
    double mean = missing;    // of coverage the share that is covered
    std::int32_t measured = 0;
    std::int32_t covered = 0; // within τ; equals measured without threshold
};

// Headings are rows without values. Where a row is a whole prompt, its cells are summaries of the prompt's tokens.
// Not thread-safe; one owner.
class HeatmapValues {
public:
    void build(const TokenMap& map, Metric metric, const HeatmapArrangement& shown, Aggregate aggregate,
               const ErrorScale& scale);
    // Reads the cell of one block (a position in TokenMap::blocks) and prompt again.
    void refresh(const TokenMap& map, const ErrorScale& scale, int block, int prompt);
    void rescale(const ErrorScale& scale);

    [[nodiscard]] int rows() const { return m_rows; }

    [[nodiscard]] int columns() const { return m_columns; }

    [[nodiscard]] double value(int row, int column) const { return m_values[at(row, column)]; }

    // Step of the scale, -1: missing, -2: heading.
    [[nodiscard]] int step(int row, int column) const { return m_steps[at(row, column)]; }

    [[nodiscard]] const std::int8_t* stepRow(int row) const { return m_steps.data() + at(row, 0); }

    // The token a cell stands for: its own, or the most striking one of a whole prompt (0 if none was measured).
    [[nodiscard]] int tokenOf(int row, int column) const;

    [[nodiscard]] const Marginal& columnMarginal(int column) const
    {
        return m_columnMarginals[static_cast<std::size_t>(column)];
    }

    [[nodiscard]] const Marginal& rowMarginal(int row) const { return m_rowMarginals[static_cast<std::size_t>(row)]; }

    // Smallest and largest magnitude that is shown; missing if there is none.
    [[nodiscard]] double smallest() const { return m_smallest; }

    [[nodiscard]] double largest() const { return m_largest; }

private:
    [[nodiscard]] std::size_t at(int row, int column) const
    {
        return static_cast<std::size_t>(row) * static_cast<std::size_t>(m_columns) + static_cast<std::size_t>(column);
    }

    void read(const TokenMap& map, const ErrorScale& scale, int row, int column);
    void summarise(const ErrorScale& scale);

    // Counts of one cell; more than one token where a row is a prompt.
    struct Count {
        std::int32_t measured = 0;
        std::int32_t covered = 0;
        std::int32_t token = 0;
        double mean = missing;
        double extreme = missing;
    };

    Metric m_metric = Metric::Error;
    Aggregate m_aggregate = Aggregate::Extreme;
    HeatmapArrangement m_shown;
    int m_rows = 0;
    int m_columns = 0;
    bool m_wholePrompts = false;
    std::vector<double> m_values;     // [row, column]
    std::vector<std::int8_t> m_steps; // [row, column]
    std::vector<Count> m_counts;      // [row, column], of whole prompts only
    std::vector<Marginal> m_columnMarginals;
    std::vector<Marginal> m_rowMarginals;
    double m_smallest = missing;
    double m_largest = missing;
};

}
