// Aligned columns of painted text.
#pragma once

#include "app/terminal/text_style.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::terminal {

enum class Align : std::uint8_t { Left, Right };

// What becomes of the last column where lines would be too long.
enum class Narrow : std::uint8_t { Cut, Wrap, LeaveOut };

struct Column {
    std::string title;
    Align align = Align::Left;
    Narrow narrow = Narrow::Cut;
};

struct Cell {
    Cell(std::string content, Tone paint = Tone::Plain) // NOLINT: a plain text is a cell
        : text(std::move(content))
        , tone(paint)
    {
    }

    Cell(const char* content) // NOLINT
        : text(content)
    {
    }

    std::string text;
    Tone tone = Tone::Plain;
};

class TextTable {
public:
    explicit TextTable(std::vector<Column> columns);

    void add(std::vector<Cell> row);
    // A line of its own between rows.
    void addHeading(std::string text);

    [[nodiscard]] bool isEmpty() const { return m_rows.empty(); }

    // Titles are left out where all of them are empty. Blanks at the ends of lines are never written. Where lines
    // would be longer than `width`, the last column gives way as it says, then the other columns of text are cut;
    // columns of numbers never are. 0: lines may be as long as they like.
    [[nodiscard]] std::string render(const Style& style, int indent = 2, int width = 0) const;

    // The longest line that render() would write without a limit.
    [[nodiscard]] int naturalWidth(int indent = 2) const;

private:
    struct Row {
        std::vector<Cell> cells;
        std::string heading;
    };

    [[nodiscard]] std::vector<int> naturalWidths() const;
    // Columns that are left out are missing at the end.
    [[nodiscard]] std::vector<int> widthsWithin(int indent, int width) const;
    [[nodiscard]] std::string line(const std::vector<Cell>& cells, const std::vector<int>& widths, const Style& style,
                                   int indent) const;

    std::vector<Column> m_columns;
    std::vector<Row> m_rows;
};

}
