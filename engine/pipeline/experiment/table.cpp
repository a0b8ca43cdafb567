#include "engine/pipeline/experiment/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace blockcert::pipeline {

namespace {

std::string csvText(const std::string& text)
{
    if (text.find_first_of(",\"\r\n") == std::string::npos)
        return text;
    std::string quoted = "\"";
    for (const char c : text)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string csvCell(const Json& value)
{
    if (value.is_null())
        return "";
    return value.is_string() ? csvText(value.get<std::string>()) : value.dump();
}

// Nothing in a cell may end it or start markup.
std::string markdownText(const std::string& words)
{
    const std::string text = withMarkedBlanks(words);
    std::string safe;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20) {
            safe += ' ';
            continue;
        }
        if (std::string_view("|\\`*_<>[]").find(c) != std::string_view::npos)
            safe += '\\';
        safe += c;
    }
    return safe;
}

}

std::string withMarkedBlanks(const std::string& text)
{
    const std::size_t first = std::min(text.find_first_not_of(' '), text.size());
    const std::size_t last = text.find_last_not_of(' ');
    std::string marked;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool atTheEnds = i < first || last == std::string::npos || i > last;
        switch (text[i]) {
        case '\n': marked += "⏎"; break;
        case '\t': marked += "⇥"; break;
        case ' ': marked += atTheEnds ? "␣" : " "; break;
        default: marked += text[i];
        }
    }
    return marked;
}

std::string toCsv(const Table& table)
{
    std::string text;
    for (std::size_t c = 0; c < table.columns.size(); ++c)
        text += (c == 0 ? "" : ",") + csvText(table.columns[c].key);
    text += "\r\n";
    for (const std::vector<Json>& row : table.rows) {
        for (std::size_t c = 0; c < row.size(); ++c)
            text += (c == 0 ? "" : ",") + csvCell(row[c]);
        text += "\r\n";
    }
    return text;
}

Json toJson(const Table& table)
{
    Json columns = Json::array();
    for (const TableColumn& column : table.columns)
        columns.push_back({{"key", column.key}, {"title", column.title}});
    Json rows = Json::array();
    for (const std::vector<Json>& row : table.rows) {
        Json object = Json::object();
        for (std::size_t c = 0; c < table.columns.size(); ++c)
            object[table.columns[c].key] = row[c];
        rows.push_back(std::move(object));
    }
    return {{"name", table.name}, {"title", table.title}, {"columns", columns}, {"rows", rows}};
}

std::string withShortExponent(std::string text)
{
    if (const auto e = text.find('e'); e != std::string::npos) {
        if (text[e + 1] == '+')
            text.erase(e + 1, 1);
        const std::size_t digits = e + (text[e + 1] == '-' ? 2 : 1);
        while (digits + 1 < text.size() && text[digits] == '0')
            text.erase(digits, 1);
    }
    return text;
}

std::string shortText(const Json& value)
{
    if (value.is_null())
        return "–";
    if (value.is_boolean())
        return value.get<bool>() ? "yes" : "no";
    if (value.is_string())
        return value.get<std::string>();
    if (!value.is_number_float())
        return value.dump();
    const double number = value.get<double>();
    const double size = std::abs(number);
    if (size == 0)
        return "0";
    if (size < 1 && size >= 0.9995) // a share that is not whole never reads as one
        return number < 0 ? "−0.999" : "0.999";
    const std::string sign = number < 0 ? "−" : ""; // as everywhere else where people read
    if (size >= 0.01 && size < 9999.5) {
        const int digits = std::max(0, 2 - static_cast<int>(std::floor(std::log10(size) + 1e-12)));
        return sign + fmt::format("{:.{}f}", size, digits);
    }
    return sign + withShortExponent(fmt::format("{:.2e}", size));
}

std::string toMarkdown(const Table& table)
{
    std::string text;
    std::string rule;
    for (const TableColumn& column : table.columns) {
        text += "| " + markdownText(column.title) + " ";
        rule += "|---";
    }
    text += "|\n" + rule + "|\n";
    for (const std::vector<Json>& row : table.rows) {
        for (const Json& value : row)
            text += "| " + markdownText(shortText(value)) + " ";
        text += "|\n";
    }
    return text;
}

}
