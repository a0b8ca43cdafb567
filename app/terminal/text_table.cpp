#include "app/terminal/text_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace blockcert::terminal {

namespace {

constexpr int gap = 2;           // blanks between columns
constexpr int leastCut = 8;      // columns that a last column keeps,
constexpr int leastWrapped = 20; // that one keeps whose text is wrapped,
constexpr int leastText = 12;    // and that any other column of text keeps

std::string blanks(int count)
{
    return std::string(static_cast<std::size_t>(std::max(0, count)), ' ');
}

int lineWidth(const std::vector<int>& widths, int indent)
{
    return indent + std::accumulate(widths.begin(), widths.end(), 0) + gap * static_cast<int>(widths.size() - 1);
}

std::vector<std::string> linesOf(const std::string& text)
{
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
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

std::vector<int> TextTable::naturalWidths() const
{
    std::vector<int> widths;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        widths.push_back(displayWidth(m_columns[i].title));
        for (const Row& row : m_rows)
            if (!row.cells.empty())
                widths[i] = std::max(widths[i], displayWidth(row.cells[i].text));
    }
    return widths;
}

int TextTable::naturalWidth(int indent) const
{
    return lineWidth(naturalWidths(), indent);
}

std::vector<int> TextTable::widthsWithin(int indent, int width) const
{
    std::vector<int> widths = naturalWidths();
    if (width <= 0 || lineWidth(widths, indent) <= width)
        return widths;
    const Narrow narrow = m_columns.back().narrow;
    const int room = width - (lineWidth(widths, indent) - widths.back());
    if (narrow == Narrow::LeaveOut && room < std::min(widths.back(), leastText))
        widths.pop_back();
    else if (m_columns.back().align == Align::Left)
        widths.back() = std::min(widths.back(), std::max(room, narrow == Narrow::Wrap ? leastWrapped : leastCut));
    while (lineWidth(widths, indent) > width) {
        std::size_t widest = widths.size();
        for (std::size_t i = 0; i < widths.size(); ++i)
            if (m_columns[i].align == Align::Left && widths[i] > leastText &&
                (widest == widths.size() || widths[i] > widths[widest]))
                widest = i;
        if (widest == widths.size())
            break;
        --widths[widest];
    }
    return widths;
}

std::string TextTable::line(const std::vector<Cell>& cells, const std::vector<int>& widths, const Style& style,
                            int indent) const
{
    std::string text = blanks(indent);
    std::vector<std::string> continued; // of a wrapped last column
    int pending = 0;                    // blanks that are only written when something follows
    for (std::size_t i = 0; i < widths.size(); ++i) {
        const bool wrapped = i + 1 == m_columns.size() && m_columns[i].narrow == Narrow::Wrap;
        std::string content = cells[i].text;
        if (wrapped) {
            continued = linesOf(wrap(content, widths[i], 0));
            content = continued.front();
        } else if (displayWidth(content) > widths[i]) {
            content = shortened(content, widths[i]);
        }
        const int missing = widths[i] - displayWidth(content);
        pending += i == 0 ? 0 : gap;
        if (m_columns[i].align == Align::Right)
            pending += missing;
        if (!content.empty()) {
            text += blanks(pending) + style.paint(cells[i].tone, content);
            pending = 0;
        }
        if (m_columns[i].align == Align::Left)
            pending += missing;
    }
    for (std::size_t i = 1; i < continued.size(); ++i)
        text += "\n" + blanks(lineWidth(widths, indent) - widths.back()) + style.paint(cells.back().tone, continued[i]);
    return text + "\n";
}

std::string TextTable::render(const Style& style, int indent, int width) const
{
    const std::vector<int> widths = widthsWithin(indent, width);
    std::string result;
    if (std::ranges::any_of(m_columns, [](const Column& column) { return !column.title.empty(); })) {
        std::vector<Cell> titles;
        for (const Column& column : m_columns)
            titles.emplace_back(column.title, Tone::Quiet);
        result += line(titles, widths, style, indent);
    }
    for (const Row& row : m_rows)
        result += row.cells.empty() ? blanks(indent) + style.paint(Tone::Strong, row.heading) + "\n"
                                    : line(row.cells, widths, style, indent);
    return result;
}

}
