#include "engine/base/csv_writer.h"

#include <array>
#include <charconv>
#include <cmath>

namespace blockcert {

namespace {

bool looksLikeFormula(std::string_view text)
{
    return !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
}

template <class Number>
std::string decimal(Number value)
{
    std::array<char, 40> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

}

CsvWriter::CsvWriter(const std::vector<std::string>& titles)
{
    for (const std::string& title : titles)
        field(title);
    endRow();
}

CsvWriter& CsvWriter::text(std::string_view value)
{
    std::string bytes(looksLikeFormula(value) ? "'" : "");
    bytes += value;
    if (bytes.find_first_of(",\"\r\n") == std::string::npos) {
        field(bytes);
        return *this;
    }
    std::string quoted = "\"";
    for (const char c : bytes)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    field(quoted + "\"");
    return *this;
}

CsvWriter& CsvWriter::number(std::optional<double> value)
{
    field(value && std::isfinite(*value) ? decimal(*value) : std::string());
    return *this;
}

CsvWriter& CsvWriter::integer(std::int64_t value)
{
    field(decimal(value));
    return *this;
}

CsvWriter& CsvWriter::boolean(bool value)
{
    field(value ? "true" : "false");
    return *this;
}

CsvWriter& CsvWriter::nothing()
{
    field("");
    return *this;
}

void CsvWriter::endRow()
{
    m_content += "\r\n";
    m_first = true;
}

void CsvWriter::field(std::string_view bytes)
{
    if (!m_first)
        m_content += ',';
    m_first = false;
    m_content += bytes;
}

}
