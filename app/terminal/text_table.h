// Aligned columns of painted text.
#pragma once

#include "app/terminal/text_style.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::terminal {

enum class Align : std::uint8_t { Left, Right };

struct Column {
    std::string title;
    Align align = Align::Left;
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
    // would be longer than `width`, the last column is cut; 0: they may be.
    [[nodiscard]] std::string render(const Style& style, int indent = 2, int width = 0) const;

private:
    struct Row {
        std::vector<Cell> cells;
        std::string heading;
    };

    std::vector<Column> m_columns;
    std::vector<Row> m_rows;
};

}
