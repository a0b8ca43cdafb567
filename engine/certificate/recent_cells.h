// Cells that were written a moment ago, so that a block that is finished soon need not read them back.
#pragma once

#include "engine/values/cell_record.h"
#include "engine/values/ids.h"

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

namespace blockcert::certificate {

// A few megabytes of them; what does not fit has to be read from its file.
class RecentCells {
public:
    void keep(const CellRecord& cell)
    {
        constexpr std::size_t most = std::size_t{8} << 20;
        const std::size_t bytes = cell.input.bytes.size() + cell.output.bytes.size() +
                                  cell.attentionOutput.bytes.size() + cell.mlpOutput.bytes.size();
        (void)take(cell.block, cell.prompt);
        if (m_bytes + bytes > most)
            return;
        m_cells[{cell.block, cell.prompt}] = {cell, bytes};
        m_bytes += bytes;
    }

    std::optional<CellRecord> take(LayerIndex block, PromptIndex prompt)
    {
        const auto found = m_cells.find({block, prompt});
        if (found == m_cells.end())
            return std::nullopt;
        std::optional<CellRecord> cell = std::move(found->second.cell);
        m_bytes -= found->second.bytes;
        m_cells.erase(found);
        return cell;
    }

private:
    struct Kept {
        CellRecord cell;
        std::size_t bytes = 0;
    };

    std::map<std::pair<LayerIndex, PromptIndex>, Kept> m_cells;
    std::size_t m_bytes = 0;
};

}
