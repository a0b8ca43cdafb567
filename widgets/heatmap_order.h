// Which rows and columns a map shows and in what order: a pure function of the map and a few choices.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/heatmap_geometry.h"
#include "widgets/values.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace blockcert::widgets {

enum class RowUnit : std::uint8_t { Tokens, Prompts };
enum class RowOrder : std::uint8_t { Position, Value, Tag };
enum class ColumnOrder : std::uint8_t { Block, Value };
// How several tokens become one number: a mean hides the one failure, so the extreme is the default.
enum class Aggregate : std::uint8_t { Extreme, Mean };

struct HeatmapLayout {
    RowUnit unit = RowUnit::Tokens;
    std::optional<int> prompt; // one prompt, or all of them one after the other; prompts as rows are always all
    RowOrder rowOrder = RowOrder::Position;
    ColumnOrder columnOrder = ColumnOrder::Block;
    Aggregate aggregate = Aggregate::Extreme;

    friend bool operator==(const HeatmapLayout&, const HeatmapLayout&) = default;
};

struct HeatmapArrangement {
    std::vector<HeatmapRow> rows;
    std::vector<int> columns; // [shown column], positions in TokenMap::blocks

    friend bool operator==(const HeatmapArrangement&, const HeatmapArrangement&) = default;
};

// A position is a row of its own, whatever its token: equal tokens never merge. By value the most striking comes
// first and what was not measured last; equals keep their order. Sorting by tag groups prompts under a heading
// for each first tag, in the order of the tags' first prompts. Coverage sorts by its mean.
[[nodiscard]] HeatmapArrangement arrange(const TokenMap& map, Metric metric, const HeatmapLayout& layout);
// The tag by which a prompt is grouped; empty if it has none.
[[nodiscard]] QString groupOf(const MapPrompt& prompt);

// Running summary of magnitudes: the one definition of extreme and mean of rows, columns and prompts.
class Summary {
public:
    explicit Summary(Striking striking)
        : m_striking(striking)
    {
    }

    // Returns whether the value is the new extreme.
    bool add(double value);

    [[nodiscard]] int count() const { return m_count; }

    [[nodiscard]] double extreme() const { return m_extreme; }

    [[nodiscard]] double mean() const { return m_count == 0 ? missing : m_sum / m_count; }

    [[nodiscard]] double value(Aggregate aggregate) const { return aggregate == Aggregate::Mean ? mean() : extreme(); }

private:
    Striking m_striking;
    int m_count = 0;
    double m_extreme = missing;
    double m_sum = 0;
};

// Coverage is a share, so it is always the mean; every other metric follows the choice.
[[nodiscard]] Aggregate aggregateOf(Metric metric, Aggregate wanted);

}
