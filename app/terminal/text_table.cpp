#include "app/terminal/text_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace blockcert::terminal {

namespace {

std::string blanks(int count)
{
    return std::string(static_cast<std::size_t>(std::max(0, count)), ' ');
}

}

TextTable::TextTable(std::vector<Column> columns)
    : m_columns(std::move(columns))
{
}

void TextTable::add(std::vector<Cell> row)
{
    row.resize(m_columns.size(), Cell(""));
    m_rows.push_back({std::move(row), ""});
}

void TextTable::addHeading(std::string text)
{
    m_rows.push_back({{}, std::move(text)});
}

std::string TextTable::render(const Style& style, int indent, int width) const
{
    std::vector<int> widths;
    bool titled = false;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        widths.push_back(displayWidth(m_columns[i].title));
        titled = titled || !m_columns[i].title.empty();
        for (const Row& row : m_rows)
            if (!row.cells.empty())
                widths[i] = std::max(widths[i], displayWidth(row.cells[i].text));
    }
    const int others =
        indent + std::accumulate(widths.begin(), widths.end() - 1, 0) + 2 * static_cast<int>(widths.size() - 1);
    if (width > 0)
        widths.back() = std::min(widths.back(), std::max(width - others, 8));
    const auto textOf = [&](const std::vector<Cell>& cells, std::size_t i) {
        return width > 0 && i + 1 == cells.size() ? shortened(cells[i].text, widths[i]) : cells[i].text;
    };
    const auto line = [&](const std::vector<Cell>& cells) {
        std::string text = blanks(indent);
        int pending = 0; // blanks that are only written when something follows
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string content = textOf(cells, i);
            const int missing = widths[i] - displayWidth(content);
            pending += i == 0 ? 0 : 2;
            if (m_columns[i].align == Align::Right)
                pending += missing;
            if (!content.empty()) {
                text += blanks(pending) + style.paint(cells[i].tone, content);
                pending = 0;
            }
            if (m_columns[i].align == Align::Left)
                pending += missing;
        }
        return text + "\n";
    };

    std::string result;
    if (titled) {
        std::vector<Cell> titles;
        for (const Column& column : m_columns)
            titles.emplace_back(column.title, Tone::Quiet);
        result += line(titles);
    }
    for (const Row& row : m_rows)
        result += row.cells.empty() ? blanks(indent) + style.paint(Tone::Strong, row.heading) + "\n" : line(row.cells);
    return result;
}

}
